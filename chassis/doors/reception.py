"""What one consumer does with a message: one transaction, tries in place, and the dead letters behind them."""

import asyncio
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Generic, TypeVar

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge, Histogram

from chassis import positions, tracing
from chassis.database import COLLISIONS, neighbour_failed
from chassis.doors.hand import Hand
from chassis.doors.messages import Message, Record
from chassis.inbox import Behind, Claim, Duplicate, NotTogether
from chassis.letter import DeadLetter, empty, park
from chassis.outcomes import Refusal, Transient
from chassis.subscriptions import Subscription
from chassis.telemetry import described
from chassis.waiting import set_within
from chassis.work import Unit
from contracts.cloudevents import Forgotten

log = structlog.get_logger()
T = TypeVar("T")

ATTEMPTS = 3  # in place, before a message is parked
FIRST_PAUSE = 0.05  # seconds, doubled each time, with jitter
LONGEST_PAUSE = 5.0  # seconds, while a neighbour is down
MOST_PARKED_IN_ROW = 50  # with none applied in between: then the fault is ours, and the topic is worth keeping

HANDLED = Counter("mandat_messages", "Messages by how they ended", ["consumer", "type", "outcome"])
RETRIED = Counter("mandat_message_retries", "Times a message was tried again in place", ["consumer", "reason"])
SECONDS = Histogram(
    "mandat_message_seconds", "From a record in hand to its end; of a batch, for all of it", ["consumer"]
)
FIRST_TO_LAST = (0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 60, 600)  # seconds; 1 is what revocations are promised in
DELAY = Histogram(
    "mandat_message_delay_seconds",
    "From what a message tells of to the commit of its effect here, by two machines' clocks",
    ["consumer"],
    buckets=FIRST_TO_LAST,
)
REVOCATION = Histogram(
    "mandat_revocation_seconds",
    "The same of what takes something away from somebody: ended sessions and links. From here on it is refused here",
    ["consumer"],
    buckets=FIRST_TO_LAST,
)
HALTED = Gauge(
    "mandat_door_halted",
    "1 when every message failed, so that the door stopped taking any; it resumes when the process starts again",
    ["consumer"],
)


