"""What rests in a service's tables under its keys: encrypted anew with another, or found, so that no key goes too soon.

A service names its columns once (`Made`); `keys relock` and `keys retire` read them.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc.errors import JoseError

from chassis.database import Pool
from chassis.keys import AnyKey, Use
from chassis.rotation import superseded_at
from chassis.sealing import Vault, start_of_locked, starts_of_sealed

LOOKING = 300.0  # seconds for one column: whole tables are read
TOPICS_KEEP = timedelta(days=7)  # contracts.topics; what a mistake of clocks could add is small beside it


@dataclass(frozen=True)
class Locked:
    """A column of what the service's vault has locked; `portion` rows are encrypted anew in one transaction."""

    table: str
    key: tuple[str, ...]
    column: str
    portion: int = 200


@dataclass(frozen=True)
class Digested:
    """A column of digests that something may still be compared with: those of rows that are `alive` (SQL).

    Where a digest does not name its key, `made_at` is the column that says when the row was made.
    """

    rows: str
    column: str
    made_at: str | None = None
    alive: str = "true"


@dataclass(frozen=True)
class Sealed:
    """A column of what other services have sealed to this one."""

    table: str
    column: str


@dataclass(frozen=True)
class Made:
    """Everything that a service keeps under its keys. `seals_stay` says why seals to it never cease to come, if so."""

    locked: Sequence[Locked] = ()
    digested: Sequence[Digested] = ()
    sealed: Sequence[Sealed] = ()
    seals_stay: str = ""


NOTHING = Made()


@dataclass(frozen=True)
class Relocked:
    """How many rows of a column are now locked with the newest key, and how many cannot be unlocked any more."""

    column: str
    done: int
    unreadable: int


async def relock(pool: Pool, vault: Vault, columns: Sequence[Locked]) -> AsyncIterator[Relocked]:
    """Lock again whatever was locked with an older key, while others write; where it breaks off, it may be repeated."""
    for column in columns:
        yield await _relock(pool, vault, column)


async def _relock(pool: Pool, vault: Vault, column: Locked) -> Relocked:
    key, start = ", ".join(column.key), start_of_locked(vault.kid)
    places = ", ".join(f"${place}" for place in range(2, 2 + len(column.key)))
    older = (
        f"select {key}, {column.column} as locked from {column.table}"
        f" where {column.column} is not null and not starts_with({column.column}, $1)"
    )
    order = f" order by {key} limit {column.portion}"
    write = (
        f"update {column.table} set {column.column} = $1"
        f" where ({key}) = ({places}) and {column.column} = ${2 + len(column.key)}"
    )
    done, unreadable = 0, 0
    rows = await pool.fetch(older + order, start, timeout=LOOKING)
    while rows:
        fresh = []
        for row in rows:
            try:
                fresh.append((await asyncio.to_thread(_again, vault, row["locked"]), *row))
            except (JoseError, KeyError):
                unreadable += 1
        async with pool.acquire() as connection, connection.transaction():
            statuses = [await connection.execute(write, *one) for one in fresh]
        done += sum(status == "UPDATE 1" for status in statuses)
        last = [rows[-1][name] for name in column.key]
        rows = await pool.fetch(f"{older} and ({key}) > ({places}){order}", start, *last, timeout=LOOKING)
    return Relocked(f"{column.table}.{column.column}", done, unreadable)


def _again(vault: Vault, locked: str) -> str:
    return vault.lock(vault.unlock(locked))


async def made_with(pool: Pool, made: Made, use: Use, key: AnyKey, now: datetime) -> list[str]:
    """Why a key must stay: what was made with it and may still come back, a sentence each."""
    kid, since = str(key.kid), superseded_at(key)
    if use == "storage":
        return await _counted(pool, [_starting(one.table, one.column, start_of_locked(kid)) for one in made.locked])
    if since is None:
        return ["its keyring does not say since when another key is in use"]
    if use == "digests":
        return await _counted(pool, [_digested(one, f"{kid}:", since) for one in made.digested])
    reasons = [made.seals_stay] if made.seals_stay else []
    if now < since + TOPICS_KEEP:
        until = (since + TOPICS_KEEP).isoformat(timespec="seconds")
        reasons.append(f"topics keep seals to it until {until}, if the other services have the newer key since then")
    for start in starts_of_sealed(key):
        letters = _Look("dead_letters", "dead_letters where position($1::text::bytea in payload) > 0", start)
        reasons += await _counted(pool, [*(_starting(one.table, one.column, start) for one in made.sealed), letters])
    return reasons


@dataclass(frozen=True)
class _Look:
    name: str
    rows: str
    argument: str | datetime


def _starting(table: str, column: str, start: str) -> _Look:
    return _Look(f"{table}.{column}", f"{table} where starts_with({column}, $1)", start)


def _digested(one: Digested, start: str, since: datetime) -> _Look:
    name = f"{one.rows.split()[0]}.{one.column}"
    if one.made_at is None:
        return _Look(name, f"{one.rows} where {one.alive} and starts_with({one.column}, $1)", start)
    return _Look(name, f"{one.rows} where {one.alive} and {one.made_at} < $1", since)


async def _counted(pool: Pool, looks: Sequence[_Look]) -> list[str]:
    found = []
    for look in looks:
        query = f"select count(*) from {look.rows}"
        if number := await pool.fetchval(query, look.argument, timeout=LOOKING):
            found.append(f"{number} in {look.name} may have been made with it")
    return found
