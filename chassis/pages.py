"""Pages of a list by cursor: stable while rows come and go, with a total that is exact up to a limit.

Rows are counted for the first page, and the cursor carries the total on: counting takes longer than showing a page.
"""

import base64
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from chassis.database import Connection, Pool
from chassis.outcomes import Refusal

COUNT_TO = 10_000  # rows that are counted exactly; beyond, "at least"
LARGEST = 200  # rows of a page
LONGEST = 2000  # characters of a cursor that we read


PORTION = 500  # rows that a walk reads at a time

# Hints that a query may hold, each where `and …` may stand; without a cursor they are what they look like, comments.
BEGINS = re.compile(r"/\* begins: ([^*]+) \*/")
NAMED = re.compile(r"/\* named: ([^*]+) \*/")


@dataclass(frozen=True)
class Listing:
    """A query, its arguments, and the columns that order it: (name, SQL type), none of them null.

    Those of `naming`, by default the last, name a row by ids alone. A cursor carries them, numbers and nothing else,
    because it stands in addresses, which are logged, and other columns may be people's names.

    A query over many rows pages from within. `/* begins: a, b */` stands in a part that knows the first ordering
    columns as a and b, and reads nothing before the cursor's row; `/* named: c */` in one that knows the first naming
    column as c, and finds that row. `counted`, with arguments of its own, yields the rows to look at in whatever order,
    and in the column `counts` whether each is one of the list's. Such a query is `walked`: PostgreSQL is kept from
    putting everything in order at once, which it prefers where it guesses that there is little.
    """

    query: str
    arguments: Sequence[Any]
    order: Sequence[tuple[str, str]]
    naming: Sequence[str] = ()
    descending: bool = False
    counted: tuple[str, Sequence[Any]] | None = None
    walked: bool = False

    @property
    def named_by(self) -> Sequence[tuple[str, str]]:
        """The columns that name a row."""
        return [column for column in self.order if column[0] in self.naming] or self.order[-1:]

    @property
    def columns(self) -> str:
        """The ordering columns, as a row."""
        return ", ".join(name for name, _ in self.order)

    @property
    def ordered(self) -> str:
        """The ordering columns, as ORDER BY wants them."""
        return ", ".join(f"{name} {self.direction}" for name, _ in self.order)

    @property
    def direction(self) -> str:
        """Of every ordering column."""
        return "desc" if self.descending else "asc"


@dataclass(frozen=True)
class Page:
    """The rows from `first` to `last` (counted from 1; 0 and 0 when there is none) of `total`, or of at least that.

    The total is that of the first page, unless the rows show meanwhile that it cannot be.
    """

    rows: Sequence[Any]
    first: int
    last: int
    total: int
    exact: bool
    next_cursor: str | None


@dataclass(frozen=True)
class _Cursor:
    """How many rows came before, how many there were, whether those were all, and what names the last one."""

    seen: int
    total: int
    exact: bool
    last: Sequence[str]

    def written(self) -> str:
        """As a caller gets it."""
        content = json.dumps([self.seen, self.total, self.exact, *self.last])
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, names: int) -> "_Cursor":
        """What a caller gives back; as many columns name a row. Raises ValueError or TypeError."""
        if len(text) > LONGEST:
            raise ValueError("too long")
        seen, total, exact, *last = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        numbers = all(type(number) is int and number >= 0 for number in (seen, total))
        if not numbers or type(exact) is not bool or len(last) != names:
            raise ValueError("not of this listing")
        return cls(seen, total, exact, [str(value) for value in last])


async def fetch(connection: Connection, listing: Listing, cursor: str | None, limit: int) -> Page | Refusal:
    """One page. `cursor` is what an earlier page gave; refused when it is not one of this listing's.

    Refused, too, when its row has left the list meanwhile and lay deeper than COUNT_TO: then begin again.
    """
    if cursor is None:
        async with _walking(connection, listing):
            return await _page(connection, listing, None, limit)
    try:
        before = _Cursor.read(cursor, len(listing.named_by))
        # In a transaction, so that a value that PostgreSQL cannot read spoils nothing around it.
        async with connection.transaction(), _walking(connection, listing):
            return await _page(connection, listing, before, limit)
    except (ValueError, TypeError, RecursionError, asyncpg.DataError):
        return Refusal("invalid_cursor", fields=("cursor",))


