"""From the outbox to Kafka, in order: each shard has one relay at a time, which deletes what the broker acknowledged.

Order is promised per topic and key. So shards may go their own pace, and rows for a topic that Kafka does not have wait
by themselves, loudly, and hold back no row of another.
"""

import asyncio
import contextlib
from collections import Counter as Counts
from collections.abc import AsyncIterator, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import Counter

from chassis import tracing
from chassis.bell import Bell
from chassis.database import Address, Connection, connect, neighbour_failed
from chassis.kafka import Clients
from chassis.missing_topics import BrokerTopics
from chassis.shards import HELD, Shards
from chassis.waiting import set_within

log = structlog.get_logger()

BATCH = 500  # rows in hand at once; after a crash at most so many are sent again
BATCH_BYTES = 4_000_000  # of payloads in hand; one row holds at most 900,000, so that memory is bounded too
POLL = 1.0  # seconds, behind the bell
ACKNOWLEDGEMENT = 30.0  # seconds; a shorter patience only makes repeats when a broker stalls
LETTING_GO = 5.0  # seconds that a producer gets to finish what is in flight
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds, when a neighbour fails

RELAYED = Counter("mandat_outbox_relayed", "Outbox rows that Kafka acknowledged and that were deleted", ["topic"])
FAILURES = Counter(
    "mandat_relay_failures",
    "Times this process's relay lost the database or the broker and started again; at most one batch is repeated",
)

# Plans are cached, and one that was made while the outbox was empty would read and sort all of a deep one. Nobody waits
# for the flush of a deletion: one that PostgreSQL loses when it dies is a row sent again, which inboxes drop.
FOR_A_RELAY = "set enable_seqscan = off; set enable_bitmapscan = off; set synchronous_commit = off"
COLUMNS = "id, topic, key, headers, payload, created_at"
OLDEST = f"select {COLUMNS} from outbox where topic <> all($1::text[]) order by id limit $2"
OLDEST_OF_SHARDS = f"""
select batch.* from unnest($4::smallint[]) as led (number), lateral (
    select {COLUMNS} from outbox where shard = led.number and topic <> all($1::text[]) order by id limit $2
) as batch order by id limit $2
"""
# The first row is taken whatever its size.
WITHIN_BYTES = f"""
select {COLUMNS} from (
    select *, sum(octet_length(payload)) over (order by id rows between unbounded preceding and 1 preceding) as before
    from ({{oldest}}) as oldest
) as measured where coalesce(before, 0) < $3 order by id
"""
FROM_ALL = WITHIN_BYTES.format(oldest=OLDEST)
FROM_SOME = WITHIN_BYTES.format(oldest=OLDEST_OF_SHARDS)


def make_producer(clients: Clients) -> AIOKafkaProducer:
    """An idempotent producer that waits for every replica; awaiting its futures keeps the order of one key."""
    return clients.producer(acks="all", enable_idempotence=True, linger_ms=0)


class Relay:
    """Publishes what transactions left in the outbox."""

    def __init__(self, database: Address | str, clients: Clients, bell: Bell, publishes: Sequence[str] = ()) -> None:
        """`database` is a direct address: a pooler would lose the relay's locks.

        `bell` rings when a transaction left rows; the relay polls behind it all the same. `publishes` names the topics
        that must be there before this process is ready.
        """
        self._database = database
        self._clients = clients
        self._bell = bell
        self._publishes = publishes
        self._complete = False
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

    async def ready(self) -> bool:
        """Whether, at the last look, the broker had every topic that this process publishes on."""
        return self._complete

    async def _session(self) -> None:
        connection = await connect(self._database)
        try:
            await connection.execute(FOR_A_RELAY)
            await self._bell.hear(connection)
            async with _producer(self._clients) as producer:
                topics = BrokerTopics(producer, self._publishes)
                await topics.look()
                shards = Shards(connection)
                await shards.join()
                await self._lead(connection, producer, shards, topics)
        finally:
            self._bell.answered_here = False
            HELD.set(0)
            connection.terminate()

    async def _lead(
        self, connection: Connection, producer: AIOKafkaProducer, shards: Shards, topics: BrokerTopics
    ) -> None:
        while True:
            await shards.settle()
            self._bell.answered_here = shards.all_held
            await topics.look_for_missing()
            self._complete = not topics.missing
            rows = await _fetch(connection, shards, topics)
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
            for topic, number in Counts(row["topic"] for row in rows).items():
                RELAYED.labels(topic).inc(number)
            for row in rows:
                tracing.sent(row["topic"], row["headers"], row["created_at"])


async def _fetch(connection: Connection, shards: Shards, topics: BrokerTopics) -> list[Any]:
    """The oldest rows of our shards whose topics are there."""
    if not shards.held:
        return []
    waiting = list(topics.missing)
    if shards.all_held:
        rows = await connection.fetch(FROM_ALL, waiting, BATCH, BATCH_BYTES)
    else:
        rows = await connection.fetch(FROM_SOME, waiting, BATCH, BATCH_BYTES, sorted(shards.held))
    if not await topics.know({row["topic"] for row in rows}):
        return await _fetch(connection, shards, topics)  # without the rows that have just proved to be waiting
    return list(rows)


@contextlib.asynccontextmanager
async def _producer(clients: Clients) -> AsyncIterator[AIOKafkaProducer]:
    producer = make_producer(clients)
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
