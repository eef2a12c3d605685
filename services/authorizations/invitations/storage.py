"""Who is invited already, and who need not be or must not."""

from datetime import date
from uuid import UUID

from chassis.database import Connection
from services.authorizations.dated import known


async def is_invited(connection: Connection, organization_id: UUID, email: str, day: date) -> bool:
    """Whether an invitation of this address waits in the organization."""
    found: bool = await connection.fetchval(
        "select exists (select from requests q join personal_fields p on p.owner_id = q.request_id"
        " where q.organization_id = $1 and q.kind = 'invitation' and q.state = 'submitted' and q.lapses_on >= $3"
        " and lower(p.email) = lower($2))",
        organization_id, email, day,
    )  # fmt: skip
    return found


async def member(connection: Connection, organization_id: UUID, email: str) -> UUID | None:
    """The contact of the organization that the account with this address is."""
    found: UUID | None = await connection.fetchval(
        "select c.contact_id from contacts c join bindings b using (contact_id)"
        f" join personal_fields p on p.owner_id = b.account_id where c.organization_id = $1 and {known('b')}"
        " and upper_inf(b.during) and lower(p.email) = lower($2) order by c.contact_id limit 1",
        organization_id, email,
    )  # fmt: skip
    return found


async def is_kept_out(connection: Connection, organization_id: UUID, email: str) -> bool:
    """Whether the organization keeps out somebody with this address."""
    found: bool = await connection.fetchval(
        f"select exists (select from blocks k join personal_fields p on p.owner_id in (k.account_id, k.contact_id)"
        f" where k.organization_id = $1 and {known('k')} and upper_inf(k.during) and lower(p.email) = lower($2))",
        organization_id,
        email,
    )
    return found
