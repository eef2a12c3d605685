"""On which days one is told of what, and what ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

LOOKS_BACK = 31  # days: what ended longer ago, while nobody could be told, is history and stands in the lists


@dataclass(frozen=True)
class End:
    """A relation that ends, or with `subject` one right of it.

    `member_name` is empty where the holder is an organization; `holder_id` is who holds the relation.
    """

    ends_on: date
    holder_id: UUID
    organization_name: str
    member_name: str
    function: str
    subject: str | None


@dataclass(frozen=True)
class Matters:
    """What there is to tell about an organization: what ends, and until when its list is to be confirmed."""

    ends: Sequence[End]
    confirm_by: date | None = None

    def __bool__(self) -> bool:
        return bool(self.ends) or self.confirm_by is not None

    def of(self, holder_id: UUID) -> "Matters":
        """What of it concerns one member: its own relations and rights."""
        return Matters([end for end in self.ends if end.holder_id == holder_id])


@dataclass(frozen=True)
class Recertification:
    """When an organization's list is to be confirmed, and when and by which contact it was last; never: None."""

    due_on: date
    confirmed_at: datetime | None
    confirmed_by: UUID | None


def days_told(offsets: Sequence[int], since: date, today: date) -> list[date]:
    """The days that lie so many days after one of those to be told of today: the days after `since` until today.

    Those are today alone as long as every round comes in time; after an outage, the days that were missed too.
    """
    told = _days_of_telling(since, today)
    return sorted({day + timedelta(days=offset) for day in told for offset in offsets})


def late_since(
    matters: Matters, of_ends: Sequence[int], of_lists: Sequence[int], since: date, today: date
) -> date | None:
    """The first day on which something of this should have been told; None when that is today.

    `of_ends` and `of_lists` are how many days before an end, and before the day of a list, one is told of it.
    """
    told = _days_of_telling(since, today)
    known = [(end.ends_on, of_ends) for end in matters.ends]
    known += [(matters.confirm_by, of_lists)] if matters.confirm_by else []
    due = [day - timedelta(days=offset) for day, offsets in known for offset in offsets]
    return min((day for day in due if day in told and day < today), default=None)


def _days_of_telling(since: date, today: date) -> Sequence[date]:
    first = max(since, today - timedelta(days=LOOKS_BACK))
    return [first + timedelta(days=1 + passed) for passed in range((today - first).days)]
