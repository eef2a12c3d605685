"""What hangs on a contact that is to be erased."""

from datetime import date, datetime
from uuid import UUID

from chassis.database import Connection
from services.authorizations.dated import known
from services.authorizations.requests.domain import OPEN


def _not_over(row: str) -> str:
    """That a relation is in force at $2 on $3 (the agency's day), or shall be."""
    return f"(({row}.ended_at is null or $2::timestamptz < {row}.ended_at)" + (
        f" and (upper({row}.valid) is null or $3 < upper({row}.valid)))"
    )


# A delegation is over with the membership that it hangs on, which never comes again.
STILL_ACTS = f"""
select exists (select from relations r
    left join relations m on m.relation_id = r.membership and {known("m")}
    where r.holder_id = $1 and {known("r")} and {_not_over("r")}
    and (r.membership is null or {_not_over("m")}))
"""

# The requests by which the contact, or a relation of it, came, and that ended. What was signed is kept for as long as
# it may have to be proven.
REQUESTS = """
select request_id from requests q where q.state <> all($2::text[]) and q.kind <> 'mandate'
    and request_id in (select r.request_id from relations r where r.holder_id = $1)
order by request_id
"""


RELATIONS = "select distinct relation_id from relations where holder_id = $1"


async def still_acts(connection: Connection, contact_id: UUID, at: datetime, day: date) -> bool:
    """Whether the contact holds anything, now or later."""
    found: bool = await connection.fetchval(STILL_ACTS, contact_id, at, day)
    return found


async def requests_of(connection: Connection, contact_id: UUID) -> list[UUID]:
    """The ended requests by which the contact came to be, or to hold something."""
    return [row["request_id"] for row in await connection.fetch(REQUESTS, contact_id, list(OPEN))]


async def relations_of(connection: Connection, contact_id: UUID) -> list[UUID]:
    """The relations that the contact ever held."""
    return [row["relation_id"] for row in await connection.fetch(RELATIONS, contact_id)]
