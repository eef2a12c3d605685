"""The yearly confirmation of an organization's list, over HTTP."""

from datetime import date, datetime
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel

from chassis.database import Connection
from chassis.gateway import Call, router
from chassis.versions import IfMatch, etag, stated_version
from services.authorizations.bodies import AttestedBody
from services.authorizations.notices import storage
from services.authorizations.notices.handlers import Recertify, recertify
from services.authorizations.personal.storage import names
from services.authorizations.profile import Asking, AuthorizationsCall, Profile, as_profile
from services.authorizations.tools import Tools

routes = router()


class ConfirmerView(BaseModel):
    """The contact who confirmed a list."""

    contact_id: UUID
    name: str


class RecertificationView(BaseModel):
    """By which day the list is to be confirmed, and who did so last.

    `due_on` is null on an organization's first day on the platform. What is overdue withdraws nothing.
    """

    due_on: date | None
    overdue: bool
    confirmed_at: datetime | None
    confirmed_by: ConfirmerView | None


@routes.get("/v1/organizations/{organization_id}/recertification", summary="When the list is to be confirmed")
async def get_recertification(
    organization_id: UUID, asker: Asking, call: AuthorizationsCall, response: Response
) -> RecertificationView:
    """For those who manage it, and agents. The ETag is that of the list, which a confirmation must name."""
    await asker.open_managed_file(call, organization_id)
    async with call.gateway.unit.pool.acquire() as connection:
        return await _shown(call, connection, organization_id, response)


@routes.post("/v1/organizations/{organization_id}/recertification", summary="Confirm the list as it stands")
async def post_recertification(
    organization_id: UUID,
    body: AttestedBody,
    acting: Profile,
    call: AuthorizationsCall,
    response: Response,
    if_match: IfMatch = None,
) -> RecertificationView:
    """By those who manage it, after they corrected what had to be. A list that changed since is not the one seen."""
    await call.run(
        recertify,
        Recertify(as_profile(acting), organization_id, stated_version(if_match), body.ticked(call.language)),
    )
    async with call.gateway.unit.pool.acquire() as connection:
        return await _shown(call, connection, organization_id, response)


async def _shown(
    call: Call[Tools], connection: Connection, organization_id: UUID, response: Response
) -> RecertificationView:
    found = await storage.recertification(connection, organization_id)
    response.headers["ETag"] = etag(await storage.list_version(connection, organization_id))
    if found is None:
        return RecertificationView(due_on=None, overdue=False, confirmed_at=None, confirmed_by=None)
    by = found.confirmed_by
    person = (await names(connection, [by])).get(by) if by else None
    return RecertificationView(
        due_on=found.due_on,
        overdue=found.due_on < call.tools.moment(call.gateway.unit.origin.clock()).day,
        confirmed_at=found.confirmed_at,
        confirmed_by=ConfirmerView(contact_id=by, name=f"{person.given_name} {person.family_name}")
        if by and person
        else None,
    )
