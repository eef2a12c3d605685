"""Numbered SQL files, applied once each in order, in one transaction per file. See docs/operations/migrations.md.

A file that works CONCURRENTLY, which no transaction may hold, is carried out statement by statement: each ends its last
line with a semicolon, and may be carried out again after an interruption.
"""

import asyncio
import hashlib
import re
from pathlib import Path

import asyncpg
import structlog

from chassis.database import Address, arguments

log = structlog.get_logger()

LOCK = 7_263_001  # any constant: keeps two migrations of one database apart
# A statement that waits for a table makes everybody behind it wait too: it gives way, and the file is tried again.
LOCK_TIMEOUT = "3s"
GIVING_WAY = 2.0  # seconds, in which those who waited behind it have their turn
# Whatever the role has as its own: a migration takes as long as it takes.
UNHURRIED = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
TRIES = 60  # of one file; then something holds its table for minutes, and an operator should know
CONCURRENTLY = re.compile(r"^[^-]*\bindex\s+concurrently\b", re.IGNORECASE | re.MULTILINE)
NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")
OWN = Path(__file__).parent / "migrations"


class MigrationRefused(Exception):
    """A file was changed after it had been applied, or is misnamed."""


def _files(folder: Path) -> list[tuple[str, str]]:
    found = sorted(folder.glob("*.sql"))
    if misnamed := [path.name for path in found if not NAME.match(path.name)]:
        raise MigrationRefused(f"{folder.name}: {', '.join(misnamed)} is not named NNNN_what.sql")
    return [(path.name, path.read_text(encoding="utf-8")) for path in found]


def known(folder: Path) -> dict[str, str]:
    """Every migration of the chassis and of a service's folder: name → digest, in order. Raises MigrationRefused."""
    return {
        f"{place.parent.name}/{file}": hashlib.sha256(sql.encode()).hexdigest()
        for place in (OWN, folder)
        for file, sql in _files(place)
    }


async def migrate(database: Address | str, *folders: Path) -> list[str]:
    """Apply what is new of the chassis's own files, then of each folder. Returns the names applied now.

    A file is known by its folder's owner and name, and by its digest: an applied file that has changed is refused, and
    one that only got another number is not applied again.
    """
    connection = await asyncpg.connect(**arguments(database, **UNHURRIED))
    try:
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        await connection.execute(
            "create table if not exists migrations "
            "(name text primary key, digest text not null, applied_at timestamptz not null default now())"
        )
        known = {row["name"]: row["digest"] for row in await connection.fetch("select name, digest from migrations")}
        applied = []
        for folder in (OWN, *folders):
            await _follow_renames(connection, folder, known)
            for file, sql in _files(folder):
                name, digest = f"{folder.parent.name}/{file}", hashlib.sha256(sql.encode()).hexdigest()
                if name in known:
                    if known[name] != digest:
                        raise MigrationRefused(f"{name} was changed after it had been applied")
                    continue
                await _apply(connection, sql, name, digest)
                applied.append(name)
                log.info("migration applied", migration=name)
        return applied
    finally:
        await connection.close()


async def _apply(connection: asyncpg.Connection, sql: str, name: str, digest: str) -> None:
    """Apply one file. Raises what PostgreSQL refuses, LockNotAvailableError after TRIES."""
    if CONCURRENTLY.search(sql):
        for statement in filter(str.strip, re.split(r";[ \t]*$", sql, flags=re.MULTILINE)):
            await connection.execute(statement)
        await connection.execute("insert into migrations (name, digest) values ($1, $2)", name, digest)
        return
    for left in reversed(range(TRIES)):
        try:
            async with connection.transaction():
                await connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
                await connection.execute(sql)
                await connection.execute("insert into migrations (name, digest) values ($1, $2)", name, digest)
            return
        except asyncpg.LockNotAvailableError:
            if not left:
                raise
            log.warning("migration gives way to who holds its table, and tries again", migration=name)
        await asyncio.sleep(GIVING_WAY)


async def _follow_renames(connection: asyncpg.Connection, folder: Path, known: dict[str, str]) -> None:
    """Two branches may take one number; whoever comes second gets the next one, perhaps after a database had it."""
    files = {f"{folder.parent.name}/{file}": hashlib.sha256(sql.encode()).hexdigest() for file, sql in _files(folder)}
    gone = {digest: name for name, digest in known.items() if name.startswith(f"{folder.parent.name}/")
            and name not in files}  # fmt: skip
    for name, digest in files.items():
        if name not in known and (former := gone.get(digest)):
            await connection.execute("update migrations set name = $2 where name = $1", former, name)
            known[name] = known.pop(former)
            log.info("migration renamed", migration=name, former=former)
