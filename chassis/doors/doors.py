"""All doors of one process."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Generic, TypeVar

from chassis.doors.door import Door
from chassis.doors.reception import Reception
from chassis.kafka import Clients
from chassis.subscriptions import Subscription
from chassis.work import Unit
from contracts.flow import consumer_name
from contracts.topics import Topic

T = TypeVar("T")

DRAIN_ON_STOP = 15  # seconds to finish what is in hand before the process ends
LEAVE_PATIENCE = 5.0  # seconds to leave the groups; a broker that is away finds out by the session timeout
LOOK_EVERY = 5.0  # seconds between two looks at lag and progress


class Doors(Generic[T]):
    """All subscriptions of one service: one consumer per topic, its partitions side by side, each in order."""

    def __init__(
        self, service: str, clients: Clients, prefix: str, unit: Unit[T], subscriptions: Sequence[Subscription[T]]
    ) -> None:
        """`prefix` stands before every topic and group name; empty outside tests."""
        # Consumers only: FastStream's producer would lie unclosed after each start that failed, and its admin client
        # would make topics that are missing, with one partition.
        self._broker = clients.broker(apply_types=False, logger=None, consumer_only=True)
        by_topic: dict[Topic, list[Subscription[T]]] = defaultdict(list)
        for subscription in subscriptions:
            for topic in subscription.event.topics():
                by_topic[topic].append(subscription)
        # Half of the pool, so that gateway, relay and chores always find a connection.
        places = asyncio.Semaphore(max(1, unit.pool.get_max_size() // 2))
        self._doors = [
            Door(self._broker, prefix, topic, Reception(consumer_name(service, topic), unit, found, places))
            for topic, found in by_topic.items()
        ]
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Join the groups. Raises KafkaError when the broker cannot be reached; may then be called again."""
        for door in self._doors:
            door.reopen()
        try:
            await self._broker.start()
        except BaseException:
            await self._let_go(0)  # else what had joined would join twice
            raise
        self._tasks = [asyncio.create_task(door.commit_lazily()) for door in self._doors]

    async def stop(self) -> None:
        """Finish what is in hand, commit its offsets, leave the groups."""
        await self._let_go(DRAIN_ON_STOP)

    async def watch(self) -> None:
        """Keep the gauges of lag up to date for as long as the process runs.

        Raises Stalled when a consumer hangs, and whatever one of its tasks ended with.
        """
        while True:
            await asyncio.sleep(LOOK_EVERY)
            for task in self._tasks:
                if task.done() and not task.cancelled():
                    task.result()
            for door in self._doors:
                await door.look()

    async def ready(self) -> bool:
        """Whether every consumer runs and takes messages, and the broker answers it."""
        if any(task.done() for task in self._tasks):
            return False
        return all(await asyncio.gather(*[door.ready() for door in self._doors]))

    async def _let_go(self, seconds: float) -> None:
        await asyncio.gather(*[door.close(seconds) for door in self._doors])
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_PATIENCE):
                await self._broker.stop()
