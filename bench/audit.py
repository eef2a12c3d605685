"""Sealing beside plain inserts of the same rows; verifying and pruning; what noting and sealing cost a transaction."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from uuid_utils.compat import uuid7

from bench.measuring import own_folder, percentile, table
from chassis import work as unit_of_work
from chassis.audit import sealing, storage
from chassis.audit.pruning import prune_all
from chassis.audit.sealing import seal_all
from chassis.audit.verifying import verify
from chassis.bell import Bell
from chassis.database import Pool, create_pool
from chassis.migrations import migrate
from chassis.work import Actor, Origin, Unit, Work
from contracts.audit import HEADS
from local.ports import free_ports
from local.postgres import Postgres
from local.processes import Processes

ENTRIES = 20_000  # of one turn
ORGANIZATIONS = 1_000
TURNS = 3  # figure and floor by turns; one more before, not counted
SECONDS = 3.0  # of transactions, for each way in each turn
CALLERS = (1, 8)
KEEPS = timedelta(days=366)
AIM = "aim: 0.2 of plain inserts"

DETAIL = {"type": "staff_member", "starts_on": "2026-11-22", "subjects": ["monthly_report", "workforce"]}
WAITING = """
with entry as (
    insert into audit (at, organization_id, actor_kind, actor_id, profile_id, action, object_id, detail, data_version,
        rule)
    select clock_timestamp(), o, 'account', gen_random_uuid()::text, gen_random_uuid(), 'relation_added',
        gen_random_uuid(), $3::jsonb, 'b6a1', 'manages:responsible_person'
    from generate_series(1, $1::integer) n, lateral (select ($2::uuid[])[1 + n % cardinality($2::uuid[])]) whose (o)
    returning id
)
insert into audit_unsealed (entry_id) select id from entry
"""
PLAIN = """
insert into audit (at, organization_id, actor_kind, actor_id, profile_id, action, object_id, detail, data_version, rule)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
COUNTERS = "create table counters (id uuid primary key, value integer not null default 0)"


def run(small: bool) -> None:
    """Measure, and print two tables."""
    with own_folder() as folder, _database(folder) as dsn:
        asyncio.run(_measure(dsn, 10 if small else 1))


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    processes = Processes()
    [port] = free_ports(1)
    postgres = Postgres(folder / "postgres", port, folder / "postgres.log", processes=processes)
    try:
        postgres.start()
        dsn = postgres.create_database("authorizations")
        asyncio.run(migrate(dsn))
        yield dsn
    finally:
        processes.stop_all()


async def _measure(dsn: str, share: int) -> None:
    pool = await create_pool(dsn, 10, "bench")
    try:
        unit = _unit(pool)
        organizations = [uuid7() for _ in range(ORGANIZATIONS)]
        await pool.execute("create table plain_seals (like audit_seals including all)")
        await pool.execute(COUNTERS)
        await pool.execute("insert into counters select * from unnest($1::uuid[])", organizations)
        await _rates(unit, organizations, ENTRIES // share)
        await _costs(unit, organizations, SECONDS / share)
    finally:
        await pool.close()


def _unit(pool: Pool) -> Unit[None]:
    zone = ZoneInfo("America/Toronto")
    origin = Origin("authorizations", "urn:mandat:bench", "bench", "", zone, lambda: datetime.now(UTC), uuid7)
    return Unit(pool, None, origin, Bell(pool, "outbox"))


async def _rates(unit: Unit[None], organizations: Sequence[UUID], entries: int) -> None:
    ours: list[float] = []
    plain: list[float] = []
    for turn in range(TURNS + 1):
        await unit.pool.execute(WAITING, entries, organizations, DETAIL)
        found = entries / await _timed(lambda: _seal(unit))
        floor = entries / await _timed(lambda: _insert(unit.pool, entries))
        if turn:
            ours.append(found)
            plain.append(floor)
    whole = entries * (TURNS + 1)
    async with unit.pool.acquire() as connection:
        verified = whole / await _timed(lambda: verify(connection, [], KEEPS))
    later = replace(unit, origin=replace(unit.origin, clock=lambda: datetime.now(UTC) + 3 * KEEPS))
    pruned = whole / await _timed(lambda: _prune(later))
    share = percentile(ours, 50) / percentile(plain, 50)
    table(
        f"{entries:,} entries of {len(organizations):,} organizations ({AIM})",
        ("a second", "least", "most", "of the floor"),
        [
            ("sealed, heads in the outbox", [*_cells(ours), f"{share:.2f}"]),
            ("floor: plain inserts of the seals", [*_cells(plain), ""]),
            ("beside: verified", [f"{verified:,.0f}", "", "", ""]),
            ("beside: pruned", [f"{pruned:,.0f}", "", "", ""]),
        ],
    )


async def _seal(unit: Unit[None]) -> None:
    """All that waits. What a relay would take meanwhile is deleted, as it does."""
    command = sealing.SealPortion(sealing.PORTION, HEADS["authorizations"])
    while await storage.any_waits(unit.pool):
        await unit.run(sealing.seal_portion, command, unit.origin.itself)
        await unit.pool.execute("truncate outbox")


async def _insert(pool: Pool, entries: int) -> None:
    """As many rows as were sealed last, as many together, into a table like theirs."""
    rows = await pool.fetch("select * from audit_seals order by entry_id desc limit $1", entries)
    for start in range(0, entries, sealing.PORTION):
        together = rows[start : start + sealing.PORTION]
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "insert into plain_seals select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[])",
                *[[row[place] for row in together] for place in range(4)],
            )


