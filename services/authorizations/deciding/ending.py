"""How a request ends: withdrawn, lapsed, needless, decided; and who is told of it."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.requests import ACCEPTED_KINDS
from contracts.authorizations import RequestDecided, RequestLapsed, RequestWithdrawn
from services.authorizations import metrics
from services.authorizations.access.domain import AsAccount, AsProfile
from services.authorizations.deciding.kinds import kind_of
from services.authorizations.deciding.locking import locked, locked_by_asker
from services.authorizations.organizations.handlers import record
from services.authorizations.personal import storage as personal_fields
from services.authorizations.request_tokens.handlers import led_side
from services.authorizations.requests import domain, storage, telling
from services.authorizations.requests.domain import End, Request, Step
from services.authorizations.requests.storage import Ended
from services.authorizations.signatures import handlers as signatures
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Withdraw:
    """Whoever asked does not want it any more."""

    by: AsProfile | AsAccount
    request_id: UUID


async def withdraw(work: Work[Tools], command: Withdraw) -> UUID | Refusal:
    """By whoever asked, or by those who manage the organization that asked. Returns the id."""
    request = await locked_by_asker(work, command.by, command.request_id)
    if isinstance(request, Refusal):
        return request
    if refusal := domain.refuse_ended(request, work.today):
        return refusal
    await settle(work, request, "withdraw", None)
    return request.request_id


@dataclass(frozen=True)
class WithdrawByToken:
    """A side of a mandate that a mail led to it, without an account perhaps, does not want it any more."""

    request_id: UUID
    token: str = field(repr=False)


async def withdraw_by_token(work: Work[Tools], command: WithdrawByToken) -> UUID | Refusal:
    """By whoever has the token of a mail, before it is decided; both sides are told. Returns the id.

    Whatever token leads nowhere, or no more, is refused alike.
    """
    if await led_side(work, command.request_id, command.token) is None:
        return Refusal("mandate_link_over")
    request = await locked(work, command.request_id)
    side = await led_side(work, command.request_id, command.token)  # as it leads by now
    if request is None or side is None:
        return Refusal("mandate_link_over")
    work.concerning, work.rule = request.organization_id, f"mandate:{side}"
    if refusal := domain.refuse_ended(request, work.today):
        return refusal
    await settle(work, request, "withdraw", None)
    return request.request_id


async def lapse(work: Work[Tools], request_id: UUID) -> None:
    """Tell that nobody decided in time. It could not be decided any more since its last day was over."""
    request = await locked(work, request_id)
    if request is not None and request.is_open and request.state_on(work.today) == "lapsed":
        await settle(work, request, "lapse", None)


async def end_needless(work: Work[Tools], request_id: UUID) -> None:
    """End a request that nobody need decide any more."""
    request = await locked(work, request_id)
    needless = kind_of(request).needless if request is not None else None
    if request is not None and needless and await needless.is_one(work.connection, request_id, work.today):
        await settle(work, request, "withdraw", None)


async def end_unseen(work: Work[Tools], request_id: UUID) -> None:
    """Withdraw a request, if it waits, without a mail: whom it concerns hears of what ended it. Lock its file first."""
    request = await storage.lock(work.connection, request_id)
    if request is not None and request.is_open:
        await settle(work, request, "withdraw", None, is_told=False)


async def erase_person(work: Work[Tools], request_id: UUID) -> None:
    """Forget what a request that ended long ago said of a person."""
    await personal_fields.erase_of_request(work.connection, request_id)
    await signatures.erase_request(work, request_id)
    work.audit("request_person_erased", object_id=request_id)


async def settle(work: Work[Tools], request: Request, end: End, reason: str | None, *, is_told: bool = True) -> None:
    """End a request that is locked with its organizations, and tell of it; without `is_told` by no mail."""
    by, organization_id = work.actor.reference, request.organization_id
    was_told = request.to_tell != "submitted"
    later: Step | None = "withdrawn" if end == "withdraw" and request.is_blind and was_told else None
    ended = Ended(end, reason, by, work.now, later)
    await storage.settle(work.connection, request.request_id, organization_id, ended)
    if later is None and was_told:
        await tell_end(work, request, end, reason, by_mail=is_told)
    work.afterwards(metrics.DECISIONS.labels(request.kind, end, work.actor.kind).inc)
    telling.audit(work, "request_settled", request, by_others=end == "reject", end=end, reason=reason or "")


def _decided_by(work: Work[Tools], request: Request) -> Literal["organization", "agents", "platform"] | None:
    """None: whoever it is about accepted it."""
    if request.kind in ACCEPTED_KINDS:
        return None
    match work.actor.kind:
        case "agent":
            return "agents"
        case "service":
            return "platform"
    return "organization"


async def tell_end(work: Work[Tools], request: Request, end: End, reason: str | None, *, by_mail: bool = True) -> None:
    """Tell of an end: an event in the file of the organization acted for, and by mail whom the kind names."""
    theirs, request_id = request.organization_id, request.request_id
    named = {"request_id": request_id, "claim_id": request.claim_id}
    if theirs is not None and end == "lapse":
        await record(work, RequestLapsed, theirs, **named)
    elif theirs is not None and end == "withdraw":
        await record(work, RequestWithdrawn, theirs, **named)
    elif theirs is not None:
        by = _decided_by(work, request)
        await record(work, RequestDecided, theirs, **named, outcome=end, reason=reason, decided_by=by)
    if by_mail:
        await kind_of(request).tell(work, request, end, reason)
