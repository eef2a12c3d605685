"""What each side brings, and the moment at which nothing is missing: then the mandate waits for agents.

Call everything here with the mandate `locked`.
"""

from datetime import datetime, time, timedelta
from uuid import UUID

from chassis.work import Work
from contracts.agency.mandates import MandateSide
from contracts.authorizations import RequestSigned
from services.authorizations.mandates import storage, telling
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.organizations.handlers import record
from services.authorizations.personal import storage as personal_fields
from services.authorizations.requests import storage as requests
from services.authorizations.requests import telling as request_telling
from services.authorizations.requests.domain import Request
from services.authorizations.requests.submitting import announce
from services.authorizations.tools import Tools


async def signed(
    work: Work[Tools],
    request: Request,
    mandate: Mandate,
    side: MandateSide,
    *,
    account_id: UUID | None = None,
    contact_id: UUID | None = None,
) -> bool:
    """A side signed the text as it reads now, as the kept signature says. True: nothing is missing any more."""
    assert request.organization_id is not None
    version = mandate.text_version
    await storage.note_signed(work.connection, mandate.sides[side], version, account_id, contact_id, work.now)
    await record(
        work, RequestSigned, request.organization_id, request_id=request.request_id, side=side, text_version=version
    )
    return await complete(work, request.request_id)


async def verified(work: Work[Tools], request: Request, mandate: Mandate, side: MandateSide, email: str) -> bool:
    """A side has proven to have an address that is good for it. True: nothing is missing any more."""
    signer = mandate.sides[side]
    described_as = request.request_id if side == "delegate" else signer.side_id
    await personal_fields.address(work.connection, signer.side_id, email, described_as)
    await storage.note_verified(work.connection, signer, work.now)
    request_telling.audit(work, "mandate_address_verified", request, side=side)
    return await complete(work, request.request_id)


async def refused(work: Work[Tools], request: Request, mandate: Mandate, side: MandateSide, reason: str) -> None:
    """The address of a side is not good for it: the mandate waits for another."""
    await storage.note_refused(work.connection, mandate.sides[side], reason)
    request_telling.audit(work, "mandate_address_refused", request, side=side, reason=reason)


async def complete(work: Work[Tools], request_id: UUID) -> bool:
    """Hand a mandate to the agents, where both sides have signed its text and have a verified address.

    It is received at this moment, or on the day on which its paper was; it waits from now on as long as the agency's
    data say, and both sides are told. False: something is missing, or it is not being signed.
    """
    mandate = await storage.get(work.connection, request_id)
    if mandate is None or not mandate.is_complete:
        return False
    last_day = work.today + timedelta(days=work.tools.agency.requests.kinds["mandate"].days)
    seen = await requests.get(work.connection, request_id)
    assert seen is not None
    received_on = AskedMandate.model_validate(seen.asked).received_on
    received = datetime.combine(received_on, time(), work.tools.time_zone) if received_on is not None else work.now
    if not await requests.receive(work.connection, request_id, last_day, received):
        return False
    request = await requests.get(work.connection, request_id)
    assert request is not None
    await announce(work, request, request.organization_id)
    await telling.tell_received(work, request, mandate)
    return True
