"""Rows of bindings: from when to when an account is a contact."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from chassis.database import Connection, Pool
from contracts.authorizations import ContactBinding
from services.linking.bindings.domain import Binding
from services.linking.contacts.domain import Contact
from services.linking.contacts.storage import functions_of, periods_of
from services.linking.organizations.storage import organization_of

LINKED = "select contact_id from bindings where contact_id = any ($1) and unlinked_at is null"

CONTACTS_LINKED = "select contact_id from bindings where account_id = $1 and unlinked_at is null"

ORGANIZATIONS_LINKED = "select organization_id from bindings where account_id = $1 and unlinked_at is null"

UNBIND = "update bindings set unlinked_at = $2 where link_id = $1 and unlinked_at is null returning true"

LINKED_ACCOUNT = """
select account_id from bindings where contact_id = $1 and link_id = $2 and unlinked_at is null
"""

LINK_OF = "select link_id from bindings where contact_id = $1 and unlinked_at is null"

BIND = """
insert into bindings (link_id, account_id, contact_id, organization_id, method, linked_at, redemption_id)
values ($1, $2, $3, $4, $5, $6, $7)
"""

REGISTER = """
insert into bindings (link_id, account_id, contact_id, organization_id, method, linked_at, unlinked_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""

BINDINGS = """
select b.link_id, b.method, b.linked_at, b.contact_id, c.functions, c.manages,
    o.organization_id, o.number, o.name, o.active
from bindings b join contacts c using (contact_id) join organizations o on o.organization_id = b.organization_id
where b.account_id = $1
"""

LIVE_BINDINGS = BINDINGS + "and b.unlinked_at is null order by o.name, o.number, b.link_id"

BINDING = BINDINGS + "and b.link_id = $2"

OF_REDEMPTION = BINDINGS + "and (b.link_id = $2 or b.redemption_id = $2) order by b.link_id"

METHODS_IN_USE = "select distinct method from bindings"


async def methods_in_use(pool: Pool) -> list[str]:
    """Codes of the linking methods that bindings name."""
    return [row["method"] for row in await pool.fetch(METHODS_IN_USE)]


async def is_linked(connection: Connection, contact_id: UUID) -> bool:
    """Whether an account is this contact now."""
    return contact_id in await linked_among(connection, [contact_id])


async def linked_among(connection: Connection, contact_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the contacts that an account is now."""
    return {row["contact_id"] for row in await connection.fetch(LINKED, contact_ids)}


async def link_of(connection: Connection, contact_id: UUID) -> UUID | None:
    """The link by which an account is the contact now."""
    found: UUID | None = await connection.fetchval(LINK_OF, contact_id)
    return found


async def organizations_linked(connection: Connection, account_id: UUID) -> set[UUID]:
    """The organizations where the account is a contact now."""
    return {row["organization_id"] for row in await connection.fetch(ORGANIZATIONS_LINKED, account_id)}


async def contacts_linked(connection: Connection, account_id: UUID) -> set[UUID]:
    """The contacts that the account is now."""
    return {row["contact_id"] for row in await connection.fetch(CONTACTS_LINKED, account_id)}


async def bind(
    connection: Connection,
    link_id: UUID,
    account_id: UUID,
    contact: Contact,
    method: str,
    now: datetime,
    redemption_id: UUID | None,
) -> None:
    """From now on the account is the contact. A second one breaks a unique index, and the handler runs again.

    `redemption_id` is the first link of several that are made at once; None for that one itself.
    """
    values = (link_id, account_id, contact.contact_id, contact.organization_id, method, now, redemption_id)
    await connection.execute(BIND, *values)


async def is_known(connection: Connection, link_id: UUID) -> bool:
    """Whether a link was ever registered."""
    found: bool = await connection.fetchval("select exists (select from bindings where link_id = $1)", link_id)
    return found


async def register(
    connection: Connection, told: ContactBinding, contact: Contact, unlinked_at: datetime | None
) -> None:
    """Keep a link that authorizations has made; with `unlinked_at` one that does not stand."""
    values = (told.link_id, told.account_id, contact.contact_id, contact.organization_id, told.method, told.since)
    await connection.execute(REGISTER, *values, unlinked_at)


async def unbind(connection: Connection, link_id: UUID, now: datetime) -> bool:
    """The account is no longer the contact. False when that was so before."""
    return await connection.fetchval(UNBIND, link_id, now) is True


async def live_bindings(connection: Connection, account_id: UUID) -> list[Binding]:
    """The account's bindings in force, by the organization's name."""
    return [_binding(row) for row in await connection.fetch(LIVE_BINDINGS, account_id)]


async def binding(connection: Connection, account_id: UUID, link_id: UUID) -> Binding | None:
    """One binding of the account, in force or ended."""
    row = await connection.fetchrow(BINDING, account_id, link_id)
    return _binding(row) if row else None


async def linked_account(connection: Connection, contact_id: UUID, link_id: UUID) -> UUID | None:
    """The account that is the contact by this link now."""
    found: UUID | None = await connection.fetchval(LINKED_ACCOUNT, contact_id, link_id)
    return found


async def bindings_of_redemption(connection: Connection, account_id: UUID, link_id: UUID) -> list[Binding]:
    """The bindings of the account that were made with this link, which was the first, in the order of their making."""
    return [_binding(row) for row in await connection.fetch(OF_REDEMPTION, account_id, link_id)]


def _binding(row: Record) -> Binding:
    return Binding(
        link_id=row["link_id"],
        contact_id=row["contact_id"],
        organization=organization_of(row),
        method=row["method"],
        linked_at=row["linked_at"],
        functions=functions_of(row["functions"]),
        manages=periods_of(row["manages"]),
    )
