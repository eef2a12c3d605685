"""Questions about relations between organizations: whether one is held, or asked for."""

from datetime import date
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


async def has_open_proposal(
    connection: Connection, asked_by_organization_id: UUID, other: OrganizationKey, type: str, day: date
) -> bool:
    """Whether the organization waits for an answer to the same proposal."""
    found: bool = await connection.fetchval(
        "select exists (select from requests where kind = 'proposed_relation' and asked_by_organization_id = $1"
        " and other_kind = $2 and other_number = $3 and asked ->> 'type' = $4 and state in ('submitted', 'returned')"
        " and lapses_on >= $5)",
        asked_by_organization_id, other.kind, other.number, type, day,
    )  # fmt: skip
    return found


async def has_open_end(connection: Connection, relation_id: UUID, day: date) -> bool:
    """Whether somebody waits for an answer about the end of this relation."""
    found: bool = await connection.fetchval(
        "select exists (select from requests where kind = 'proposed_end' and (asked ->> 'relation_id')::uuid = $1"
        " and state in ('submitted', 'returned') and lapses_on >= $2)",
        relation_id,
        day,
    )
    return found
