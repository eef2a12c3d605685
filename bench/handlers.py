"""Doors: from a commit to the handler's commit, and messages a second, beside bare aiokafka and asyncpg."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from uuid_utils.compat import uuid7

from bench.measuring import SHOWN, milliseconds, now, own_stores, percentile, spread, table, times_the_floor
from chassis.bell import Bell
from chassis.database import Pool, create_pool
from chassis.doors import Doors
from chassis.kafka import Clients
from chassis.migrations import migrate
from chassis.relay import Relay, make_producer
from chassis.subscriptions import Order, Subscription
from chassis.topics import Wanted
from chassis.topics import make as make_topics
from chassis.work import Actor, Origin, Unit, Work
from contracts.accounts import SessionsRevoked
from contracts.cloudevents import Envelope
from contracts.topics import ACCOUNTS_EVENTS
from local.stack import Stack

PARTITIONS = 4
KEYS = 1_000  # things that the messages are about
MESSAGES = {"one by one": 8_000, "batch": 60_000}  # of one turn
TURNS = 3  # floor and doors by turns; one more of each before, not counted
BATCH = 500
A_SECOND, LATENCIES, WARM_UP = 50, 1_000, 50
COMMIT_EVERY = 0.2  # seconds between offset commits, as the doors do
AIM_RATE = "aim: 0.8 of the floor or better"
AIM_LATENCY = "aim: p50 under 8 ms, p99 under 30 ms"

TABLES = """
create table things (id uuid primary key, value integer not null default 0);
create table sent (id uuid primary key);
create table noted (id uuid primary key, thing uuid not null);
"""
CLAIM = "insert into inbox (consumer, event_id) values ($1, $2) on conflict do nothing returning true"
CHANGE = "update things set value = value + 1 where id = $1"
NOTE = "insert into noted (id, thing) values ($1, $2)"
CLAIM_ALL = (
    "insert into inbox (consumer, event_id) select $1, id from unnest($2::uuid[]) id"
    " on conflict do nothing returning event_id"
)
CHANGE_ALL = (
    "update things set value = value + changes from (select id, count(*) as changes from unnest($1::uuid[]) id"
    " group by id) changed where things.id = changed.id"
)
NOTE_ALL = "insert into noted (id, thing) select * from unnest($1::uuid[], $2::uuid[])"
TRAVELLED = """
select pg_xact_commit_timestamp(sent.xmin) as begun, pg_xact_commit_timestamp(noted.xmin) as ended
from sent join noted using (id) order by begun
"""
NOTED = "select id, pg_xact_commit_timestamp(xmin) as ended from noted"


@dataclass
class Finish:
    """Counts messages; knows when the first and the last of so many were handled."""

    number: int
    begun: float = 0.0
    ended: float = 0.0
    counted: int = 0

    def __post_init__(self) -> None:
        self.reached = asyncio.Event()

    def begin(self) -> None:
        """The first message is in hand."""
        self.begun = self.begun or time.perf_counter()

    def count(self, messages: int = 1) -> None:
        """So many more are committed."""
        self.counted += messages
        if self.counted >= self.number and not self.reached.is_set():
            self.ended = time.perf_counter()
            self.reached.set()

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.number / (self.ended - self.begun)


def run(small: bool) -> None:
    """Measure, and print two tables."""
    with own_stores() as stack:
        asyncio.run(_measure(stack, 10 if small else 1))


@asynccontextmanager
async def opened(stack: Stack) -> "AsyncIterator[_Bench]":
    """A database with things that messages are about."""
    dsn = await asyncio.to_thread(stack.postgres.create_database, "bench")
    await migrate(dsn)
    pool = await create_pool(dsn, 10, "bench")
    try:
        await pool.execute(TABLES)
        await pool.execute("insert into things (id) select gen_random_uuid() from generate_series(1, $1)", KEYS)
        things = [row["id"] for row in await pool.fetch("select id from things")]
        yield _Bench(stack.kafka.servers, dsn, pool, things)
    finally:
        await pool.close()


async def _measure(stack: Stack, share: int) -> None:
    async with opened(stack) as bench:
        rows = []
        for kind, messages in MESSAGES.items():
            rows += await _rates(bench, kind, messages // share)
        table(f"{PARTITIONS} partitions, one process ({AIM_RATE})", ("a second", "least", "most", "of the floor"), rows)
        found, floor = await _latencies(bench, LATENCIES // share)
        table(
            f"At {A_SECOND} a second, ms ({AIM_LATENCY})",
            SHOWN,
            [
                ("committed → the handler has committed", spread(found)),
                ("floor: bare producer → bare consumer has committed", spread(floor)),
                ("times the floor", times_the_floor(found, floor)),
            ],
        )


@dataclass(frozen=True)
class _Bench:
    servers: str
    dsn: str
    pool: Pool
    things: Sequence[UUID]

    def unit(self, prefix: str) -> Unit[None]:
        zone = ZoneInfo("America/Toronto")
        origin = Origin("bench", "urn:mandat:bench", "bench", prefix, zone, lambda: datetime.now(UTC), uuid7)
        return Unit(self.pool, None, origin, Bell(self.pool, "outbox"))

    def event(self, number: int) -> SessionsRevoked:
        return SessionsRevoked(
            account_id=self.things[number % len(self.things)], session_id=uuid7(), epoch=1, reason="signed_out"
        )

    async def topic(self) -> str:
        """A new topic's prefix."""
        prefix = f"{secrets.token_hex(4)}."
        await make_topics(Clients(self.servers), Wanted(prefix, [ACCOUNTS_EVENTS], PARTITIONS))
        return prefix

    async def filled(self, messages: int) -> str:
        """The prefix of a topic with so many messages."""
        prefix = await self.topic()
        async with AIOKafkaProducer(bootstrap_servers=self.servers, linger_ms=5) as producer:
            for start in range(0, messages, 1_000):
                numbers = range(start, min(start + 1_000, messages))
                await asyncio.gather(*[self.send(producer, prefix, number) for number in numbers])
        return prefix

    async def send(self, producer: AIOKafkaProducer, prefix: str, number: int) -> tuple[UUID | None, datetime]:
        """Past the outbox. Returns the message's id and when it was given to the producer."""
        event = self.event(number)
        begun = now()
        envelope = Envelope.around(event, id=uuid7(), source="urn:mandat:bench", time=begun)
        await producer.send_and_wait(
            prefix + ACCOUNTS_EVENTS.name,
            event.model_dump_json().encode(),
            event.key.encode(),
            partition=number % PARTITIONS,
            headers=envelope.headers(),
        )
        return event.session_id, begun


