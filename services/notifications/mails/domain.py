"""What may become of a mail. Nothing here knows a clock, chance, a database or a mail host."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, assert_never
from uuid import UUID

from contracts.events import Language
from contracts.notifications import (
    MailBounced,
    MailDeferred,
    MailExpired,
    MailFact,
    MailSent,
    MailSuppressed,
    SuppressionReason,
)

FIRST_RETRY = timedelta(seconds=5)  # a one-time code lives 10 minutes: the first retries must come within it
LONGEST_RETRY = timedelta(minutes=15)  # greylisting is over by then (RFC 6647, 2.1)
JITTER = 0.25  # share of the pause by which it varies either way, so that what failed together does not return together

SOONEST_REPORT, LATEST_REPORT = timedelta(seconds=10), timedelta(seconds=90)  # between them most reports come back

PRIORITIES: Mapping[str, int] = {"urgent": 0, "normal": 1, "bulk": 2}
PRIORITY_NAMES: Mapping[int, str] = {rank: name for name, rank in PRIORITIES.items()}


class State(StrEnum):
    """Where a mail stands; all but the first two are ends, and only a sent mail may still turn out to have bounced."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    SENT = "sent"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"


WAIT = (State.ACCEPTED, State.DEFERRED)

Status = Literal["accepted", "sent", "deferred", "undelivered", "expired"]


@dataclass(frozen=True)
class Mail:
    """A mail that a sender has in hand. `attempts` counts this one; no other time in hand bears the same `fence`."""

    delivery_id: UUID
    kind: str
    language: Language
    fields: Mapping[str, Any]
    sealed: str
    priority: int
    expires_at: datetime
    message_id: str
    due_at: datetime
    lease_until: datetime
    fence: int
    attempts: int
    traceparent: str | None


@dataclass(frozen=True)
class Sent:
    """The mail host took responsibility for it."""

    at: datetime


@dataclass(frozen=True)
class TryLater:
    """It was not taken this time. `status` is an enhanced status code of class 4 (RFC 3463)."""

    status: str


@dataclass(frozen=True)
class Refused:
    """It will never be taken. `status` is an enhanced status code of class 5 (RFC 3463)."""

    status: str


@dataclass(frozen=True)
class Suppressed:
    """Its address is on the suppression list."""

    reason: SuppressionReason


@dataclass(frozen=True)
class Overdue:
    """Its time had run out before it was begun."""


@dataclass(frozen=True)
class HandedBack:
    """It was not brought to an end, through no fault of its own. `until` is when it may go, None for at once."""

    until: datetime | None = None


Outcome = Sent | TryLater | Refused | Suppressed | Overdue | HandedBack


@dataclass(frozen=True)
class Attempt:
    """What came of one attempt at one mail. `address_digest` is known once its seal was opened."""

    mail: Mail
    outcome: Outcome
    address_digest: bytes | None = None


@dataclass(frozen=True)
class Standing:
    """Where a mail stands and since when. `due_at` is the next attempt, None once it has ended.

    `reason` is an enhanced status code, or "expired" or "replaced", or why the address is suppressed.
    """

    state: State
    since: datetime
    due_at: datetime | None
    attempts: int
    reason: str | None

    @property
    def name(self) -> str:
        """The state in one word that tells the two kinds of expiry apart."""
        return self.reason if self.state is State.EXPIRED and self.reason else self.state.value


def expired(standing: Standing, now: datetime, *, replaced: bool) -> Standing:
    """The mail's end when its time has run out or a newer mail of its purpose stands in its place."""
    return Standing(State.EXPIRED, now, None, standing.attempts, "replaced" if replaced else "expired")


