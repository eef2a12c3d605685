"""Heads that were published: all that Kafka still has, which is every head of 30 days and the last of each chain."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import UnknownTopicOrPartitionError

from chassis.audit.chain import Head
from chassis.audit.verifying import KnownHead
from chassis.kafka import Clients
from contracts.audit import AuditSealed
from contracts.cloudevents import Malformed, read_envelope, read_event


async def published(clients: Clients, topic_prefix: str, kind: type[AuditSealed]) -> list[KnownHead]:
    """Every head on the topic of a service, one of its classes in contracts.audit.HEADS. Raises KafkaError."""
    found = []
    topic = topic_prefix + kind.topic.name
    async with _reading(clients, topic) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    if (head := _head(record, kind)) is not None:
                        found.append(head)
    return found


def _head(record: Any, kind: type[AuditSealed]) -> KnownHead | None:
    """The head in a record; None for one that no sealer wrote."""
    try:
        envelope = read_envelope(record.headers)
        event = read_event(envelope, record.key, record.value) if envelope.type == kind.type_name() else None
    except Malformed:
        return None
    if not isinstance(event, AuditSealed):
        return None
    where = f"{record.topic}/{record.partition}/{record.offset}, {envelope.time:%Y-%m-%d %H:%M:%S %Z}"
    return KnownHead(event.chain_id, Head(event.version, bytes.fromhex(event.digest)), where, envelope.time)


@asynccontextmanager
async def _reading(clients: Clients, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group, at the beginning of every partition."""
    consumer = clients.consumer(topic, auto_offset_reset="earliest")
    try:
        await consumer.start()
        if not consumer.assignment():
            raise UnknownTopicOrPartitionError(topic)
        yield consumer
    finally:
        await consumer.stop()
