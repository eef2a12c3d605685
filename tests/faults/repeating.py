"""Sends records again that are on the topics already, so that repeats are not left to chance.

Verbatim, as a producer's retry does, or a group that was reset: the same id, the same bytes. And, under a new id,
states that newer ones have replaced, as a relay does that loses its lock while the echo of a state is on its way.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

from aiokafka import ConsumerRecord, TopicPartition
from uuid_utils.compat import uuid7

from chassis.kafka import Clients
from contracts.flow import READERS
from contracts.topics import TOPICS, Kind
from tests.faults.evidence import Place

NEWEST = 40
"""Records of one partition that are sent again, at most: the short run's whole partition, a moment's of a long one."""

READ = sorted({topic for event in READERS for topic in event.topics()}, key=TOPICS.index)
"""The topics that services of the platform read."""

STATES = {topic.name for topic in READ if topic.kind is Kind.STATE}


async def send_again(clients: Clients) -> set[Place]:
    """Sends the newest records of every topic again, and for each state one that it has replaced. Returns where they
    lie now. `clients` may read and write every topic. Raises KafkaError."""
    found = await _newest(clients)
    async with clients.producer(enable_idempotence=True) as producer:
        again = [*found, *replaced(found)]
        sent = [
            await producer.send(record.topic, record.value, record.key, record.partition, headers=list(record.headers))
            for record in again
        ]
        return {(place.topic, place.partition, place.offset) for place in await asyncio.gather(*sent)}


async def _newest(clients: Clients) -> list[ConsumerRecord]:
    found: list[ConsumerRecord] = []
    async with clients.consumer() as consumer:
        places = [TopicPartition(topic.name, number) for topic in READ for number in range(topic.partitions)]
        consumer.assign(places)
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        for place in places:
            consumer.seek(place, max(begins[place], ends[place] - NEWEST))
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += batch
    return found


def replaced(records: Sequence[ConsumerRecord]) -> list[ConsumerRecord]:
    """The oldest state of each key that has a newer one, as another event."""
    versions: dict[tuple[str, bytes], dict[int, ConsumerRecord]] = {}
    for record in records:
        if record.topic in STATES and record.value is not None:
            versions.setdefault((record.topic, record.key), {})[json.loads(record.value)["version"]] = record
    return [_as_another(states[min(states)]) for states in versions.values() if len(states) > 1]


def _as_another(record: ConsumerRecord) -> ConsumerRecord:
    headers = [(name, str(uuid7()).encode() if name == "ce_id" else value) for name, value in record.headers]
    return replace(record, headers=headers)
