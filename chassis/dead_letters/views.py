"""How letters are shown, to a terminal and over HTTP: the facts of the record, and its content masked."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from chassis.dead_letters import masking
from chassis.dead_letters.storage import Parked


class LetterView(BaseModel):
    """One parked message. `behind`: never tried here, because an earlier one of its key was parked.

    `ordered`: later messages of its key wait for it. `type` and `event_id` are absent where they cannot be read.
    """

    id: int
    consumer: str
    topic: str
    partition: int
    offset: int
    key: str | None = Field(description="The record's key; `sha256:` and its digest where it is no identifier.")
    type: str | None
    event_id: UUID | None
    reason: str
    attempts: int
    behind: bool
    ordered: bool
    first_at: datetime
    last_at: datetime


class LetterDetail(LetterView):
    """One parked message with its content. A text that may name a person or hold a secret is shown by its length."""

    source: str | None
    published_at: datetime | None
    waits_for: int | None = Field(description="The earliest parked message of its key, which must end first.")
    payload_bytes: int | None
    payload_sha256: str | None
    payload: dict[str, Any] | None = Field(description="Absent for a tombstone, and where its type cannot read it.")


def view(parked: Parked) -> LetterView:
    """A letter in a list."""
    return LetterView(**_facts(parked))


def detail(parked: Parked, waits_for: int | None) -> LetterDetail:
    """A letter with its content, masked."""
    letter, envelope = parked.letter, masking.envelope_of(parked.letter)
    return LetterDetail(
        **_facts(parked),
        source=None if envelope is None else masking.source_of(envelope),
        published_at=None if envelope is None else envelope.time,
        waits_for=waits_for,
        payload_bytes=None if letter.payload is None else len(letter.payload),
        payload_sha256=masking.digest_of(letter.payload),
        payload=masking.payload_of(letter),
    )


def _facts(parked: Parked) -> dict[str, Any]:
    letter, envelope = parked.letter, masking.envelope_of(parked.letter)
    return {
        "id": parked.id,
        "consumer": letter.consumer,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "key": masking.key_of(letter),
        "type": None if envelope is None else envelope.type,
        "event_id": masking.event_id_of(letter),
        "reason": letter.reason,
        "attempts": letter.attempts,
        "behind": letter.behind,
        "ordered": letter.ordered,
        "first_at": letter.first_at,
        "last_at": letter.last_at,
    }
