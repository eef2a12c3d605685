"""Adding to what a contact that exists holds, or to any relation: relations, delegations, subjects."""

from typing import Literal
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from chassis.fields import Reference
from chassis.gateway import ONCE, router
from services.authorizations.bodies import Attachments, GrantingBody, Grants, grants
from services.authorizations.granting.handlers import AddRelation, add_relation
from services.authorizations.granting.rights import AddRights, add_rights
from services.authorizations.instants import today
from services.authorizations.profile import AuthorizationsCall, Profile, as_profile
from services.authorizations.relations.domain import ALL, ActedFor
from services.authorizations.requests.answers import RelatedView

routes = router()


class RelationBody(GrantingBody):
    """The same form for a contact that exists: "Mon organisation", or with `through` another one, or "Un individu".

    `acted_for` is the answer to "À qui désirez-vous ajouter une relation?"; where given, the organization must be so.
    """

    organization_id: UUID
    acted_for: ActedFor | None = None
    through: UUID | None = None
    type: Reference | None = None
    subjects: Literal["all"] | Grants
    attachments: Attachments = Field(default_factory=list[UUID])


class RelationAddedView(BaseModel):
    """The relation that was added."""

    relation_id: UUID


class RightsBody(GrantingBody):
    """The form that adds subjects to a relation that there is."""

    subjects: Grants
    attachments: Attachments = Field(default_factory=list[UUID])


@routes.post(
    "/v1/contacts/{contact_id}/relations",
    status_code=201,
    summary="Add a relation, or delegate a client's",
    dependencies=[ONCE],
)
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
            acted_for=body.acted_for,
            through=body.through,
            type=body.type,
            period=body.period(today(call)),
            grants=ALL if body.subjects == ALL else grants(body.subjects),
            ticked=body.ticked(call.language),
            language=call.language,
            attachments=body.attachments,
        ),
    )
    response.headers["Location"] = f"/v1/contacts/{contact_id}"
    return RelationAddedView(relation_id=relation_id)


@routes.post(
    "/v1/relations/{relation_id}/rights", status_code=201, summary="Add subjects to a relation", dependencies=[ONCE]
)
async def post_rights(relation_id: UUID, body: RightsBody, acting: Profile, call: AuthorizationsCall) -> RelatedView:
    """By the organization acted for; of a contact's relation, by those who manage the contact's own organization.

    A subject held for reading only can be raised to writing.
    """
    changed = await call.create(
        add_rights,
        AddRights(
            by=as_profile(acting),
            relation_id=relation_id,
            period=body.period(today(call)),
            grants=grants(body.subjects),
            ticked=body.ticked(call.language),
            language=call.language,
            attachments=body.attachments,
        ),
    )
    return RelatedView(relation_id=changed)
