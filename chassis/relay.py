"""From the outbox to Kafka, in order: one relay leads per database, and deletes only what the broker acknowledged."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import Counter

from chassis import tracing
from chassis.bell import Bell
from chassis.database import Connection, connect, neighbour_failed
from chassis.waiting import set_within

log = structlog.get_logger()

LEADERSHIP = 7_263_002  # session lock: whoever holds it relays; a database is one service's
BATCH = 500  # rows in hand at once; after a crash at most so many are sent again
POLL = 1.0  # seconds, behind the bell
TAKEOVER = 1.0  # seconds between a follower's tries to lead
ACKNOWLEDGEMENT = 30.0  # seconds; a shorter patience only makes repeats when a broker stalls
LETTING_GO = 5.0  # seconds that a producer gets to finish what is in flight
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds, when a neighbour fails

RELAYED = Counter("mandat_outbox_relayed", "Outbox rows that Kafka acknowledged", ["topic"])
FAILURES = Counter("mandat_relay_failures", "Times the relay lost the database or the broker and started again")


def make_producer(servers: str) -> AIOKafkaProducer:
    """An idempotent producer that waits for every replica; awaiting its futures keeps the order of one key."""
    return AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True, linger_ms=0)


class Relay:
    """Publishes what transactions left in the outbox."""

    def __init__(self, dsn: str, servers: str, bell: Bell) -> None:
        """`bell` rings when a transaction left rows; the relay polls behind it all the same."""
        self._dsn = dsn
        self._servers = servers
        self._bell = bell
        self._stopping = asyncio.Event()
        self._pause = FIRST_PAUSE

    async def run(self) -> None:
        """Relay until stopped. A failing neighbour pauses it and never loses a row."""
        while not self._stopping.is_set():
            try:
                await self._session()
            except Exception as error:
                FAILURES.inc()
                expected = neighbour_failed(error) or isinstance(error, KafkaError)
                log.warning("relay pauses", error=repr(error), seconds=self._pause, exc_info=not expected)
                await set_within(self._stopping, self._pause)
                self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def stop(self) -> None:
        """Send what is in the outbox, then return from run()."""
        self._stopping.set()
        self._bell.ring()

    async def _session(self) -> None:
        connection = await connect(self._dsn)
        try:
            await self._bell.hear(connection)
            while not await connection.fetchval("select pg_try_advisory_lock($1)", LEADERSHIP):
                if await set_within(self._stopping, TAKEOVER):
                    return
            async with _producer(self._servers) as producer:
                self._bell.answered_here = True
                await self._lead(connection, producer)
        finally:
            self._bell.answered_here = False
            connection.terminate()

    async def _lead(self, connection: Connection, producer: AIOKafkaProducer) -> None:
        while True:
            rows = await connection.fetch(
                "select id, topic, key, headers, payload, created_at from outbox order by id limit $1", BATCH
            )
            if not rows and self._stopping.is_set():
                return
            if not rows:
                self._pause = FIRST_PAUSE
                await self._bell.wait(POLL)
                continue
            async with asyncio.timeout(ACKNOWLEDGEMENT):
                # send() enqueues in the order of the calls; what it returns resolves at the acknowledgement.
                await asyncio.gather(*[await _send(producer, row) for row in rows])
            await connection.execute("delete from outbox where id = any($1::bigint[])", [row["id"] for row in rows])
            self._pause = FIRST_PAUSE
            for row in rows:
                RELAYED.labels(row["topic"]).inc()
                tracing.sent(row["topic"], row["headers"], row["created_at"])


@contextlib.asynccontextmanager
async def _producer(servers: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = make_producer(servers)
    try:
        await producer.start()
        yield producer
    finally:
        await _let_go(producer)


async def _let_go(producer: AIOKafkaProducer) -> None:
    """Stop a producer within seconds, although an idempotent one would wait for its broker for ever."""
    stopping = asyncio.create_task(producer.stop())
    ended, _ = await asyncio.wait([stopping], timeout=LETTING_GO)
    if not ended:
        # aiokafka has no way to give up. Whatever the broker took all the same is a repeat, which inboxes drop.
        await producer.client.close()
        producer._sender.sender_task.cancel()
        producer._message_accumulator.fail_all(KafkaError("the relay let go"))
    await asyncio.gather(stopping, return_exceptions=True)


async def _send(producer: AIOKafkaProducer, row: Any) -> asyncio.Future[Any]:
    headers = [(name, value.encode()) for name, value in row["headers"].items()]
    sent: asyncio.Future[Any] = await producer.send(
        row["topic"], value=row["payload"], key=row["key"].encode(), headers=headers
    )
    return sent
