"""Who holds a membership that manages its organization, and who of them can act now: in SQL, once."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from chassis.database import Connection, Pool
from services.authorizations.blocked import unblocked
from services.authorizations.dated import in_force, known
from services.authorizations.statuses import active


def manages(types: str = "$3", row: str = "r") -> str:
    """Whether a relation is one by which a contact manages its organization, at some time or other."""
    of_contact = f"{row}.holder_kind = 'contact' and {row}.through is null"
    return f"{of_contact} and {row}.type = any({types}::text[]) and {known(row)}"


# Whether a contact is an account that is active, by the last that is known of link and account: a planned day is asked
# about too, and a link that ends by another clock ends at once.
LINKED = f"""coalesce((select true from bindings b where b.contact_id = {{contact}} and {known("b")}
    and upper_inf(b.during) and {active("b.account_id", at=None)} limit 1), false)"""

# Whether a contact is an account that was closed: whoever closed it is written to no more. An account of which nothing
# has arrived yet, though its link has, is none.
CLOSED = f"""exists (select from bindings b join statuses s on s.owner_id = b.account_id and {known("s")}
    and upper_inf(s.during) and not s.active
    where b.contact_id = {{contact}} and {known("b")} and upper_inf(b.during))"""

KEPT_IN = unblocked("r.holder_id", "r.organization_id")

# The one predicate, of a relation r that manages: it is in force at $1 on $2 (the agency's day), its holder is not kept
# out, and is an account that is active.
CAN_ACT = f"({in_force('r')} and {KEPT_IN} and {LINKED.format(contact='r.holder_id')})"

OF_ORGANIZATION = f"from relations r where r.organization_id = $4 and {manages()}"

# Whether a relation r is in force at $1 on $2, or shall be.
NOT_OVER = "((r.ended_at is null or $1::timestamptz < r.ended_at) and (upper(r.valid) is null or $2 < upper(r.valid)))"


def asker(row: str = "r", organization: str = "r.organization_id") -> str:
    """Who in an organization asked for what a row gives: by an invitation, or an addition that agents looked at.

    Whoever accepts an invitation may have to ask for access, which others approve: the inviter still asked for it.
    """
    return f"""(select q.asked_by from requests made
        join requests q on q.request_id = coalesce((made.asked ->> 'invitation_id')::uuid, made.request_id)
        where made.request_id = {row}.request_id and q.kind in ('invitation', 'review')
        and q.asked_by_organization_id = {organization})"""


# Whether the agency put the holder of a relation r there: an agent, unless the organization had asked for it and the
# agent only said that it is nobody else, or an import.
BY_AGENCY = f"((r.granted_by is null or r.granted_by like 'agent:%') and {asker()} is null)"


async def acting(
    connection: Connection, at: datetime, day: date, types: Collection[str], organization_id: UUID
) -> dict[UUID, UUID]:
    """The memberships by which somebody can act for the organization, each with its holder, a contact."""
    rows = await connection.fetch(
        f"select r.relation_id, r.holder_id {OF_ORGANIZATION} and {CAN_ACT} order by r.holder_id, r.relation_id",
        at, day, list(types), organization_id,
    )  # fmt: skip
    return {row["relation_id"]: row["holder_id"] for row in rows}


async def somebody_can_act(
    connection: Connection, at: datetime, day: date, types: Collection[str], organization_id: UUID
) -> bool:
    """Whether anybody can act for the organization."""
    found: bool = await connection.fetchval(
        f"select exists (select {OF_ORGANIZATION} and {CAN_ACT})", at, day, list(types), organization_id
    )
    return found


async def agency_put_somebody(
    connection: Connection, at: datetime, day: date, types: Collection[str], organization_id: UUID
) -> bool:
    """Whether anybody whom the agency put there can act for the organization."""
    found: bool = await connection.fetchval(
        f"select exists (select {OF_ORGANIZATION} and {CAN_ACT} and {BY_AGENCY})", at, day, list(types), organization_id
    )
    return found


async def who_manage(
    connection: Connection, at: datetime, day: date, types: Collection[str], organization_id: UUID
) -> list[UUID]:
    """The contacts who manage the organization, linked or not; but not whom it keeps out, or who closed the account."""
    rows = await connection.fetch(
        f"select distinct r.holder_id {OF_ORGANIZATION} and {in_force('r')} and {KEPT_IN}"
        f" and not {CLOSED.format(contact='r.holder_id')} order by r.holder_id",
        at, day, list(types), organization_id,
    )  # fmt: skip
    return [row["holder_id"] for row in rows]


async def is_managed(
    connection: Connection, at: datetime, day: date, types: Collection[str], organization_id: UUID
) -> bool:
    """Whether anybody at all manages the organization, were it somebody whom it keeps out."""
    found: bool = await connection.fetchval(
        f"select exists (select {OF_ORGANIZATION} and {in_force('r')})", at, day, list(types), organization_id
    )
    return found


async def contests(
    connection: Connection,
    at: datetime,
    day: date,
    types: Collection[str],
    organization_id: UUID,
    claim_id: UUID,
    since: datetime,
) -> bool:
    """Whether a claim has a code where a first administrator came by a claim since then, and nobody by the agency."""
    found: bool = await connection.fetchval(
        "select exists (select from claims c where c.claim_id = $5 and c.tried) and exists ("
        "select from claims c where c.organization_id = $4 and c.outcome = 'appointed' and c.decided_at >= $6)"
        f" and not exists (select {OF_ORGANIZATION} and {CAN_ACT} and {BY_AGENCY})",
        at, day, list(types), organization_id, claim_id, since,
    )  # fmt: skip
    return found


async def came_by_claim(connection: Connection, organization_id: UUID, since: datetime) -> bool:
    """Whether the organization's first administrator came by a claim since then."""
    found: bool = await connection.fetchval(
        "select exists (select from claims c"
        " where c.organization_id = $1 and c.outcome = 'appointed' and c.decided_at >= $2)",
        organization_id,
        since,
    )
    return found


