"""A mandate, its request and its organization, locked in the one order that everybody keeps."""

from uuid import UUID

from chassis.work import Work
from services.authorizations.mandates import storage
from services.authorizations.mandates.domain import Mandate
from services.authorizations.organizations import storage as organizations
from services.authorizations.requests import storage as requests
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools


async def locked(work: Work[Tools], request_id: UUID) -> tuple[Request, Mandate] | None:
    """A mandate as it stands, once nobody else can change it; None: there is none of this id. Takes the time.

    Nobody has looked yet who asks: whoever has names the organization as `concerning`, and not before.
    """
    seen = await requests.get(work.connection, request_id)
    if seen is None or seen.kind != "mandate" or seen.organization_id is None:
        return None
    await organizations.lock(work.connection, [seen.organization_id])
    work.take_time()
    request = await requests.lock(work.connection, request_id)
    mandate = await storage.get(work.connection, request_id)
    assert request is not None and mandate is not None  # no row is ever deleted
    return request, mandate
