"""The connection pool, and what a failure of PostgreSQL means."""

import asyncio
import hashlib
import json
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolAcquireContext
from prometheus_client import Histogram

from chassis.outcomes import CommitUnknown
from chassis.settings import DatabaseSettings, read_secret

Pooled: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Connection: TypeAlias = "Pooled | asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

# One plan for a prepared statement whatever its arguments, and no compilation of short queries: both measured faster
# for the point queries that these services live on.
SERVER_SETTINGS = {
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "30s",  # nobody waits for anything but PostgreSQL inside one
}
COMMAND_TIMEOUT = 15.0  # seconds; behind statement_timeout, for a server that does not answer at all
ACQUIRE_TIMEOUT = 5.0  # seconds to wait for a free connection: a queue that long is an outage to the caller

# A process whose machine vanished keeps its session locks until PostgreSQL finds out: within 5 + 3 × 3 seconds.
KEEPALIVE = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "3", "tcp_keepalives_count": "3"}

# A row appeared, vanished or collided while we worked, or two transactions stood in each other's way: the same
# handler, run again, sees what is now and decides anew.
COLLISIONS = (
    asyncpg.UniqueViolationError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.ExclusionViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)

# Classes of SQLSTATE that say the message itself is at fault: data exceptions, integrity, a value larger than
# the program can take, raised by our own functions.
POISONOUS = ("22", "23", "54", "P0")


FAILING_NEIGHBOUR = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError, CommitUnknown)


def neighbour_failed(error: BaseException) -> bool:
    """Whether the database, or the network to it, is in trouble, rather than what we asked of it.

    CommitUnknown is such a trouble; who asks has either work that may run twice, or asks for it first.
    """
    if isinstance(error, asyncpg.PostgresError):
        return not str(error.sqlstate or "").startswith(POISONOUS)
    return isinstance(error, FAILING_NEIGHBOUR)


def is_outage(error: BaseException) -> bool:
    """Whether to tell a caller to come again: a neighbour failed, and not because PostgreSQL did not understand us.

    That (class 42) is a bug or a missing migration; whoever does not answer a caller waits for it to be mended.
    """
    misunderstood = isinstance(error, asyncpg.PostgresError) and str(error.sqlstate or "").startswith("42")
    return neighbour_failed(error) and not misunderstood


WRITE_JSON = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make an encoder for each value


@dataclass(frozen=True)
class Address:
    """Where a database is, and who we are to it: a URL (DSN), with its password, or with one that a file holds.

    What is `pooled` goes through a pooler that lends a session for one transaction at a time: there is nothing to set
    in one, so that the role's own settings hold (`keep_settings`).
    """

    url: str
    password_file: Path | None = None
    pooled: bool = False

    @classmethod
    def of(cls, settings: DatabaseSettings) -> "Address":
        """For work in single transactions, which a pooler may carry: it does where a direct URL is named besides."""
        pooled = settings.database_direct_url is not None
        return cls(settings.database_url.get_secret_value(), settings.database_password_file, pooled)

    @classmethod
    def direct(cls, settings: DatabaseSettings) -> "Address":
        """For what needs a session of its own: LISTEN, session locks, migrations."""
        url = settings.database_direct_url or settings.database_url
        return cls(url.get_secret_value(), settings.database_password_file)

    def __repr__(self) -> str:
        return "Address(…)"

    def arguments(self) -> dict[str, Any]:
        """For asyncpg, which asks for the password each time it connects. Asking raises OSError."""
        if self.password_file is None:
            return {"dsn": self.url}
        file = self.password_file
        return {"dsn": self.url, "password": lambda: read_secret(file)}


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=WRITE_JSON, decoder=json.loads)


def arguments(database: Address | str, **settings: str) -> dict[str, Any]:
    """How asyncpg connects to a database, of which a URL alone is enough; whatever connects to one asks here.

    `settings` are the session's, as far as it is one of its own.
    """
    address = Address(database) if isinstance(database, str) else database
    held = {name: value for name, value in settings.items() if not address.pooled or name == "application_name"}
    return address.arguments() | {"server_settings": held}


