"""Questions about relations between organizations, beside those of relations/storage.py."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from chassis.database import Connection
from contracts.events import Level
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


@dataclass(frozen=True)
class HeldRight:
    """A right of a relation that was not withdrawn."""

    right_id: UUID
    subject: str
    level: Level
    period: Period


async def held_rights(
    connection: Connection, relation_id: UUID, subjects: Collection[str], period: Period
) -> list[HeldRight]:
    """The rights to some subjects that a relation has in part of the period."""
    rows = await connection.fetch(
        "select right_id, subject, level::text as level, valid from rights where relation_id = $1"
        " and upper_inf(recorded) and ended_at is null and subject = any($2::text[]) and valid && $3",
        relation_id,
        list(subjects),
        period.range,
    )
    return [HeldRight(row["right_id"], row["subject"], row["level"], Period.stored(row["valid"])) for row in rows]
