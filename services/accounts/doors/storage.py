"""The tables `door_identities` and `spent_id_tokens`."""

from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from services.accounts.doors.domain import Identity

ACCOUNT = "select account_id from door_identities where issuer = $1 and subject = $2"
INSERT = "insert into door_identities (issuer, subject, account_id) values ($1, $2, $3)"
SPEND = "insert into spent_id_tokens (digest, expires_at) values ($1, $2) on conflict do nothing returning true"
FORGET = "delete from spent_id_tokens where expires_at < $1"


async def account_of(connection: Connection, identity: Identity) -> UUID | None:
    """The account of the person whom an issuer knows so."""
    found: UUID | None = await connection.fetchval(ACCOUNT, identity.issuer, identity.subject)
    return found


async def insert(connection: Connection, identity: Identity, account_id: UUID) -> None:
    """Keep whose account it is: for a person who has one already, a UniqueViolation."""
    await connection.execute(INSERT, identity.issuer, identity.subject, account_id)


async def spend(connection: Connection, identity: Identity) -> bool:
    """Whether the ID token signs somebody in for the first time."""
    return bool(await connection.fetchval(SPEND, identity.digest, identity.expires_at))


async def forget(connection: Connection, before: datetime) -> None:
    """Forget tokens that expired before."""
    await connection.execute(FORGET, before)
