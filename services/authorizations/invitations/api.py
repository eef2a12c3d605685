"""Inviting somebody by e-mail, over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from chassis.fields import Body, Email, Name, Reference
from chassis.gateway import ONCE, router
from contracts.events import Language
from services.authorizations.bodies import GrantBody, grants
from services.authorizations.instants import today
from services.authorizations.invitations.handlers import Invite, invite
from services.authorizations.periods import FOREVER, Period
from services.authorizations.profile import AuthorizationsCall, Profile, as_profile
from services.authorizations.requests import storage as requests

routes = router()


class InvitationBody(Body):
    """Who is invited, in which language, as what, with which subjects and for how long."""

    email: Email
    name: Name
    language: Language
    type: Reference
    subjects: Annotated[list[GrantBody], Field(max_length=100)] = Field(default_factory=list[GrantBody])
    starts_on: date | None = Field(None, description="First day; the day of the acceptance when that is later.")
    ends_on: date = Field(FOREVER, description="Last day, included; 9999-12-31 when no end is planned.")


class InvitedView(BaseModel):
    """The request that waits for whom it invites; GET /v1/requests/{id} shows what became of it."""

    request_id: UUID
    lapses_on: date


@routes.post(
    "/v1/organizations/{organization_id}/invitations",
    status_code=201,
    summary="Invite somebody by e-mail",
    dependencies=[ONCE],
)
async def post_invitation(
    organization_id: UUID, body: InvitationBody, acting: Profile, call: AuthorizationsCall, response: Response
) -> InvitedView:
    """By those who manage it. Nobody has to approve: the account with that verified address accepts."""
    asked = Invite(
        by=as_profile(acting),
        organization_id=organization_id,
        email=body.email,
        name=body.name,
        written_in=body.language,
        type=body.type,
        period=Period.of(body.starts_on or today(call), body.ends_on),
        grants=grants(body.subjects),
        language=call.language,
    )
    request_id = await call.create(invite, asked)
    async with call.gateway.unit.pool.acquire() as connection:
        request = await requests.get(connection, request_id)
    assert request is not None  # no row is ever deleted
    response.headers["Location"] = f"/v1/requests/{request_id}"
    return InvitedView(request_id=request_id, lapses_on=request.lapses_on)
