"""Doors from Kafka: each record reaches one handler, exactly once in effect; what cannot be handled is parked.

A subscription spells out what it promises. Under every one of them: offsets are committed after the database's
commit, lazily, because the inbox absorbs what is delivered again; no exception leaves the door, because one that does
either loses the record or spins on it (docs/architecture/delivery.md).
"""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from prometheus_client import Counter, Histogram

from chassis.database import COLLISIONS, neighbour_failed
from chassis.dead_letters import DeadLetter, park
from chassis.inbox import Behind, Claim, Duplicate
from chassis.outcomes import CommitUnknown, Refusal, Transient
from chassis.telemetry import described
from chassis.waiting import set_within
from chassis.work import Handler, Unit
from contracts.cloudevents import Malformed, read_envelope, read_event
from contracts.events import Event
from contracts.topics import Topic

log = structlog.get_logger()
T = TypeVar("T")
Record: TypeAlias = "ConsumerRecord[bytes, bytes]"

ATTEMPTS = 3  # in place, before a message is parked
FIRST_PAUSE = 0.05  # seconds, doubled each time, with jitter
LONGEST_PAUSE = 5.0  # seconds, while a neighbour is down
COMMIT_EVERY = 0.2  # seconds between offset commits
DRAIN_ON_REVOKE = 20  # seconds to finish what is in hand before partitions move
DRAIN_ON_STOP = 15  # seconds to finish what is in hand before the process ends
COMMIT_PATIENCE = 5.0  # seconds for one commit of offsets; aiokafka alone would try for as long as the broker is away
LEAVE_PATIENCE = 5.0  # seconds to leave the groups; a broker that is away finds out by the session timeout

HANDLED = Counter("mandat_messages", "Messages by how they ended", ["consumer", "type", "outcome"])
RETRIED = Counter("mandat_message_retries", "Times a message was tried again in place", ["consumer", "reason"])
SECONDS = Histogram("mandat_message_seconds", "From a record in hand to its end", ["consumer"])


class Order(Enum):
    """What happens to later messages of a key while an earlier one is parked."""

    KEPT = "they park behind it"
    FREE = "they go on: each is a state with a version, a withdrawal, or independent of the others"


@dataclass(frozen=True)
class Subscription(Generic[T]):
    """One kind of event, the handler it goes to, and whether order within its key matters."""

    event: type[Event]
    handler: Handler[T, Any, Any]
    order: Order


def consumer_name(service: str, topic: Topic) -> str:
    """The consumer group, and the name under which the inbox remembers; one per service and topic."""
    return f"{service}.{topic.name}"