async def connect(
    database: Address | str, command_timeout: float | None = COMMAND_TIMEOUT
) -> "asyncpg.Connection[asyncpg.Record]":
    """One direct connection of its own: for LISTEN and session locks, which a pool would lose.

    `command_timeout` is in seconds; None for a command that reads a whole table.
    """
    patience = {"statement_timeout": "0"} if command_timeout is None else {}
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
        **arguments(database, **KEEPALIVE, **patience), timeout=5, command_timeout=command_timeout
    )
    await _prepare(connection)
    return connection


async def _give_back(_: Any) -> None:
    """Save the round trip of asyncpg's own RESET ALL, which costs a message a tenth of its time.

    Nothing that outlives a transaction is ever set on a connection of the pool: no SET but SET LOCAL, no session lock,
    no LISTEN; those have connections of their own. An open transaction is rolled back all the same.
    """


POOL_WAIT = Histogram(
    "mandat_pool_wait_seconds",
    "How long a use of the database waited for one of this process's connections; above 5 it gave up",
    buckets=(0.001, 0.01, 0.1, 0.5, 1, 5),
)


class _Waiting(PoolAcquireContext):
    """Times what each use of the pool waits for, given or not."""

    async def __aenter__(self) -> Pooled:
        begun = time.perf_counter()
        try:
            return await super().__aenter__()
        finally:
            POOL_WAIT.observe(time.perf_counter() - begun)

    async def __aexit__(self, *raised: object) -> None:
        """Whoever is cancelled stays so, though its rollback fails, or its connection cannot be given back in time.

        Else it would take that for a database that is away, and go on.
        """
        failed = isinstance(raised[1], Exception)
        try:
            await super().__aexit__(*raised)
        except Exception:
            failed = True
            raise
        finally:
            task = asyncio.current_task()
            if failed and task is not None and task.cancelling():
                raise asyncio.CancelledError

    def __await__(self) -> Generator[Any, None, Pooled]:
        return self.__aenter__().__await__()


class _ImpatientPool(asyncpg.Pool):
    """Each use, a single `fetch` too, waits `patience` seconds for a connection, then raises TimeoutError.

    asyncpg's own pool waits for ever.
    """

    patience = ACQUIRE_TIMEOUT

    def acquire(self, *, timeout: float | None = None) -> "PoolAcquireContext[asyncpg.Record]":
        return _Waiting(self, self.patience if timeout is None else timeout)


async def create_pool(database: Address | str, connections: int, name: str) -> Pool:
    """A pool that opens connections as they are needed. Raises OSError when the database cannot be reached."""
    try:
        return await _ImpatientPool(
            **arguments(database, **SERVER_SETTINGS, **KEEPALIVE, application_name=name),
            min_size=2,
            max_size=connections,
            max_queries=50_000,  # asyncpg's own defaults, from here to the record class
            max_inactive_connection_lifetime=300.0,
            loop=None,
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
            init=_prepare,
            reset=_give_back,
            timeout=5,
            command_timeout=COMMAND_TIMEOUT,
        )
    except asyncpg.CannotConnectNowError as error:  # it listens, and is still starting or already stopping
        raise ConnectionError("the database is starting or stopping") from error
    except OSError as error:
        raise ConnectionError(f"the database cannot be reached: {error.strerror or error!r}") from error


async def keep_settings(connection: Connection) -> None:
    """Have every session of this role in this database begin with SERVER_SETTINGS, whoever opens it: a pooler does."""
    database = await connection.fetchval("select quote_ident(current_database())")
    for name, value in SERVER_SETTINGS.items():
        await connection.execute(f"alter role current_user in database {database} set {name} = '{value}'")


def lock_number(*parts: str) -> int:
    """A number for an advisory lock on what the parts name together."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
