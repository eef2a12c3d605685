"""Tokens of invitations, of which digests rest; and who is invited already."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from chassis.database import Connection
from services.authorizations.dated import known


async def add_token(connection: Connection, digest: bytes, request_id: UUID) -> None:
    """A mail leads to an invitation by a token; of several mails each does, until the invitation ends."""
    await connection.execute(
        "insert into invitation_tokens (digest, request_id) values ($1, $2)", digest, request_id
    )  # fmt: skip


async def invitation_of(connection: Connection, digests: Sequence[bytes]) -> UUID | None:
    """The invitation to which a token leads."""
    found: UUID | None = await connection.fetchval(
        "select request_id from invitation_tokens where digest = any($1::bytea[])", list(digests)
    )
    return found


async def forget_tokens(connection: Connection, request_id: UUID) -> None:
    """No mail leads to the invitation any more."""
    await connection.execute("delete from invitation_tokens where request_id = $1", request_id)


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
