"""Each list, however filtered, ordered and paged, shows what a naive reading of all rows finds."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis import pages
from chassis.database import Connection
from chassis.pages import Listing, Page
from services.authorizations.access.domain import Moment
from services.authorizations.app import service
from services.authorizations.lists import storage
from services.authorizations.lists.authorizations import LEVELS, NO_AND_YES, authorizations
from services.authorizations.lists.storage import Narrow, Order
from services.authorizations.tests.made_up import DELEGABLE, SUBJECTS, TODAY, TYPES, Held, World, drawn, noon, write
from tests.fixtures.gateway import OpenService

MOMENTS = (
    Moment(noon(TODAY), TODAY, DELEGABLE),
    Moment(noon(TODAY) - timedelta(days=200), TODAY - timedelta(days=200), DELEGABLE),
    Moment(noon(TODAY), TODAY, DELEGABLE, noon(TODAY) - timedelta(days=150)),
)
WORDS: Sequence[Sequence[str]] = ((), (), (), ("abel",), ("b", "y"), ("qqq",))
RANKS: Mapping[str, Sequence[str]] = {
    "subject": SUBJECTS[::-1], "function": ("", *TYPES), "level": LEVELS, "active": NO_AND_YES,
    "contact": (), "organization": (), "holder_organization": (),
}  # fmt: skip
CASES = 50


async def everything(connection: Connection, listing: Listing, size: int) -> tuple[list[Any], Page]:
    """Every row, page by page, and the first page."""
    rows: list[Any] = []
    first = page = await pages.fetch(connection, listing, None, size)
    while True:
        assert isinstance(page, Page) and isinstance(first, Page)
        rows += page.rows
        if page.next_cursor is None:
            return rows, first
        page = await pages.fetch(connection, listing, page.next_cursor, size)


def narrowed(chance: random.Random, people: Sequence[UUID], organizations: Sequence[UUID]) -> Narrow:
    """Some filters, most of them left out."""

    def maybe(values: Sequence[Any], likely: float) -> Any:
        return chance.choice(values) if chance.random() < likely else None

    return Narrow(
        maybe(people, 0.1), maybe(people, 0.25), maybe(SUBJECTS, 0.25), maybe(organizations, 0.25),
        maybe((False, True), 0.5), chance.choice(WORDS),
    )  # fmt: skip


def ordered(rows: Sequence[Held], order: Order, subjects: Sequence[str]) -> list[Held]:
    """The rows in the order of a column."""

    def holder(row: Held) -> tuple[Any, ...]:
        return row.place, *row.holder

    leading: dict[str, Callable[[Held], tuple[Any, ...]]] = {
        "contact": lambda row: (*holder(row), *row.organization),
        "organization": lambda row: (*row.organization, *holder(row)),
        "holder_organization": lambda row: (*row.firm, *holder(row), *row.organization),
        "subject": lambda row: (order.ranks.index(row.subject), *holder(row), *row.organization),
        "level": lambda row: (order.ranks.index(row.level), *holder(row), *row.organization),
        "function": lambda row: (
            order.ranks.index(row.function if row.place else ""), *holder(row), *row.organization
        ),
        "active": lambda row: (row.active, *holder(row), *row.organization),
    }  # fmt: skip
    by = leading[order.column]
    return sorted(
        rows,
        key=lambda row: (*by(row), row.relation_id, subjects.index(row.subject), row.right_id),
        reverse=order.descending,
    )


@pytest.mark.parametrize("seed", range(3))
async def test_every_list_shows_what_a_naive_reading_finds(
    open_service: OpenService, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    opened = await open_service(service)
    chance = random.Random(seed)
    async with opened.unit.pool.acquire() as connection:
        await write(connection, drawn(seed))
        worlds = [await World.read(connection, moment) for moment in MOMENTS]
        organizations = [row["organization_id"] for row in await connection.fetch("table organizations order by 1")]
        people = sorted(row["contact_id"] for row in worlds[0].contacts)
        subjects = await connection.fetchval("select array_agg(s order by s) from unnest($1::text[]) s", SUBJECTS)
        for case in range(CASES):
            world, organization_id = chance.choice(worlds), chance.choice(organizations)
            narrow = narrowed(chance, people, organizations)
            monkeypatch.setattr(pages, "COUNT_TO", chance.choice((5, 10_000)))
            size, descending = chance.choice((2, 7, 50)), chance.random() < 0.5
            where = (seed, case, organization_id, narrow, world.moment)

            column = chance.choice(list(RANKS))
            order = Order(column, descending, RANKS[column])
            listing = authorizations(world.moment, organization_id, narrow, order)
            rows, first = await everything(connection, listing, size)
            expected = ordered(world.authorizations(organization_id, narrow), order, subjects)
            assert [held(row) for row in rows] == [shown(row) for row in expected], (where, order)
            either_kind = len(world.authorizations(organization_id, Narrow(**vars(narrow) | {"active": None})))
            judge_total(first, len(expected), either_kind, where)

            listing = storage.relations(world.moment, organization_id, narrow, Order("organization", descending))
            rows, first = await everything(connection, listing, size)
            related = sorted(
                world.related(organization_id, narrow),
                key=lambda row: (row.organization[0], row.related[0], row.relation_id),
                reverse=descending,
            )
            assert [(r["relation_id"], r["type"], r["active"], r["organization_id"], r["holder_organization_id"])
                    for r in rows] == [(r.relation_id, r.type, r.active, r.organization[1], r.related[1])
                                       for r in related], where  # fmt: skip
            judge_total(first, len(related), len(related), where)

            listing = storage.contacts(world.moment, organization_id, narrow, Order("name", descending))
            rows, first = await everything(connection, listing, size)
            contacts = sorted(world.listed_contacts(organization_id, narrow), reverse=descending)
            assert [(row["sorted_name"], row["contact_id"], row["active"]) for row in rows] == contacts, where
            judge_total(first, len(contacts), len(contacts), where)

            person = chance.choice(people)
            listing = storage.files(world.moment, person, narrow.words, Order("organization", descending))
            rows, first = await everything(connection, listing, size)
            files = world.files(person, narrow.words)
            assert [tuple(row) for row in rows] == [
                (identity, name) for name, identity in (files[::-1] if descending else files)
            ], (where, person)
            judge_total(first, len(files), len(files), where)


@pytest.mark.parametrize("seed", range(3))
async def test_what_each_holder_has_in_force_is_counted_as_a_naive_reading_counts_it(
    open_service: OpenService, seed: int
) -> None:
    opened = await open_service(service)
    async with opened.unit.pool.acquire() as connection:
        await write(connection, drawn(seed))
        for moment in MOMENTS:
            world = await World.read(connection, moment)
            for holder in {(row["holder_id"], row["holder_organization_id"]) for row in world.relations}:
                narrow = Narrow(contact_id=holder[0], active=True)
                listing = authorizations(moment, holder[1], narrow, Order("contact"))
                counted = await pages.count(connection, listing)
                assert counted == (len(world.authorizations(holder[1], narrow)), True), (seed, moment, holder)


def judge_total(page: Page, true: int, looked_at: int, where: object) -> None:
    """Exact where so many are counted, at least true beyond."""
    if looked_at <= pages.COUNT_TO or page.exact:
        assert (page.total, page.exact) == (true, True), where
    else:
        assert min(true, len(page.rows)) <= page.total <= true, where


def held(row: Any) -> tuple[Any, ...]:
    """A row of the list, as it is compared."""
    valid = None if row["valid"].isempty else (row["valid"].lower, row["valid"].upper)
    return (
        row["relation_id"], row["right_id"], row["subject"], row["level"], valid, row["function"], row["firm_id"],
        row["by_contact"], row["active"], row["holder_id"], row["organization_id"],
    )  # fmt: skip


def shown(row: Held) -> tuple[Any, ...]:
    """The same of what was read naively."""
    return (
        row.relation_id, row.right_id, row.subject, row.level, row.valid, row.function, row.firm[1],
        row.place == 1, row.active, row.holder[1], row.organization[1],
    )  # fmt: skip
