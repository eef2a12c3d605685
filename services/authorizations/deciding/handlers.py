"""What is done with a request: looked at, held, decided, submitted again, and told once more."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.authorizations import RequestReturned
from contracts.events import Language
from services.authorizations.access.domain import Acting, AsAccount, AsAgent, AsProfile
from services.authorizations.access.handlers import may_manage, permitted
from services.authorizations.attestations.domain import Ticked
from services.authorizations.attestations.handlers import keep_attestations
from services.authorizations.deciding.ending import settle, tell_end
from services.authorizations.deciding.kinds import kind_of
from services.authorizations.deciding.locking import lock_with_organizations, locked, locked_by_asker
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.handlers import record
from services.authorizations.periods import Period
from services.authorizations.personal.domain import Personal
from services.authorizations.relations import domain as rules
from services.authorizations.relations.domain import Grant
from services.authorizations.requests import domain, storage, telling
from services.authorizations.requests.domain import AskedGrants, Decision, NewText, Request, Side, Step
from services.authorizations.requests.submitting import announce
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Hold:
    """An agent takes a request from the queue."""

    request_id: UUID


@dataclass(frozen=True)
class Decide:
    """A decision about the version that was seen, by those whose organization decides, or an agent."""

    by: AsProfile | AsAgent
    request_id: UUID
    version: int | None
    decision: Decision


@dataclass(frozen=True)
class SubmitAgain:
    """The corrected text of a request that was returned; `personal` of one about a new contact."""

    by: AsProfile
    request_id: UUID
    version: int | None
    period: Period
    grants: Sequence[Grant]
    personal: Personal | None
    ticked: Sequence[Ticked]
    language: Language


@dataclass(frozen=True)
class OpenRequest:
    """A look at a request."""

    looker: Acting | AsAccount | AsAgent
    request_id: UUID


@dataclass(frozen=True)
class OpenedRequest:
    """A request, and on which side of it who looks stands."""

    request: Request
    side: Side


@dataclass(frozen=True)
class QueueView:
    """A look at a page of the agents' queue, of one organization or of all."""

    organization_id: UUID | None
    request_ids: Sequence[UUID]


async def open_request(work: Work[Tools], command: OpenRequest) -> OpenedRequest | Refusal:
    """For whoever asked, those who decide, and agents, whose look is audited in each organization's file."""
    request, looker = await storage.get(work.connection, command.request_id), command.looker
    if isinstance(looker, Acting):
        work.concerning = looker.organization_id
    manages = isinstance(looker, AsAgent) or (isinstance(looker, Acting) and work.tools.manages(looker))
    side = request.side_of(looker, manages=manages) if request else None
    if request is None or side is None:
        return Refusal("not_found")
    if side == "agent":
        telling.audit(work, "request_viewed", request, by_others=True)
    return OpenedRequest(request, side)


async def view_queue(work: Work[Tools], command: QueueView) -> None:
    """An agent looks at a page of the queue, where persons are described and compared: one entry names its requests."""
    if command.request_ids:
        seen = [str(request_id) for request_id in command.request_ids]
        work.audit("queue_viewed", organization_id=command.organization_id, requests=seen)


async def hold(work: Work[Tools], command: Hold) -> Request | Refusal:
    """For a time no other agent can decide it. Holding it again begins the time anew."""
    request = await locked(work, command.request_id)
    if request is None:
        return Refusal("not_found")
    agent = work.actor.reference
    refusal = domain.refuse_undecidable(request, work.today) or domain.refuse_held_by_another(request, agent, work.now)
    if refusal:
        return refusal
    until = work.now + timedelta(minutes=work.tools.agency.requests.hold_minutes)
    await storage.hold(work.connection, request.request_id, agent, until)
    telling.audit(work, "request_claimed", request, by_others=True)  # as kept rows call a hold
    return replace(request, held_by=agent, held_until=until)


async def decide(work: Work[Tools], command: Decide) -> UUID | Refusal:
    """Approve, reject, merge or return. What an approval brings happens in the same transaction. Returns the id.

    Whoever may not decide is refused before anything is locked: a wait would say whose a blind request's number is.
    """
    seen = await storage.get(work.connection, command.request_id)
    if seen is None:
        return Refusal("not_found")
    if refusal := await permitted(work, command.by, seen.organization_id):
        return refusal
    request = await lock_with_organizations(work, seen)
    if refusal := await _refuse_decider(work, request, command.by):
        return refusal
    if refusal := await _refuse_decision(work, request, command):
        return refusal
    kind, decision = kind_of(request), command.decision
    if decision.outcome in ("approve", "merge") and (refusal := await kind.carry_out(work, request, decision)):
        return refusal
    if decision.outcome == "return":
        await _return(work, request, decision.reason)
    else:
        await settle(work, request, decision.outcome, decision.reason)
    return request.request_id


