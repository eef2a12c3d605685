"""The table `registrations`."""

from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from services.accounts.registrations.domain import Registration

COLUMNS = """
registration_id, account_id, registered_at, terms_version, password_hash, code_digest, code_expires_at, resend_after,
tries, verified_at, door
"""
INSERT = f"insert into registrations ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
LOCK = f"select {COLUMNS} from registrations where registration_id = $1 for update"
COUNT_TRY = f"update registrations set tries = tries + 1 where registration_id = $1 and tries < $2 returning {COLUMNS}"
RENEW_CODE = """
update registrations set code_digest = $2, code_expires_at = $3, resend_after = $4 where registration_id = $1
"""
VERIFIED = "update registrations set verified_at = $2, password_hash = null where registration_id = $1"
FORGET = """
with gone as (
    delete from registrations where registered_at < $1 and code_expires_at < $2 returning account_id
)
delete from people using gone where people.account_id = gone.account_id
    and not exists (select from accounts where accounts.account_id = gone.account_id)
"""


async def insert(connection: Connection, registration: Registration) -> None:
    """Keep a registration."""
    await connection.execute(
        INSERT,
        registration.registration_id,
        registration.account_id,
        registration.registered_at,
        registration.terms_version,
        registration.password_hash,
        registration.code_digest,
        registration.code_expires_at,
        registration.resend_after,
        registration.tries,
        registration.verified_at,
        registration.door,
    )


async def lock(connection: Connection, registration_id: UUID) -> Registration | None:
    """The registration, ours until the transaction ends."""
    row = await connection.fetchrow(LOCK, registration_id)
    return Registration(**row) if row else None


async def count_try(connection: Connection, registration_id: UUID, most: int) -> Registration | None:
    """Count one try, and lock the registration. None when it has had `most`, or does not exist."""
    row = await connection.fetchrow(COUNT_TRY, registration_id, most)
    return Registration(**row) if row else None


async def renew_code(
    connection: Connection, registration_id: UUID, digest: str, expires_at: datetime, resend_after: datetime
) -> None:
    """The new code kills the old one; the tries stay counted (ASVS 5.0 6.6.3)."""
    await connection.execute(RENEW_CODE, registration_id, digest, expires_at, resend_after)


async def verified(connection: Connection, registration_id: UUID, now: datetime) -> None:
    """The code is spent, and the password rests with the account alone."""
    await connection.execute(VERIFIED, registration_id, now)


async def forget(connection: Connection, before: datetime, now: datetime) -> None:
    """Delete registrations made before that nothing can open any more, and the personal fields of those unopened."""
    await connection.execute(FORGET, before, now)
