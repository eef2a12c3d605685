"""Rows of credentials: which account a contact was given, and whether that has led to a link."""

from dataclasses import dataclass
from uuid import UUID

from chassis.database import Connection
from contracts.accounts import CredentialIssued

# Returns no row for a generation that is not newer.
KEEP = """
insert into credentials as c (contact_id, generation, account_id) values ($1, $2, $3)
on conflict (contact_id) do update
    set generation = excluded.generation, account_id = excluded.account_id, settled = false
    where c.generation < excluded.generation
returning true
"""
OWED = "select account_id, link_id from credentials where contact_id = $1 and not settled"
SETTLE = "update credentials set settled = true, link_id = coalesce($2, link_id) where contact_id = $1"


@dataclass(frozen=True)
class Given:
    """The account that a contact is to be linked to, and the link that an earlier credential of it made."""

    account_id: UUID
    link_id: UUID | None


async def keep(connection: Connection, issued: CredentialIssued) -> bool:
    """Keep which account a contact was given. False when that is not newer than what is known."""
    newer = await connection.fetchval(KEEP, issued.contact_id, issued.generation, issued.account_id)
    return newer is not None


async def owed(connection: Connection, contact_id: UUID) -> Given | None:
    """The account that the contact was given, and is still to be linked to."""
    row = await connection.fetchrow(OWED, contact_id)
    return Given(**row) if row else None


async def settle(connection: Connection, contact_id: UUID, link_id: UUID | None) -> None:
    """Nothing more is to be done with what the contact was given; `link_id`: the link that was made."""
    await connection.execute(SETTLE, contact_id, link_id)
