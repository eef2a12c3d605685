"""One topic's consumer: joins its group, opens a lane for each partition, commits offsets, and looks after itself."""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from prometheus_client import Gauge

from chassis.database import neighbour_failed
from chassis.doors.lane import Lane
from chassis.doors.reception import Reception
from chassis.doors.watchdog import Stalled, Watchdog
from contracts.topics import Topic

log = structlog.get_logger()
T = TypeVar("T")

COMMIT_EVERY = 0.2  # seconds between offset commits
DRAIN_ON_REVOKE = 20  # seconds to finish what is in hand before partitions move
COMMIT_PATIENCE = 5.0  # seconds for one commit of offsets; aiokafka alone would try for as long as the broker is away
LOOK_PATIENCE = 2.0  # seconds for the broker to say where its partitions end
ANSWER_PATIENCE = 1.0  # seconds for the broker to answer a probe

LAG = Gauge(
    "mandat_consumer_lag",
    "Records of the partitions assigned to this process that it has not seen to their end",
    ["consumer"],
)
PARTITIONS = Gauge("mandat_consumer_partitions", "Partitions assigned to this process", ["consumer"])
WAITING = Gauge(
    "mandat_door_waiting_seconds",
    "For how long a message has waited for the database or the broker; nothing is lost, but its partition stands",
    ["consumer"],
)


class Door(Generic[T]):
    """One topic's consumer."""

    def __init__(self, broker: KafkaBroker, prefix: str, topic: Topic, reception: Reception[T]) -> None:
        """`prefix` stands before the names of topic and group: the deployment's, where a broker serves several."""
        self._consumer = reception.consumer
        self._reception = reception
        self._lanes: dict[TopicPartition, Lane[T]] = {}
        self._closed = False
        self._committing = asyncio.Lock()
        self._watchdog = Watchdog()
        # FastStream makes, starts and stops the consumer. Its own loop is not used: it takes one batch after another
        # for all partitions, and retries at once, for ever, what aiokafka cannot decode.
        self.subscriber = broker.subscriber(
            prefix + topic.name,
            group_id=prefix + self._consumer,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=1_000,
            rebalance_timeout_ms=30_000,
            listener=_Assignment(self),
        )

    def reopen(self) -> None:
        """Take records again, after a start that failed."""
        self._closed = False

    def open_lanes(self, places: Iterable[TopicPartition]) -> None:
        """Begin with partitions that this process was given."""
        consumer = self.subscriber.consumer
        if self._closed or self.halted or consumer is None:
            return
        for place in places:
            self._lanes[place] = Lane(consumer, place, self._reception)

    async def close(self, seconds: float) -> None:
        """Take nothing more, finish what is in hand, and commit it."""
        self._closed = True
        await self.finish(seconds)

    async def finish(self, seconds: float) -> None:
        """Finish what is in hand and commit it. What takes longer is cancelled, rolls back, and comes again."""
        lanes, self._lanes = list(self._lanes.values()), {}
        for lane in lanes:
            lane.leave()
        if lanes:
            _, late = await asyncio.wait([lane.task for lane in lanes], timeout=seconds)
            for task in late:
                log.warning("handler cancelled", consumer=self._consumer, lane=task.get_name())
                task.cancel()
            await asyncio.gather(*[lane.task for lane in lanes], return_exceptions=True)
        await self.commit()

    @property
    def halted(self) -> bool:
        """Whether it takes nothing any more, because every message failed."""
        return self._reception.halted

    async def ready(self) -> bool:
        """Whether it runs and takes messages, and the broker answers."""
        consumer: AIOKafkaConsumer | None = self.subscriber.consumer
        if consumer is None or not self.subscriber.running or self.halted:
            return False
        try:
            async with asyncio.timeout(ANSWER_PATIENCE):
                await consumer.topics()
        except (KafkaError, TimeoutError):
            return False
        return True

    async def commit_lazily(self) -> None:
        """Commit the offsets of what is done, every moment, for as long as the process runs."""
        while True:
            await asyncio.sleep(COMMIT_EVERY)
            WAITING.labels(self._consumer).set(self._reception.waiting)
            await self.commit()

    async def commit(self) -> None:
        """Commit the offsets of what is done, also what another call has under way before partitions move.

        A failure only means that the inbox will see a message again.
        """
        async with self._committing:
            await self._commit()

    async def _commit(self) -> None:
        consumer: AIOKafkaConsumer | None = self.subscriber.consumer
        done, self._reception.done = self._reception.done, {}
        if not done or consumer is None:
            return
        assigned = consumer.assignment()
        offsets = {partition: offset for partition, offset in done.items() if partition in assigned}
        if not offsets:
            return
        try:
            async with asyncio.timeout(COMMIT_PATIENCE):
                await self._reception.keep_positions(offsets)
                await consumer.commit(offsets)
        except Exception as error:
            if not (isinstance(error, KafkaError) or neighbour_failed(error)):
                raise
            log.warning("offsets not committed", consumer=self._consumer, error=repr(error))
            self._reception.done = offsets | self._reception.done

    async def look(self) -> None:
        """Tell lag and partitions. Raises Stalled when nothing moves although it could, and what a lane ended with."""
        lanes = dict(self._lanes)
        for lane in lanes.values():
            if lane.task.done() and not lane.task.cancelled() and (fault := lane.task.exception()) is not None:
                raise fault
        consumer = self.subscriber.consumer
        if consumer is None:
            return
        PARTITIONS.labels(self._consumer).set(len(consumer.assignment()))
        lag = None
        with contextlib.suppress(KafkaError, TimeoutError, ConsumerStoppedError):
            async with asyncio.timeout(LOOK_PATIENCE):
                lag = await self._lag(consumer, lanes)
                LAG.labels(self._consumer).set(lag)
        excused = lag is None or self.halted or self._closed or self._reception.waiting > 0
        if self._watchdog.bites(lag or 0, self._reception.seen_to_end, excused=excused, now=time.monotonic()):
            raise Stalled(f"{self._consumer}: {lag} records wait, and none was taken")

    async def _lag(self, consumer: AIOKafkaConsumer, lanes: dict[TopicPartition, Lane[T]]) -> int:
        places: Sequence[TopicPartition] = list(consumer.assignment())
        ends = await consumer.end_offsets(places) if places else {}
        starts = {
            place: await (lanes[place].position() if place in lanes else consumer.position(place)) for place in ends
        }
        return sum(max(0, end - starts[place]) for place, end in ends.items())


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """Before partitions move to another process, finish what is in hand, so that a rolling restart repeats nothing."""

    def __init__(self, door: Door[Any]) -> None:
        self._door = door

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._door.finish(DRAIN_ON_REVOKE)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._door.open_lanes(assigned)
