"""Takes consumer groups back to what their restored database has seen; the inbox absorbs what comes again."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code

from chassis import positions
from chassis.database import Pool
from chassis.kafka import Clients

PATIENCE = 30.0  # seconds for a broker that does not know yet who keeps its groups
LOOK_EVERY = 0.1  # seconds
NOBODY_IN_IT = ("Empty", "Dead")  # states of a group without members; Dead: it does not exist


@dataclass(frozen=True)
class Group:
    """One consumer of the service: its name in the database, its group and topic at the broker."""

    consumer: str
    name: str
    topic: str


@dataclass(frozen=True)
class Moved:
    """Where a group's partition stood (None: nowhere), and where it stands now."""

    group: str
    topic: str
    partition: int
    before: int | None
    after: int


class StillRunning(Exception):
    """A group has members: they would go on from where they are, and commit that again."""


async def reset(clients: Clients, pool: Pool, groups: Sequence[Group], to: datetime) -> list[Moved]:
    """Set every group to the first record that the database may lack, were it restored to that time or a later one.

    That is the earlier of two places: what the database itself has kept of its position, which is also right for a
    consumer that lagged behind, and the first record that the broker took at that time or later.

    Raises StillRunning, before anything is changed, and KafkaError.
    """
    await _refuse_running(clients, groups)
    found = []
    for group in groups:
        found += await _reset_one(clients, pool, group, to)
    return found


async def _refuse_running(clients: Clients, groups: Sequence[Group]) -> None:
    async with _admin(clients) as admin:
        for group in groups:  # one at a time: aiokafka reads only an answer about one group
            state, members = await _described(admin, group.name)
            if members or state not in NOBODY_IN_IT:
                raise StillRunning(f"group {group.name} has {members} members ({state})")


async def _described(admin: AIOKafkaAdminClient, name: str) -> tuple[str, int]:
    """State and number of members of a group. Raises KafkaError.

    A broker that has just started, or was never asked for a group before, takes a moment to find who keeps them.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            [answer] = await admin.describe_consumer_groups([name])
            [(code, _, state, _, _, members, *_)] = answer.groups
            if not code:
                return state, len(members)
            raise for_code(code)(name)
        except KafkaError as error:
            if not error.retriable or time.monotonic() > deadline:
                raise
        await asyncio.sleep(LOOK_EVERY)


async def _reset_one(clients: Clients, pool: Pool, group: Group, to: datetime) -> list[Moved]:
    kept = await positions.read(pool, group.consumer, group.topic)
    consumer = clients.consumer(group_id=group.name, enable_auto_commit=False)
    await consumer.start()
    try:
        places = await _partitions(clients, group.topic)
        consumer.assign(places)
        before = {place: await consumer.committed(place) for place in places}
        wanted = await _wanted(consumer, places, kept, to)
        await consumer.commit(wanted)  # the broker refuses it while the group has a member
    finally:
        await consumer.stop()
    return [Moved(group.name, group.topic, place.partition, before[place], wanted[place]) for place in places]


async def _wanted(
    consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], kept: Mapping[int, int], to: datetime
) -> dict[TopicPartition, int]:
    starts, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    since = await consumer.offsets_for_times(dict.fromkeys(places, int(to.timestamp() * 1000)))
    wanted = {}
    for place in places:
        first = since[place].offset if since[place] is not None else ends[place]
        # A database that has kept positions, but none of this partition, has seen nothing of it.
        seen = kept.get(place.partition, starts[place]) if kept else first
        wanted[place] = max(starts[place], min(first, seen))
    return wanted


async def _partitions(clients: Clients, topic: str) -> list[TopicPartition]:
    async with _admin(clients) as admin:
        [description] = await admin.describe_topics([topic])
    return [TopicPartition(topic, number) for number in sorted(one["partition"] for one in description["partitions"])]


@contextlib.asynccontextmanager
async def _admin(clients: Clients) -> AsyncIterator[AIOKafkaAdminClient]:
    client = clients.admin()
    try:
        await client.start()
        yield client
    finally:
        await client.close()
