"""What somebody granted, and since when somebody manages: read from relations, rights and blocks."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from chassis.pages import Listing
from services.authorizations.access.domain import Moment
from services.authorizations.administrators.domain import GrantedRight
from services.authorizations.dated import known
from services.authorizations.managing.storage import CAN_ACT, KEPT_IN, LINKED, OF_ORGANIZATION

# What somebody ($2, the audit's name) granted, or offered by an invitation that was accepted.
GRANTED = """({row}.granted_by = $2 or {row}.request_id in (
    select q.request_id from requests q where q.organization_id = $1 and q.kind = 'invitation' and q.asked_by = $2
))"""


async def managing_since(connection: Connection, relation_ids: Collection[UUID]) -> datetime | None:
    """When the earliest of some memberships was first recorded."""
    found: datetime | None = await connection.fetchval(
        "select min(lower(recorded)) from relations where relation_id = any($1::uuid[]) and version = 1",
        list(relation_ids),
    )
    return found


async def relations_granted(connection: Connection, organization_id: UUID, granted_by: str) -> list[UUID]:
    """The relations to an organization, not withdrawn, that somebody (the audit's name) made."""
    rows = await connection.fetch(
        f"select r.relation_id from relations r where r.organization_id = $1 and {GRANTED.format(row='r')}"
        f" and {known('r')} and r.ended_at is null order by r.relation_id",
        organization_id,
        granted_by,
    )
    return [row["relation_id"] for row in rows]


async def rights_granted(
    connection: Connection, organization_id: UUID, granted_by: str, without: Collection[UUID]
) -> list[GrantedRight]:
    """The rights for an organization, not withdrawn, that somebody granted on other relations than these."""
    rows = await connection.fetch(
        "select g.right_id, g.relation_id, g.subject, r.holder_id from relations r"
        f" join rights g on g.relation_id = r.relation_id and {known('g')} and g.ended_at is null"
        f" where r.organization_id = $1 and {known('r')} and r.ended_at is null and {GRANTED.format(row='g')}"
        " and g.relation_id <> all($3::uuid[]) order by g.right_id",
        organization_id,
        granted_by,
        list(without),
    )
    return [GrantedRight(**row) for row in rows]


async def blocks_made(connection: Connection, organization_id: UUID, blocked_by: str) -> list[UUID]:
    """The blocks of an organization that stand and that somebody made."""
    rows = await connection.fetch(
        f"select k.block_id from blocks k where k.organization_id = $1 and k.blocked_by = $2 and {known('k')}"
        " and upper_inf(k.during) order by k.block_id",
        organization_id,
        blocked_by,
    )
    return [row["block_id"] for row in rows]


async def accounts_of(connection: Connection, contact_id: UUID) -> list[UUID]:
    """The accounts that a contact is or was."""
    rows = await connection.fetch(
        "select distinct account_id from bindings where contact_id = $1 order by account_id", contact_id
    )
    return [row["account_id"] for row in rows]


def administrators(moment: Moment, types: Collection[str], organization_id: UUID) -> Listing:
    """Who manages an organization, or shall: their memberships, in the order in which they were made."""
    return Listing(
        "select r.relation_id, r.holder_id as contact_id, r.type, r.valid,"
        " (select lower(f.recorded) from relations f where f.relation_id = r.relation_id and f.version = 1)"
        f" as appointed_at, {LINKED.format(contact='r.holder_id')} as linked, not {KEPT_IN} as blocked,"
        f" {CAN_ACT} as can_act {OF_ORGANIZATION} and (r.ended_at is null or $1::timestamptz < r.ended_at)"
        " and (upper(r.valid) is null or $2::date < upper(r.valid))",
        [moment.at, moment.day, list(types), organization_id],
        (("relation_id", "uuid"),),
    )
