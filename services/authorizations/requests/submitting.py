"""Making a request, and telling those who have to decide it. Other parts of the service ask through here."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Protocol
from uuid import UUID

from chassis.work import Actor, Work
from contracts.agency.requests import Decider, RequestKind, ReviewReason
from contracts.authorizations import RequestSubmitted
from contracts.imports import OrganizationKey
from services.authorizations.managing.questions import contests, somebody_can_act
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.handlers import record
from services.authorizations.requests import storage, telling
from services.authorizations.requests.domain import Asked, Request
from services.authorizations.requests.storage import NewRequest
from services.authorizations.tools import Tools

TellDeciders = Callable[[Work[Tools], Request], Awaitable[None]]


@dataclass(frozen=True)
class Claiming:
    """The claim by which a person asks who is no contact of the organization; its deadline is the request's."""

    claim_id: UUID
    account_id: UUID
    lapses_on: date


class Member(Protocol):
    """Whoever asks for an organization, or for whom it is asked: a profile, or a contact that nobody need be."""

    @property
    def contact_id(self) -> UUID:
        """The contact."""

    @property
    def organization_id(self) -> UUID:
        """Its organization."""


@dataclass(frozen=True)
class Ask:
    """What somebody asks. `by` is None where the platform itself does, or a person by a `claim`.

    The organization acted for is named by its id, or as `other`, by kind and number; then a worker finds out whose
    number it is, so that who asks cannot learn it, not even from how long the answer takes.

    What has to be signed first, until a day, is announced once it is.
    """

    request_id: UUID
    kind: RequestKind
    asked: Asked
    by: Member | None
    organization_id: UUID | None = None
    other: OrganizationKey | None = None
    reason: ReviewReason | None = None
    claim: Claiming | None = None
    signed_until: date | None = None


async def submit(work: Work[Tools], ask: Ask, tell: TellDeciders = telling.tell_deciders) -> UUID:
    """Make a request and tell those who decide, by `tell`. Call it with its organizations locked. Returns its id."""
    rule = work.tools.agency.requests.kinds[ask.kind]
    by_person = ask.claim and Actor("account", str(ask.claim.account_id))
    new = NewRequest(
        request_id=ask.request_id,
        kind=ask.kind,
        reason=ask.reason,
        organization_id=ask.organization_id,
        other=ask.other,
        asked_by_organization_id=ask.by.organization_id if ask.by else None,
        asked_by_contact_id=ask.by.contact_id if ask.by else None,
        asked_by_account_id=ask.claim.account_id if ask.claim else None,
        claim_id=ask.claim.claim_id if ask.claim else None,
        asked_by=(by_person or work.actor).reference,
        asked=ask.asked,
        decider=rule.decider,
        lapses_on=(ask.claim.lapses_on if ask.claim else None)
        or ask.signed_until
        or work.today + timedelta(days=rule.days),
        to_tell="submitted" if ask.other else None,
        state="submitted" if ask.signed_until is None else "signing",
    )
    await storage.add(work.connection, new, work.now)
    made = await storage.get(work.connection, new.request_id)
    assert made is not None
    if not made.is_blind and made.state == "submitted":
        await announce(work, made, made.organization_id, tell)
    else:
        telling.audit(work, "request_made", made)
    return made.request_id


async def whose_number(work: Work[Tools], other: OrganizationKey) -> UUID | None:
    """The active organization of a kind with a number."""
    found = await organizations.find(work.connection, other.kind, other.number)
    return found.organization_id if found is not None and found.active else None


async def announce(
    work: Work[Tools],
    request: Request,
    organization_id: UUID | None,
    tell: TellDeciders = telling.tell_deciders,
) -> None:
    """Tell those who decide that a text, the first or a corrected one, waits: agents, where nobody else can."""
    decider = await decider_of(work, request, organization_id)
    await storage.assign(work.connection, request.request_id, organization_id, decider)
    if organization_id is not None:
        await record(
            work,
            RequestSubmitted,
            organization_id,
            request_id=request.request_id,
            claim_id=request.claim_id,
            kind=request.kind,
            reason=request.reason,
            decider=decider,
            lapses_on=request.lapses_on.isoformat(),
        )
    announced = replace(request, organization_id=organization_id, decider=decider)
    await tell(work, announced)
    telling.audit(work, "request_submitted", announced, by_others=True, decider=decider)


async def decider_of(work: Work[Tools], request: Request, organization_id: UUID | None) -> Decider:
    """As the agency's data says; agents, where the organization is unknown or has nobody who can act.

    Agents too where the claim behind it is as good as that of whoever would decide.
    """
    decider = work.tools.agency.requests.kinds[request.kind].decider
    if decider == "agents" or organization_id is None or not await somebody_can_act(work, organization_id):
        return "agents"
    if request.claim_id is not None and await contests(work, organization_id, request.claim_id):
        return "agents"
    return decider
