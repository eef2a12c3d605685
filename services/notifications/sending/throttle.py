"""How many mails go to one domain at once and in a minute, so that one slow domain holds up nobody else's mail.

Counted in this process's memory: a mail's domain stands only under its seal. A mail over the limit is handed back with
a time of its own to come again, spread as the limit allows, so that thousands of them do not all come back at once.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.notifications.mails.domain import PRIORITIES

TOGETHER = timedelta(seconds=2)  # what was spread over two looks at the table may go at once
SECONDS_A_MAIL = 1.0  # assumed of a domain whose connections are all busy, to spread those who wait for it
KEPT = 10_000  # domains in memory before the quiet ones are forgotten

NEVER = datetime.fromtimestamp(0, UTC)


@dataclass
class _Domain:
    under_way: int = 0
    next_turn: datetime = NEVER
    promised: dict[int, datetime] = field(default_factory=lambda: dict.fromkeys(PRIORITIES.values(), NEVER))


class Throttle:
    """The limits of every domain. None means no limit."""

    def __init__(self, connections: int | None, per_minute: int | None) -> None:
        """`connections` at once and mails `per_minute`, to each domain, from this process."""
        self._connections = connections
        self._pause = timedelta(minutes=1) / per_minute if per_minute else None
        self._busy_pause = timedelta(seconds=SECONDS_A_MAIL) / (connections or 1)
        self._domains: dict[str, _Domain] = {}

    def enter(self, name: str, rank: int, now: datetime) -> datetime | None:
        """Begin a mail to a domain: None when it may go now, and `leave` follows; else when to come again.

        `rank` is the mail's priority: those that wait make way for a more urgent one.
        """
        if self._connections is None and self._pause is None:
            return None
        domain = self._domains.get(name) or self._new(name, now)
        if self._pause is not None and domain.next_turn - TOGETHER > now:
            return self._promise(domain, rank, domain.next_turn - TOGETHER, self._pause)
        if self._connections is not None and domain.under_way >= self._connections:
            return self._promise(domain, rank, now, self._busy_pause)
        if self._pause is not None:
            domain.next_turn = max(domain.next_turn, now) + self._pause
        domain.under_way += 1
        return None

    def leave(self, name: str) -> None:
        """The mail has ended, however."""
        if name in self._domains:
            self._domains[name].under_way -= 1

    def _promise(self, domain: _Domain, rank: int, earliest: datetime, pause: timedelta) -> datetime:
        ahead = max(until for other, until in domain.promised.items() if other <= rank)
        domain.promised[rank] = max(ahead, earliest) + pause
        return domain.promised[rank]

    def _new(self, name: str, now: datetime) -> _Domain:
        if len(self._domains) >= KEPT:
            self._domains = {n: d for n, d in self._domains.items() if d.under_way or d.next_turn > now}
        return self._domains.setdefault(name, _Domain())
