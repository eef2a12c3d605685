"""A request, its states, and why one cannot be decided: submitted → returned → submitted … → decided, or it ends alone.

What its sides sign before others decide waits for that first: signing → submitted → returned → signing …

A request ends alone when it lapses or is withdrawn. Past its last day it is lapsed, whether or not anybody told so yet.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from chassis.outcomes import Refusal
from contracts.agency import Agency
from contracts.agency.requests import Decider, Outcome, RequestKind, ReviewReason
from contracts.events import Level
from contracts.imports import OrganizationKey
from services.authorizations.access.domain import Acting, AsAccount, AsAgent
from services.authorizations.periods import Period
from services.authorizations.personal.domain import Personal
from services.authorizations.relations.domain import Grant

State = Literal["signing", "submitted", "returned", "decided", "lapsed", "withdrawn"]
OPEN: Collection[State] = ("signing", "submitted", "returned")
"""The states that something may still come of."""

Settled = Literal["approve", "reject", "merge"]
End = Literal["approve", "reject", "merge", "lapse", "withdraw"]
Told = Literal["approve", "reject", "merge", "return", "lapse", "withdraw"]
Step = Literal["submitted", "withdrawn"]
Side = Literal["asker", "decider", "agent"]
OfPerson = Literal["all", "name", "nothing"]

EXPLAINED: Collection[Outcome] = ("reject", "return")
"""Outcomes that need a reason, because whoever asked has to understand them."""


class Asked(BaseModel):
    """What is to become true, as a row keeps it: ids, codes and dates, nothing of a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AskedGrant(Asked):
    """A subject at a level."""

    subject: str
    level: Level


class AskedGrants(Asked):
    """A relation of a type, for a time, with rights."""

    type: str
    starts_on: date
    ends_on: date | None
    grants: tuple[AskedGrant, ...]

    @property
    def period(self) -> Period:
        """From when to when."""
        return Period(self.starts_on, self.ends_on)

    @property
    def chosen(self) -> list[Grant]:
        """The rights as the domain knows them."""
        return [Grant(grant.subject, grant.level) for grant in self.grants]

    def corrected(self, period: Period, grants: Sequence[Grant]) -> Self:
        """The same with other dates and rights."""
        changed = {"starts_on": period.starts_on, "ends_on": period.ends_on, "grants": self.rights(grants)}
        return self.model_copy(update=changed)

    @staticmethod
    def rights(grants: Sequence[Grant]) -> tuple[AskedGrant, ...]:
        """Rights as a request keeps them."""
        return tuple(AskedGrant(subject=grant.subject, level=grant.level) for grant in grants)


@dataclass(frozen=True)
class Request:
    """A request as it stands. `organization_id` is None while nobody has looked for the number it names.

    `asked_by` and `decided_by`, who ended it, are the audit's names for who acted. `asked_by_account_id` is set where a
    person asked who had no profile there, by the claim `claim_id`. `received_at`, its place in the queue, is when it
    came to those who decide; while it is signed, when that began. `reminded`: how many days before the last one those
    it waits for were last reminded.
    """

    request_id: UUID
    version: int
    kind: RequestKind
    reason: ReviewReason | None
    organization_id: UUID | None
    other: OrganizationKey | None
    asked_by_organization_id: UUID | None
    asked_by_contact_id: UUID | None
    asked_by_account_id: UUID | None
    claim_id: UUID | None
    asked_by: str
    asked: Mapping[str, Any]
    decider: Decider
    state: State
    outcome: Settled | None
    decision_reason: str | None
    decided_by: str | None
    submitted_at: datetime
    received_at: datetime
    settled_at: datetime | None
    to_tell: Step | None
    lapses_on: date
    reminded: int | None
    held_by: str | None
    held_until: datetime | None

    def state_on(self, day: date) -> State:
        """The state on a day, whatever was told so far."""
        return "lapsed" if self.is_open and self.lapses_on < day else self.state

    @property
    def is_open(self) -> bool:
        """Whether nothing has ended it, as far as was told."""
        return self.state in OPEN

    @property
    def is_blind(self) -> bool:
        """Whether whoever asked named the other organization by a number alone.

        Then nothing that this side does may show, by its answer or its work, whether the number is anybody's: what it
        brings about is told by a worker.
        """
        return self.other is not None

    def holder(self, now: datetime) -> str | None:
        """The agent who has it for itself at this moment."""
        return self.held_by if self.held_until is not None and now < self.held_until else None

    def reminder(self, day: date, reminders: Sequence[int]) -> int | None:
        """The reminder that is due on a day, and was not sent: so many days before the last one. None: none is."""
        left = (self.lapses_on - day).days
        due = min((days for days in reminders if 0 <= left <= days), default=None)
        return due if due is not None and (self.reminded is None or due < self.reminded) else None

    def shows_asker(self, side: Side, now: datetime, day: date, kept: timedelta) -> OfPerson:
        """What a side sees of the person who asks for access, whose account goes on after the request.

        Those who decide see an address while they can decide, and then the name; nobody else anything that ended
        longer ago than a request may say of a person.
        """
        if self.kind != "access_request" or side == "asker":
            return "all"
        if self.settled_at is not None and self.settled_at < now - kept:
            return "nothing"
        return "all" if side == "agent" or self.state_on(day) in OPEN else "name"

    def side_of(self, looker: Acting | AsAccount | AsAgent, *, manages: bool) -> Side | None:
        """Where who looks stands: it asked, or may decide for its organization. None: it has nothing to do with it."""
        if isinstance(looker, AsAgent):
            return "agent"
        if looker.account_id == self.asked_by_account_id:
            return "asker"
        if isinstance(looker, AsAccount):
            return None
        if looker.organization_id == self.asked_by_organization_id:
            return "asker" if manages or looker.contact_id == self.asked_by_contact_id else None
        decides = self.decider == "organization" and looker.organization_id == self.organization_id
        return "decider" if decides and manages else None


