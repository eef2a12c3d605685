"""The events about one person, from topic to topic, as a subscriber of every topic would see them."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka import TopicPartition

from chassis.kafka import Clients
from contracts.cloudevents import read_envelope
from contracts.topics import TOPICS, Topic


@dataclass(frozen=True)
class Seen:
    """One event: when it was written, where it lies, and what it says."""

    time: datetime
    topic: Topic
    name: str
    key: str
    data: dict[str, Any]


async def everything(clients: Clients) -> list[Seen]:
    """Every record on every topic of the contracts, by time."""
    topics = {topic.name: topic for topic in TOPICS}
    consumer = clients.consumer(isolation_level="read_committed")
    await consumer.start()
    try:
        places = [TopicPartition(topic.name, number) for topic in TOPICS for number in range(topic.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        found = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    envelope = read_envelope(record.headers)
                    data = json.loads(record.value or b"{}")
                    key = (record.key or b"").decode()
                    name = envelope.type.split(".")[2]
                    found.append(Seen(envelope.time, topics[record.topic], name, key, data))
    finally:
        await consumer.stop()
    return sorted(found, key=lambda seen: seen.time)


FOLLOWED = ("relation_id", "delivery_id")
"""Ids that an event about somebody introduces, and that later events name alone."""


def about(events: Collection[Seen], ids: Collection[str]) -> list[Seen]:
    """Those that name one of the ids, or a relation or a mail of theirs."""
    known, found = set(ids), []
    for event in events:
        if known & {event.key, *map(str, _values(event.data))}:
            found.append(event)
            known |= {str(event.data[name]) for name in FOLLOWED if name in event.data}
    return found


def _values(data: Any) -> list[Any]:
    if isinstance(data, dict):
        return [found for value in data.values() for found in _values(value)]
    if isinstance(data, list):
        return [found for value in data for found in _values(value)]
    return [data]
