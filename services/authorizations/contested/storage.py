"""Rows of what is contested: reviews that wait or were decided, and the links that stand in the way."""

from datetime import date, datetime
from uuid import UUID

from chassis.database import Connection, Pool
from services.authorizations.contested.domain import AskedLink, Link
from services.authorizations.dated import known

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

IN_ITS_WAY = """
(r.obstacle = 'already_linked' and b.contact_id = r.contact_id and b.account_id <> r.account_id
    or r.obstacle = 'other_profile_here' and b.account_id = r.account_id and b.contact_id <> r.contact_id
        and exists (select from contacts c
            where c.contact_id = b.contact_id and c.organization_id = r.organization_id))
"""

# A link that has not arrived yet is no obstacle that is gone: one must have ended since the review was made.
RESOLVED = f"""
select request_id from (
    select request_id, organization_id, submitted_at, asked ->> 'obstacle' as obstacle,
        (asked ->> 'contact_id')::uuid as contact_id, (asked ->> 'account_id')::uuid as account_id
    from requests where reason = 'contested' and state = 'submitted' and lapses_on >= $1
        and ($3::uuid is null or request_id = $3)
) r
where exists ({LINKS} and b.contact_id = r.contact_id and b.account_id = r.account_id)
    or exists (select from bindings b where {known("b")} and not upper_inf(b.during)
            and lower(b.recorded) > r.submitted_at and {IN_ITS_WAY})
        and not exists ({LINKS} and {IN_ITS_WAY})
order by request_id limit $2
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


async def resolved(pool: Pool, day: date, limit: int) -> list[UUID]:
    """Reviews that wait although the account is the contact by now, or what stood in its way has ended."""
    return [row["request_id"] for row in await pool.fetch(RESOLVED, day, limit, None)]


async def is_resolved(connection: Connection, request_id: UUID, day: date) -> bool:
    """Whether this is one of them."""
    return await connection.fetchval(RESOLVED, day, 1, request_id) is not None


async def note_end(connection: Connection, contact_id: UUID, link_id: UUID) -> None:
    """The contact's state tells linking to end this link."""
    await connection.execute("update contacts set ended_link_id = $2 where contact_id = $1", contact_id, link_id)


async def is_linked(connection: Connection, contact_id: UUID, account_id: UUID) -> bool:
    """Whether the account is the contact now."""
    found: bool = await connection.fetchval(
        f"select exists ({LINKS} and b.contact_id = $1 and b.account_id = $2)", contact_id, account_id
    )
    return found
