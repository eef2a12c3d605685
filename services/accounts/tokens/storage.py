"""The signing keys' table."""

from datetime import datetime

from chassis.database import Connection, Pool
from services.accounts.tokens.signing import SigningKey

FIRST_KEY = 7_263_101  # transaction lock: processes that start together make one first key, not several

NEWEST = "select kid, public_jwk, private_jwk from signing_keys order by created_at desc, kid limit 1"
ALL = "select kid, public_jwk, private_jwk from signing_keys order by created_at desc, kid"
INSERT = "insert into signing_keys (kid, public_jwk, private_jwk, created_at) values ($1, $2, $3, $4)"


async def newest(connection: Connection) -> SigningKey:
    """The key that signs. A process that has started always finds one."""
    row = await connection.fetchrow(NEWEST)
    assert row is not None
    return SigningKey(**row)


async def every(connection: Connection) -> list[SigningKey]:
    """All keys whose signatures still count, the newest first."""
    return [SigningKey(**row) for row in await connection.fetch(ALL)]


async def insert_first(pool: Pool, key: SigningKey, now: datetime) -> None:
    """Keep the key if there is none yet."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", FIRST_KEY)
        if await connection.fetchrow(NEWEST) is None:
            await connection.execute(INSERT, key.kid, key.public_jwk, key.private_jwk, now)
