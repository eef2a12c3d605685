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
    """A query, its arguments, and the columns that order it: (name, SQL type), none of them null, the last unique."""

    query: str
    arguments: Sequence[Any]
    order: Sequence[tuple[str, str]]


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
        seen, after = _read(cursor, len(listing.order))
        async with connection.transaction():  # so that a value that PostgreSQL cannot read spoils nothing around it
            return await _page(connection, listing, seen, after, limit)
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


async def _page(connection: Connection, listing: Listing, seen: int, after: list[str] | None, limit: int) -> Page:
    columns = ", ".join(name for name, _ in listing.order)
    count = len(listing.arguments)
    where = ""
    if after is not None:
        places = ", ".join(f"${count + i}::text::{kind}" for i, (_, kind) in enumerate(listing.order, 1))
        where = f"where ({columns}) > ({places})"
    rows = await connection.fetch(
        f"select * from ({listing.query}) page {where} order by {columns} limit {limit + 1}",
        *listing.arguments,
        *(after or ()),
    )
    total = await connection.fetchval(
        f"select count(*) from (select from ({listing.query}) listed limit {COUNT_TO + 1}) counted", *listing.arguments
    )
    shown, more = rows[:limit], len(rows) > limit
    last = seen + len(shown)
    following = None
    if more:
        content = json.dumps([last, *(str(shown[-1][name]) for name, _ in listing.order)])
        following = base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")
    return Page(
        shown, seen + 1 if shown else 0, last if shown else 0, min(total, COUNT_TO), total <= COUNT_TO, following
    )
