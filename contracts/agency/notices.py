"""notices.yaml: when people are told of ends that come near, and how often the list of an organization is confirmed."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from contracts.agency.text import Policy

LONGEST_NOTICE = 366  # days before or after: what is further away belongs in a list, not in a mail


def _once_each(days: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(days)) < len(days):
        raise ValueError("a number of days stands here a second time")
    return days


Days = Annotated[
    tuple[Annotated[int, Field(ge=0, le=LONGEST_NOTICE)], ...], Field(max_length=20), AfterValidator(_once_each)
]


class EndNotices(Policy):
    """So many days before its last day one is told of what ends; 0 is that day itself. Empty: never."""

    days_before: Days


class Recertification(Policy):
    """How often those who manage an organization confirm its list, and the days on which they are reminded.

    Days count from the day on which it is due; 0 of either is that day. What is overdue withdraws nothing.
    """

    every_months: int = Field(ge=1, le=120)
    remind_days_before: Days
    remind_days_after: Days

    @property
    def days_until_due(self) -> Sequence[int]:
        """From the day of each reminder; below 0 for those that come after the day on which it is due."""
        return sorted({*self.remind_days_before, *(-days for days in self.remind_days_after)})


class Notices(Policy):
    """The file as a whole. Without `recertification` no list is ever to be confirmed."""

    ends: EndNotices
    recertification: Recertification | None = None

    @property
    def days_until_due(self) -> Sequence[int]:
        """As Recertification has them; none where no list is to be confirmed."""
        return self.recertification.days_until_due if self.recertification else ()
