"""From the intake to the sender beside it: an urgent mail is leased in the transaction that keeps it.

So nobody who waits for a code waits for a second commit, a second flush to disk, before the mail is begun. Whatever the
sender has no place for waits in the table, for whoever takes it first.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from services.notifications.mails.domain import Mail


class Taker(Protocol):
    """A sender of this process."""

    def places(self, wanted: int) -> int:
        """For how many urgent mails of so many it has a place now; the rest wait in the table."""

    def take_over(self, mails: Sequence[Mail]) -> Callable[[], None]:
        """Make these ready, which are leased to it; to be called back once that is committed, and not before."""


class Handover:
    """The senders of one process that are at work: one, and none where only the gateway runs."""

    def __init__(self) -> None:
        self._takers: list[Taker] = []

    @property
    def taker(self) -> Taker | None:
        """Who takes mails straight from the intake, if anybody."""
        return self._takers[-1] if self._takers else None

    def begin(self, taker: Taker) -> None:
        """It takes mails from now on."""
        self._takers.append(taker)

    def end(self, taker: Taker) -> None:
        """It takes none any more."""
        self._takers.remove(taker)
