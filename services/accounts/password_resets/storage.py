"""The table `password_resets`, and whose password a reset may be about."""

from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from services.accounts.password_resets.domain import Reset
from services.accounts.people.domain import PersonalFields
from services.accounts.people.storage import PERSONAL_FIELDS

COLUMNS = "reset_id, account_id, address, requested_at, code_digest, code_expires_at, tries, closed_at"
INSERT = f"insert into password_resets ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8)"
ACCOUNT = "select account_id from password_resets where reset_id = $1"
COUNT_TRY = f"update password_resets set tries = tries + 1 where reset_id = $1 and tries < $2 returning {COLUMNS}"
CLOSE = "update password_resets set closed_at = $2 where account_id = $1 and closed_at is null"
OWNER = f"""
select {PERSONAL_FIELDS} from people join accounts using (account_id)
where email_key = $1 and opened and status = 'active'
    and not exists (select from door_identities i where i.account_id = people.account_id)
"""
FORGET = "delete from password_resets where requested_at < $1"


async def owner_with_password(connection: Connection, email_key: str) -> PersonalFields | None:
    """Whose active account has this address, and signs in here: who comes by an issuer has no password of ours."""
    row = await connection.fetchrow(OWNER, email_key)
    return PersonalFields(**row) if row else None


async def insert(connection: Connection, reset: Reset) -> None:
    """Keep a reset."""
    await connection.execute(
        INSERT,
        reset.reset_id,
        reset.account_id,
        reset.address,
        reset.requested_at,
        reset.code_digest,
        reset.code_expires_at,
        reset.tries,
        reset.closed_at,
    )


async def account_of(connection: Connection, reset_id: UUID) -> UUID | None:
    """Whose password it would set, if anybody's."""
    found: UUID | None = await connection.fetchval(ACCOUNT, reset_id)
    return found


async def count_try(connection: Connection, reset_id: UUID, most: int) -> Reset | None:
    """Count one try, and lock the reset. None when it has had `most`, or does not exist."""
    row = await connection.fetchrow(COUNT_TRY, reset_id, most)
    return Reset(**row) if row else None


async def close(connection: Connection, account_id: UUID, now: datetime) -> None:
    """No code of any reset of the account works any more."""
    await connection.execute(CLOSE, account_id, now)


async def forget(connection: Connection, before: datetime) -> None:
    """Delete resets asked for before."""
    await connection.execute(FORGET, before)