@dataclass(frozen=True)
class GivenSubject:
    """A subject that is given, and for how long; None: as long as the function."""

    grant: Grant
    period: Period | None = None


@dataclass(frozen=True)
class GivenAccess:
    """The function that a person is given in an organization, for how long, with which subjects."""

    type: str
    period: Period
    subjects: Sequence[GivenSubject]


@dataclass(frozen=True)
class Decision:
    """An outcome and the code of its reason. `contact_id` names the person whom a merge or an appointment is about.

    `managing_reason` says why that person is appointed. `link_id` names the link that an approval ends. `access` is
    what an access request is given; without it, what the agency's data say. `email`: where half of a credential goes
    instead.
    """

    outcome: Outcome
    reason: str | None = None
    contact_id: UUID | None = None
    link_id: UUID | None = None
    access: GivenAccess | None = None
    managing_reason: str | None = None
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class NewText:
    """What a request that was returned asks for now; `personal` says whom it is about, where it is about a person."""

    period: Period
    grants: Sequence[Grant]
    personal: Personal | None


def reminders(agency: Agency) -> Mapping[tuple[RequestKind, State], Sequence[int]]:
    """So many days before the last one whoever a request waits for is told again; to sign, where it is a mandate."""
    rules: dict[tuple[RequestKind, State], Sequence[int]] = {
        (kind, "submitted"): rule.reminders for kind, rule in agency.requests.kinds.items()
    }
    if agency.mandates is not None:
        rules["mandate", "signing"] = agency.mandates.signing_reminders
    return rules


def refuse_stale(request: Request, version: int | None) -> Refusal | None:
    """A change must be made to what the caller saw."""
    return None if version == request.version else Refusal("precondition_failed", fields=("If-Match",))


def refuse_undecidable(request: Request, today: date) -> Refusal | None:
    """Only what waits for a decision, and was told to those who decide, can be decided."""
    waits = request.state_on(today) == "submitted" and request.to_tell is None
    return None if waits else Refusal("request_not_pending")


def refuse_unreturned(request: Request, today: date) -> Refusal | None:
    """Only what came back can be corrected."""
    return None if request.state_on(today) == "returned" else Refusal("request_not_returned")


def refuse_ended(request: Request, today: date) -> Refusal | None:
    """What has ended, ended."""
    return None if request.state_on(today) in OPEN else Refusal("request_not_pending")


def refuse_held_by_another(request: Request, agent: str, now: datetime) -> Refusal | None:
    """Two agents do not do the same."""
    return None if request.holder(now) in (None, agent) else _held(request, now, "request_held")


def refuse_held(request: Request, now: datetime) -> Refusal | None:
    """While an agent looks at it, those whose decision it is wait."""
    return None if request.holder(now) is None else _held(request, now, "request_with_agent")


def _held(request: Request, now: datetime, code: str) -> Refusal:
    assert request.held_until is not None
    seconds = int((request.held_until - now).total_seconds()) + 1
    return Refusal(code, {"minutes": -(-seconds // 60)}, retry_after=seconds)


def refuse_outcome(
    agency: Agency, request: Request, outcome: Outcome, reason: str | None, possible: Collection[Outcome], day: date
) -> Refusal | None:
    """The outcome must be one of this kind's; the reason, which a no needs, one of the agency's for it."""
    if outcome not in possible:
        return Refusal("outcome_not_possible", {"outcomes": ", ".join(sorted(possible))}, ("outcome",))
    if reason is None:
        return Refusal("decision_reason_missing", fields=("reason",)) if outcome in EXPLAINED else None
    if not any(r.code == reason and outcome in r.outcomes for r in agency.reasons_to_decide(request.kind, day)):
        return Refusal("unknown_decision_reason", {"reason": reason}, ("reason",))
    return None