class Reception(Generic[T]):
    """One consumer's way with messages, from all of its partitions at once."""

    def __init__(
        self, consumer: str, unit: Unit[T], subscriptions: Iterable[Subscription[T]], places: asyncio.Semaphore
    ) -> None:
        """`places` bounds the transactions that the doors of a process have open at once."""
        self.consumer = consumer
        self.by_type = {subscription.event.type_name(): subscription for subscription in subscriptions}
        self.halted = False
        self.done: dict[TopicPartition, int] = {}
        self.seen_to_end = 0
        self._unit = unit
        self._places = places
        self._parked_in_row = 0
        self._seconds = SECONDS.labels(consumer)
        self._delay = DELAY.labels(consumer)
        HALTED.labels(consumer).set(0)
        self._handled: dict[tuple[str, str], Counter] = {}
        self._waiting_since: dict[TopicPartition, float] = {}

    @property
    def waiting(self) -> float:
        """For how many seconds the message that waits longest has waited for a neighbour."""
        since = min(self._waiting_since.values(), default=None)
        return 0.0 if since is None else time.monotonic() - since

    def hand(self) -> Hand[T]:
        """For one lane, while it has records."""
        return Hand(self._unit, self._places)

    async def take(self, run: Sequence[Message[T]], hand: Hand[T], leaving: asyncio.Event) -> None:
        """See consecutive messages of a partition to their end: in one transaction, or one after another.

        Told to leave, it leaves those that it has not in hand where they are: no offset is noted, they come again.
        """
        if len(run) > 1:
            begun = time.perf_counter()
            if await self._take_together(run, hand, leaving):
                await hand.put_down()  # a batch takes as long as many messages
                self._seconds.observe(time.perf_counter() - begun)
                return
        for message in run:
            if leaving.is_set() or self.halted:
                return
            begun = time.perf_counter()
            if await self._take_one(message, hand, leaving):
                self._seconds.observe(time.perf_counter() - begun)

    async def keep_positions(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Keep in the database how far we have come, for a restore. Raises what a failing database raises."""
        await positions.keep(self._unit.pool, self.consumer, offsets)

    async def _take_one(self, message: Message[T], hand: Hand[T], leaving: asyncio.Event) -> bool:
        """See one message to its end: applied, known, ignored by rule, or parked. False when it was told to leave.

        It waits for as long as a neighbour is down, and tries again so often where that may help.
        """
        record, place = message.record, _place(message.record)
        first_at = self._unit.origin.clock()
        attempts, pause = 0, FIRST_PAUSE
        while True:
            try:
                try:
                    outcome = await self._attempt(message, hand)
                except Exception as error:
                    await hand.put_down()
                    attempts += not _must_wait(error)
                    if _must_wait(error) or (_may_pass(error) and attempts < ATTEMPTS):
                        raise
                    await self._park(message, error, attempts, first_at)
                    outcome = "parked"
                break
            except Exception as error:
                self._note(error, place, record)
            if await set_within(leaving, pause * random.uniform(0.5, 1.5)):
                self._waiting_since.pop(place, None)
                return False
            pause = min(pause * 2, LONGEST_PAUSE)
        self._end(message, outcome)
        return True

    async def _attempt(self, message: Message[T], hand: Hand[T]) -> str:
        """How a message ended. Raises whatever its handler raises, and Malformed."""
        if message.fault is not None:
            raise message.fault
        if message.subscription is None or message.content is None:
            return "ignored"
        if isinstance(message.content, Forgotten):
            # Whatever becomes of it: also one that the inbox knows empties what was parked since it came first.
            await hand.put_down()
            await empty(self._unit.pool, message.record.topic, message.record.key or b"")
        taking = message.subscription.taking(message.content)
        if taking is None:
            return "ignored"
        handler, command = taking
        unit = await hand.unit()
        with _traced([message]):
            outcome = (await unit.receive(handler, command, self._claim(message))).outcome
        if outcome is Behind:
            return "behind"
        if outcome is Duplicate:
            return "duplicate"
        return "refused" if isinstance(outcome, Refusal) else "applied"

    async def _take_together(self, run: Sequence[Message[T]], hand: Hand[T], leaving: asyncio.Event) -> bool:
        """See a batch to its end. False when its messages must be taken one by one, or when it was told to leave."""
        subscription, place = run[0].subscription, _place(run[0].record)
        assert subscription is not None
        claims = [self._claim(message) for message in run]
        pause = FIRST_PAUSE
        while True:
            try:
                unit = await hand.unit()
                with _traced(run):
                    contents = [message.content for message in run]
                    fresh = await unit.receive_all(subscription.handler, contents, claims)
                break
            except NotTogether:
                return False
            except Exception as error:
                await hand.put_down()
                if not _must_wait(error):
                    log.warning("batch is taken one by one", consumer=self.consumer, error=described(error))
                    return False
                self._note(error, place, run[0].record)
            if await set_within(leaving, pause * random.uniform(0.5, 1.5)):
                self._waiting_since.pop(place, None)
                return False
            pause = min(pause * 2, LONGEST_PAUSE)
        for message, is_fresh in zip(run, fresh, strict=True):
            self._end(message, "applied" if is_fresh else "duplicate")
        return True

    def _claim(self, message: Message[T]) -> Claim:
        record, envelope = message.record, message.envelope
        assert envelope is not None
        return Claim(
            self.consumer,
            envelope.id,
            record.topic,
            record.key or b"",
            message.ordered,
            letter=lambda reason: self._letter(message, reason, 0, self._unit.origin.clock()),
        )

    def _letter(self, message: Message[T], reason: str, attempts: int, first_at: datetime) -> DeadLetter:
        now = self._unit.origin.clock()
        return DeadLetter.of(self.consumer, message.record, reason, attempts, first_at, now, ordered=message.ordered)

    async def _park(self, message: Message[T], error: Exception, attempts: int, first_at: datetime) -> None:
        log.error("message parked", consumer=self.consumer, **_whereabouts(message.record), exc_info=error)
        await park(self._unit.pool, self._letter(message, described(error), attempts, first_at))

    def _note(self, error: Exception, place: TopicPartition, record: Record) -> None:
        """That a message waits, and since when it does so for a neighbour."""
        if _must_wait(error):
            self._waiting_since.setdefault(place, time.monotonic())
        RETRIED.labels(self.consumer, type(error).__name__).inc()
        log.warning("message waits", consumer=self.consumer, **_whereabouts(record), error=described(error))

    def _end(self, message: Message[T], outcome: str) -> None:
        place = _place(message.record)
        self._waiting_since.pop(place, None)
        self.done[place] = message.record.offset + 1
        self.seen_to_end += 1
        self._count(message.type, "parked" if outcome == "behind" else outcome)
        if outcome in ("applied", "refused"):
            self._parked_in_row = 0
            self._time(message)
        elif outcome == "parked":
            self._parked_in_row += 1
            if self._parked_in_row == MOST_PARKED_IN_ROW:
                self._halt()

    def _time(self, message: Message[T]) -> None:
        """How long the effect took to get here. A clock that is behind makes it no shorter than nothing."""
        assert message.envelope is not None
        seconds = max(0.0, (self._unit.origin.clock() - message.envelope.time).total_seconds())
        self._delay.observe(seconds)
        if message.subscription is not None and message.subscription.revokes:
            REVOCATION.labels(self.consumer).observe(seconds)

    def _halt(self) -> None:
        self.halted = True
        HALTED.labels(self.consumer).set(1)
        log.error(
            "door halted: every message failed",
            consumer=self.consumer,
            parked_in_row=MOST_PARKED_IN_ROW,
            remedy="read this consumer's newest dead letters; roll back or mend what was deployed, restart, redrive",
        )

    def _count(self, kind: str, outcome: str) -> None:
        counter = self._handled.get((kind, outcome))
        if counter is None:
            counter = self._handled[kind, outcome] = HANDLED.labels(self.consumer, kind, outcome)
        counter.inc()


def _traced(run: Sequence[Message[T]]) -> AbstractContextManager[Any]:
    if not tracing.is_on():
        return tracing.NOTHING
    kind = run[0].type if len({message.type for message in run}) == 1 else "batch"
    traceparents = [message.envelope.traceparent if message.envelope else None for message in run]
    return tracing.handling(run[0].record.topic, kind, traceparents)


def _place(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


def _whereabouts(record: Record) -> dict[str, Any]:
    """As `dead-letters list` shows them, so that a line of the log and a letter can be matched."""
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


def _must_wait(error: Exception) -> bool:
    """What is broken around us pauses a door, for however long, and says nothing about the message."""
    return isinstance(error, KafkaError) or neighbour_failed(error)


def _may_pass(error: Exception) -> bool:
    return isinstance(error, (Transient, *COLLISIONS))
