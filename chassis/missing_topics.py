"""Which topics the broker has. One that is missing blocks an idempotent producer for ever, so it is asked first."""

import asyncio
import time
from collections.abc import Collection

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import Gauge

log = structlog.get_logger()

LOOK_EVERY = 2.0  # seconds between two looks for a topic that is missing
TELL_EVERY = 60.0  # seconds between two lines of the log about the same one
PATIENCE = 10.0  # seconds for the broker's answer

MISSING = Gauge(
    "mandat_relay_topic_missing",
    "1 while Kafka lacks a topic that this service publishes on: its rows wait in the outbox, those of others go on",
    ["topic"],
)


class BrokerTopics:
    """What is known of the topics that one producer sends to."""

    def __init__(self, producer: AIOKafkaProducer, expected: Collection[str]) -> None:
        """`expected` are looked for whether or not there is a row for them."""
        self._producer = producer
        self._expected = set(expected)
        self._found: set[str] = set()
        self._next_look = 0.0
        self._next_telling = 0.0
        self.missing: frozenset[str] = frozenset()

    async def know(self, topics: Collection[str]) -> bool:
        """Whether all of these are there; asks the broker about those that are new."""
        if self._found.issuperset(topics):
            return True
        self._expected.update(topics)
        await self.look()
        return self.missing.isdisjoint(topics)

    async def look_for_missing(self) -> None:
        """Ask again, every few seconds, about what is missing."""
        if self.missing and time.monotonic() > self._next_look:
            await self.look()

    async def look(self) -> None:
        """Ask the broker about every topic. Raises KafkaError or TimeoutError when it does not answer."""
        if not self._expected:
            return
        client = self._producer.client
        client.set_topics(self._expected)
        async with asyncio.timeout(PATIENCE):
            if not await client.force_metadata_update():
                raise KafkaError("no broker tells which topics there are")
        self._found = self._expected & client.cluster.topics()
        missing = frozenset(self._expected - self._found)
        for topic in self._expected:
            MISSING.labels(topic).set(topic in missing)
        now = time.monotonic()
        if missing and (missing != self.missing or now > self._next_telling):
            log.error("topics are missing, their rows wait", topics=sorted(missing))
            self._next_telling = now + TELL_EVERY
        self.missing = missing
        self._next_look = now + LOOK_EVERY