async def submit_again(work: Work[Tools], command: SubmitAgain) -> UUID | Refusal:
    """A text that was returned is corrected, and waits for a decision as long as a new one. Returns the id.

    It is asked anew, so whoever asked must still manage the organization that asks.
    """
    request = await locked_by_asker(work, command.by, command.request_id)
    if isinstance(request, Refusal):
        return request
    if refusal := await _refuse_again(work, request, command):
        return refusal
    correctable = kind_of(request).correctable
    assert correctable is not None  # else it was refused
    if refusal := await keep_attestations(work, command.by, request.request_id, correctable.form, command.ticked):
        return refusal
    asked = await correctable.correct(work, request, NewText(command.period, command.grants, command.personal))
    await _submit_again(work, request, asked)
    return request.request_id


async def tell(work: Work[Tools], request_id: UUID) -> None:
    """Tell what was left to tell of a request that names the other organization by its number."""
    request = await locked(work, request_id)
    if request is None or request.to_tell is None:
        return
    await storage.told(work.connection, request_id)
    if request.to_tell == "submitted":
        await announce(work, request, request.organization_id)
    else:
        await tell_end(work, request, "withdraw", None)


async def remind(work: Work[Tools], request_id: UUID) -> None:
    """Tell those whom it waits for once more that the last day comes near; once for all reminders that are due."""
    request = await locked(work, request_id)
    if request is None or request.to_tell is not None:
        return
    reminders = domain.reminders(work.tools.agency)
    due = request.reminder(work.today, reminders.get((request.kind, request.state_on(work.today)), ()))
    if due is not None:
        await storage.reminded(work.connection, request_id, due)
        await kind_of(request).remind(work, request, due)


async def _kind_acted_for(work: Work[Tools], request: Request) -> str:
    assert request.organization_id is not None
    return (await organizations.one(work.connection, request.organization_id)).kind


async def _refuse_decider(work: Work[Tools], request: Request, by: AsProfile | AsAgent) -> Refusal | None:
    """Whatever no agent has in hand agents may decide; others what is theirs, as they stand under the lock."""
    if refusal := await permitted(work, by, request.organization_id):
        return refusal
    if isinstance(by, AsAgent):
        return domain.refuse_held_by_another(request, work.actor.reference, work.now)
    if request.decider != "organization":
        return Refusal("not_permitted")
    return domain.refuse_held(request, work.now)


async def _refuse_decision(work: Work[Tools], request: Request, command: Decide) -> Refusal | None:
    """It must wait for a decision, as it was seen, and the decision be one that its kind and the agency's data know."""
    kind, decision = kind_of(request), command.decision
    refusal = (
        domain.refuse_undecidable(request, work.today)
        or domain.refuse_stale(request, command.version)
        or domain.refuse_outcome(
            work.tools.agency, request, decision.outcome, decision.reason, kind.outcomes, work.today
        )
    )
    if refusal or kind.refuse_early is None:
        return refusal
    return await kind.refuse_early(work, request)


async def _return(work: Work[Tools], request: Request, reason: str | None) -> None:
    await storage.give_back(work.connection, request.request_id, reason)
    if request.organization_id is not None:
        await record(work, RequestReturned, request.organization_id, request_id=request.request_id, reason=reason)
    await kind_of(request).tell(work, request, "return", reason)
    telling.audit(work, "request_returned", request, by_others=True, reason=reason or "")


async def _refuse_again(work: Work[Tools], request: Request, command: SubmitAgain) -> Refusal | None:
    """It must have been returned, as it was seen, and the new text be one that could be asked anew."""
    acting = await may_manage(work, command.by, request.asked_by_organization_id)
    if isinstance(acting, Refusal):
        return acting
    refusal = domain.refuse_unreturned(request, work.today) or domain.refuse_stale(request, command.version)
    if refusal:
        return refusal
    correctable = kind_of(request).correctable
    if correctable is None:  # a mandate, which has a form of its own
        return Refusal("not_found")
    if command.personal is not None and not correctable.is_of_person:
        return Refusal("invalid_request", fields=("contact",))
    kind = request.other.kind if request.other else await _kind_acted_for(work, request)
    return rules.refuse_period(command.period, work.today) or rules.refuse_subjects(
        work.tools.agency, kind, command.grants, work.today, command.language, delegated=False
    )


async def _submit_again(work: Work[Tools], request: Request, asked: AskedGrants) -> None:
    """Those who decide are told of it as of a new one; of a blind one later, whoever has the number."""
    last_day = work.today + timedelta(days=work.tools.agency.requests.kinds[request.kind].days)
    step: Step | None = "submitted" if request.is_blind else None
    await storage.submit_again(work.connection, request.request_id, asked, last_day, step)
    again = await storage.get(work.connection, request.request_id)
    assert again is not None
    if again.is_blind:
        telling.audit(work, "request_made", again)
    else:
        await announce(work, again, again.organization_id)