def after(
    outcome: Outcome, standing: Standing, *, expires_at: datetime, replaced: bool, now: datetime, jitter: float
) -> Standing:
    """Where a mail stands after an attempt. `jitter`, between 0 and 1, varies the pause.

    What was sent was sent, also when a newer mail came in between; what was not is not tried again in that case, nor
    when the next attempt would come too late.
    """
    match outcome:
        case Sent(at):
            return Standing(State.SENT, at, None, standing.attempts, None)
        case Refused(status):
            return Standing(State.BOUNCED, now, None, standing.attempts, status)
        case Suppressed(reason):
            return Standing(State.SUPPRESSED, now, None, standing.attempts, reason)
        case Overdue():
            return expired(standing, now, replaced=replaced)
        case HandedBack(until):
            if replaced:
                return expired(standing, now, replaced=True)
            due_at = until or standing.due_at
            return Standing(standing.state, standing.since, due_at, standing.attempts - 1, standing.reason)
        case TryLater(status):
            next_attempt_at = now + retry_pause(standing.attempts, jitter)
            if replaced or next_attempt_at >= expires_at:
                return expired(standing, now, replaced=replaced)
            return Standing(State.DEFERRED, now, next_attempt_at, standing.attempts, status)
        case _:
            assert_never(outcome)


def retry_pause(attempts: int, jitter: float) -> timedelta:
    """The pause after so many attempts: doubled each time up to the longest, varied by `jitter` between 0 and 1."""
    doublings = max(0, min(attempts - 1, 20))
    return min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY) * (1 - JITTER + 2 * JITTER * jitter)


def fact(delivery_id: UUID, outcome: Outcome, standing: Standing) -> MailFact | None:
    """What is published about an attempt; nothing when the mail was merely handed back."""
    match standing.state:
        case State.SENT:
            return MailSent(delivery_id=delivery_id, sent_at=standing.since)
        case State.BOUNCED:
            return MailBounced(delivery_id=delivery_id, status=standing.reason or "5.0.0")
        case State.SUPPRESSED:
            assert isinstance(outcome, Suppressed)
            return MailSuppressed(delivery_id=delivery_id, reason=outcome.reason)
        case State.EXPIRED:
            return MailExpired(
                delivery_id=delivery_id, reason="replaced" if standing.reason == "replaced" else "expired"
            )
        case State.DEFERRED if isinstance(outcome, TryLater) and standing.due_at is not None:
            return MailDeferred(delivery_id=delivery_id, next_attempt_at=standing.due_at)
        case State.ACCEPTED | State.DEFERRED:
            return None


@dataclass(frozen=True)
class Delivery:
    """What the person with the handle learns. `hint` is the name of a text.

    While a mail is accepted no time is told: so an unknown handle, which answers the same, tells nothing.
    """

    status: Status
    since: datetime | None
    next_attempt_at: datetime | None
    hint: str


UNKNOWN = Delivery("accepted", None, None, "delivery_accepted")


def delivery(standing: Standing | None) -> Delivery:
    """What to tell about a mail, or about a handle that is not known."""
    if standing is None:
        return UNKNOWN
    match standing.state:
        case State.ACCEPTED:
            return UNKNOWN
        case State.DEFERRED:
            return Delivery("deferred", standing.since, standing.due_at, "delivery_deferred")
        case State.SENT:
            return Delivery("sent", standing.since, None, "delivery_sent")
        case State.BOUNCED | State.SUPPRESSED:  # told alike: a stranger must not learn what we know of an address
            return Delivery("undelivered", standing.since, None, "delivery_undelivered")
        case State.EXPIRED:
            return Delivery("expired", standing.since, None, f"delivery_{standing.name}")
        case _:
            assert_never(standing.state)


def told(standing: Standing, accepted_at: datetime, chance: float, now: datetime) -> Delivery:
    """What everybody but agents is told. `chance`, between 0 and 1, is the mail's own, and nobody outside knows it.

    Ends are told to the minute, and those of mails that reached nobody as if by a report: see `_seeming`.
    """
    found = delivery(_seeming(standing, accepted_at, chance, now))
    if found.since is None or found.status == "deferred":
        return found
    return replace(found, since=found.since.replace(second=0, microsecond=0))


def _seeming(standing: Standing, accepted_at: datetime, chance: float, now: datetime) -> Standing:
    """A suppressed mail seems sent when it would have been, and to come back later, and so does one refused at once.

    Else who has a stranger's address registered would see that we had written there before.
    """
    report_after = SOONEST_REPORT + (LATEST_REPORT - SOONEST_REPORT) * chance
    match standing.state:
        case State.SUPPRESSED:
            told_at = standing.since + report_after
        case State.BOUNCED:
            told_at = max(standing.since, accepted_at + report_after)
        case _:
            return standing
    if now < told_at:
        return replace(standing, state=State.SENT, reason=None)
    return replace(standing, since=told_at)
