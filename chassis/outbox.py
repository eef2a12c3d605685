"""The outbox: what a transaction publishes, written with its state, and how deep it is."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import Gauge

from chassis.database import Connection, Pool

log = structlog.get_logger()

ROOM = 5_000  # rows; the relay sends so many in well under a second, which is what urgent work may come to wait
FIRST_LOOK, SLOWEST_LOOK = 0.05, 0.5  # seconds between two looks at an outbox that is too deep, which grow

BULK_WAITING = Gauge("mandat_bulk_waiting", "Bulk jobs of this process that wait until the outbox is less deep")

INSERT = """
insert into outbox (topic, key, headers, payload)
select topic, key, headers::jsonb, payload
from unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
    with ordinality as rows (topic, key, headers, payload, place)
order by place
"""


@dataclass(frozen=True)
class Record:
    """One row to be. `headers` are an object of JSON; `payload` is JSON too, or None for a tombstone.

    `is_state`: it is sent again later, so that both are written twice.
    """

    topic: str
    key: str
    headers: str
    payload: bytes | None
    is_state: bool


async def write(connection: Connection, records: Sequence[Record]) -> None:
    """Write what a transaction publishes, in its order. Its last act: ids are drawn here, after every lock."""
    await connection.execute(
        INSERT,
        [record.topic for record in records],
        [record.key for record in records],
        [record.headers for record in records],
        [record.payload for record in records],
    )


async def room(pool: Pool) -> None:
    """Return once the outbox holds fewer than ROOM rows. Raises what a failing database raises."""
    if not await _is_deep(pool):
        return
    log.info("bulk work waits for the outbox", rows=ROOM)
    pause = FIRST_LOOK
    with BULK_WAITING.track_inprogress():
        while await _is_deep(pool):
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, SLOWEST_LOOK)


async def _is_deep(pool: Pool) -> bool:
    found: bool = await pool.fetchval("select exists (select from outbox order by id offset $1 limit 1)", ROOM - 1)
    return found
