"""Counting attempts in the database, before any secret is compared."""

import math
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Protocol

from prometheus_client import Counter

from chassis.database import Connection
from chassis.outcomes import Refusal

SPEND = """
insert into limits as l (name, key, window_start, spent)
select $1, key, $3, $5::integer from unnest($2::bytea[]) key where $5 <= $4::integer order by key
on conflict (name, key) do update
    set spent = case when l.window_start < excluded.window_start then $5 else l.spent + $5 end,
        window_start = greatest(l.window_start, excluded.window_start)
    where l.window_start < excluded.window_start or l.spent + $5 <= $4
returning key
"""

LOAD = """
insert into limits as l (name, key, window_start, spent) values ($1, '', $2, 1)
on conflict (name, key) do update
    set spent = case when l.window_start < excluded.window_start then 1 else l.spent + 1 end,
        window_start = greatest(l.window_start, excluded.window_start)
returning spent
"""

# `window_start` is when the last attempt was made, `spent` how many were: the wait for the next one follows from them.
DELAY = """case when l.spent < $4 then interval '0'
    else make_interval(secs => least($6, $5 * power(2, least(l.spent - $4, 40)))) end"""

GROW = f"""
insert into limits as l (name, key, window_start, spent) values ($1, $2, $3, 1)
on conflict (name, key) do update
    set spent = case
            when l.window_start + make_interval(secs => $7) < excluded.window_start then 1 else l.spent + 1 end,
        window_start = greatest(l.window_start, excluded.window_start)
    where l.window_start + {DELAY} <= excluded.window_start
returning true
"""

WAIT = f"select extract(epoch from l.window_start + {DELAY} - $3) from limits l where l.name = $1 and l.key = $2"

SHRINK = "update limits set spent = spent - 1 where name = $1 and key = $2 and spent > 0"

GIVE_BACK = "update limits set spent = spent - 1 where name = $1 and key = $2 and window_start = $3 and spent > 0"


REACHED = Counter(
    "mandat_limits_reached",
    "Attempts that a limit of this name did not let pass: what is refused, or held back, or must wait",
    ["limit"],
)


class Limit(Protocol):
    """How many attempts in how many seconds; the agency's data says."""

    @property
    def count(self) -> int:
        """Attempts per window."""

    @property
    def per_seconds(self) -> int:
        """Length of a window."""


class Delays(Protocol):
    """How the wait between attempts grows; the agency's data says."""

    @property
    def at_once(self) -> int:
        """Attempts without a wait."""

    @property
    def first_seconds(self) -> int:
        """The wait after them; each further one is twice the one before."""

    @property
    def longest_seconds(self) -> int:
        """No wait is longer."""

    @property
    def forgotten_after_seconds(self) -> int:
        """Without an attempt for so long, the count begins anew."""


async def not_waiting(connection: Connection) -> None:
    """Let nobody wait for the flush of this transaction, which counts and does nothing else.

    A PostgreSQL that dies forgets what was counted in its last 0.6 s (three times wal_writer_delay).
    """
    await connection.execute("set local synchronous_commit = off")


async def forgive(connection: Connection, name: str, key: bytes) -> None:
    """Forget what was spent: where failures are limited, and an attempt has just succeeded."""
    await connection.execute("delete from limits where name = $1 and key = $2", name, key)


async def give_back(connection: Connection, name: str, key: bytes, limit: Limit, at: datetime) -> None:
    """Uncount one attempt that was counted at that instant: nobody learned from it. Nothing once its window is over."""
    await connection.execute(GIVE_BACK, name, key, _window(limit, at))


async def spend(
    connection: Connection, name: str, key: bytes, limit: Limit, now: datetime, amount: int = 1
) -> int | None:
    """Count one attempt, or so many at once. None when they may go on, else the seconds until the window ends.

    `key` is a keyed digest of what is counted, or its identifier where that names no person. Concurrent attempts queue
    on the row, so that at most `count` pass; one whose clock is behind counts in the window that is open. More than
    `count` at once never pass.
    """
    if await connection.fetchval(SPEND, name, [key], _window(limit, now), limit.count, amount) is not None:
        return None
    REACHED.labels(name).inc()
    return seconds_left(limit, now)


async def refuse_beyond(
    connection: Connection, name: str, key: bytes, limit: Limit, now: datetime, *, code: str = "too_many_attempts"
) -> Refusal | None:
    """Count one attempt as `spend` does. None when it may go on, else the refusal that says when others may."""
    seconds = await spend(connection, name, key, limit, now)
    return None if seconds is None else too_many(seconds, code)


def too_many(seconds: int, code: str = "too_many_attempts") -> Refusal:
    """The refusal of what is over its limit for so many seconds."""
    return Refusal(code, retry_after=seconds)


async def spend_each(
    connection: Connection, name: str, keys: Collection[bytes], limit: Limit, now: datetime, amount: int = 1
) -> frozenset[bytes]:
    """Count one attempt, or so many, for each of several keys, apart from the others. Returns who may not go on."""
    rows = await connection.fetch(SPEND, name, list(set(keys)), _window(limit, now), limit.count, amount)
    over = frozenset(keys) - {row["key"] for row in rows}
    if over:
        REACHED.labels(name).inc(len(over))
    return over


async def grow(connection: Connection, name: str, key: bytes, delays: Delays, now: datetime) -> int | None:
    """Count one attempt under delays that grow. None when it may go on, else the seconds until one may, uncounted.

    Concurrent attempts queue on the row: of those that come together at most one passes where a wait is due.
    """
    bounds = (delays.at_once, float(delays.first_seconds), float(delays.longest_seconds))
    if await connection.fetchval(GROW, name, key, now, *bounds, float(delays.forgotten_after_seconds)):
        return None
    REACHED.labels(name).inc()
    left: float | None = await connection.fetchval(WAIT, name, key, now, *bounds)
    return max(1, math.ceil(left or 0))


async def shrink(connection: Connection, name: str, key: bytes) -> None:
    """Uncount an attempt that `grow` counted: the wait after it is that of the attempt before."""
    await connection.execute(SHRINK, name, key)


async def overload(connection: Connection, name: str, limit: Limit, now: datetime) -> float:
    """Count one attempt of anybody. How many times over the window's budget is spent: 0 within it, 1 at its double."""
    spent: int = await connection.fetchval(LOAD, name, _window(limit, now))
    return max(0.0, spent / limit.count - 1)


def seconds_left(limit: Limit, now: datetime) -> int:
    """Until the window ends in which an instant lies."""
    return limit.per_seconds - int(now.timestamp()) % limit.per_seconds


def _window(limit: Limit, now: datetime) -> datetime:
    """When the window began in which an instant lies."""
    return now.replace(microsecond=0) - timedelta(seconds=int(now.timestamp()) % limit.per_seconds)