async def _rates(bench: _Bench, kind: str, messages: int) -> list[tuple[str, list[str]]]:
    batch = kind == "batch"
    doors: list[float] = []
    floor: list[float] = []
    for turn in range(TURNS + 1):
        for way, found in ((_bare, floor), (doors_handle, doors)):
            finish = Finish(messages)
            await way(bench, await bench.filled(messages), finish, batch)
            if turn:
                found.append(finish.rate)
    return [
        (f"{kind}: doors", [*_cells(doors), f"{_median(doors) / _median(floor):.2f}"]),
        (f"{kind}: floor, bare aiokafka and asyncpg", [*_cells(floor), ""]),
    ]


def _median(rates: Sequence[float]) -> float:
    return percentile(rates, 50)


def _cells(rates: Sequence[float]) -> list[str]:
    return [f"{rate:,.0f}" for rate in (_median(rates), min(rates), max(rates))]


async def doors_handle(bench: _Bench, prefix: str, finish: Finish, batch: bool) -> None:
    """The chassis, as a service uses it."""

    async def one(work: Work[None], event: SessionsRevoked) -> None:
        finish.begin()
        await work.connection.execute(CHANGE, event.account_id)
        await work.connection.execute(NOTE, event.session_id, event.account_id)
        finish.count()

    async def many(work: Work[None], events: Sequence[SessionsRevoked]) -> None:
        finish.begin()
        things = [event.account_id for event in events]
        await work.connection.execute(CHANGE_ALL, things)
        await work.connection.execute(NOTE_ALL, [event.session_id for event in events], things)
        finish.count(len(events))

    handler: Any = many if batch else one
    subscription = Subscription[None](SessionsRevoked, handler, Order.FREE, batch=batch)
    doors = Doors("bench", Clients(bench.servers), prefix, bench.unit(prefix), [subscription])
    await doors.start()
    await finish.reached.wait()
    await doors.stop()


async def _bare(bench: _Bench, prefix: str, finish: Finish, batch: bool) -> None:
    """The same statements, each partition on a connection of its own, offsets committed as rarely."""
    async with _consuming(bench.servers, prefix) as (consumer, done):

        async def partition(place: TopicPartition) -> None:
            connection = await asyncpg.connect(bench.dsn)
            size, apply = (BATCH, _apply_all) if batch else (1, _apply)
            try:
                while True:
                    records = (await consumer.getmany(place, timeout_ms=1_000)).get(place, [])
                    for start in range(0, len(records), size):
                        finish.begin()
                        together = records[start : start + size]
                        await apply(connection, together)
                        done[place] = together[-1].offset + 1
                        finish.count(len(together))
            finally:
                await connection.close()

        lanes = [asyncio.create_task(partition(place)) for place in consumer.assignment()]
        await finish.reached.wait()
        await _ended(lanes)


