"""From the outbox to Kafka, in order: one relay leads per database, and deletes only what the broker acknowledged."""

import asyncio
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import Counter

from chassis.bell import Bell
from chassis.database import Connection, connect

log = structlog.get_logger()

LEADERSHIP = 7_263_002  # session lock: whoever holds it relays; a database is one service's
BATCH = 500  # rows in hand at once; after a crash at most so many are sent again
POLL = 1.0  # seconds, behind the bell
ACKNOWLEDGEMENT = 30.0  # seconds; a shorter patience only makes repeats when a broker stalls
BACK_OFF = (0.2, 5.0)  # seconds, first and longest pause when a neighbour fails

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

    async def run(self) -> None:
        """Relay until stopped. A failing neighbour pauses it and never loses a row."""
        pause = BACK_OFF[0]
        while not self._stopping.is_set():
            try:
                await self._session()
                pause = BACK_OFF[0]
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError,
                    KafkaError) as error:  # fmt: skip
                FAILURES.inc()
                log.warning("relay pauses", error=repr(error), seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, BACK_OFF[1])

    def stop(self) -> None:
        """Finish the batch in hand, then return from run()."""
        self._stopping.set()
        self._bell.ring()

    async def _session(self) -> None:
        connection = await connect(self._dsn)
        try:
            await self._bell.hear(connection)
            while not await connection.fetchval("select pg_try_advisory_lock($1)", LEADERSHIP):
                if self._stopping.is_set():
                    return
                await asyncio.sleep(POLL)
            async with make_producer(self._servers) as producer:
                self._bell.answered_here = True
                await self._lead(connection, producer)
        finally:
            self._bell.answered_here = False
            connection.terminate()

    async def _lead(self, connection: Connection, producer: AIOKafkaProducer) -> None:
        while not self._stopping.is_set():
            rows = await connection.fetch(
                "select id, topic, key, headers, payload from outbox order by id limit $1", BATCH
            )
            if not rows:
                await self._bell.wait(POLL)
                continue
            async with asyncio.timeout(ACKNOWLEDGEMENT):
                # send() enqueues in the order of the calls; what it returns resolves at the acknowledgement.
                await asyncio.gather(*[await _send(producer, row) for row in rows])
            await connection.execute("delete from outbox where id = any($1::bigint[])", [row["id"] for row in rows])
            for row in rows:
                RELAYED.labels(row["topic"]).inc()


async def _send(producer: AIOKafkaProducer, row: Any) -> asyncio.Future[Any]:
    headers = [(name, value.encode()) for name, value in row["headers"].items()]
    sent: asyncio.Future[Any] = await producer.send(
        row["topic"], value=row["payload"], key=row["key"].encode(), headers=headers
    )
    return sent