@asynccontextmanager
async def _walking(connection: Connection, listing: Listing) -> AsyncIterator[None]:
    if not listing.walked:
        yield
        return
    async with connection.transaction():
        await connection.execute("set local enable_sort = off")
        yield
        await connection.execute("set local enable_sort = on")


async def count(connection: Connection, listing: Listing) -> tuple[int, bool]:
    """How many rows there are, and whether those are all: COUNT_TO are looked at."""
    query, arguments = listing.counted or (f"select true as counts from ({listing.query}) listed", listing.arguments)
    row = await connection.fetchrow(
        "select count(*) filter (where counts) as found, count(*) as looked_at"
        f" from (select counts from ({query}) listed limit {COUNT_TO + 1}) counted",
        *arguments,
    )
    assert row is not None
    return min(row["found"], COUNT_TO), row["looked_at"] <= COUNT_TO


async def walk(pool: Pool, listing: Listing) -> AsyncIterator[Sequence[Any]]:
    """Every row in order, a portion at a time; no connection is held between portions."""
    after: Sequence[Any] | None = None
    while True:
        async with pool.acquire() as connection, _walking(connection, listing):
            rows = await _rows(connection, listing, after, 0, PORTION)
        if rows:
            yield rows
        if len(rows) < PORTION:
            return
        after = [rows[-1][name] for name, _ in listing.order]


async def _page(connection: Connection, listing: Listing, before: _Cursor | None, limit: int) -> Page:
    seen = before.seen if before else 0
    after = await _place(connection, listing, before.last) if before else None
    if after is None and seen > COUNT_TO:
        # Nobody signs a cursor: one that is made up names no row, and reads no further than the count does.
        raise ValueError("a row that the list has no more, so deep that it cannot be counted to")
    # By count where the last row has left the list meanwhile.
    rows = await _rows(connection, listing, after, seen if after is None else 0, limit + 1)
    shown, more = rows[:limit], len(rows) > limit
    end = seen + len(shown)
    total, exact = (before.total, before.exact) if before else (0, True)
    if before is None or (exact and (end >= total if more else end != total)):
        total, exact = await count(connection, listing)
    if not exact:
        total = max(total, end)
    following = None
    if more:
        following = _Cursor(end, total, exact, [str(shown[-1][name]) for name, _ in listing.named_by]).written()
    return Page(shown, seen + 1 if shown else 0, end if shown else 0, total, exact, following)


async def _rows(
    connection: Connection, listing: Listing, after: Sequence[Any] | None, skipped: int, limit: int
) -> list[Any]:
    """Rows behind the place `after`, or behind so many."""
    query, where = listing.query, ""
    if after is not None:
        first, than = len(listing.arguments) + 1, "<" if listing.descending else ">"
        places = [f"${number}::{kind}" for number, (_, kind) in enumerate(listing.order, first)]

        def begins(hint: re.Match[str]) -> str:
            known = hint[1].count(",") + 1
            return f"and ({hint[1]}) {than}= ({', '.join(places[:known])})"

        query = BEGINS.sub(begins, query)
        where = f"where ({listing.columns}) {than} ({', '.join(places)})"
    rows: list[Any] = await connection.fetch(
        f"select * from ({query}) page {where} order by {listing.ordered} limit {limit} offset {skipped}",
        *listing.arguments,
        *(after or ()),
    )
    return rows


async def _place(connection: Connection, listing: Listing, last: Sequence[str]) -> Sequence[Any] | None:
    """What the row with these ids is ordered by; None when the list has it no more."""
    first = len(listing.arguments) + 1
    naming = [(name, f"${number}::text::{kind}") for number, (name, kind) in enumerate(listing.named_by, first)]
    query = NAMED.sub(lambda hint: f"and {hint[1]} = {naming[0][1]}", listing.query)
    named = " and ".join(f"{name} = {value}" for name, value in naming)
    row = await connection.fetchrow(
        f"select {listing.columns} from ({query}) listed where {named} limit 1", *listing.arguments, *last
    )
    return list(row.values()) if row is not None else None
