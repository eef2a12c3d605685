"""Records that aiokafka cannot hand out: the name of a header is not UTF-8, and its reader raises for the whole batch.

Such a record would block its partition for ever. It is fetched once more, past aiokafka's own reader, and decoded so
that no byte of a name is lost: what is not UTF-8 becomes lone surrogates (PEP 383), which no text of ours holds.
"""

import struct
from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import _DefaultRecordBatchPy

from chassis.doors.messages import Record, is_text

READ_COMMITTED = 1
WAIT_MS = 500
MOST_BYTES = 1024 * 1024  # the broker sends one whole batch, also when it is larger
HEAD = struct.Struct(">qi")  # a batch's base offset, and how many bytes follow


async def fetch(consumer: AIOKafkaConsumer, place: TopicPartition) -> tuple[list[Record], int]:
    """The records from a partition's position to the end of the first batch that aiokafka cannot read.

    With them the offset behind them, to go on from. Raises KafkaError. Batches of transactions are taken as committed:
    no producer of the platform uses them.
    """
    position: int = await consumer.position(place)
    wanted = [(place.topic, [(place.partition, position, MOST_BYTES)])]
    client = consumer._client
    node = client.cluster.leader_for_partition(place)
    answer = await client.send(node, FetchRequest(WAIT_MS, 1, MOST_BYTES, READ_COMMITTED, wanted))
    [(_, [(_, _, _, *rest)])] = answer.topics
    records: list[Record] = []
    for batch in _batches(rest[-1] or b""):
        found = [] if batch.is_control_batch else list(batch)
        records += [_record(place, record) for record in found if record.offset >= position]
        position = max(position, batch.next_offset)
        if not all(is_text(name) for record in found for name, _ in record.headers):
            break
    return records, position


def _record(place: TopicPartition, record: Any) -> Record:
    return ConsumerRecord(
        topic=place.topic,
        partition=place.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        timestamp_type=record.timestamp_type,
        key=record.key,
        value=record.value,
        checksum=None,
        serialized_key_size=len(record.key or b""),
        serialized_value_size=len(record.value or b""),
        headers=tuple(record.headers),
    )


class _Bytes(bytearray):
    """Of a batch's bytes aiokafka's reader decodes nothing but the names of headers."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _Bytes(found) if isinstance(place, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        return super().decode(encoding, errors)


class _Batch(_DefaultRecordBatchPy):  # type: ignore[misc]
    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = _Bytes(self._buffer)


def _batches(fetched: bytes) -> Iterator[_Batch]:
    place = 0
    while len(fetched) - place >= HEAD.size:
        end = place + HEAD.size + HEAD.unpack_from(fetched, place)[1]
        if end > len(fetched):
            return  # the broker cuts the last batch off where its limit is
        yield _Batch(fetched[place:end])
        place = end
