"""A request, locked: after the organizations that it concerns, and for whoever asked it."""

from dataclasses import replace
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from services.authorizations.access import storage as access
from services.authorizations.access.domain import Acting, AsAccount, AsProfile
from services.authorizations.organizations import storage as organizations
from services.authorizations.requests import storage
from services.authorizations.requests.domain import Request
from services.authorizations.requests.submitting import whose_number
from services.authorizations.tools import Tools


async def locked(work: Work[Tools], request_id: UUID) -> Request | None:
    """The request by its id, locked as below; None: there is none."""
    seen = await storage.get(work.connection, request_id)
    return await lock_with_organizations(work, seen) if seen else None


async def lock_with_organizations(work: Work[Tools], seen: Request) -> Request:
    """The request, locked after its organizations. One whose number nobody had is looked for again."""
    theirs = seen.organization_id
    if theirs is None and seen.other is not None:
        theirs = await whose_number(work, seen.other)
    request = await _lock(work, seen, theirs)
    return replace(request, organization_id=request.organization_id or theirs)


async def _lock(work: Work[Tools], seen: Request, theirs: UUID | None) -> Request:
    concerned = [i for i in (theirs, seen.asked_by_organization_id) if i is not None]
    await organizations.lock(work.connection, concerned)
    work.take_time()
    request = await storage.lock(work.connection, seen.request_id)
    assert request is not None  # no row is ever deleted
    return request


async def locked_by_asker(work: Work[Tools], by: AsProfile | AsAccount, request_id: UUID) -> Request | Refusal:
    """The request for one who asked it; of a blind one, without touching the organization that it names."""
    seen = await storage.get(work.connection, request_id)
    request = await _lock(work, seen, None if seen.is_blind else seen.organization_id) if seen else None
    acting: Acting | AsAccount | None
    if isinstance(by, AsAccount):
        acting, manages = by, False
    else:
        acting = await access.acting(work.connection, work.now, work.today, by.account_id, by.contact_id)
        manages = acting is not None and work.tools.manages(acting)
    if acting is None:
        return Refusal("profile_not_yours")
    side = request.side_of(acting, manages=manages) if request else None
    if request is None or side is None:
        return Refusal("not_found")
    return request if side == "asker" else Refusal("not_permitted")
