"""The signing keys' table."""

from collections.abc import Sequence
from datetime import datetime

from chassis.database import Connection, Pool
from services.accounts.tokens.rotating import Standing
from services.accounts.tokens.signing import SigningKey

KEYS = 7_263_101  # transaction lock: one changes them at a time, and processes that start together make one first key

SIGNS_FROM = "coalesce(signs_from, created_at)"
# A clock that is behind the one that made the first key still finds it.
SIGNING = f"""
select kid, public_jwk, private_jwk from signing_keys
order by {SIGNS_FROM} > $1, case when {SIGNS_FROM} > $1 then {SIGNS_FROM} end, {SIGNS_FROM} desc, kid limit 1
"""
ALL = f"select kid, public_jwk, private_jwk from signing_keys order by {SIGNS_FROM} desc, kid"
STANDINGS = f"select kid, {SIGNS_FROM} as signs_from from signing_keys order by {SIGNS_FROM} desc, kid"
INSERT = "insert into signing_keys (kid, public_jwk, private_jwk, created_at, signs_from) values ($1, $2, $3, $4, $5)"


async def signing(connection: Connection, now: datetime) -> SigningKey:
    """The key that signs now. A process that has started always finds one."""
    row = await connection.fetchrow(SIGNING, now)
    assert row is not None
    return SigningKey(**row)


async def every(connection: Connection) -> list[SigningKey]:
    """All keys whose signatures count, or soon will; the newest first."""
    return [SigningKey(**row) for row in await connection.fetch(ALL)]


async def standings(connection: Connection) -> Sequence[Standing]:
    """All keys, the one that signs last first; nobody else changes them until the transaction ends."""
    await connection.execute("select pg_advisory_xact_lock($1)", KEYS)
    return [Standing(**row) for row in await connection.fetch(STANDINGS)]


async def insert(connection: Connection, key: SigningKey, now: datetime, signs_from: datetime) -> None:
    """Publish a key."""
    await connection.execute(INSERT, key.kid, key.public_jwk, key.private_jwk, now, signs_from)


async def remove(connection: Connection, kid: str) -> None:
    """Publish a key no more: what it signed counts no more."""
    await connection.execute("delete from signing_keys where kid = $1", kid)


async def insert_first(pool: Pool, key: SigningKey, now: datetime) -> None:
    """Keep the key if there is none yet."""
    async with pool.acquire() as connection, connection.transaction():
        if not await standings(connection):
            await insert(connection, key, now, now)
