"""Kafka as an outsider sees it: a bare consumer that notes when it holds a record, and a look at a whole topic."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.measuring import now
from contracts.topics import Topic

PATIENCE = 10.0  # seconds that one awaited record may take


@dataclass(frozen=True)
class Held:
    """A record, and when a consumer had it in hand."""

    record: Any
    at: datetime

    @property
    def sent_at(self) -> datetime:
        """When its producer took it, in whole milliseconds, rounded down (Kafka's CreateTime)."""
        return datetime.fromtimestamp(self.record.timestamp / 1000, UTC)


class Subscriber:
    """Reads every partition of one topic from its end, in no group. `async with` starts and stops it."""

    def __init__(self, servers: str, topic: Topic) -> None:
        """Nothing is connected yet."""
        self._consumer = AIOKafkaConsumer(bootstrap_servers=servers, isolation_level="read_committed")
        self._places = _places(topic)
        self._held: asyncio.Queue[Held] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._consumer.assign(self._places)
        await self._consumer.seek_to_end(*self._places)
        for place in self._places:
            await self._consumer.position(place)
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
        await self._consumer.stop()

    async def next(self) -> Held:
        """The next record. Raises TimeoutError after PATIENCE."""
        return await asyncio.wait_for(self._held.get(), PATIENCE)

    async def _read(self) -> None:
        async for record in self._consumer:
            self._held.put_nowait(Held(record, now()))


async def everything_on(servers: str, topic: Topic) -> list[Held]:
    """Every record of a topic, from its beginning to what is its end now."""
    places = _places(topic)
    found: list[Held] = []
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, isolation_level="read_committed")
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [Held(record, now()) for record in records]
    finally:
        await consumer.stop()
    return found


def _places(topic: Topic) -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]
