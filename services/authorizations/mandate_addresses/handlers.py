"""The address of a side of a mandate: taken or refused, asked for again, and judged by an agent."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.proofs import Proven
from chassis.work import Work
from contracts.agency.mandates import MandateSide
from services.authorizations.access.domain import AsProfile
from services.authorizations.access.handlers import may_manage
from services.authorizations.addresses.domain import mailbox, refused
from services.authorizations.mandate_addresses import domain, mails, storage
from services.authorizations.mandates import completing
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.mandates.judging import judge_side
from services.authorizations.mandates.locking import locked
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.request_tokens.handlers import led_side
from services.authorizations.requests import storage as requests
from services.authorizations.requests import telling
from services.authorizations.requests.domain import Request
from services.authorizations.signatures.storage import use_proof
from services.authorizations.tools import Tools

JUDGED = "judged"  # why a side has no address: an agent refused it
REFUSED = "refused mailbox"  # what the digest is for


@dataclass(frozen=True)
class GiveAddress:
    """A side gives an address that it proved to read: by the token of a mail, or the professional through a profile."""

    request_id: UUID
    by: AsProfile | str = field(repr=False)
    address: Proven


@dataclass(frozen=True)
class AskForAnother:
    """An agent sees that the address of a side is shared."""

    request_id: UUID
    side: MandateSide


async def accept_address(
    work: Work[Tools], request: Request, mandate: Mandate, side: MandateSide, email: str
) -> Refusal | None:
    """Take an address that the side proved to read, or refuse it and wait for another. Call it with the mandate locked.

    None: it is the side's, and with it nothing may be missing any more.
    """
    signer = mandate.sides[side]
    if await _is_judged(work, signer.side_id, email):
        await completing.refused(work, request, mandate, side, JUDGED)
        await storage.ask_at(work.connection, signer.side_id, work.now + domain.PATIENCE)
        return Refusal("address_judged", fields=("address_proof",))
    reason = await judge_side(work, request, mandate, side, email)
    if reason is None:
        await storage.ask_at(work.connection, signer.side_id, None)
        await completing.verified(work, request, mandate, side, email)
        return None
    await completing.refused(work, request, mandate, side, reason)
    await storage.ask_at(work.connection, signer.side_id, work.now + domain.PATIENCE)
    return refused(reason, "address_proof")


async def give_address(work: Work[Tools], command: GiveAddress) -> Refusal | None:
    """The side gives the address that the mandate waits for. A token that leads nowhere is refused as any other."""
    if isinstance(command.by, str) and not await led_side(work, command.request_id, command.by):
        return Refusal("mandate_link_over")
    found = await locked(work, command.request_id)
    side = await _side(work, command, found)  # as it leads by now
    if isinstance(side, Refusal):
        return side
    assert found is not None  # it has a side
    request, mandate = found
    work.concerning = request.organization_id
    if refusal := domain.refuse_to_take(request, mandate, side, work.today):
        return refusal
    if command.address.email is None or not await use_proof(
        work.connection, command.address.jti, request.request_id, work.now
    ):
        return Refusal("proof_refused", fields=("address_proof",))
    return await accept_address(work, request, mandate, side, command.address.email)


async def ask_for_another(work: Work[Tools], command: AskForAnother) -> Refusal | None:
    """An agent refuses an address: the mandate leaves the queue until the side has another, and the side is asked.

    The side that gives the same mailbox again is refused, however it is written.
    """
    found = await locked(work, command.request_id)
    if found is None:
        return Refusal("not_found")
    request, mandate = found
    work.concerning = request.organization_id
    if refusal := domain.refuse_to_ask(request, mandate, command.side, work.today):
        return refusal
    if request.state_on(work.today) == "submitted":
        assert work.tools.agency.mandates is not None
        last_day = work.today + timedelta(days=work.tools.agency.mandates.signing_days)
        await requests.await_signatures(
            work.connection, request.request_id, AskedMandate.model_validate(request.asked), last_day
        )
    signer = mandate.sides[command.side]
    given = (await descriptions(work.connection, [signer.side_id])).get(signer.side_id)
    if given is not None and given.email is not None:
        digest = work.tools.keyring.lookup(REFUSED, _mailbox(work, given.email))
        await storage.refuse_mailbox(work.connection, signer.side_id, digest)
    await completing.refused(work, request, mandate, command.side, JUDGED)
    await _ask(work, request.request_id, command.side)
    return None


async def ask_again(work: Work[Tools], side_id: UUID) -> None:
    """Ask a side whose time has come, if it still has no address and the mandate still waits for one."""
    due = await storage.due(work.connection, side_id, work.now)
    if due is None or await locked(work, due.request_id) is None:
        return
    if await storage.due(work.connection, side_id, work.now) is None:
        return
    await _ask(work, due.request_id, due.side)


async def _ask(work: Work[Tools], request_id: UUID, side: MandateSide) -> None:
    """Ask now, and again on the days of reminders, while the mandate is being signed."""
    found = await locked(work, request_id)
    assert found is not None and work.tools.agency.mandates is not None
    request, mandate = found
    signer, again = mandate.sides[side], None
    if request.state_on(work.today) == "signing":
        known = await mails.known_of(work, request, mandate, side)
        await mails.ask(work, request, mandate, side, known, await _channel(work, request, mandate, side, known))
        telling.audit(work, "mandate_address_asked", request, side=side)
        again = domain.asked_again_on(work.tools.agency.mandates.signing_reminders, request.lapses_on, work.today)
    at = None if again is None else datetime.combine(again, time(), work.tools.time_zone)
    await storage.ask_at(work.connection, signer.side_id, at)


async def _channel(
    work: Work[Tools], request: Request, mandate: Mandate, side: MandateSide, known: mails.Known
) -> Personal | None:
    """The first place where the side alone reads: an address that would be taken itself."""
    for person in known.channels:
        if person.email is None or await _is_judged(work, mandate.sides[side].side_id, person.email):
            continue
        if await judge_side(work, request, mandate, side, person.email) is None:
            return person
    return None


async def _is_judged(work: Work[Tools], side_id: UUID, email: str) -> bool:
    """Whether an agent refused this mailbox of the side before."""
    known = work.tools.keyring.lookups(REFUSED, _mailbox(work, email))
    return await storage.is_refused(work.connection, side_id, known)


def _mailbox(work: Work[Tools], email: str) -> str:
    assert work.tools.agency.mandates is not None
    return mailbox(work.tools.agency.mandates.addresses, email)


async def _side(
    work: Work[Tools], command: GiveAddress, found: tuple[Request, Mandate] | None
) -> MandateSide | Refusal:
    if isinstance(command.by, str):
        side = await led_side(work, command.request_id, command.by)
        return Refusal("mandate_link_over") if side is None or found is None else side
    if found is None:
        return Refusal("not_found")
    request, mandate = found
    acting = await may_manage(work, command.by, request.organization_id)
    if isinstance(acting, Refusal):
        return acting
    return "professional" if acting.contact_id == mandate.professional.contact_id else Refusal("not_permitted")