@asynccontextmanager
async def _consuming(servers: str, prefix: str) -> "AsyncIterator[tuple[AIOKafkaConsumer, dict[TopicPartition, int]]]":
    done: dict[TopicPartition, int] = {}
    consumer = AIOKafkaConsumer(
        prefix + ACCOUNTS_EVENTS.name,
        bootstrap_servers=servers,
        group_id=f"{prefix}bare",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()

    async def commit() -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY)
            if done:
                offsets = dict(done)
                done.clear()
                await consumer.commit(offsets)

    committing = asyncio.create_task(commit())
    try:
        yield consumer, done
    finally:
        await _ended([committing])
        await consumer.stop()


async def _ended(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


def _id_of(record: Any) -> UUID:
    return UUID(dict(record.headers)["ce_id"].decode())


async def _apply(connection: "asyncpg.Connection[Any]", records: Sequence[Any]) -> None:
    [record] = records
    event = json.loads(record.value)
    async with connection.transaction():
        if await connection.fetchval(CLAIM, record.topic, _id_of(record)):
            await connection.execute(CHANGE, UUID(event["account_id"]))
            await connection.execute(NOTE, UUID(event["session_id"]), UUID(event["account_id"]))


async def _apply_all(connection: "asyncpg.Connection[Any]", records: Sequence[Any]) -> None:
    events = [json.loads(record.value) for record in records]
    things = [UUID(event["account_id"]) for event in events]
    async with connection.transaction():
        await connection.fetch(CLAIM_ALL, records[0].topic, [_id_of(record) for record in records])
        await connection.execute(CHANGE_ALL, things)
        await connection.execute(NOTE_ALL, [UUID(event["session_id"]) for event in events], things)


async def _latencies(bench: _Bench, number: int) -> tuple[list[float], list[float]]:
    """Milliseconds of the doors and of the floor, by turns."""
    prefix, floor_prefix = await bench.topic(), await bench.topic()
    unit = bench.unit(prefix)

    async def publish(work: Work[None], event: SessionsRevoked) -> None:
        await work.connection.execute("insert into sent (id) values ($1)", event.session_id)
        work.publish(event)

    async def note(work: Work[None], event: SessionsRevoked) -> None:
        await work.connection.execute(NOTE, event.session_id, event.account_id)

    relay = Relay(bench.dsn, Clients(bench.servers), unit.outbox)
    relaying = asyncio.create_task(relay.run())
    doors = Doors(
        "bench", Clients(bench.servers), prefix, unit, [Subscription[None](SessionsRevoked, note, Order.FREE)]
    )
    await doors.start()
    await bench.pool.execute("truncate noted")
    async with _noting(bench, floor_prefix), make_producer(Clients(bench.servers)) as producer:
        ours = [partial(unit.run, publish, bench.event(place), Actor("bench", "1")) for place in range(number)]
        theirs = [partial(bench.send, producer, floor_prefix, place) for place in range(number)]
        sent = await _paced([step for pair in zip(ours, theirs, strict=True) for step in pair], 1 / (2 * A_SECOND))
        while await bench.pool.fetchval("select count(*) from noted") < 2 * number:  # noqa: ASYNC110  in the database
            await asyncio.sleep(0.05)
    await doors.stop()
    relay.stop()
    await relaying
    travelled = [milliseconds(row["begun"], row["ended"]) for row in await bench.pool.fetch(TRAVELLED)]
    ended = {row["id"]: row["ended"] for row in await bench.pool.fetch(NOTED)}
    bare = [milliseconds(begun, ended[identity]) for identity, begun in sent[1::2]]
    skipped = min(WARM_UP, number // 5)
    return travelled[skipped:], bare[skipped:]


@asynccontextmanager
async def _noting(bench: _Bench, prefix: str) -> AsyncIterator[None]:
    """The floor's consumer, at work."""
    connection = await asyncpg.connect(bench.dsn)
    async with _consuming(bench.servers, prefix) as (consumer, done):

        async def consume() -> None:
            async for record in consumer:
                event = json.loads(record.value)
                async with connection.transaction():
                    if await connection.fetchval(CLAIM, record.topic, _id_of(record)):
                        await connection.execute(NOTE, UUID(event["session_id"]), UUID(event["account_id"]))
                done[TopicPartition(record.topic, record.partition)] = record.offset + 1

        consuming = asyncio.create_task(consume())
        try:
            yield
        finally:
            await _ended([consuming])
            await connection.close()


async def _paced(steps: Sequence[Callable[[], Awaitable[Any]]], interval: float) -> list[Any]:
    """Begin each step at its fixed instant, whatever became of the earlier ones. Returns what each returned."""
    begun, under_way = time.perf_counter(), []
    for place, step in enumerate(steps):
        await asyncio.sleep(max(0.0, begun + place * interval - time.perf_counter()))
        under_way.append(asyncio.ensure_future(step()))
    return await asyncio.gather(*under_way)
