"""Legal dates: both bounds inclusive where people and contracts see them, a daterange where they rest."""

from dataclasses import dataclass
from datetime import date, timedelta

from asyncpg import Range

from contracts.events import Span

FOREVER = date(9999, 12, 31)  # what forms show for "no end planned"; never stored


@dataclass(frozen=True)
class Period:
    """From a day to a day, both included; an end of None is open."""

    starts_on: date
    ends_on: date | None = None

    @classmethod
    def of(cls, starts_on: date, ends_on: date | None) -> "Period":
        """The period of a form, where FOREVER means open."""
        return cls(starts_on, None if ends_on == FOREVER else ends_on)

    @classmethod
    def stored(cls, valid: "Range[date]") -> "Period":
        """The period of a row: PostgreSQL gives back an exclusive upper bound."""
        assert valid.lower is not None
        return cls(valid.lower, None if valid.upper is None else valid.upper - timedelta(days=1))

    @property
    def range(self) -> "Range[date]":
        """The period as a row keeps it."""
        return Range(self.starts_on, self.ends_on, lower_inc=True, upper_inc=self.ends_on is not None)

    @property
    def span(self) -> Span:
        """The period as events tell it."""
        return Span(starts_on=self.starts_on.isoformat(), ends_on=self.ends_on and self.ends_on.isoformat())

    def contains(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)

    def is_over(self, day: date) -> bool:
        """Whether it ended before the day."""
        return self.ends_on is not None and self.ends_on < day

    def is_refused(self, today: date) -> bool:
        """Whether nobody could act in it: it ends before it starts, or has ended already."""
        return self.is_over(today) or self.is_over(self.starts_on)