async def _prune(unit: Unit[None]) -> None:
    stop = asyncio.create_task(_taking(unit.pool))
    try:
        await prune_all(unit, KEEPS)
    finally:
        stop.cancel()


async def _taking(pool: Pool) -> None:
    """As a relay, which would send it."""
    while True:
        await pool.execute("delete from outbox")
        await asyncio.sleep(0.05)


async def _costs(unit: Unit[None], organizations: Sequence[UUID], seconds: float) -> None:
    """Transactions of one update, with no entry, with an entry as a plain row, and with one that waits to be sealed."""
    ways: Mapping[str, tuple[bool, str, bool]] = {
        "floor: no entry": (False, unit_of_work.NOTE, False),
        "an entry, a plain row": (True, PLAIN, False),
        "an entry that waits to be sealed": (True, unit_of_work.NOTE, False),
        "the same while a worker seals": (True, unit_of_work.NOTE, True),
    }
    note, rows = unit_of_work.NOTE, []
    for callers in CALLERS:
        found: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(TURNS + 1):
            for name, (audits, statement, seals) in ways.items():
                unit_of_work.NOTE = statement
                try:
                    async with _sealing(unit, seals):
                        taken = await _calls(unit, organizations, callers, seconds, audits=audits)
                finally:
                    unit_of_work.NOTE = note
                if turn:
                    found[name] += taken
        floor = percentile(found["floor: no entry"], 50)
        rows += [
            (
                f"{callers} at once: {name}",
                [
                    f"{percentile(taken, 50):.2f}", f"{percentile(taken, 99):.2f}",
                    f"{callers * 1000 / (sum(taken) / len(taken)):,.0f}", f"{percentile(taken, 50) / floor:.2f}",
                ],
            )
            for name, taken in found.items()
        ]  # fmt: skip
    table("A transaction of one update, ms", ("p50", "p99", "a second", "of the floor"), rows)


@asynccontextmanager
async def _sealing(unit: Unit[None], seals: bool) -> AsyncIterator[None]:
    """With a worker that seals once a second, and the outbox emptied as by a relay."""
    await unit.pool.execute("truncate audit_unsealed")

    async def seal() -> None:
        while True:
            await seal_all(unit)
            await asyncio.sleep(sealing.EVERY)

    tasks = [asyncio.create_task(seal()), asyncio.create_task(_taking(unit.pool))] if seals else []
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _calls(
    unit: Unit[None], organizations: Sequence[UUID], callers: int, seconds: float, *, audits: bool
) -> list[float]:
    """Milliseconds of each transaction, by callers that each begin the next as soon as the last is committed."""

    async def change(work: Work[None], organization_id: UUID) -> None:
        await work.connection.execute("update counters set value = value + 1 where id = $1", organization_id)
        if audits:
            work.audit("relation_added", organization_id=organization_id, object_id=organization_id, **DETAIL)

    ends, taken = time.perf_counter() + seconds, list[float]()

    async def call(number: int) -> None:
        while (begun := time.perf_counter()) < ends:
            number = (number + callers) % len(organizations)
            await unit.run(change, organizations[number], Actor("account", "bench", organizations[0]))
            taken.append((time.perf_counter() - begun) * 1000)

    await asyncio.gather(*(call(number) for number in range(callers)))
    return taken


async def _timed(step: Callable[[], Awaitable[Any]]) -> float:
    begun = time.perf_counter()
    await step()
    return time.perf_counter() - begun


def _cells(rates: Sequence[float]) -> list[str]:
    return [f"{rate:,.0f}" for rate in (percentile(rates, 50), min(rates), max(rates))]
