"""The tables `sessions` and `refresh_tokens`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from services.accounts.sessions.domain import MOST_SHOWN, RefreshToken, Session

SESSION = "select session_id, account_id, epoch, opened_at, last_used_at, expires_at, ended_at from sessions"
LOCK = f"{SESSION} where session_id = $1 for update"
LIVE = f"""
{SESSION} where account_id = $1 and ended_at is null and expires_at > $2 order by session_id desc limit {MOST_SHOWN}
"""
INSERT = """
insert into sessions (session_id, account_id, epoch, opened_at, last_used_at, expires_at)
values ($1, $2, $3, $4, $5, $6)
"""
USED = "update sessions set last_used_at = $2 where session_id = $1"
END = "update sessions set ended_at = $2 where session_id = $1"

END_ALL = "update sessions set ended_at = $2 where account_id = $1 and ended_at is null"

FAMILY = "select session_id from refresh_tokens where digest = $1"
STANDING = """
select token.issued_at, token.used_at, successor.digest as successor, successor.used_at is not null as successor_used
from refresh_tokens token left join refresh_tokens successor on successor.digest = any($2::bytea[])
where token.digest = $1
"""
ISSUE = "insert into refresh_tokens (digest, session_id, issued_at) values ($1, $2, $3)"
MARK_USED = "update refresh_tokens set used_at = $2 where digest = $1"


async def insert(connection: Connection, session: Session) -> None:
    """Keep a session that has just opened."""
    await connection.execute(
        INSERT,
        session.session_id,
        session.account_id,
        session.epoch,
        session.opened_at,
        session.last_used_at,
        session.expires_at,
    )


async def lock(connection: Connection, session_id: UUID) -> Session | None:
    """The session, ours until the transaction ends."""
    row = await connection.fetchrow(LOCK, session_id)
    return Session(**row) if row else None


async def lock_by_token(connection: Connection, digest: bytes) -> Session | None:
    """The session that a refresh token belongs to, ours until the transaction ends."""
    session_id = await connection.fetchval(FAMILY, digest)
    return await lock(connection, session_id) if session_id else None


async def live(connection: Connection, account_id: UUID, now: datetime) -> list[Session]:
    """An account's sessions that have not ended, the newest first."""
    return [Session(**row) for row in await connection.fetch(LIVE, account_id, now)]


async def used(connection: Connection, session_id: UUID, now: datetime) -> None:
    """Somebody works in the session."""
    await connection.execute(USED, session_id, now)


async def end(connection: Connection, session_id: UUID, now: datetime) -> None:
    """The session is over, and no refresh token of it is good any more."""
    await connection.execute(END, session_id, now)


async def end_all(connection: Connection, account_id: UUID, now: datetime) -> None:
    """Every session of an account is over."""
    await connection.execute(END_ALL, account_id, now)


async def token(connection: Connection, digest: bytes, successors: Sequence[bytes]) -> RefreshToken:
    """A token of a session that is locked, and which of those that may replace it did."""
    row = await connection.fetchrow(STANDING, digest, list(successors))
    assert row is not None
    return RefreshToken(**row)


async def insert_token(connection: Connection, digest: bytes, session_id: UUID, now: datetime) -> None:
    """A token was issued."""
    await connection.execute(ISSUE, digest, session_id, now)


async def use_token(connection: Connection, digest: bytes, now: datetime) -> None:
    """A token was exchanged for its successor."""
    await connection.execute(MARK_USED, digest, now)
