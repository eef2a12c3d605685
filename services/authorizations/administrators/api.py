"""Who manages an organization, over HTTP: listed, appointed, released, and replaced by an agent, with its preview."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from chassis.fields import Body, Reference
from chassis.gateway import ONCE, AgentCaller, router
from services.authorizations.access.domain import AsAgent
from services.authorizations.actors import person_name
from services.authorizations.administrators import storage
from services.authorizations.administrators.domain import contestable_until
from services.authorizations.administrators.handlers import Appoint, Release, appoint, release
from services.authorizations.administrators.replacing import Replace, replace_administrator
from services.authorizations.administrators.views import ReplacementView, replacement_view
from services.authorizations.answers import last_day
from services.authorizations.bodies import GrantBody, grants
from services.authorizations.paging import Cursor, Limit, PageView, page, paged
from services.authorizations.periods import Period
from services.authorizations.personal.domain import PersonName
from services.authorizations.personal.storage import person_names
from services.authorizations.profile import Asking, AuthorizationsCall

routes = router()

Reason = Annotated[Reference | None, Field(description="A code of the agency’s; an agent must give one.")]


class AppointmentBody(Body):
    """A contact of the organization who shall manage it; subjects of its own may come with that."""

    contact_id: UUID
    reason: Reason = None
    subjects: Annotated[list[GrantBody], Field(max_length=100)] = Field(default_factory=list[GrantBody])


class AppointedView(BaseModel):
    """The relation by which the contact manages the organization."""

    contact_id: UUID
    relation_id: UUID


class AdministratorView(BaseModel):
    """Who manages the organization by a membership, from when to when. `appointed_at` says when it was given.

    `can_act`: at this moment, which takes a first day that has come, an active account that is `linked`, and no block.
    Until `contestable_until`, where the agency has such a time, an agent can replace them with all that they granted:
    it is told to agents alone.
    """

    contact_id: UUID
    name: str
    relation_id: UUID
    type: str
    function: str
    starts_on: date
    ends_on: date
    appointed_at: datetime
    linked: bool
    blocked: bool
    can_act: bool
    contestable_until: datetime | None


class ReleaseBody(Body):
    """Why, if there is anything to say."""

    reason: Reason = None


class ReplacementBody(Body):
    """Who shall manage the organization in place of another; with `preview` nothing changes."""

    successor_id: Annotated[UUID | None, Field(description="A contact of the organization; this, or `request_id`.")] = (
        None
    )
    request_id: Annotated[
        UUID | None,
        Field(description="An open request for access: whoever asks becomes an administrator in the same act."),
    ] = None
    reason: Reason = None
    preview: bool = False


@routes.get("/v1/organizations/{organization_id}/administrators", summary="Who manages the organization")
async def get_administrators(
    organization_id: UUID, asker: Asking, call: AuthorizationsCall, cursor: Cursor = None, limit: Limit = 50
) -> PageView[AdministratorView]:
    """For those who manage it, and agents, whose look is audited; whoever shall manage it later, too."""
    await asker.open_managed_file(call, organization_id)
    now = call.gateway.unit.origin.clock()
    listing = storage.administrators(call.tools.moment(now), call.tools.managing_types, organization_id)
    found = await page(call, listing, cursor, limit)
    async with call.gateway.unit.pool.acquire() as connection:
        called = await person_names(connection, {row["contact_id"] for row in found.rows})
    items = [_administrator(call, row, called, now, for_agents=asker.is_agent) for row in found.rows]
    return PageView[AdministratorView](**paged(found, items, call.language))


def _administrator(
    call: AuthorizationsCall, row: Any, called: Mapping[UUID, PersonName], now: datetime, *, for_agents: bool
) -> AdministratorView:
    tools, period, rule = call.tools, Period.stored(row["valid"]), call.tools.agency.managing.administrators
    until = contestable_until(row["appointed_at"], rule.contest_days) if rule and for_agents else None
    return AdministratorView(
        contact_id=row["contact_id"],
        name=person_name(called.get(row["contact_id"]), call.language),
        relation_id=row["relation_id"],
        type=row["type"],
        function=tools.agency.relation_types[row["type"]].name.in_(call.language),
        starts_on=period.starts_on,
        ends_on=last_day(period),
        appointed_at=row["appointed_at"],
        linked=row["linked"],
        blocked=row["blocked"],
        can_act=row["can_act"],
        contestable_until=until if until is not None and now <= until else None,
    )


@routes.post(
    "/v1/organizations/{organization_id}/administrators",
    status_code=201,
    summary="Appoint somebody who manages the organization",
    dependencies=[ONCE],
)
async def post_administrator(
    organization_id: UUID, body: AppointmentBody, asker: Asking, call: AuthorizationsCall, response: Response
) -> AppointedView:
    """By those who manage it, and agents, who say why. Any number may."""
    asked = Appoint(
        asker.by, organization_id, body.contact_id, grants(body.subjects), body.reason, call.language
    )  # fmt: skip
    relation_id = await call.create(appoint, asked)
    response.headers["Location"] = f"/v1/contacts/{body.contact_id}"
    return AppointedView(contact_id=body.contact_id, relation_id=relation_id)


@routes.post(
    "/v1/organizations/{organization_id}/administrators/{contact_id}/release",
    status_code=204,
    summary="Let somebody manage the organization no more",
)
async def post_release(
    organization_id: UUID, contact_id: UUID, body: ReleaseBody, asker: Asking, call: AuthorizationsCall
) -> None:
    """By those who manage it, oneself included, and agents, who say why; the last one by agents alone.

    Other functions stay.
    """
    await call.run(release, Release(asker.by, organization_id, contact_id, body.reason))


@routes.post(
    "/v1/organizations/{organization_id}/administrators/{contact_id}/replacement",
    summary="Replace somebody and withdraw all that came of them (agents)",
)
async def post_replacement(
    organization_id: UUID, contact_id: UUID, body: ReplacementBody, agent: AgentCaller, call: AuthorizationsCall
) -> ReplacementView:
    """Within so many days since the person began to manage, also of one who has stepped down since.

    Who is replaced holds nothing of the organization any more. Whatever they granted since they manage is withdrawn,
    and so is what was granted by those who manage through them; nothing of the successor’s. Links that their decisions
    made end, what they raised goes back to reading, their open invitations end, whom they blocked is let in, and the
    organization’s code is renewed. With `preview` nothing changes: the answer says what the act would do.
    """
    command = Replace(
        AsAgent(), organization_id, contact_id, body.successor_id, body.request_id, body.reason, call.language,
        body.preview,
    )  # fmt: skip
    return await replacement_view(call, await call.run(replace_administrator, command), preview=body.preview)
