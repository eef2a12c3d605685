"""Dead letters as a door parks them, for tests that need no broker to have some."""

import itertools
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from aiokafka import ConsumerRecord
from uuid_utils.compat import uuid7

from chassis.letter import DeadLetter, park
from chassis.tests.conftest import CONSUMER, Bench
from contracts.cloudevents import Envelope
from contracts.events import Event

offsets = itertools.count()


def letter_of(event: Event, *, id: UUID | None = None, ordered: bool = True, **changes: Any) -> DeadLetter:
    """The letter of an event; `headers`, `key` and `value` replace the record's own."""
    now = datetime.now(UTC)
    envelope = Envelope.around(event, id=id or uuid7(), source="urn:mandat:test:accounts", time=now)
    content = {"key": event.key.encode(), "value": event.model_dump_json().encode(), "headers": envelope.headers()}
    content |= changes
    record: ConsumerRecord[bytes, bytes] = ConsumerRecord(
        topic=event.topic.name, partition=0, offset=next(offsets), timestamp=0, timestamp_type=0, checksum=None,
        serialized_key_size=0, serialized_value_size=0, **content,
    )  # fmt: skip
    return DeadLetter.of(CONSUMER, record, "because", 1, now, now, ordered=ordered)


async def parked(bench: Bench, *events: Event, **more: Any) -> list[int]:
    """Park the letters of these events, in this order. Returns their ids."""
    found = []
    for event in events:
        await park(bench.pool, letter_of(event, **more))
        found.append(await bench.pool.fetchval("select max(id) from dead_letters"))
    return found
