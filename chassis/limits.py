"""Counting attempts in the database, before any secret is compared."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Protocol

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

GIVE_BACK = "update limits set spent = spent - 1 where name = $1 and key = $2 and window_start = $3 and spent > 0"


class Limit(Protocol):
    """How many attempts in how many seconds; the agency's data says."""

    @property
    def count(self) -> int:
        """Attempts per window."""

    @property
    def per_seconds(self) -> int:
        """Length of a window."""


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
    return frozenset(keys) - {row["key"] for row in rows}


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
