"""Rows of what is contested: reviews that wait or were decided, and the links that stand in the way."""

from datetime import date, datetime
from uuid import UUID

from chassis.database import Connection
from services.authorizations.access.storage import known
from services.authorizations.contested.domain import AskedLink, Link

ASKED = """
select count(*) filter (where is_open) as open,
    coalesce(bool_or(
        (asked ->> 'account_id')::uuid = $2 and (is_open or outcome is not null and settled_at > $4)
    ), false) as told
from (select *, state in ('submitted', 'returned') and lapses_on >= $3 as is_open from requests
    where reason = 'contested' and (asked ->> 'contact_id')::uuid = $1) about
"""

LINKS = f"""
select b.link_id, b.contact_id, b.account_id, lower(b.during) as linked_at
from bindings b where {known("b")} and upper_inf(b.during)
"""

# Of the contact itself, held by another account.
OF_CONTACT = f"{LINKS} and b.contact_id = $1 and b.account_id <> $2"

# Of the account, as another contact of the same organization.
OF_ACCOUNT = f"""
{LINKS} and b.account_id = $2 and b.contact_id <> $1
    and exists (select from contacts c join contacts wanted using (organization_id)
        where c.contact_id = b.contact_id and wanted.contact_id = $1)
"""


async def asked(
    connection: Connection, contact_id: UUID, account_id: UUID, day: date, decided_after: datetime
) -> tuple[int, bool]:
    """How many reviews about the contact wait, and whether one of them, or one decided lately, is of the account."""
    row = await connection.fetchrow(ASKED, contact_id, account_id, day, decided_after)
    assert row is not None
    return row["open"], row["told"]


async def obstacle(connection: Connection, wanted: AskedLink) -> Link | None:
    """The link that stands in the way now; None when it is gone, or is the account's own by now."""
    query = OF_CONTACT if wanted.obstacle == "already_linked" else OF_ACCOUNT
    row = await connection.fetchrow(query, wanted.contact_id, wanted.account_id)
    return Link(**row) if row else None


async def note_end(connection: Connection, contact_id: UUID, link_id: UUID) -> None:
    """The contact's state tells linking to end this link."""
    await connection.execute("update contacts set ended_link_id = $2 where contact_id = $1", contact_id, link_id)


async def is_linked(connection: Connection, contact_id: UUID, account_id: UUID) -> bool:
    """Whether the account is the contact now."""
    found: bool = await connection.fetchval(
        f"select exists ({LINKS} and b.contact_id = $1 and b.account_id = $2)", contact_id, account_id
    )
    return found
