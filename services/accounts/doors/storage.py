"""The tables `door_identities` and `spent_id_tokens`."""

from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from services.accounts.doors.domain import Identity

ACCOUNT = "select account_id from door_identities where issuer = $1 and subject = $2"
KEEP = """
insert into door_identities (issuer, subject, account_id) values ($1, $2, $3)
on conflict (issuer, subject) do update set account_id = excluded.account_id
"""
SPEND = "insert into spent_id_tokens (digest, expires_at) values ($1, $2) on conflict do nothing returning true"
FORGET = "delete from spent_id_tokens where expires_at < $1"


async def account_of(connection: Connection, identity: Identity) -> UUID | None:
    """The account of the person whom an issuer knows so."""
    found: UUID | None = await connection.fetchval(ACCOUNT, identity.issuer, identity.subject)
    return found


async def keep(connection: Connection, identity: Identity, account_id: UUID) -> None:
    """Keep which account is the person's, from now on this one.

    Of two first sign-ins at once the second has met the first before, at the address that both accounts take.
    """
    await connection.execute(KEEP, identity.issuer, identity.subject, account_id)


async def spend(connection: Connection, identity: Identity) -> bool:
    """Whether the ID token signs somebody in for the first time."""
    return bool(await connection.fetchval(SPEND, identity.digest, identity.expires_at))


async def forget(connection: Connection, before: datetime) -> None:
    """Forget tokens that expired before."""
    await connection.execute(FORGET, before)
