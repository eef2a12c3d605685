"""Pages of a list by cursor: stable while rows come and go, with a total that is exact up to a limit."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chassis.database import Connection
from chassis.outcomes import Refusal

COUNT_TO = 10_000  # rows that are counted exactly; beyond, "at least"
LARGEST = 200  # rows of a page


@dataclass(frozen=True)
class Listing:
    """A query with its arguments, and the columns that order it: (name, SQL type), none of them null, the last unique."""

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
    seen, after = 0, None
    if cursor is not None:
        try:
            seen, *after = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if not isinstance(seen, int) or len(after) != len(listing.order):
                raise ValueError
            after = [str(value) for value in after]
        except (ValueError, TypeError):
            return Refusal("invalid_cursor", fields=("cursor",))
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
    return Page(shown, seen + 1 if shown else 0, last if shown else 0, min(total, COUNT_TO), total <= COUNT_TO, following)
