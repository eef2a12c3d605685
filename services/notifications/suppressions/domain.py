"""When an address goes onto the list. Nothing here knows a clock, a database or a mail host."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from uuid import UUID

from contracts.notifications import MAIL_REQUESTS, SuppressionReason

# Enhanced status codes that say the mailbox or its domain is not there, and that no waiting brings it back: RFC 3463,
# 3.2 and 3.3; 5.1.10 is RFC 7505; 5.4.310 is Exchange's "domain does not exist".
NO_SUCH_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.1", "5.4.4", "5.4.310"})

# Subjects of a status (RFC 3463, 3.1, 3.4 and 3.6 to 3.8) that say nothing about the address: none, the mail system,
# the dialogue, the content, and policy, which is about us. And details of the others that do not: the sender's address,
# the length.
NOT_ABOUT_ADDRESSES = frozenset({"0", "3", "5", "6", "7"})
NOT_ABOUT_THIS_ADDRESS = frozenset({"1.5", "1.7", "1.8", "1.9", "2.3"})

SOFT_FAILURES = 5  # final failures of one address that together count as "nobody reads this": a full mailbox is emptied
SOFT_DAYS = 3  # agency days, at least, on which they fell: a stranger who asks for mails makes many fail in an hour
SOFT_WINDOW = timedelta(days=30)  # within which they must fall; a holiday is shorter

EVERYTHING = "everything"  # the scope of a dead mailbox; a complaint's is the kind of mail that it is about

# For so long a complaint stops a kind of mail that anyone may ask for. A stranger who goes on asking costs the owner a
# mail a day, not five an hour; an owner who clicked on "junk" by mistake gets in tomorrow, or today through an agent.
COMPLAINT_RESTS = timedelta(days=1)
ANYONE_MAY_ASK = frozenset(request.mail for request in MAIL_REQUESTS if request.anyone_may_ask)


class Weight(Enum):
    """What one final failure says about the address."""

    CONCLUSIVE = "conclusive"
    COUNTED = "counted"
    NONE = "none"


@dataclass(frozen=True)
class Failure:
    """A mail that ended as bounced: where it went, and the enhanced status code."""

    delivery_id: UUID
    recipient_id: UUID
    address_digest: bytes
    status: str


@dataclass(frozen=True)
class Suppression:
    """One address on the list. `status` is the enhanced status code, None for a complaint.

    `scope` is EVERYTHING or a kind of mail, `until` when it ends by itself, None when only an agent can end it.
    """

    suppression_id: UUID
    address_digest: bytes
    reason: SuppressionReason
    status: str | None
    delivery_id: UUID
    recipient_id: UUID
    since: datetime
    scope: str = EVERYTHING
    until: datetime | None = None


@dataclass(frozen=True)
class Standstill:
    """Why, and until when, something is not sent to an address. None: until an agent releases it."""

    reason: SuppressionReason
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether it has not ended by itself."""
        return self.until is None or now < self.until


def complaint_ends(kind: str, now: datetime) -> datetime | None:
    """When a complaint about this kind of mail has stopped it long enough; None when an agent decides."""
    return now + COMPLAINT_RESTS if kind in ANYONE_MAY_ASK else None


def weigh(status: str) -> Weight:
    """What an enhanced status code of a final failure says about the address."""
    if status in NO_SUCH_ADDRESS:
        return Weight.CONCLUSIVE
    _, subject, detail = status.split(".")
    if subject in NOT_ABOUT_ADDRESSES or f"{subject}.{detail}" in NOT_ABOUT_THIS_ADDRESS:
        return Weight.NONE
    return Weight.COUNTED


def exhausted(failures: Iterable[tuple[str, date]]) -> bool:
    """Whether so many soft failures of one address, within the window, on so many days, are too many.

    Each is an enhanced status code and the agency's day.
    """
    days = [day for status, day in failures if weigh(status) is Weight.COUNTED]
    return len(days) >= SOFT_FAILURES and len(set(days)) >= SOFT_DAYS
