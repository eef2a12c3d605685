"""Lists of relations and authorizations of an organization; adding and removing what a contact holds."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, Field

from chassis.fields import Body, Reference
from chassis.gateway import Call, router
from contracts.events import Level
from contracts.problems import word
from services.authorizations.access.domain import Entitlement
from services.authorizations.granting import AttestedBody, GrantingBody, Grants, OrganizationView, grants, last_day
from services.authorizations.organizations import storage as organizations
from services.authorizations.paging import Active, At, Cursor, Limit, PageView, asked_at, page, paged, today
from services.authorizations.periods import Period
from services.authorizations.profile import AuthorizationsCall, Profile, Viewing, as_profile
from services.authorizations.relations import storage
from services.authorizations.relations.domain import ALL
from services.authorizations.relations.handlers import AddRelation, Remove, Removed, add_relation, remove
from services.authorizations.relations.storage import AuthorizationFilter
from services.authorizations.tools import Tools

routes = router()


class RelationView(BaseModel):
    """A row of the list "Relations de l'organisation"."""

    relation_id: UUID
    organization: OrganizationView
    type: str
    type_name: str = Field(examples=["a comme firme comptable ou serv. de paie"])
    related_organization: OrganizationView
    starts_on: date
    ends_on: date
    active: bool


class ContactNameView(BaseModel):
    """A contact as the list of authorizations names it."""

    contact_id: UUID
    family_name: str
    given_name: str


class AuthorizationView(BaseModel):
    """A row of the list "Autorisations". The organization's own authorizations have no contact and no function."""

    right_id: UUID
    relation_id: UUID
    subject: str
    subject_name: str
    level: Level
    level_name: str
    organization: OrganizationView
    holder_organization: OrganizationView
    contact: ContactNameView | None
    function: str | None
    starts_on: date
    ends_on: date
    active: bool


class RelationBody(GrantingBody):
    """The same form for a contact that exists: for "Mon organisation", or "Une autre organisation" with `through`."""

    organization_id: UUID
    through: UUID | None = None
    type: Reference | None = None
    subjects: Literal["all"] | Grants


class RelationAddedView(BaseModel):
    """The relation that was added."""

    relation_id: UUID


class SubjectOfRelationBody(Body):
    """One subject of one relation."""

    relation_id: UUID
    subject: Reference


class RemovalBody(AttestedBody):
    """The form "Retirer une relation ou des sujets autorisés à un contact"."""

    scope: Literal["all", "relations", "subjects"]
    relations: Annotated[list[UUID], Field(max_length=1000)] = Field(default_factory=list[UUID])
    subjects: Annotated[list[SubjectOfRelationBody], Field(max_length=1000)] = Field(
        default_factory=list[SubjectOfRelationBody]
    )
    preview: bool = False


class LostView(BaseModel):
    """Something the contact may no longer do."""

    organization: OrganizationView
    subject: str
    subject_name: str
    level: Level


class RemovalView(BaseModel):
    """What was, or with preview would be, withdrawn, and what the contact loses by it."""

    preview: bool
    relations: list[UUID]
    rights: list[UUID]
    lost: list[LostView]


