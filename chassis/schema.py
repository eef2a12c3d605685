"""A process opens once its database has every migration that this code knows, in whatever order things are started.

A database that is ahead is fine: old code runs on the new schema (docs/operations/migrations.md), as after a roll back.
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import asyncpg
import structlog
from asyncpg.exceptions import ClientConfigurationError
from prometheus_client import Gauge

from chassis import migrations
from chassis.database import Address, connect, neighbour_failed
from chassis.telemetry import described
from chassis.waiting import Told, set_within

log = structlog.get_logger()

LOOK_EVERY = 1.0  # seconds

WAITING = Gauge(
    "mandat_schema_waiting_seconds",
    "For how long this process has waited, before it opens, for its database and its migrations; 0: it is open",
)


async def wait_for(database: Address, folder: Path, stopping: asyncio.Event) -> bool:
    """Wait until the database answers and has the migrations of the chassis and of `folder`.

    False when told to stop before. A database that is away, or does not let us in, is waited for as well: it may be
    about to be made. Raises ValueError for an address that is none, and MigrationRefused for a misnamed file.
    """
    known = migrations.known(folder)
    told, since = Told(), time.monotonic()
    while not stopping.is_set():
        lacks = await _what_lacks(database, known)
        if not lacks:
            WAITING.set(0)
            return True
        WAITING.set(time.monotonic() - since)
        if told.is_worth_saying(lacks):
            log.warning("waits for its database", lacks=lacks)
        await set_within(stopping, LOOK_EVERY)
    return False


async def _what_lacks(database: Address, known: Mapping[str, str]) -> str:
    """In words; nothing when nothing does."""
    try:
        applied = await _applied(database)
    except ClientConfigurationError:
        raise
    except Exception as error:
        if not neighbour_failed(error):
            raise
        return f"the database cannot be reached: {described(error)}"
    # By what a file holds: one that only got another number meanwhile is there.
    missing = [name for name, digest in known.items() if digest not in applied]
    return f"migrations are not applied: {', '.join(missing)}" if missing else ""


async def _applied(database: Address) -> Collection[str]:
    connection = await connect(database)
    try:
        return {row["digest"] for row in await connection.fetch("select digest from migrations")}
    except asyncpg.UndefinedTableError:
        return set()
    finally:
        connection.terminate()
