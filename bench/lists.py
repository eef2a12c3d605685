"""A page of each list of a firm of 500 members and 1,500 clients, among 5 million rights, beside a page of bare ids.

What is measured is `chassis.pages.fetch` on the service's own queries, over one connection with the service's own
settings: page, total and the names of its rows. A gateway adds the token and JSON, which `check` measures. Every page
is of another contact, subject, client, name or place, where the list has one. PostgreSQL has the memory that such an
installation gives it (`measuring.MEMORY`), and what is shown first is a service that has run a while; its first turn,
right after the server's start, stands beside.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from bench.measuring import MEMORY, on_a_core, own_folder, percentile, say, table
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
from services.authorizations.personal.storage import names

AIM = "aim of issue 5: p99 under 50 ms, whatever the filter; in the past at most twice that"
MIGRATIONS = ROOT / "services" / "authorizations" / "migrations"
TURNS = 200  # pages of each list and filter, as many far behind, in the past and by what was known; p99 is no maximum
COLD = 20  # pages of each that are asked for first, while PostgreSQL reads from the disk what it will keep
FLOOR = 50  # pages of bare ids after each list
ROWS = 50
DEEP = range(10, 30)  # how many pages were turned before a deep one
LONG_AGO = timedelta(days=400)
BEFORE_THE_WITHDRAWALS = timedelta(days=210)
NAMED = ("organization_id", "firm_id", "holder_id", "holder_organization_id")

# The same number of ids of the same firm, by one index.
BARE = (
    "select relation_id from relations where holder_id = $1 and organization_id > $2 order by organization_id limit 51"
)

Draw = random.Random
Make = Callable[[Moment, Draw], Listing]
SHOWN = ("p50", "p99", "of it a core", "deep p50", "p99", "past p99", "known then p99", "first turn p50", "max")


def run(small: bool, keep: bool = False, only: str = "") -> None:
    """Fill a database of its own, or with `keep` the one that was kept, measure each list, print one table.

    With `only` no more lists than those whose name holds it.
    """
    size, turns = (SMALL, 20) if small else (Size(), TURNS)
    with own_folder(f"lists-{size.members}" if keep else None) as folder:
        [port] = free_ports(1)
        postgres = Postgres(folder / "postgres", port, folder / "postgres.log", durable=False, settings=MEMORY)
        try:
            postgres.start()
            dsn = postgres.create_database("authorizations")
            agency = load(ROOT / "agencies" / "ccq")
            asyncio.run(migrate(dsn, MIGRATIONS))
            if not (folder / "filled").exists():
                asyncio.run(_fill(dsn, agency, size))
                (folder / "filled").touch()
                postgres.stop()  # so that what was filled a moment ago is in its memory no more
                postgres.start()
            asyncio.run(measure(dsn, agency, Population(size, 0, 0), turns, only))
        finally:
            postgres.stop()


async def _fill(dsn: str, agency: Agency, size: Size) -> None:
    delegable = [code for code, subject in agency.subjects.items() if subject.delegable]
    people = await fill(dsn, size, delegable, [code for code in agency.subjects if code not in delegable])
    say(f"\n{people.rights:,} rights in force or ended, filled in {people.seconds:.0f} s.")


async def measure(dsn: str, agency: Agency, people: Population, turns: int, only: str = "") -> None:
    """Each list of the firm of a filled database whose name holds `only`: one table."""
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
        lists = {name: make for name, make in (await _lists(connection, people, agency)).items() if only in name}
        cold = {name: await _cold(connection, make, moments) for name, make in lists.items()}
        bare: list[float] = []
        rows: list[tuple[str, Sequence[str]]] = []
        for name, make in lists.items():
            rows.append((name, [*await _warm(connection, make, moments, turns), *_both(cold[name], 100)]))
            bare += [await _bare(connection, people, Draw(turn)) for turn in range(FLOOR)]
        floor = [*_both(bare), *[""] * (len(SHOWN) - 2)]
        title = f"One page of {ROWS} rows with its total, in ms, {turns} pages each; PostgreSQL has {MEMORY} ({AIM})"
        table(title, SHOWN, [*rows, (f"floor: bare ids, {len(bare):,} times", floor)])
    finally:
        await connection.close()


async def _lists(
    connection: "asyncpg.Connection[asyncpg.Record]", people: Population, agency: Agency
) -> Mapping[str, Make]:
    """Each list with each filter and each order; what a filter names is drawn for each page."""
    size, firm = people.size, people.firm
    contacts, clients = [people.member(n) for n in range(size.members)], [people.client(n) for n in range(size.clients)]
    called = await names(connection, [*contacts, *clients])
    persons = [called[contact].family_name.split()[0] for contact in contacts]
    companies = [called[client].legal_name.split()[0] for client in clients]
    delegable = [code for code, subject in agency.subjects.items() if subject.delegable]
    others = [code for code in agency.subjects if code not in delegable]
    by_name = Order("contact")
    narrowed: dict[str, Callable[[Draw], Narrow]] = {
        "": lambda _: Narrow(),
        "of a contact": lambda draw: Narrow(contact_id=draw.choice(contacts)),
        "of a subject": lambda draw: Narrow(subject=draw.choice(delegable)),
        "of a subject that cannot be delegated": lambda draw: Narrow(subject=draw.choice(others)),
        "for a client": lambda draw: Narrow(organization_id=draw.choice(clients)),
        "of a contact for a client": lambda draw: Narrow(
            contact_id=draw.choice(contacts), organization_id=draw.choice(clients)
        ),
        "active": lambda _: Narrow(active=True),
        "not active": lambda _: Narrow(active=False),
        "active, of a contact": lambda draw: Narrow(contact_id=draw.choice(contacts), active=True),
        "active, of a contact and a subject": lambda draw: Narrow(
            contact_id=draw.choice(contacts), subject=draw.choice(delegable), active=True
        ),
        "not active, of a contact": lambda draw: Narrow(contact_id=draw.choice(contacts), active=False),
        "active, of a subject": lambda draw: Narrow(subject=draw.choice(delegable), active=True),
        "not active, of a subject": lambda draw: Narrow(subject=draw.choice(delegable), active=False),
        "active, for a client": lambda draw: Narrow(organization_id=draw.choice(clients), active=True),
        "active, a person's name": lambda draw: Narrow(words=[draw.choice(persons)], active=True),
        "a person's name": lambda draw: Narrow(words=[draw.choice(persons)]),
        "a client's name": lambda draw: Narrow(words=[draw.choice(companies)]),
        "a name that nobody has": lambda _: Narrow(words=["qqq"]),
        "as a member sees it": lambda draw: Narrow(own_rows=draw.choice(contacts)),
    }
    ranks = {"subject": list(agency.subjects), "function": ["", *agency.relation_types], "level": LEVELS,
             "active": NO_AND_YES, "organization": (), "holder_organization": (), "contact": ()}  # fmt: skip
    found: dict[str, Make] = {}

    def add(name: str, build: Callable[..., Listing], narrow: Callable[[Draw], Narrow], order: Order) -> None:
        found[name.strip()] = lambda moment, draw: build(moment, firm, narrow(draw), order)

    for name, narrow in narrowed.items():
        add(f"authorizations {name}", authorizations, narrow, by_name)
    for column, codes in ranks.items():
        for end in (False, True):
            named = f"authorizations by {column}{', from the end' if end else ''}"
            add(named, authorizations, narrowed[""], Order(column, end, codes))
    found["authorizations of a client"] = lambda moment, draw: authorizations(
        moment, draw.choice(clients), Narrow(), by_name
    )
    for name in ("", "not active", "a person's name", "of a subject", "of a subject that cannot be delegated",
                 "active, of a subject", "for a client", "active, for a client"):  # fmt: skip
        add(f"contacts {name}", storage.contacts, narrowed[name], Order("name"))
    for name in ("", "active", "a client's name", "as a member sees it", "of a contact", "active, of a contact",
                 "of a subject", "active, of a subject", "active, of a contact and a subject"):  # fmt: skip
        add(f"relations {name}", storage.relations, narrowed[name], Order("organization"))
    for name, words in (("", None), (", a client's name", companies)):
        found[f"authorized files{name}"] = _files(contacts, words)
    return found


def _files(contacts: Sequence[UUID], words: Sequence[str] | None) -> Make:
    return lambda moment, draw: storage.files(
        moment, draw.choice(contacts), [draw.choice(words)] if words else (), Order("organization")
    )


async def _cold(
    connection: "asyncpg.Connection[asyncpg.Record]", make: Make, moments: Sequence[Moment]
) -> Sequence[float]:
    """The first pages of all; then some of each other kind that are not shown."""
    now, past, then = moments
    first = [await _page(connection, make(now, Draw(turn)), None) for turn in range(COLD)]
    for moment in (past, then):
        for turn in range(COLD):
            await _page(connection, make(moment, Draw(turn)), None)
    return first


async def _warm(
    connection: "asyncpg.Connection[asyncpg.Record]", make: Make, moments: Sequence[Moment], turns: int
) -> list[str]:
    now, past, then = moments
    before = on_a_core(connection)
    first = [await _page(connection, make(now, Draw(turn)), None) for turn in range(turns)]
    core = (on_a_core(connection) - before) / turns
    places = [place for turn in range(turns // 20) for place in await _deep(connection, make(now, Draw(turn)))]
    deep = [await _page(connection, *places[turn % len(places)]) for turn in range(turns)] if places else []
    in_the_past = [await _page(connection, make(past, Draw(turn)), None) for turn in range(turns)]
    known_then = [await _page(connection, make(then, Draw(turn)), None) for turn in range(turns)]
    return [
        *_both(first),
        f"{core:.1f}",
        *_both(deep),
        f"{percentile(in_the_past, 99):.1f}",
        f"{percentile(known_then, 99):.1f}",
    ]


def _both(values: Sequence[float], percent: float = 99) -> list[str]:
    """The median, and how long the slowest take."""
    return [f"{percentile(values, wanted):.1f}" for wanted in (50, percent)] if values else ["–", "–"]


async def _page(connection: "asyncpg.Connection[asyncpg.Record]", listing: Listing, cursor: str | None) -> float:
    begun = time.perf_counter()
    found = _found(await pages.fetch(connection, listing, cursor, ROWS))
    await names(connection, {row[column] for row in found.rows for column in NAMED if column in row})
    return (time.perf_counter() - begun) * 1000


async def _deep(connection: "asyncpg.Connection[asyncpg.Record]", listing: Listing) -> list[tuple[Listing, str]]:
    """Cursors of pages far behind; of the last one where the list is shorter."""
    found: list[tuple[Listing, str]] = []
    cursor = None
    for turned in range(1, DEEP.stop):
        following = _found(await pages.fetch(connection, listing, cursor, ROWS)).next_cursor
        if following is None:
            break
        if turned in DEEP:
            found.append((listing, following))
        cursor = following
    return found or ([(listing, cursor)] if cursor else [])


def _found(found: Page | Refusal) -> Page:
    if isinstance(found, Refusal):
        raise Problem(f"A page was refused: {found.code}.")
    return found


async def _bare(connection: "asyncpg.Connection[asyncpg.Record]", people: Population, draw: Draw) -> float:
    member, client = (people.member(draw.randrange(people.size.members)), people.client(draw.randrange(50)))
    begun = time.perf_counter()
    await connection.fetch(BARE, member, client)
    return (time.perf_counter() - begun) * 1000
