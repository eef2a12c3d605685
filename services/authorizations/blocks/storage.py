"""Rows of blocks: dated and recorded, so an end closes a row and inserts the next version."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Range

from chassis.database import Connection
from chassis.pages import Listing
from services.authorizations.blocks.domain import Block, Concerned
from services.authorizations.dated import known

COLUMNS = (
    "block_id, organization_id, contact_id, account_id, lower(during) as since, upper(during) as until, reason,"
    " blocked_by, ended_by, lower(recorded) as recorded_at"
)

# Contacts that have, or had, anything to do with organization $1, and the accounts that they are or were.
KNOWN_CONTACT = f"""
select c.contact_id from contacts c where c.contact_id = any($2::uuid[]) and (c.organization_id = $1 or exists (
    select from relations r where r.holder_id = c.contact_id and r.organization_id = $1 and {known("r")}
))
"""

LIST = f"""
select {COLUMNS} from blocks k
where k.organization_id = $1 and {known("k")} and ($2::bool is null or upper_inf(k.during) = $2)
"""

END = """
with closed as (
    update blocks set recorded = tstzrange(lower(recorded), $2)
    where block_id = $1 and upper_inf(recorded) and upper_inf(during) returning *
)
insert into blocks
    (block_id, version, organization_id, contact_id, account_id, reason, blocked_by, ended_by, during, recorded)
select block_id, version + 1, organization_id, contact_id, account_id, reason, blocked_by, $3,
    tstzrange(lower(during), $2), tstzrange($2, null) from closed
"""


def block(row: Any) -> Block:
    """A block from a row."""
    return Block(**row)


async def add(
    connection: Connection,
    block_id: UUID,
    organization_id: UUID,
    concerned: Concerned,
    reason: str | None,
    by: str,
    now: datetime,
) -> None:
    """From now on they are kept out."""
    await connection.execute(
        "insert into blocks (block_id, version, organization_id, contact_id, account_id, reason, blocked_by, during,"
        " recorded) values ($1, 1, $2, $3, $4, $5, $6, $7, $7)",
        block_id, organization_id, concerned.contact_id, concerned.account_id, reason, by, Range(now, None),
    )  # fmt: skip


async def end(connection: Connection, block_id: UUID, by: str, now: datetime) -> None:
    """From now on they are kept out no more; nothing when that was so before."""
    await connection.execute(END, block_id, now, by)


async def get(connection: Connection, organization_id: UUID, block_id: UUID) -> Block | None:
    """A block of an organization."""
    row = await connection.fetchrow(
        f"select {COLUMNS} from blocks k where k.block_id = $1 and k.organization_id = $2 and {known('k')}",
        block_id,
        organization_id,
    )
    return block(row) if row else None


async def of_ids(connection: Connection, block_ids: Sequence[UUID]) -> list[Block]:
    """Blocks by id, ended ones too."""
    rows = await connection.fetch(
        f"select {COLUMNS} from blocks k where k.block_id = any($1::uuid[]) and {known('k')} order by k.block_id",
        list(block_ids),
    )
    return [block(row) for row in rows]


async def standing(connection: Connection, organization_id: UUID, concerned: Concerned) -> list[Block]:
    """The blocks of the organization that keep the contact, or the account, out already."""
    rows = await connection.fetch(
        f"select {COLUMNS} from blocks k where k.organization_id = $1 and {known('k')} and upper_inf(k.during)"
        " and (k.contact_id = $2 or k.account_id = $3) order by k.block_id",
        organization_id,
        concerned.contact_id,
        concerned.account_id,
    )
    return [block(row) for row in rows]


async def last_recorded(connection: Connection, organization_id: UUID) -> datetime | None:
    """When the newest of an organization's blocks was recorded."""
    found: datetime | None = await connection.fetchval(
        "select max(lower(recorded)) from blocks where organization_id = $1", organization_id
    )
    return found


async def account_of(connection: Connection, contact_id: UUID) -> UUID | None:
    """The account that a contact is."""
    found: UUID | None = await connection.fetchval(
        f"select b.account_id from bindings b where b.contact_id = $1 and {known('b')} and upper_inf(b.during)",
        contact_id,
    )
    return found


async def has_to_do_with(connection: Connection, organization_id: UUID, contact_ids: Collection[UUID]) -> bool:
    """Whether one of these contacts is the organization's, or holds or held anything for it."""
    found = await connection.fetchval(
        f"select exists ({KNOWN_CONTACT})", organization_id, list(contact_ids)
    )  # fmt: skip
    return bool(found)


async def has_asked(connection: Connection, organization_id: UUID, account_id: UUID) -> bool:
    """Whether the account ever asked to act for the organization."""
    found: bool = await connection.fetchval(
        "select exists (select from requests where organization_id = $1 and asked_by_account_id = $2)",
        organization_id,
        account_id,
    )
    return found


async def ever_contact(connection: Connection, account_id: UUID) -> list[UUID]:
    """The contacts that an account is or was."""
    rows = await connection.fetch("select distinct contact_id from bindings where account_id = $1", account_id)
    return [row["contact_id"] for row in rows]


def listed(organization_id: UUID, stands: bool | None) -> Listing:
    """An organization's blocks, the newest first."""
    return Listing(LIST, [organization_id, stands], (("block_id", "uuid"),), descending=True)
