"""Rows of organizations, and the locks on them."""

from uuid import UUID

from asyncpg import Record

from chassis.database import Connection, lock_number
from chassis.states import LAST_VERSION
from contracts import authorizations as authorizations_contract
from services.linking.organizations.domain import Organization

# An advisory lock stands in for an organization's row, which may not have arrived yet: a contact's state shares it, the
# organization's own holds it alone, so that whichever commits last sees the other and issues what is owed.
SHARE_ORGANIZATION = "select pg_advisory_xact_lock_shared($1)"

LOCK_ORGANIZATION = "select pg_advisory_xact_lock($1)"

# Returns no row for a version that is not newer.
KEEP_ORGANIZATION = """
insert into organizations as o (organization_id, version, number, name, active, kind) values ($1, $2, $3, $4, $5, $6)
on conflict (organization_id) do update
    set version = excluded.version, number = excluded.number, name = excluded.name, active = excluded.active,
        kind = excluded.kind
    where o.version < excluded.version
returning true
"""

FORGET_ORGANIZATION = """
insert into organizations (organization_id, version, number, name, active) values ($1, $2, '', '', false)
on conflict (organization_id) do update
    set version = excluded.version, number = excluded.number, name = excluded.name, active = excluded.active
"""

ORGANIZATION = "select organization_id, number, name, active from organizations where organization_id = $1"


async def share_organization(connection: Connection, organization_id: UUID) -> None:
    """Keep the organization's own state out until the transaction ends; other contacts' states may pass."""
    await connection.execute(SHARE_ORGANIZATION, lock_number("linking.organization", str(organization_id)))


async def lock_organization(connection: Connection, organization_id: UUID) -> None:
    """Keep every state of the organization and of its contacts out until the transaction ends."""
    await connection.execute(LOCK_ORGANIZATION, lock_number("linking.organization", str(organization_id)))


async def keep_organization(connection: Connection, state: authorizations_contract.Organization) -> bool:
    """Keep an organization's state. False when it is not newer than what is known."""
    active = state.status == "active"
    values = (state.organization_id, state.version, state.number, state.legal_name, active, state.kind)
    return await connection.fetchval(KEEP_ORGANIZATION, *values) is True


async def forget_organization(connection: Connection, organization_id: UUID) -> None:
    """Erase an organization's number and name; it is inactive, whatever state of it arrives late."""
    await connection.execute(FORGET_ORGANIZATION, organization_id, LAST_VERSION)


async def organization(connection: Connection, organization_id: UUID) -> Organization | None:
    """The organization, or None while its state has not arrived."""
    row = await connection.fetchrow(ORGANIZATION, organization_id)
    return organization_of(row) if row else None


def organization_of(row: Record) -> Organization:
    """The organization of a row that carries its columns."""
    return Organization(row["organization_id"], row["number"], row["name"], row["active"])