class Doors(Generic[T]):
    """All subscriptions of one service: one consumer per topic, each record in its own transaction."""

    def __init__(
        self, service: str, servers: str, prefix: str, unit: Unit[T], subscriptions: Sequence[Subscription[T]]
    ) -> None:
        """`prefix` stands before every topic and group name; empty outside tests."""
        self._unit = unit
        self._broker = KafkaBroker(servers, apply_types=False, logger=None, graceful_timeout=DRAIN_ON_STOP)
        by_topic: dict[Topic, list[Subscription[T]]] = defaultdict(list)
        for subscription in subscriptions:
            for topic in subscription.event.topics():
                by_topic[topic].append(subscription)
        self._doors = [
            _Door(self._broker, consumer_name(service, topic), prefix, topic, unit, found)
            for topic, found in by_topic.items()
        ]
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Join the groups. Raises KafkaError when the broker cannot be reached; may then be called again."""
        try:
            await self._broker.start()
        except BaseException:
            await self._broker.stop()  # else what had joined would join twice
            raise
        self._tasks = [asyncio.create_task(door.commit_lazily()) for door in self._doors]

    async def stop(self) -> None:
        """Finish what is in hand, commit its offsets, leave the groups."""
        await asyncio.gather(*[door.drain(DRAIN_ON_STOP) for door in self._doors])
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_PATIENCE):
                await self._broker.stop()

    async def ready(self) -> bool:
        """Whether the broker answers and every consumer runs."""
        running = all(door.subscriber.running for door in self._doors) and not any(t.done() for t in self._tasks)
        return running and await self._broker.ping(1)


class _Door(Generic[T]):
    """One topic's consumer."""

    def __init__(
        self,
        broker: KafkaBroker,
        consumer: str,
        prefix: str,
        topic: Topic,
        unit: Unit[T],
        subscriptions: Iterable[Subscription[T]],
    ) -> None:
        self._consumer = consumer
        self._topic = topic
        self._unit = unit
        self._by_type: Mapping[str, Subscription[T]] = {s.event.type_name(): s for s in subscriptions}
        self._done: dict[TopicPartition, int] = {}
        self._stopping = asyncio.Event()
        self.subscriber = broker.subscriber(
            prefix + topic.name,
            group_id=prefix + consumer,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=1_000,
            rebalance_timeout_ms=30_000,
            listener=_DrainOnRevoke(self),
            parser=_parse,
            decoder=_decode,
        )
        self.subscriber(self.take)

    async def take(self, record: Record) -> None:
        """See one record to its end: applied, known, ignored by rule, or parked. Waits while a neighbour is down.

        Told to stop while it waits, it leaves the record where it is: no offset is committed, and it comes again.
        """
        first_at = self._unit.origin.clock()
        attempts, pause = 0, FIRST_PAUSE
        with SECONDS.labels(self._consumer).time():
            while True:
                try:
                    try:
                        outcome = await self._handle(record)
                    except Exception as error:
                        attempts += not _must_wait(error)
                        if _must_wait(error) or (_may_pass(error) and attempts < ATTEMPTS):
                            raise
                        outcome = await self._park(record, error, attempts, first_at)
                    break
                except Exception as error:
                    RETRIED.labels(self._consumer, type(error).__name__).inc()
                    log.warning("message waits", consumer=self._consumer, offset=record.offset, error=described(error))
                if await set_within(self._stopping, pause * random.uniform(0.5, 1.5)):
                    return
                pause = min(pause * 2, LONGEST_PAUSE)
        HANDLED.labels(self._consumer, *outcome).inc()
        self._done[TopicPartition(record.topic, record.partition)] = record.offset + 1

    async def _handle(self, record: Record) -> tuple[str, str]:
        """The type that was handled, and how that ended."""
        envelope = read_envelope(record.headers)
        subscription = self._by_type.get(envelope.type)
        if subscription is None:
            return "other", "ignored"
        event = read_event(envelope, record.key, record.value)
        ordered = subscription.order is Order.KEPT
        now = self._unit.origin.clock()
        claim = Claim(
            self._consumer,
            envelope.id,
            record.topic,
            record.key or b"",
            ordered,
            letter=lambda reason: DeadLetter.of(self._consumer, record, reason, 0, now, now, ordered=ordered),
        )
        outcome = (await self._unit.receive(subscription.handler, event, claim)).outcome
        if outcome is Behind:
            return envelope.type, "parked"
        if outcome is Duplicate:
            return envelope.type, "duplicate"
        return envelope.type, "refused" if isinstance(outcome, Refusal) else "applied"

    async def _park(self, record: Record, error: Exception, attempts: int, first_at: datetime) -> tuple[str, str]:
        log.error("message parked", consumer=self._consumer, offset=record.offset, exc_info=error)
        kind, ordered = self._kind_of(record)
        reason, now = described(error), self._unit.origin.clock()
        letter = DeadLetter.of(self._consumer, record, reason, attempts, first_at, now, ordered=ordered)
        await park(self._unit.pool, letter)
        return kind, "parked"

    def _kind_of(self, record: Record) -> tuple[str, bool]:
        """A record's type, and whether later ones of its key must wait for it; they must when nobody can tell."""
        try:
            kind = read_envelope(record.headers).type
        except Malformed:
            return "unknown", True
        return kind, self._by_type[kind].order is Order.KEPT

    async def commit_lazily(self) -> None:
        """Commit the offsets of what is done, every moment, for as long as the process runs."""
        while True:
            await asyncio.sleep(COMMIT_EVERY)
            await self.commit()

    async def commit(self) -> None:
        """Commit the offsets of what is done. A failure only means that the inbox will see a message again."""
        consumer: AIOKafkaConsumer | None = self.subscriber.consumer
        if not self._done or consumer is None:
            return
        done, self._done = self._done, {}
        assigned = consumer.assignment()
        offsets = {partition: offset for partition, offset in done.items() if partition in assigned}
        if not offsets:
            return
        try:
            async with asyncio.timeout(COMMIT_PATIENCE):
                await consumer.commit(offsets)
        except (KafkaError, TimeoutError) as error:
            log.warning("offsets not committed", consumer=self._consumer, error=repr(error))
            self._done = offsets | self._done

    async def drain(self, seconds: float) -> None:
        """Take nothing more, finish what is in hand, and commit it."""
        self.subscriber.running = False
        self._stopping.set()
        await self.finish(seconds)

    async def finish(self, seconds: float) -> None:
        """Finish what is in hand and commit it; nothing is in hand before the door has opened."""
        if self.subscriber.consumer is None:
            return
        await self.subscriber.lock.wait_release(seconds)  # type: ignore[attr-defined]
        await self.commit()


def _must_wait(error: Exception) -> bool:
    """What is broken around us pauses a door, for however long, and says nothing about the message."""
    return isinstance(error, CommitUnknown | KafkaError) or neighbour_failed(error)


def _may_pass(error: Exception) -> bool:
    return isinstance(error, (Transient, *COLLISIONS))


class _DrainOnRevoke(ConsumerRebalanceListener):  # type: ignore[misc]
    """Before partitions move to another process, finish what is in hand, so that a rolling restart repeats nothing."""

    def __init__(self, door: _Door[Any]) -> None:
        self._door = door

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        if revoked:
            await self._door.finish(DRAIN_ON_REVOKE)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        pass


async def _parse(record: Record) -> KafkaMessage:
    """FastStream's own parser decodes every header and drops, in silence, a record whose header is not UTF-8."""
    return KafkaMessage(body=record.value or b"", raw_message=record, headers={}, consumer=None)  # type: ignore[arg-type]


async def _decode(message: KafkaMessage) -> Any:
    return message.raw_message
