"""Notices a consumer that hangs: aiokafka has been seen to, after a stall of the event loop or a rebalance.

Nothing inside the process gets such a consumer going again; a restart of the process does.
"""

from dataclasses import dataclass

PATIENCE = 180.0  # seconds; longer than a rebalance (30), a session (10) and any one handler's statements take


class Stalled(Exception):
    """A consumer takes nothing although records wait, the broker answers and the database is well."""


@dataclass
class Watchdog:
    """Told at every look how much waits and how much was done; bites when there was no progress for so long."""

    patience: float = PATIENCE
    _moved_at: float | None = None
    _done: int = 0

    def bites(self, lag: int, done: int, *, excused: bool, now: float) -> bool:
        """`lag`: records that wait; `done`: records seen to their end so far; `excused`: something else holds it up."""
        if self._moved_at is None or excused or not lag or done != self._done:
            self._moved_at, self._done = now, done
        return now - self._moved_at >= self.patience
