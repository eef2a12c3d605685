"""One partition's way through a door: its records in order, beside the other partitions'."""

import asyncio
from collections.abc import Sequence
from typing import Generic, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from chassis.doors import unreadable
from chassis.doors.messages import Record, runs
from chassis.doors.reception import Reception
from chassis.waiting import set_within

log = structlog.get_logger()
T = TypeVar("T")

FETCH_PATIENCE_MS = 1_000  # for one look when nothing is there; a record that arrives ends it at once
BROKEN_PAUSE = 1.0  # seconds before a failing fetch is tried again


class Lane(Generic[T]):
    """Fetches one partition's records and hands them to the reception, one run after another."""

    def __init__(self, consumer: AIOKafkaConsumer, place: TopicPartition, reception: Reception[T]) -> None:
        """Starts at once."""
        self._consumer = consumer
        self._place = place
        self._reception = reception
        self._leaving = asyncio.Event()
        self._fetching = False
        self._next_in_hand: int | None = None
        self.task = asyncio.create_task(self._run(), name=f"lane {place.topic} {place.partition}")

    def leave(self) -> None:
        """Finish what is in hand and take nothing more; `task` ends when that is done."""
        self._leaving.set()
        if self._fetching:
            self.task.cancel()  # nothing is in hand

    async def position(self) -> int:
        """The offset of the first record that has not been seen to its end."""
        if self._next_in_hand is not None:
            return self._next_in_hand
        position: int = await self._consumer.position(self._place)
        return position

    @property
    def _ends(self) -> bool:
        return self._leaving.is_set() or self._reception.halted

    async def _run(self) -> None:
        while not self._ends:
            try:
                records = await self._fetch()
            except ConsumerStoppedError:
                return
            except KafkaError as error:
                log.warning("fetching pauses", topic=self._place.topic, error=repr(error))
                await set_within(self._leaving, BROKEN_PAUSE)
                continue
            await self._see_to(records)

    async def _fetch(self) -> Sequence[Record]:
        """All that is there, up to max_partition_fetch_bytes: what stays behind would keep aiokafka from fetching."""
        self._fetching = True
        try:
            found: dict[TopicPartition, list[Record]] = await self._consumer.getmany(
                self._place, timeout_ms=FETCH_PATIENCE_MS
            )
            return found.get(self._place, ())
        except UnicodeDecodeError:
            return await self._fetch_unreadable()
        finally:
            self._fetching = False

    async def _fetch_unreadable(self) -> Sequence[Record]:
        records, behind = await unreadable.fetch(self._consumer, self._place)
        self._consumer.seek(self._place, behind)
        return records

    async def _see_to(self, records: Sequence[Record]) -> None:
        async with self._reception.hand() as hand:
            for run in runs(records, self._reception.by_type):
                if self._ends:
                    return
                self._next_in_hand = run[0].record.offset
                await self._reception.take(run, hand, self._leaving)
        self._next_in_hand = None
