"""The connection pool, and what a failure of PostgreSQL means."""

import json
from typing import Any, TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

# One plan for a prepared statement whatever its arguments, and no compilation of short queries: both measured faster
# for the point queries that these services live on.
SERVER_SETTINGS = {"plan_cache_mode": "force_generic_plan", "jit": "off", "statement_timeout": "10s"}

# The row appeared, vanished or collided while we worked: the same handler, run again, sees it and decides anew.
COLLISIONS = (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError, asyncpg.ExclusionViolationError)

# Classes of SQLSTATE that say the message itself is at fault: data exceptions, integrity, raised by our own functions.
POISONOUS = ("22", "23", "P0")


def neighbour_failed(error: BaseException) -> bool:
    """Whether the error says that the database (or the network to it) is in trouble, rather than what we asked of it."""
    if isinstance(error, asyncpg.DataError):
        return False
    if isinstance(error, asyncpg.PostgresError):
        return not str(error.sqlstate or "").startswith(POISONOUS)
    return isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError))


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=lambda value: json.dumps(value, ensure_ascii=False), decoder=json.loads
    )


async def connect(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    """One direct connection of its own: for LISTEN and session locks, which a pool would lose."""
    connection = await asyncpg.connect(dsn, timeout=5)
    await _prepare(connection)
    return connection


async def create_pool(dsn: str, connections: int, name: str) -> Pool:
    """A pool that opens connections as they are needed. Raises OSError when the database cannot be reached."""
    return await asyncpg.create_pool(
        dsn,
        min_size=2,
        max_size=connections,
        init=_prepare,
        timeout=5,
        command_timeout=15,
        server_settings=SERVER_SETTINGS | {"application_name": name},
    )
