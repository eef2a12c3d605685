"""What tests of the chassis share: a service without a domain, whose only table is one of counters."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from joserfc.jwk import KeySet
from uuid_utils.compat import uuid7

from chassis import gateway, topics
from chassis.bell import Bell
from chassis.database import Connection, Pool, Pooled, create_pool
from chassis.doors import Doors, reception
from chassis.gateway import Gateway
from chassis.kafka import Clients
from chassis.migrations import migrate
from chassis.relay import Relay
from chassis.subscriptions import Subscription
from chassis.tests.library import books
from chassis.tests.visiting import Library
from chassis.tokens import Verifier
from chassis.topics import Wanted
from chassis.work import Actor, Origin, Unit, Work
from contracts.accounts import AccountOpened
from contracts.agency.retention import Retention
from contracts.cloudevents import Envelope
from contracts.events import Event
from contracts.flow import consumer_name
from contracts.topics import ACCOUNTS_EVENTS
from tests.fixtures.databases import END_OTHERS
from tests.fixtures.gateway import AGENTS, BASE, Issuer
from tests.fixtures.patience import PATIENCE
from tests.fixtures.servers import Broker, DatabaseServer

ACTOR = Actor("tester", "1")
PARTITIONS = 2
RETENTION = Retention.model_validate(
    {"audit": {"keep_years": 7}, "imports": {"upload_hours": 12, "unfinished_days": 7, "defects_days": 90}}
)
CONSUMER = consumer_name("test", ACCOUNTS_EVENTS)
TABLES = (
    "outbox", "state_echoes", "inbox", "dead_letters", "letters_settled", "audit", "audit_unsealed", "audit_seals",
    "audit_chains", "idempotency_keys", "limits", "refusals_counted", "revoked_sessions", "epochs", "positions",
    "counters",
)  # fmt: skip
COUNTERS = "create table counters (id uuid primary key, value integer not null, last text)"


async def eventually(condition: Callable[[], Awaitable[Any] | Any], seconds: float = PATIENCE) -> None:
    """Return when the condition holds, which another process or task brings about. Fails after so long."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if await found if isinstance(found, Awaitable) else found:
            return
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.005)


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> Iterator[None]:
    """structlog's own default paints tracebacks with every local variable, half a second each."""
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])
    yield
    structlog.reset_defaults()


@pytest.fixture
def logs_put_back() -> Iterator[None]:
    """For a test in which something configures the logs of its process, as commands do: those of the tests after it
    are as before."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level, httpx_level = root.handlers, root.level, logging.getLogger("httpx").level
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.getLogger("httpx").setLevel(httpx_level)
    structlog.contextvars.clear_contextvars()
    structlog.configure(**before)


class OpenUnit(Protocol):
    """`await open_unit()`: a unit on a fresh database; with another's URL, a second process on the same one."""

    async def __call__(self, dsn: str | None = None) -> "Bench": ...


@dataclass(frozen=True)
class Bench:
    """A unit of work, with the database it writes to."""

    dsn: str
    pool: Pool
    unit: Unit[None]

    async def publish(self, *events: Event) -> None:
        """Put events into the outbox, in one transaction."""

        async def publishing(work: Work[None], events: tuple[Event, ...]) -> None:
            for event in events:
                work.publish(event)

        await self.unit.run(publishing, events, ACTOR)

    async def rows(self, table: str) -> list[Any]:
        """All rows of a table."""
        return list(await self.pool.fetch(f"select * from {table} order by 1"))

    async def size(self, table: str) -> int:
        """How many rows a table has."""
        found: int = await self.pool.fetchval(f"select count(*) from {table}")
        return found

    async def counted(self, identity: UUID) -> str | None:
        """What `count` handled of one key, in order."""
        found: str | None = await self.pool.fetchval("select last from counters where id = $1", identity)
        return found


