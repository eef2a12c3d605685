"""Pages of a list by cursor: stable while rows come and go, with a total that is exact up to a limit."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from chassis.database import Connection
from chassis.outcomes import Refusal

COUNT_TO = 10_000  # rows that are counted exactly; beyond, "at least"
LARGEST = 200  # rows of a page
LONGEST = 2000  # characters of a cursor that we read


@dataclass(frozen=True)
class Listing:
    """A query, its arguments, and the columns that order it: (name, SQL type), none of them null.

    The last `naming` of them name a row by ids alone. A cursor carries those and nothing else, because it stands in
    addresses, which are logged, and other columns may be people's names.
    """

    query: str
    arguments: Sequence[Any]
    order: Sequence[tuple[str, str]]
    naming: int = 1


@dataclass(frozen=True)
class Page:
    """The rows from `first` to `last` (counted from 1; 0 and 0 when there is none) of `total`."""

    rows: Sequence[Any]
    first: int
    last: int
    total: int
    exact: bool
    next_cursor: str | None


async def fetch(connection: Connection, listing: Listing, cursor: str | None, limit: int) -> Page | Refusal:
    """One page. `cursor` is what an earlier page gave; refused when it is not one of this listing's."""
    if cursor is None:
        return await _page(connection, listing, 0, None, limit)
    try:
        seen, last = _read(cursor, listing.naming)
        async with connection.transaction():  # so that a value that PostgreSQL cannot read spoils nothing around it
            return await _page(connection, listing, seen, last, limit)
    except (ValueError, TypeError, RecursionError, asyncpg.DataError):
        return Refusal("invalid_cursor", fields=("cursor",))


def _read(cursor: str, columns: int) -> tuple[int, list[str]]:
    """How many rows came before, and the ordering columns of the last one. Raises ValueError or TypeError."""
    if len(cursor) > LONGEST:
        raise ValueError("too long")
    seen, *after = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    if type(seen) is not int or seen < 0 or len(after) != columns:
        raise ValueError("not of this listing")
    return seen, [str(value) for value in after]


async def _page(connection: Connection, listing: Listing, seen: int, last: list[str] | None, limit: int) -> Page:
    columns = ", ".join(name for name, _ in listing.order)
    after = await _place(connection, listing, columns, last) if last is not None else None
    where, start = "", f"offset {seen}"  # by count where the last row has left the list meanwhile
    if after is not None:
        first = len(listing.arguments) + 1
        places = ", ".join(f"${number}::{kind}" for number, (_, kind) in enumerate(listing.order, first))
        where, start = f"where ({columns}) > ({places})", ""
    rows = await connection.fetch(
        f"select * from ({listing.query}) page {where} order by {columns} limit {limit + 1} {start}",
        *listing.arguments,
        *(after or ()),
    )
    total = await connection.fetchval(
        f"select count(*) from (select from ({listing.query}) listed limit {COUNT_TO + 1}) counted", *listing.arguments
    )
    shown, more = rows[:limit], len(rows) > limit
    end = seen + len(shown)
    following = _cursor(end, [str(shown[-1][name]) for name, _ in listing.order[-listing.naming :]]) if more else None
    return Page(
        shown, seen + 1 if shown else 0, end if shown else 0, min(total, COUNT_TO), total <= COUNT_TO, following
    )


async def _place(connection: Connection, listing: Listing, columns: str, last: list[str]) -> Sequence[Any] | None:
    """What the row with these ids is ordered by; None when the list has it no more."""
    first = len(listing.arguments) + 1
    naming = listing.order[-listing.naming :]
    named = " and ".join(f"{name} = ${number}::text::{kind}" for number, (name, kind) in enumerate(naming, first))
    row = await connection.fetchrow(
        f"select {columns} from ({listing.query}) listed where {named} limit 1", *listing.arguments, *last
    )
    return list(row.values()) if row is not None else None


def _cursor(seen: int, last: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([seen, *last]).encode()).decode().rstrip("=")