async def ousts(
    connection: Connection,
    at: datetime,
    day: date,
    types: Collection[str],
    organization_id: UUID,
    contact_id: UUID,
    relation_ids: Collection[UUID],
) -> bool:
    """Whether one of these relations is one by which the agency put somebody there, and the contact came otherwise."""
    found: bool = await connection.fetchval(
        f"select exists (select {OF_ORGANIZATION} and r.relation_id = any($6::uuid[]) and {NOT_OVER} and {BY_AGENCY})"
        f" and not exists (select {OF_ORGANIZATION} and r.holder_id = $5 and {in_force('r')} and {BY_AGENCY})",
        at, day, list(types), organization_id, contact_id, list(relation_ids),
    )  # fmt: skip
    return found


async def who_ever_managed(connection: Connection, organization_id: UUID, types: Collection[str]) -> list[UUID]:
    """The contacts of an organization who have managed it, do, or shall."""
    rows = await connection.fetch(
        f"select distinct r.holder_id from relations r where r.organization_id = $1 and {manages('$2')}"
        " order by r.holder_id",
        organization_id,
        list(types),
    )
    return [row["holder_id"] for row in rows]


async def note_changed(connection: Connection, organization_id: UUID, *, by_agent: bool) -> None:
    """Let a worker look at who can act for an organization."""
    await connection.execute(
        "insert into acting_changed (organization_id, by_agent) values ($1, $2)", organization_id, by_agent
    )


async def note_ceased(connection: Connection, types: Collection[str], contact_ids: Collection[UUID]) -> None:
    """Let a worker look at who can act for the organizations that these contacts manage."""
    await connection.execute(
        "insert into acting_changed (organization_id, by_agent) select distinct r.organization_id, false"
        f" from relations r where r.holder_id = any($2::uuid[]) and {manages('$1')} and r.ended_at is null",
        list(types),
        list(contact_ids),
    )


async def changed(pool: Pool, limit: int) -> list[UUID]:
    """Organizations that were noted, the first noted first."""
    rows = await pool.fetch(
        "select organization_id from acting_changed group by organization_id order by min(id) limit $1", limit
    )
    return [row["organization_id"] for row in rows]


async def take_changed(connection: Connection, organization_id: UUID) -> bool:
    """Nobody else need look at what was noted of an organization so far. Returns whether an agent did it."""
    rows = await connection.fetch(
        "delete from acting_changed where organization_id = $1 returning by_agent", organization_id
    )
    return any(row["by_agent"] for row in rows)
