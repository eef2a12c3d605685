"""The events about one person, from topic to topic, as a subscriber of every topic would see them."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.cloudevents import read_envelope
from contracts.topics import TOPICS, Kind


@dataclass(frozen=True)
class Seen:
    """One event: when it was written, where it lies, and what it says."""

    time: datetime
    topic: str
    kind: Kind
    type: str
    key: str
    data: dict[str, Any]


async def everything(servers: str) -> list[Seen]:
    """Every record on every topic of the contracts, by time."""
    kinds = {topic.name: topic.kind for topic in TOPICS}
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, isolation_level="read_committed")
    await consumer.start()
    try:
        places = [
            TopicPartition(topic.name, number) for topic in TOPICS for number in range(topic.partitions)
        ]
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
                    found.append(
                        Seen(envelope.time, record.topic, kinds[record.topic], envelope.type, key, data)
                    )
    finally:
        await consumer.stop()
    return sorted(found, key=lambda seen: seen.time)


def about(events: Collection[Seen], ids: Collection[str]) -> list[Seen]:
    """Those that name one of the ids."""
    return [
        event for event in events if any(str(value) in ids for value in (event.key, *_values(event.data)))
    ]


def _values(data: Any) -> list[Any]:
    if isinstance(data, dict):
        return [found for value in data.values() for found in _values(value)]
    if isinstance(data, list):
        return [found for value in data for found in _values(value)]
    return [data]
