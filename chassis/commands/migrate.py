"""python -m services.NAME migrate: bring the database to this version. It needs MANDAT_DATABASE_… alone."""

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import structlog

from chassis import settings as environment
from chassis import telemetry
from chassis.database import Address, connect, keep_settings
from chassis.migrations import MigrationRefused, migrate
from chassis.program import program
from chassis.settings import DatabaseSettings
from chassis.telemetry import described
from chassis.waiting import Told

log = structlog.get_logger()

PATIENCE = 30  # seconds
TRY_EVERY = 1.0  # seconds

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.InvalidCatalogNameError,  # the database is about to be made
    asyncpg.InvalidAuthorizationSpecificationError,  # so is its role, or its password
)


def main(folder: Path, arguments: Sequence[str]) -> int:
    """Migrate the database that the environment names. Returns the process's exit status."""
    service = folder.parent.name
    asked = _parser(service).parse_args(arguments)
    telemetry.configure(service, "INFO")
    try:
        asyncio.run(_patiently(environment.read(DatabaseSettings), folder, asked.wait))
    except (OSError, ValueError, MigrationRefused, asyncpg.PostgresError) as error:
        log.error("not migrated", error=str(error) or repr(error))
        return 1
    return 0


def _parser(service: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program(service, "migrate"),
        description="Apply the migrations that the database lacks. See docs/operations/migrations.md.",
    )
    parser.add_argument(
        "--wait", type=_seconds, default=PATIENCE, metavar="SECONDS", help="for a database that is not there yet"
    )
    return parser


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise argparse.ArgumentTypeError("not a number of seconds")
    return int(text)


async def _patiently(settings: DatabaseSettings, folder: Path, seconds: float) -> None:
    deadline, told = time.monotonic() + seconds, Told()
    while True:
        try:
            await migrate(Address.direct(settings), folder)
            if Address.of(settings).pooled:
                await _tell_the_role(Address.direct(settings))
            return
        except AWAY as error:
            if told.is_worth_saying(lacks := described(error)):
                log.warning("waits for its database", lacks=lacks)
            if time.monotonic() >= deadline:
                raise
        await asyncio.sleep(TRY_EVERY)


async def _tell_the_role(database: Address) -> None:
    connection = await connect(database)
    try:
        await keep_settings(connection)
    finally:
        await connection.close()
