"""A page of each list of a firm of 500 members and 1,500 clients, among 5 million rights, beside a page of bare ids.

What is measured is `chassis.pages.fetch` on the service's own queries, over one connection with the service's own
settings: page, total and the names of its rows. A gateway adds the token and JSON, which `check` measures.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from bench.measuring import own_folder, percentile, say, table
from bench.population import SMALL, Population, Size, fill
from chassis import pages
from chassis.database import SERVER_SETTINGS
from chassis.migrations import migrate
from chassis.outcomes import Refusal
from chassis.pages import Listing, Page
from contracts.agency import Agency, load
from local import ROOT, Problem
from local.ports import free_ports
from local.postgres import Postgres
from services.authorizations.access.domain import Moment
from services.authorizations.lists import storage
from services.authorizations.lists.authorizations import LEVELS, NO_AND_YES, authorizations
from services.authorizations.lists.storage import Narrow, Order

AIM = "aim of issue 5: p99 under 50 ms, whatever the filter; in the past at most twice that"
MIGRATIONS = ROOT / "services" / "authorizations" / "migrations"
TURNS = 100  # of each list and filter, half as many of pages far behind and in the past; the floor between them
ROWS = 50
DEEP = 20  # pages turned before a deep one is measured
LONG_AGO = timedelta(days=400)
BEFORE_THE_WITHDRAWALS = timedelta(days=210)
NAMED = ("organization_id", "firm_id", "holder_id", "holder_organization_id")

# The same number of ids of the same firm, by one index.
BARE = (
    "select relation_id from relations where holder_id = $1 and organization_id > $2 order by organization_id limit 51"
)

Make = Callable[[Moment], Listing]
SHOWN = ("now p50", "p99", "of it a core", "deep p99", "past p99", "known then p99")


def run(small: bool, keep: bool = False) -> None:
    """Fill a database of its own, or with `keep` the one that was kept, measure each list, print one table."""
    size, turns = (SMALL, 5) if small else (Size(), TURNS)
    with own_folder(f"lists-{size.members}" if keep else None) as folder:
        [port] = free_ports(1)
        postgres = Postgres(folder / "postgres", port, folder / "postgres.log", durable=False)
        try:
            postgres.start()
            dsn = postgres.create_database("authorizations")
            agency = load(ROOT / "agencies" / "ccq")
            asyncio.run(migrate(dsn, MIGRATIONS))
            if not (folder / "filled").exists():
                asyncio.run(_fill(dsn, agency, size))
                (folder / "filled").touch()
            asyncio.run(measure(dsn, agency, Population(size, 0, 0), turns))
        finally:
            postgres.stop()


async def _fill(dsn: str, agency: Agency, size: Size) -> None:
    delegable = [code for code, subject in agency.subjects.items() if subject.delegable]
    people = await fill(dsn, size, delegable, [code for code in agency.subjects if code not in delegable])
    say(f"\n{people.rights:,} rights in force or ended, filled in {people.seconds:.0f} s.")


async def measure(dsn: str, agency: Agency, people: Population, turns: int) -> None:
    """Each list of the firm of a filled database: one table."""
    connection = await asyncpg.connect(dsn, server_settings=dict(SERVER_SETTINGS))
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=str)
    try:
        delegable = [code for code, subject in agency.subjects.items() if subject.delegable]
        now = datetime.now(UTC)
        moments = [
            Moment(now, now.date(), delegable),
            Moment(now - LONG_AGO, (now - LONG_AGO).date(), delegable),
            Moment(now, now.date(), delegable, now - BEFORE_THE_WITHDRAWALS),
        ]
        bare = [await _bare(connection, people) for _ in range(turns)]
        rows: list[tuple[str, Sequence[str]]] = []
        for name, make in (await _lists(connection, people, agency)).items():
            rows.append((name, await _cells(connection, make, moments, turns)))
            bare += [await _bare(connection, people) for _ in range(turns)]
        floor = [f"{percentile(bare, 50):.1f}", f"{percentile(bare, 99):.1f}", "", "", "", ""]
        table(f"One page of {ROWS} rows with its total, in ms ({AIM})", SHOWN, [*rows, ("floor: bare ids", floor)])
    finally:
        await connection.close()


async def _lists(
    connection: "asyncpg.Connection[asyncpg.Record]", people: Population, agency: Agency
) -> Mapping[str, Make]:
    """Each list with each filter and each order."""
    firm, client, contact = people.firm, people.client(3), people.member(7)
    called = await storage.names(connection, [contact, client])
    person, company = called[contact].family_name.split()[0], called[client].legal_name.split()[0]
    by_name = Order("contact")
    narrowed = {
        "": Narrow(),
        "of a contact": Narrow(contact_id=contact),
        "of a subject": Narrow(subject="profile"),
        "of a subject that cannot be delegated": Narrow(subject="status_letter"),
        "for a client": Narrow(organization_id=client),
        "of a contact for a client": Narrow(contact_id=contact, organization_id=client),
        "active": Narrow(active=True),
        "not active": Narrow(active=False),
        "not active, of a contact": Narrow(contact_id=contact, active=False),
        "active, of a subject": Narrow(subject="profile", active=True),
        "not active, of a subject": Narrow(subject="profile", active=False),
        "active, for a client": Narrow(organization_id=client, active=True),
        "active, a person's name": Narrow(words=[person], active=True),
        "a person's name": Narrow(words=[person]),
        "a client's name": Narrow(words=[company]),
        "a name that nobody has": Narrow(words=["qqq"]),
        "as a member sees it": Narrow(own_rows=contact),
    }
    ranks = {"subject": list(agency.subjects), "function": ["", *agency.relation_types], "level": LEVELS,
             "active": NO_AND_YES, "organization": (), "holder_organization": (), "contact": ()}  # fmt: skip
    found: dict[str, Make] = {}
    for name, narrow in narrowed.items():
        found[f"authorizations {name}".strip()] = _made(authorizations, firm, narrow, by_name)
    for column, codes in ranks.items():
        for end in (False, True):
            order = Order(column, end, codes)
            name = f"authorizations by {column}{', from the end' if end else ''}"
            found[name] = _made(authorizations, firm, Narrow(), order)
    found["authorizations of a client"] = _made(authorizations, client, Narrow(), by_name)
    for name, narrow in {"": Narrow(), "not active": Narrow(active=False), "a name": Narrow(words=[person])}.items():
        found[f"contacts {name}".strip()] = _made(storage.contacts, firm, narrow, Order("name"))
    for name, narrow in {"": Narrow(), "active": Narrow(active=True), "a name": Narrow(words=[company]),
                         "as a member sees it": Narrow(own_rows=contact)}.items():  # fmt: skip
        found[f"relations {name}".strip()] = _made(storage.relations, firm, narrow, Order("organization"))
    found["authorized files"] = _made(storage.files, contact, (), Order("organization"))
    found["authorized files, a name"] = _made(storage.files, contact, [company], Order("organization"))
    return found


def _made(build: Callable[..., Listing], *rest: Any) -> Make:
    return lambda moment: build(moment, *rest)


async def _cells(
    connection: "asyncpg.Connection[asyncpg.Record]", make: Make, moments: Sequence[Moment], turns: int
) -> list[str]:
    now, past, then = moments
    core_before = _on_a_core(connection)
    first = [await _page(connection, make(now), None) for _ in range(turns)]
    core = (_on_a_core(connection) - core_before) / turns
    cursor = await _deep(connection, make(now))
    deep = [await _page(connection, make(now), cursor) for _ in range(turns // 2)] if cursor else []
    in_the_past = [await _page(connection, make(past), None) for _ in range(turns // 2)]
    known_then = [await _page(connection, make(then), None) for _ in range(turns // 2)]
    return [
        f"{percentile(first, 50):.1f}",
        f"{percentile(first, 99):.1f}",
        f"{core:.1f}",
        f"{percentile(deep, 99):.1f}" if deep else "–",
        f"{percentile(in_the_past, 99):.1f}",
        f"{percentile(known_then, 99):.1f}",
    ]


async def _page(connection: "asyncpg.Connection[asyncpg.Record]", listing: Listing, cursor: str | None) -> float:
    begun = time.perf_counter()
    found = _found(await pages.fetch(connection, listing, cursor, ROWS))
    await storage.names(connection, {row[column] for row in found.rows for column in NAMED if column in row})
    return (time.perf_counter() - begun) * 1000


async def _deep(connection: "asyncpg.Connection[asyncpg.Record]", listing: Listing) -> str | None:
    """The cursor of a page far behind; of the last one but one where the list is shorter."""
    cursor = None
    for _ in range(DEEP):
        following = _found(await pages.fetch(connection, listing, cursor, ROWS)).next_cursor
        if following is None:
            break
        cursor = following
    return cursor


def _found(found: Page | Refusal) -> Page:
    if isinstance(found, Refusal):
        raise Problem(f"A page was refused: {found.code}.")
    return found


async def _bare(connection: "asyncpg.Connection[asyncpg.Record]", people: Population) -> float:
    begun = time.perf_counter()
    await connection.fetch(BARE, people.member(7), people.client(20))
    return (time.perf_counter() - begun) * 1000


def _on_a_core(connection: Any) -> float:
    """Milliseconds that the connection's server process has spent on a core (Linux): neighbours do not lengthen it."""
    told = Path(f"/proc/{connection.get_server_pid()}/schedstat")
    return int(told.read_text(encoding="ascii").split()[0]) / 1e6 if told.exists() else float("nan")
