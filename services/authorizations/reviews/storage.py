"""What is to be looked at: contacts that were not compared yet, organizations for which nobody can act."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.database import Connection, Pool
from services.authorizations.access.domain import Moment
from services.authorizations.dated import in_force, known
from services.authorizations.managing.storage import CAN_ACT, manages
from services.authorizations.statuses import active

# Organizations for which nobody can act at $1 on $2, though somebody could once, or whose last manager is gone; and of
# which no agent was told since the last change of it: of a membership, a link, the status of an account, a block. What
# lapsed while nobody decided was not dealt with: it is asked anew. Who never linked was never there to be missed.
# Of all organizations only those with a membership that is over are looked at: a day may do that, all else is marked.
HOLDERS = "any(array_agg(h.holder_id))"
LAST_CHANGE = f"""greatest(max(lower(h.recorded)),
    (select max(greatest(lower(b.recorded), lower(s.recorded))) from bindings b
        left join statuses s on s.owner_id = b.account_id and {known("s")}
        where b.contact_id = {HOLDERS} and {known("b")}),
    (select max(lower(k.recorded)) from blocks k
        where k.organization_id = h.organization_id and k.contact_id = {HOLDERS} and {known("k")}))"""

LEFT_UNMANAGED = f"""
select h.organization_id, (array_agg(h.type order by lower(h.recorded) desc))[1] as type from relations h
where {manages(row="h")} and ($5::uuid is null or h.organization_id = $5)
group by h.organization_id
having (not bool_and({in_force("h")}) or $5::uuid is not null)
    and not exists (select from relations r where r.organization_id = h.organization_id and {manages()} and {CAN_ACT})
    and (not bool_or({in_force("h")})
        or exists (select from bindings b where b.contact_id = {HOLDERS} and {known("b")}))
    and {active("h.organization_id")}
    and not exists (select from requests q where q.organization_id = h.organization_id and q.reason = 'unmanaged'
        and (q.state = 'submitted' and q.lapses_on >= $2::date
            or q.state <> 'lapsed' and q.submitted_at >= {LAST_CHANGE}))
order by h.organization_id limit $4
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
    """Organizations for which nobody can act at the moment and no agent was asked about; or whether one is such."""
    rows = await connection.fetch(LEFT_UNMANAGED, moment.at, moment.day, managing, limit, organization_id)
    return [LeftUnmanaged(**row) for row in rows]
