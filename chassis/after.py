"""Mandat-After: read your own writes one hop away, without a word about which service holds what."""

import asyncio
import base64
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chassis.database import Pool
from chassis.outcomes import Refusal
from chassis.work import Written
from contracts.topics import TOPICS, Kind

HEADER = "Mandat-After"
PATIENCE = 2.0  # seconds that a call waits for what it names
FIRST_LOOK, SLOWEST_LOOK = 0.005, 0.05  # seconds between two looks at the inbox, which grow
MOST_NAMED = 20  # events; a transaction writes fewer types than that
LONGEST = 4096  # characters of a header that we read
INBOX_KEEPS = timedelta(days=14)  # an event older than this counts as applied

MISSING = """
select count(*) from unnest($1::text[], $2::uuid[]) as named (consumer, event_id)
where not exists (select from inbox where inbox.consumer = named.consumer and inbox.event_id = named.event_id)
"""


UNREAD = {topic.name for topic in TOPICS if topic.kind is Kind.CONFIDENTIAL}
"""Topics of requests: no gateway shows what becomes of them by what it has applied."""


def name(written: Sequence[Written]) -> str | None:
    """The header for what a transaction wrote: the last event of each type on each topic. None when it wrote none."""
    last = {(event.topic, event.type): str(event.id) for event in written if event.topic not in UNREAD}
    if not last:
        return None
    content = json.dumps([[topic, kind, identity] for (topic, kind), identity in last.items()], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _read(header: str) -> list[Written]:
    """Raises ValueError for anything we did not write."""
    if len(header) > LONGEST:
        raise ValueError("too long")
    content = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    if not isinstance(content, list) or len(content) > MOST_NAMED:
        raise ValueError("not a list of events")
    if not all(isinstance(row, list) and len(row) == 3 for row in content):
        raise ValueError("not a list of events")
    return [Written(str(topic), str(kind), UUID(str(identity))) for topic, kind, identity in content]


def _made_at(identity: UUID) -> datetime:
    """When a UUIDv7 was drawn."""
    return datetime.fromtimestamp((identity.int >> 80) / 1000, UTC)


async def wait(pool: Pool, header: str, reads: Mapping[tuple[str, str], str], now: datetime) -> Refusal | None:
    """Wait until this service has applied what the header names of the events it reads; None when it has.

    `reads` maps (topic, type) to the consumer that applies it. What nobody here reads counts as applied.
    """
    try:
        named = _read(header)
        awaited = [
            (reads[event.topic, event.type], event.id)
            for event in named
            if (event.topic, event.type) in reads and now - _made_at(event.id) < INBOX_KEEPS
        ]
    except (ValueError, OverflowError, OSError, RecursionError):
        return Refusal("invalid_after")
    if not awaited:
        return None
    consumers, identities = [consumer for consumer, _ in awaited], [identity for _, identity in awaited]
    deadline, pause = time.monotonic() + PATIENCE, FIRST_LOOK
    while await pool.fetchval(MISSING, consumers, identities):
        if time.monotonic() > deadline:
            return Refusal("not_yet_applied", retry_after=1)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, SLOWEST_LOOK)
    return None
