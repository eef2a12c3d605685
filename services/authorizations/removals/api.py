"""The form "Retirer une relation ou des sujets autorisés à un contact", with its preview."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from chassis import pages
from chassis.fields import Body, Reference
from chassis.gateway import Call, router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from contracts.events import Level
from services.authorizations.answers import OrganizationView
from services.authorizations.bodies import Attachments, AttestedBody
from services.authorizations.organizations import storage as organizations
from services.authorizations.paging import Cursor, Limit, PageView, paged
from services.authorizations.profile import AuthorizationsCall, Profile, as_profile
from services.authorizations.removals.handlers import Chosen, Preview, Remove, Removed, preview, remove
from services.authorizations.tools import Tools

routes = router()


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
    attachments: Attachments = Field(default_factory=list[UUID])
    preview: bool = False

    def chosen(self, contact_id: UUID) -> Chosen:
        """What is to be withdrawn, as the domain knows it."""
        subjects = [(chosen.relation_id, chosen.subject) for chosen in self.subjects]
        return Chosen(contact_id, self.scope, self.relations, subjects)


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
    delegations: int = Field(description="How many, in force or yet to begin, end with the relations they hang on.")
    lost: PageView[LostView] | None = Field(
        None, description="With `preview`: a page of what the contact could do no more, by organization and subject."
    )


@routes.post("/v1/contacts/{contact_id}/removals", summary="Withdraw relations or subjects from a contact")
async def post_removal(
    contact_id: UUID,
    body: RemovalBody,
    acting: Profile,
    call: AuthorizationsCall,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> RemovalView:
    """In force at once: the next check says no. With `preview` nothing changes, and `cursor` asks for further pages."""
    by, chosen = as_profile(acting), body.chosen(contact_id)
    if body.preview:
        previewed = await call.run(preview, Preview(**vars(chosen), by=by, cursor=cursor, limit=limit))
        return _view(previewed.removed, await _lost(call, previewed.lost))
    if cursor is not None:
        raise ProblemRaised(Refusal("invalid_request", fields=("cursor",)))
    return _view(
        await call.run(
            remove,
            Remove(**vars(chosen), by=by, ticked=body.ticked(call.language), attachments=body.attachments),
        )
    )


def _view(removed: Removed, lost: PageView[LostView] | None = None) -> RemovalView:
    return RemovalView(
        preview=lost is not None,
        relations=list(removed.relations),
        rights=list(removed.rights),
        delegations=removed.delegations,
        lost=lost,
    )


async def _lost(call: Call[Tools], found: pages.Page) -> PageView[LostView]:
    async with call.gateway.unit.pool.acquire() as connection:
        names = await organizations.get(connection, {row["organization_id"] for row in found.rows})
    views = [
        LostView(
            organization=OrganizationView(
                organization_id=row["organization_id"], name=names[row["organization_id"]].legal_name
            ),
            subject=row["subject"],
            subject_name=call.tools.agency.subjects[row["subject"]].name.in_(call.language),
            level=row["level"],
        )
        for row in found.rows
    ]
    return PageView[LostView](**paged(found, views, call.language))
