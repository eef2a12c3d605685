"""What hangs on a contact that is to be erased."""

from datetime import date, datetime
from uuid import UUID

from chassis.database import Connection
from services.authorizations.dated import known
from services.authorizations.requests.domain import OPEN

# Whether a relation of the contact is in force at $2 on $3 (the agency's day), or shall be.
STILL_ACTS = f"""
select exists (select from relations r where r.holder_id = $1 and {known("r")}
    and (r.ended_at is null or $2::timestamptz < r.ended_at) and (upper(r.valid) is null or $3 < upper(r.valid)))
"""

# The requests by which the contact, or a relation of it, came, and that ended. What was signed is kept for as long as
# it may have to be proven.
REQUESTS = """
select request_id from requests q where q.state <> all($2::text[]) and q.kind <> 'mandate'
    and request_id in (select r.request_id from relations r where r.holder_id = $1)
order by request_id
"""


async def still_acts(connection: Connection, contact_id: UUID, at: datetime, day: date) -> bool:
    """Whether the contact holds anything, now or later."""
    found: bool = await connection.fetchval(STILL_ACTS, contact_id, at, day)
    return found


async def requests_of(connection: Connection, contact_id: UUID) -> list[UUID]:
    """The ended requests by which the contact came to be, or to hold something."""
    return [row["request_id"] for row in await connection.fetch(REQUESTS, contact_id, list(OPEN))]
