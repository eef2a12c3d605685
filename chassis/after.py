"""Mandat-After: read your own writes one hop away, without a word about which service holds what."""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias
from uuid import UUID

from aiokafka.partitioner import murmur2

from chassis.database import Pool
from chassis.identities import drawn_at
from chassis.outcomes import Refusal
from chassis.together import Together
from contracts.topics import TOPICS, Kind

HEADER = "Mandat-After"
PATIENCE = 2.0  # seconds that a call waits for what it names
FIRST_LOOK, SLOWEST_LOOK = 0.005, 0.05  # seconds between two looks at the inbox, which grow
LONGEST = 4096  # characters of a header that we write or read: room for some hundred events
INBOX_KEEPS = timedelta(days=14)  # an event older than this counts as applied

LARGEST_SKEW = timedelta(minutes=1)  # between two services' clocks; what was drawn later than that is none of ours
MOST_WAITING = 200  # requests of a process; beyond, a caller is told at once to come again

APPLIED = """
select consumer, event_id from inbox
join unnest($1::text[], $2::uuid[]) as named (consumer, event_id) using (consumer, event_id)
"""


UNREAD = {topic.name for topic in TOPICS if topic.kind is Kind.CONFIDENTIAL}
"""Topics of requests: no gateway shows what becomes of them by what it has applied."""


PARTITIONS = {topic.name: topic.partitions for topic in TOPICS}


@dataclass(frozen=True)
class Written:
    """An event that a transaction wrote; `key` is its Kafka key."""

    topic: str
    type: str
    id: UUID
    key: str


def name(written: Sequence[Written]) -> str | None:
    """The header for what a transaction wrote; None when it wrote nothing that it could name.

    It names the last event of each type and key. Where those are too many it names the last of each type and
    partition, and then of each type: records of one partition are applied in their order.
    """
    told = [event for event in written if event.topic not in UNREAD]
    if not told:
        return None
    finest: list[Callable[[Written], Hashable]] = [lambda event: event.key, _partition, lambda _: None]
    headers = (
        _encoded({(event.topic, event.type, apart(event)): event for event in told}.values()) for apart in finest
    )
    return next((header for header in headers if len(header) <= LONGEST), None)


def _partition(event: Written) -> int:
    """As the producer chooses it."""
    return int((murmur2(event.key.encode()) & 0x7FFFFFFF) % PARTITIONS.get(event.topic, 1))


def _encoded(events: Iterable[Written]) -> str:
    """Rows of topic, type and ids."""
    rows: dict[tuple[str, str], list[str]] = {}
    for event in events:
        rows.setdefault((event.topic, event.type), []).append(_text(event.id.bytes))
    return _text(json.dumps([[*kind, identities] for kind, identities in rows.items()], separators=(",", ":")).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _read(header: str) -> list[tuple[str, str, UUID]]:
    """Topic, type and id of each event. Raises ValueError for anything we did not write.

    An id alone, in its canonical form, in the place of a list is what we wrote before 2026-11-22.
    """
    if len(header) > LONGEST:
        raise ValueError("too long")
    content = json.loads(_bytes(header))
    if not isinstance(content, list) or not all(isinstance(row, list) and len(row) == 3 for row in content):
        raise ValueError("not a list of events")
    return [(str(topic), str(kind), identity) for topic, kind, named in content for identity in _identities(named)]


def _identities(named: object) -> list[UUID]:
    return [UUID(bytes=_bytes(str(each))) for each in named] if isinstance(named, list) else [UUID(str(named))]


Awaited: TypeAlias = tuple[str, UUID]
"""A consumer, and the event that it has to apply."""


def _awaited(header: str, reads: Mapping[tuple[str, str], str], now: datetime) -> set[Awaited]:
    """What of a header is to be waited for. Raises ValueError for anything we did not write."""
    awaited = set()
    for topic, kind, identity in _read(header):
        if (topic, kind) not in reads:
            continue
        age = now - drawn_at(identity)
        if age < -LARGEST_SKEW:
            raise ValueError("named before it was written")
        if age < INBOX_KEEPS:
            awaited.add((reads[topic, kind], identity))
    return awaited


class Waiters:
    """All requests of a process that wait: they share each look at the inbox, and only so many may wait at once.

    What a caller invents costs others nothing: a request holds no connection while it waits, and one look is under way
    at a time, however many wait.
    """

    def __init__(self, pool: Pool) -> None:
        """For one process."""
        self._looks = Together(partial(applied, pool), at_once=1)
        self._number = 0

    async def wait(self, header: str, reads: Mapping[tuple[str, str], str], now: datetime) -> Refusal | None:
        """Wait until this service has applied what the header names of the events it reads; None when it has.

        `reads` maps (topic, type) to the consumer that applies it. What nobody here reads counts as applied.
        """
        try:
            awaited = _awaited(header, reads, now)
        except (ValueError, OverflowError, OSError, RecursionError):
            return Refusal("invalid_after")
        if not awaited or not (missing := await self._missing(awaited)):
            return None
        if self._number < MOST_WAITING:
            self._number += 1
            try:
                missing = await self._patiently(missing)
            finally:
                self._number -= 1
        return Refusal("not_yet_applied", retry_after=1) if missing else None

    async def _patiently(self, missing: set[Awaited]) -> set[Awaited]:
        deadline, pause = time.monotonic() + PATIENCE, FIRST_LOOK
        while missing and time.monotonic() <= deadline:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, SLOWEST_LOOK)
            missing = await self._missing(missing)
        return missing

    async def _missing(self, awaited: set[Awaited]) -> set[Awaited]:
        """Those that are not applied. Raises what a failing database raises."""
        return awaited - await self._looks.ask(awaited)


async def applied(pool: Pool, several: Sequence[set[Awaited]]) -> list[set[Awaited]]:
    """What is applied, of all that several wait for: for each of them the same."""
    consumers, identities = zip(*set().union(*several), strict=True)
    rows = await pool.fetch(APPLIED, consumers, identities)
    return [{(row["consumer"], row["event_id"]) for row in rows}] * len(several)