@asynccontextmanager
async def all_connections(pool: Pool) -> AsyncIterator[list[Pooled]]:
    """Every connection of a pool, so that nobody else gets one before these are given back: here, or at the end."""
    held: list[Pooled] = []
    try:
        for _ in range(pool.get_max_size()):
            held.append(await pool.acquire())
        yield held
    finally:
        for connection in held:
            await pool.release(connection)  # a second time changes nothing


@pytest.fixture(scope="session")
def _emptied() -> list[str]:
    """Databases that former tests have left empty: making one takes ten times as long as emptying one."""
    return []


async def _make(postgres: DatabaseServer) -> str:
    url = await asyncio.to_thread(postgres.create_database, f"chassis_{secrets.token_hex(4)}", "chassis")
    await migrate(url)
    connection = await asyncpg.connect(url)
    await connection.execute(COUNTERS)
    await connection.close()
    return url


async def _empty(dsn: str) -> bool:
    """Empty a database, which nobody uses from now on. False when a test has made tables in it: then the next one had
    better not get it."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(END_OTHERS)
        rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        await connection.execute("".join(f"delete from {table};" for table in TABLES))
    finally:
        await connection.close()
    return {row[0] for row in rows} == {*TABLES, "migrations"}


@pytest.fixture
async def open_unit(postgres: DatabaseServer, _emptied: list[str], topic_prefix: str) -> AsyncIterator[OpenUnit]:
    """Units on databases of the chassis alone."""
    pools: list[Pool] = []
    own: list[str] = []

    async def make(dsn: str | None = None) -> Bench:
        if dsn is None:
            dsn = _emptied.pop() if _emptied else await _make(postgres)
            own.append(dsn)
        pools.append(await create_pool(dsn, 10, "test"))
        pools[-1].patience = PATIENCE  # type: ignore[attr-defined]
        zone = ZoneInfo("America/Toronto")
        origin = Origin("test", "urn:mandat:test", "test", topic_prefix, zone, lambda: datetime.now(UTC), uuid7)
        return Bench(dsn, pools[-1], Unit(pools[-1], None, origin, Bell(pools[-1], "outbox")))

    yield make
    for pool in pools:
        async with asyncio.timeout(PATIENCE):  # what a test that failed holds is never given back
            await pool.close()
    _emptied.extend([dsn for dsn in own if await _empty(dsn)])


@pytest.fixture
async def bench(open_unit: OpenUnit) -> Bench:
    """One unit of work on a fresh database."""
    return await open_unit()


@dataclass
class Wire:
    """The run's broker with this test's topic: what tests send past the relay, and what others may read."""

    servers: str
    prefix: str
    producer: AIOKafkaProducer
    offsets: dict[int, int] = field(default_factory=dict)

    @property
    def topic(self) -> str:
        """This test's topic of accounts.events."""
        return self.prefix + ACCOUNTS_EVENTS.name

    async def send(
        self,
        event: Event,
        *,
        id: UUID | None = None,
        topic: str | None = None,
        time: datetime | None = None,
        **changes: Any,
    ) -> None:
        """Put an event on the wire; `headers`, `key` and `value` replace its own."""
        envelope = Envelope.around(event, id=id or uuid7(), source="urn:mandat:test", time=time or datetime.now(UTC))
        record = {"headers": envelope.headers(), "key": event.key.encode(), "value": event.model_dump_json().encode()}
        await self.producer.send_and_wait(topic or self.topic, **(record | changes))

    @asynccontextmanager
    async def consumer(self, topic: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
        """Reads the topic, or another, from its beginning."""
        consumer = AIOKafkaConsumer(topic or self.topic, bootstrap_servers=self.servers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def read(self, number: int) -> "list[ConsumerRecord[bytes, bytes]]":
        """The first so many records of the topic, in order within each partition."""
        async with self.consumer() as consumer, asyncio.timeout(PATIENCE):
            return [await consumer.getone() for _ in range(number)]

    async def everything(self, topic: str | None = None) -> "list[ConsumerRecord[bytes, bytes]]":
        """Every record of the topic, or of another, that is there now, in order within each partition."""
        async with self.consumer(topic) as consumer, asyncio.timeout(PATIENCE):
            ends = await consumer.end_offsets(consumer.assignment())
            found: list[ConsumerRecord[bytes, bytes]] = []
            while any([await consumer.position(place) < end for place, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += records
        return found

    async def committed(self) -> int:
        """The offsets committed by the doors of this test, added up."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.servers, group_id=self.prefix + CONSUMER, enable_auto_commit=False
        )
        await consumer.start()
        try:
            consumer.assign(places := [TopicPartition(self.topic, number) for number in range(PARTITIONS)])
            return sum([await consumer.committed(place) or 0 for place in places])
        finally:
            await consumer.stop()


@pytest.fixture
async def wire(kafka: Broker, topic_prefix: str) -> AsyncIterator[Wire]:
    """One topic with two partitions of its own for the test."""
    await topics.make(Clients(kafka.servers), Wanted(topic_prefix, [ACCOUNTS_EVENTS], PARTITIONS))
    async with AIOKafkaProducer(bootstrap_servers=kafka.servers, linger_ms=0) as producer:
        yield Wire(kafka.servers, topic_prefix, producer)


class OpenDoors(Protocol):
    """`await open_doors(bench, Subscription(…), …)`: the doors of one process."""

    async def __call__(self, bench: Bench, *subscriptions: Subscription[None]) -> Doors[None]: ...


@pytest.fixture
async def open_doors(wire: Wire) -> AsyncIterator[OpenDoors]:
    """Doors that are stopped at the end of the test."""
    started: list[Doors[None]] = []

    async def make(bench: Bench, *subscriptions: Subscription[None]) -> Doors[None]:
        doors = Doors("test", Clients(wire.servers), wire.prefix, bench.unit, subscriptions)
        started.append(doors)
        await doors.start()
        return doors

    yield make
    for doors in started:
        await doors.stop()


class RunRelay(Protocol):
    """`run_relay(bench)`: a relay at work that must have these topics; returns it with its task."""

    def __call__(self, bench: Bench, *publishes: str) -> "tuple[Relay, asyncio.Task[None]]": ...


@pytest.fixture
async def run_relay(wire: Wire) -> AsyncIterator[RunRelay]:
    """Relays that are stopped at the end of the test."""
    running: list[tuple[Relay, asyncio.Task[None]]] = []

    def make(bench: Bench, *publishes: str) -> tuple[Relay, asyncio.Task[None]]:
        relay = Relay(bench.dsn, Clients(wire.servers), bench.unit.outbox, publishes)
        running.append((relay, asyncio.create_task(relay.run())))
        return running[-1]

    yield make
    for relay, task in running:
        relay.stop()
        await asyncio.wait([task])
        assert task.cancelled() or task.exception() is None


@pytest.fixture
async def superuser(postgres: DatabaseServer) -> AsyncIterator[Connection]:
    """Looks at the server, and breaks it, from above."""
    connection = await asyncpg.connect(postgres.superuser_url)
    yield connection
    await connection.close()


@pytest.fixture
async def library(bench: Bench) -> AsyncIterator[Library]:
    """A gateway on a fresh database."""
    issuer = Issuer()
    verifier = Verifier(BASE, (AGENTS,), bench.pool)
    for source in (f"{BASE}/.well-known/jwks.json", AGENTS.jwks_uri):
        verifier.learn(source, KeySet([issuer.key]))
    app = gateway.build("Library", "Books", [books], "fr")
    reads = {(AccountOpened.topic.name, AccountOpened.type_name()): CONSUMER}
    app.state.gateway = Gateway(bench.unit, verifier, reads, "fr")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://library.test") as http:
        yield Library(http, bench, issuer, app.state.gateway)


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doors try again soon."""
    monkeypatch.setattr(reception, "FIRST_PAUSE", 0.005)
    monkeypatch.setattr(reception, "LONGEST_PAUSE", 0.05)
