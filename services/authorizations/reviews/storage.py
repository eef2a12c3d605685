"""What is to be looked at: contacts that were not compared yet, organizations that nobody manages."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.database import Connection, Pool
from services.authorizations.access.domain import Moment
from services.authorizations.blocked import unblocked
from services.authorizations.dated import in_force, known
from services.authorizations.statuses import active

# Organizations that nobody manages at $1 on $2, and of which no agent was told since one that did was last heard of.
# What lapsed while nobody decided was not dealt with: it is asked anew.
LEFT_UNMANAGED = f"""
select r.organization_id, (array_agg(r.type order by lower(r.recorded) desc))[1] as type from relations r
where r.type = any($3::text[]) and r.holder_kind = 'contact' and r.through is null and {known("r")}
    and ($5::uuid is null or r.organization_id = $5)
group by r.organization_id
having not bool_or({in_force("r")} and {unblocked("r.holder_id", "r.organization_id")})
    and {active("r.organization_id")}
    and not exists (select from requests q where q.organization_id = r.organization_id and q.reason = 'unmanaged'
        and q.submitted_at >= max(lower(r.recorded)) and q.state <> 'lapsed')
order by r.organization_id limit $4
"""


async def await_comparison(connection: Connection, contact_id: UUID) -> None:
    """Let a worker compare a new contact with those of other organizations."""
    await connection.execute("insert into contacts_to_compare (contact_id) values ($1)", contact_id)


async def awaiting_comparison(pool: Pool, limit: int) -> list[UUID]:
    """Contacts that were not compared yet, the oldest first."""
    rows = await pool.fetch("select contact_id from contacts_to_compare order by contact_id limit $1", limit)
    return [row["contact_id"] for row in rows]


async def take_comparison(connection: Connection, contact_id: UUID) -> bool:
    """Whether the contact still had to be compared; nobody else will."""
    taken = await connection.fetchval(
        "delete from contacts_to_compare where contact_id = $1 returning true", contact_id
    )
    return taken is True


@dataclass(frozen=True)
class LeftUnmanaged:
    """An organization, and the type of the membership through which somebody last managed it."""

    organization_id: UUID
    type: str


async def left_unmanaged(
    connection: Connection, moment: Moment, managing: Sequence[str], limit: int, organization_id: UUID | None = None
) -> list[LeftUnmanaged]:
    """Organizations that nobody manages at the moment and that no agent was asked about; or whether one is such."""
    rows = await connection.fetch(LEFT_UNMANAGED, moment.at, moment.day, managing, limit, organization_id)
    return [LeftUnmanaged(**row) for row in rows]