@routes.get("/v1/organizations/{organization_id}/relations", summary="The relations of an organization")
async def list_relations(
    organization_id: UUID,
    viewer: Viewing,
    call: AuthorizationsCall,
    active: Active = None,
    at: At = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageView[RelationView]:
    """The guide's list: organization, type of relation, related organization, active."""
    own_rows = viewer.own_rows(organization_id)
    moment = call.tools.moment(asked_at(call, at))
    listing = storage.representations(moment.at, moment.day, organization_id, active, own_rows)
    found = await page(call, listing, cursor, limit)
    return PageView[RelationView](**paged(found, [_relation(call, row) for row in found.rows], call.language))


@routes.get("/v1/organizations/{organization_id}/authorizations", summary="The authorizations of an organization")
async def list_authorizations(
    organization_id: UUID,
    viewer: Viewing,
    call: AuthorizationsCall,
    contact: Annotated[UUID | None, Query(description="Only what this contact holds.")] = None,
    subject: Annotated[str | None, Query(max_length=64, pattern="^[a-z0-9_]+$")] = None,
    organization: Annotated[UUID | None, Query(description="Only for this organization acted for.")] = None,
    active: Active = None,
    at: At = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageView[AuthorizationView]:
    """The guide's list: subject, right, organization, organization, contact, function, active; the firm's own first."""
    own_rows = viewer.own_rows(organization_id)
    narrow = AuthorizationFilter(own_rows, contact, subject, organization, active)
    listing = storage.authorizations(call.tools.moment(asked_at(call, at)), organization_id, narrow)
    found = await page(call, listing, cursor, limit)
    return PageView[AuthorizationView](**paged(found, [_authorization(call, row) for row in found.rows], call.language))


@routes.post("/v1/contacts/{contact_id}/relations", status_code=201, summary="Add a relation, or delegate a client's")
async def post_relation(
    contact_id: UUID, body: RelationBody, acting: Profile, call: AuthorizationsCall, response: Response
) -> RelationAddedView:
    """A delegation names the firm's own relation in `through`; "all" carries whatever that one does, now and later."""
    relation_id = await call.create(
        add_relation,
        AddRelation(
            by=as_profile(acting),
            contact_id=contact_id,
            organization_id=body.organization_id,
            through=body.through,
            type=body.type,
            period=body.period(today(call)),
            grants=ALL if body.subjects == ALL else grants(body.subjects),
            ticked=body.ticked(call.language),
            language=call.language,
        ),
        resource=lambda made: made,
    )
    response.headers["Location"] = f"/v1/contacts/{contact_id}"
    return RelationAddedView(relation_id=relation_id)


@routes.post("/v1/contacts/{contact_id}/removals", summary="Withdraw relations or subjects from a contact")
async def post_removal(contact_id: UUID, body: RemovalBody, acting: Profile, call: AuthorizationsCall) -> RemovalView:
    """In force at once: the next check says no. With `preview` nothing changes."""
    removed = await call.run(
        remove,
        Remove(
            by=as_profile(acting),
            contact_id=contact_id,
            scope=body.scope,
            relations=body.relations,
            subjects=[(chosen.relation_id, chosen.subject) for chosen in body.subjects],
            preview=body.preview,
            ticked=body.ticked(call.language),
        ),
    )
    return await _removal(call, removed, preview=body.preview)


def _relation(call: Call[Tools], row: Any) -> RelationView:
    valid, kind = Period.stored(row["valid"]), call.tools.relation_type(row["type"])
    return RelationView(
        relation_id=row["relation_id"],
        organization=OrganizationView(organization_id=row["organization_id"], name=row["organization_name"]),
        type=row["type"],
        type_name=(kind.label or kind.name).in_(call.language),
        related_organization=OrganizationView(
            organization_id=row["holder_organization_id"], name=row["related_organization_name"]
        ),
        starts_on=valid.starts_on,
        ends_on=last_day(valid),
        active=row["active"],
    )


def _authorization(call: Call[Tools], row: Any) -> AuthorizationView:
    valid, contact = Period.stored(row["valid"]), None
    if row["by_contact"]:
        contact = ContactNameView(
            contact_id=row["contact_id"], family_name=row["family_name"], given_name=row["given_name"]
        )
    return AuthorizationView(
        right_id=row["right_id"],
        relation_id=row["relation_id"],
        subject=row["subject"],
        subject_name=call.tools.agency.subjects[row["subject"]].name.in_(call.language),
        level=row["level"],
        level_name=word(f"level_{row['level']}", call.language),
        organization=OrganizationView(organization_id=row["organization_id"], name=row["organization_name"]),
        holder_organization=OrganizationView(
            organization_id=row["holder_organization_id"], name=row["holder_organization_name"]
        ),
        contact=contact,
        function=call.tools.relation_type(row["function"]).name.in_(call.language) if contact else None,
        starts_on=valid.starts_on,
        ends_on=last_day(valid),
        active=row["active"],
    )


async def _removal(call: Call[Tools], removed: Removed, *, preview: bool) -> RemovalView:
    async with call.gateway.unit.pool.acquire() as connection:
        names = await organizations.get(connection, {chain.organization_id for chain in removed.lost})

    def lost(chain: Entitlement) -> LostView:
        return LostView(
            organization=OrganizationView(
                organization_id=chain.organization_id, name=names[chain.organization_id].legal_name
            ),
            subject=chain.subject,
            subject_name=call.tools.agency.subjects[chain.subject].name.in_(call.language),
            level=chain.level,
        )

    return RemovalView(
        preview=preview,
        relations=list(removed.relations),
        rights=list(removed.rights),
        lost=[lost(chain) for chain in removed.lost],
    )
