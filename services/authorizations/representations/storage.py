"""Questions about relations between organizations, beside those of relations/storage.py."""

from uuid import UUID

from chassis.database import Connection
from contracts.imports import OrganizationKey
from services.authorizations.periods import Period


async def is_held(connection: Connection, holder_id: UUID, other: OrganizationKey, type: str, period: Period) -> bool:
    """Whether an organization acts for the one with this number already, in part of the period.

    It looks from the holder's own relations, so a number that is nobody's takes the same work and answer as one that
    is a stranger's.
    """
    found: bool = await connection.fetchval(
        "select exists (select from relations r join organizations o using (organization_id)"
        " where r.holder_id = $1 and upper_inf(r.recorded) and r.ended_at is null and r.type = $4 and r.valid && $5"
        " and o.kind = $2 and o.number = $3)",
        holder_id, other.kind, other.number, type, period.range,
    )  # fmt: skip
    return found
