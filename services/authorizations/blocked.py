"""Whether somebody is kept out of an organization: dated rows, because `at` asks."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from services.authorizations.dated import known


def _standing(at: str | None) -> str:
    """Blocks k, each with the contacts kb that its account is: it keeps out the contact that it names, and those."""

    def then(row: str) -> str:
        return f"upper_inf({row}.during)" if at is None else f"{row}.during @> {at}"

    return (
        f"from blocks k left join bindings kb on kb.account_id = k.account_id and {known('kb')} and {then('kb')}"
        f" where {known('k')} and {then('k')}"
    )


def unblocked(contact: str, *organizations: str, at: str = "$1::timestamptz") -> str:
    """Whether none of these organizations keeps a contact out at an instant.

    A value, not EXISTS: PostgreSQL would read every block there is into a hash, for the rows of one page.
    """
    return (
        f"coalesce((select false {_standing(at)} and k.organization_id in ({', '.join(organizations)})"
        f" and {contact} in (k.contact_id, kb.contact_id) limit 1), true)"
    )


def blocked_pairs(at: str = "$1::timestamptz") -> str:
    """Every organization with each contact that it keeps out at an instant: where thousands are asked about."""
    return f"""
select k.organization_id, k.contact_id {_standing(at)} and k.contact_id is not null
union all
select k.organization_id, kb.contact_id {_standing(at)} and kb.contact_id is not null
"""


async def keeps_out(
    connection: Connection, organization_id: UUID, contact_id: UUID, without: Collection[UUID] = ()
) -> bool:
    """Whether the organization keeps the contact out, by the last that is known; some of its blocks left aside."""
    found: bool = await connection.fetchval(
        f"select exists (select {_standing(None)} and k.organization_id = $1 and $2 in (k.contact_id, kb.contact_id)"
        " and k.block_id <> all($3::uuid[]))",
        organization_id,
        contact_id,
        list(without),
    )
    return found


async def keeps_account_out(
    connection: Connection, organization_id: UUID, account_id: UUID, at: datetime, without: Collection[UUID] = ()
) -> bool:
    """Whether the organization keeps the account out at an instant: the account itself, or a contact that it is.

    Some of its blocks left aside.
    """
    found: bool = await connection.fetchval(
        f"select exists (select {_standing('$3::timestamptz')} and k.organization_id = $1 and (k.account_id = $2"
        " or exists (select from bindings b where b.account_id = $2 and b.contact_id = k.contact_id"
        f" and {known('b')} and b.during @> $3)) and k.block_id <> all($4::uuid[]))",
        organization_id,
        account_id,
        at,
        list(without),
    )
    return found


async def blocks_of_its_own(connection: Connection, organization_id: UUID) -> list[UUID]:
    """The blocks that stand and that the organization itself made, by somebody who manages it: no agent's."""
    rows = await connection.fetch(
        f"select distinct k.block_id {_standing(None)} and k.organization_id = $1 and k.blocked_by not like 'agent:%'",
        organization_id,
    )
    return [row["block_id"] for row in rows]
