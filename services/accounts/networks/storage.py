"""The table `known_networks`."""

from collections.abc import Sequence
from datetime import datetime

from chassis.database import Connection

REMEMBER = """
insert into known_networks (digest, seen_at) values ($1, $2)
on conflict (digest) do update set seen_at = greatest(known_networks.seen_at, excluded.seen_at)
"""
IS_KNOWN = "select exists (select from known_networks where digest = any($1::bytea[]) and seen_at > $2)"
FORGET = "delete from known_networks where seen_at <= $1"


async def remember(connection: Connection, digest: bytes, now: datetime) -> None:
    """Somebody was let in."""
    await connection.execute(REMEMBER, digest, now)


async def is_known(connection: Connection, digests: Sequence[bytes], since: datetime) -> bool:
    """Whether somebody was let in since, under any of the digests."""
    return bool(await connection.fetchval(IS_KNOWN, list(digests), since))


async def forget(connection: Connection, before: datetime) -> None:
    """Delete what nobody renewed since."""
    await connection.execute(FORGET, before)
