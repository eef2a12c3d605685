"""One parked record, as a door leaves it and as it is read back: nothing of it is lost."""

import base64
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from aiokafka import ConsumerRecord

from chassis.database import Connection, Pool

PARK = """
insert into dead_letters
    (consumer, topic, partition, "offset", key, headers, payload, reason, attempts, first_at, last_at, behind,
     ordered)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (consumer, topic, partition, "offset") do nothing
"""
# The lock that an update takes makes this wait for a redrive of the letter that is under way, and that one for this.
EMPTY = """
update dead_letters set payload = null, reason = $3
where topic = $1 and key = $2 and payload is not null
"""
LONGEST_REASON = 2000  # characters
FORGOTTEN = "forgotten"  # the reason of a letter whose content was erased

Text = str | dict[str, str] | None


@dataclass(frozen=True)
class DeadLetter:
    """One parked record: where it lay, what it held, why it is here, how often and when it was tried.

    `behind`: parked only because an earlier one of its key is. `ordered`: later ones of its key wait for it.
    """

    consumer: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: list[tuple[Text, Text]]
    payload: bytes | None
    reason: str
    attempts: int
    first_at: datetime
    last_at: datetime
    behind: bool
    ordered: bool

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
        ordered: bool,
    ) -> "DeadLetter":
        """The letter of a record, which loses nothing of it. One that was never tried is here behind another."""
        return cls(
            consumer,
            record.topic,
            record.partition,
            record.offset,
            record.key,
            [(_text(name.encode(errors="surrogateescape")), _text(value)) for name, value in record.headers],
            record.value,
            storable(reason),
            attempts,
            first_at,
            last_at,
            attempts == 0,
            ordered,
        )

    def wire_headers(self) -> list[tuple[str, bytes | None]]:
        """The headers as they came."""
        return [((_bytes(name) or b"").decode(errors="surrogateescape"), _bytes(value)) for name, value in self.headers]


def storable(reason: str) -> str:
    """A reason as a row keeps it: its first 2,000 characters, without NUL, which PostgreSQL's text cannot hold."""
    return reason[:LONGEST_REASON].replace("\0", "�")


def _text(content: bytes | None) -> Text:
    """A header's name or value as jsonb can keep it: text, or {"base64": …} where it is none."""
    if content is None:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    return {"base64": base64.b64encode(content).decode()} if "\0" in text else text


def _bytes(text: Text) -> bytes | None:
    if isinstance(text, dict):
        return base64.b64decode(text["base64"])
    return None if text is None else text.encode()


async def park(connection: "Connection | Pool", letter: DeadLetter) -> None:
    """Keep a letter; parking the same record twice keeps one."""
    values: tuple[Any, ...] = astuple(letter)
    await connection.execute(PARK, *values)


async def empty(connection: "Connection | Pool", topic: str, key: bytes) -> None:
    """Erase what the letters of a key hold, because the thing that it names is forgotten.

    What is left of each is a tombstone: redriven, it is taken as one.
    """
    await connection.execute(EMPTY, topic, key, FORGOTTEN)
