"""Lists page by cursor, stable while rows come and go."""

import base64
import json
from uuid import UUID

import pytest

from chassis import pages
from chassis.outcomes import Refusal
from chassis.pages import Listing, Page
from chassis.tests.conftest import Bench

BY_NAME = Listing("select last, id from counters", [], [("last", "text"), ("id", "uuid")])


async def fill(bench: Bench, *numbers: int) -> None:
    await bench.pool.executemany(
        "insert into counters (id, value, last) values ($1, 0, $2)",
        [(UUID(int=number), f"name {number // 3:04}") for number in numbers],
    )


async def fetch(bench: Bench, cursor: str | None = None, limit: int = 10, listing: Listing = BY_NAME) -> Page | Refusal:
    async with bench.pool.acquire() as connection:
        return await pages.fetch(connection, listing, cursor, limit)


async def page(bench: Bench, cursor: str | None = None, limit: int = 10) -> Page:
    found = await fetch(bench, cursor, limit)
    assert isinstance(found, Page)
    return found


async def test_a_walk_shows_every_row_once_though_others_are_inserted_meanwhile(bench: Bench) -> None:
    await fill(bench, *range(0, 200, 2))
    seen: list[int] = []
    found = await page(bench, limit=7)
    for late in range(1, 200, 2):
        seen += [row["id"].int for row in found.rows]
        if found.next_cursor is None:
            break
        await fill(bench, late, 199 - late + 200)
        found = await page(bench, found.next_cursor, limit=7)

    assert len(seen) == len(set(seen))
    assert set(range(0, 200, 2)) <= set(seen)


async def test_a_page_says_which_rows_it_shows_of_how_many(bench: Bench) -> None:
    await fill(bench, *range(12))

    first = await page(bench)
    assert (first.first, first.last, first.total, first.exact) == (1, 10, 12, True)
    second = await page(bench, first.next_cursor)
    assert (second.first, second.last, second.total, second.next_cursor) == (11, 12, 12, None)


async def test_an_empty_list_is_a_page_of_nothing(bench: Bench) -> None:
    found = await page(bench)

    assert (found.rows, found.first, found.last, found.total, found.next_cursor) == ([], 0, 0, 0, None)


async def test_a_total_beyond_what_is_counted_is_at_least_that(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(bench, *range(12))

    monkeypatch.setattr(pages, "COUNT_TO", 12)
    assert ((found := await page(bench)).total, found.exact) == (12, True)
    monkeypatch.setattr(pages, "COUNT_TO", 11)
    assert ((found := await page(bench)).total, found.exact) == (11, False)


async def test_a_total_is_counted_once_and_stays_as_pages_are_turned(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(bench, *range(12))
    first, counted = await page(bench, limit=5), pages.count

    async def never(*_: object) -> tuple[int, bool]:
        raise AssertionError("counted again")

    monkeypatch.setattr(pages, "count", never)
    second = await page(bench, first.next_cursor, limit=5)
    third = await page(bench, second.next_cursor, limit=5)
    assert [(shown.last, shown.total, shown.exact) for shown in (second, third)] == [(10, 12, True), (12, 12, True)]
    monkeypatch.setattr(pages, "count", counted)


async def test_a_total_that_the_rows_belie_is_counted_again(bench: Bench) -> None:
    await fill(bench, *range(12))
    first = await page(bench, limit=5)
    await fill(bench, *range(12, 20))
    more = await page(bench, first.next_cursor, limit=7)
    assert (more.first, more.last, more.total) == (6, 12, 20)
    await bench.pool.execute("delete from counters where id > $1", UUID(int=14))
    fewer = await page(bench, more.next_cursor)
    assert (fewer.first, fewer.last, fewer.total) == (13, 15, 15)


def cursor_of(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


NO_CURSORS = [
    "",
    "x",
    "é",
    "%%%%",
    cursor_of("text"),
    cursor_of(7),
    cursor_of(None),
    cursor_of([]),
    cursor_of([1, str(UUID(int=1))]),
    cursor_of([1, 12, True]),
    cursor_of([1, 12, True, "a", str(UUID(int=1))]),
    cursor_of([1, 12, True, "no uuid"]),
    cursor_of([1, 12, True, "name\0"]),
    cursor_of(["1", 12, True, str(UUID(int=1))]),
    cursor_of([True, 12, True, str(UUID(int=1))]),
    cursor_of([-5, 12, True, str(UUID(int=1))]),
    cursor_of([1, "12", True, str(UUID(int=1))]),
    cursor_of([1, -12, True, str(UUID(int=1))]),
    cursor_of([1, 12, 1, str(UUID(int=1))]),
    cursor_of({"a": 1, "b": 2, "c": 3}),
    base64.urlsafe_b64encode(b"[" * 1400).decode(),
    cursor_of([1, 12, True, "a" * 20_000]),
]


async def test_a_cursor_that_no_page_gave_is_refused_and_spoils_no_transaction(bench: Bench) -> None:
    await fill(bench, *range(12))

    async with bench.pool.acquire() as connection, connection.transaction():
        for cursor in NO_CURSORS:
            found = await pages.fetch(connection, BY_NAME, cursor, 10)
            assert found == Refusal("invalid_cursor", fields=("cursor",)), cursor
        assert await connection.fetchval("select true")


async def test_a_cursor_carries_ids_and_no_name(bench: Bench) -> None:
    await fill(bench, *range(12))
    cursor = (await page(bench)).next_cursor
    assert cursor is not None
    assert b"name" not in base64.urlsafe_b64decode(cursor + "==")


async def test_a_list_goes_on_when_the_row_that_a_cursor_names_has_left_it(bench: Bench) -> None:
    await fill(bench, *range(12))
    first = await page(bench, limit=5)
    await bench.pool.execute("delete from counters where id = $1", first.rows[-1]["id"])
    assert (await page(bench, first.next_cursor)).first == 6


async def test_a_listing_keeps_its_own_arguments_beside_the_cursor(bench: Bench) -> None:
    await fill(bench, *range(30))
    listing = Listing("select last, id from counters where last <> $1", ["name 0000"], BY_NAME.order)

    first = await fetch(bench, limit=20, listing=listing)
    assert isinstance(first, Page)
    second = await fetch(bench, first.next_cursor, limit=20, listing=listing)
    assert isinstance(second, Page)

    assert [row["id"].int for row in (*first.rows, *second.rows)] == list(range(3, 30))


async def test_a_cursor_that_names_no_row_reads_no_deeper_than_the_count(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody signs cursors: one that is made up could else have millions of rows read to be skipped."""
    await fill(bench, *range(12))
    monkeypatch.setattr(pages, "COUNT_TO", 6)
    gone = str(UUID(int=99))
    shallow, deep = [await fetch(bench, cursor_of([seen, 6, False, gone])) for seen in (6, 7)]
    assert isinstance(shallow, Page) and shallow.first == 7
    assert isinstance(deep, Refusal) and deep.code == "invalid_cursor"
    standing = await fetch(bench, cursor_of([7, 6, False, str(UUID(int=6))]))
    assert isinstance(standing, Page) and standing.first == 8
