"""Messages that could not be handled, kept whole with the reason, in the database of their effects.

Parking there means that an outage of that database pauses the door instead of losing the message.
"""

from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from aiokafka import ConsumerRecord

from chassis.database import Connection, Pool

PARK = """
insert into dead_letters
    (consumer, topic, partition, "offset", key, headers, payload, reason, attempts, first_at, last_at, behind)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (consumer, topic, partition, "offset") do nothing
"""
LONGEST_REASON = 2000  # characters


@dataclass(frozen=True)
class DeadLetter:
    """One parked record: where it lay, what it held, why it is here, how often and when it was tried."""

    consumer: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: list[tuple[str, str]]
    payload: bytes | None
    reason: str
    attempts: int
    first_at: datetime
    last_at: datetime
    behind: bool

    @classmethod
    def of(
        cls,
        consumer: str,
        record: "ConsumerRecord[bytes, bytes]",
        reason: str,
        attempts: int,
        first_at: datetime,
        last_at: datetime,
        *,
        behind: bool,
    ) -> "DeadLetter":
        """The letter of a record. Header bytes are kept as latin-1 text, which loses none of them."""
        headers = [(name, (value or b"").decode("latin-1").replace("\0", "�")) for name, value in record.headers]
        return cls(
            consumer,
            record.topic,
            record.partition,
            record.offset,
            record.key,
            headers,
            record.value,
            reason[:LONGEST_REASON],
            attempts,
            first_at,
            last_at,
            behind,
        )


async def park(connection: "Connection | Pool", letter: DeadLetter) -> None:
    """Keep a letter; parking the same record twice keeps one."""
    values: tuple[Any, ...] = astuple(letter)
    await connection.execute(PARK, *values)
