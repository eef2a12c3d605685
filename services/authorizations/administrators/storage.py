"""Who manages and managed an organization, and what somebody granted there: read from relations, rights, requests."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.database import Connection
from chassis.pages import Listing
from contracts.events import Level
from services.authorizations.access.domain import Moment
from services.authorizations.administrators.domain import Cause, FallingLink
from services.authorizations.dated import known
from services.authorizations.managing.storage import CAN_ACT, KEPT_IN, LINKED, NOT_OVER, OF_ORGANIZATION, asker
from services.authorizations.periods import Period
from services.authorizations.relations.domain import HeldRight

# Relations to organization $1 that it grants itself, and what its contacts were given of others.
GRANTED_HERE = """(
    select * from relations where organization_id = $1 and through is null
    union all
    select r.* from contacts c join relations r on r.holder_id = c.contact_id
    where c.organization_id = $1 and r.through is not null
)"""

# What those who fall ($2 actors, $3 since when) granted, or asked for so that others have it. A row's first version
# says when it was made; a request to be let in is of whom it lets in, and no cause of its own unless an invitation is
# behind it.
CAUSED = f"""exists (
    select from unnest($2::text[], $3::timestamptz[]) as cause (by, since)
    where cause.since <= lower({{first}}.recorded)
        and cause.by in ({{row}}.granted_by, {asker("{row}", "$1")})
)"""

OFFICES = f"""
select r.relation_id, r.holder_id as contact_id, lower(f.recorded) as granted_at, r.valid, r.ended_at, r.granted_by,
    {asker()} as asked_by
from relations r
join relations f on f.relation_id = r.relation_id and f.version = 1
where r.organization_id = $1 and r.holder_kind = 'contact' and r.through is null and r.type = any($2::text[])
    and {known("r")}
order by r.relation_id
"""

RELATIONS = f"""
select r.relation_id, r.organization_id from {GRANTED_HERE} r
join relations f on f.relation_id = r.relation_id and f.version = 1
where {known("r")} and r.ended_at is null and {CAUSED.format(row="r", first="f")}
order by r.relation_id
"""

RIGHTS = f"""
select g.right_id, g.relation_id, r.organization_id, r.holder_id, g.subject, g.level::text as level,
    lower(f.recorded) as granted_at
from {GRANTED_HERE} r
join rights g on g.relation_id = r.relation_id and {known("g")} and g.ended_at is null
join rights f on f.right_id = g.right_id and f.version = 1
where {known("r")} and r.ended_at is null and {CAUSED.format(row="g", first="f")}
order by g.right_id
"""

# Rights for reading that gave way to these ($4) for writing, at the instant at which those were granted.
TAKEN_BY = f"""
select w.right_id as taker_id, g.right_id, g.subject, g.level::text as level, g.valid from rights w
join rights g on g.relation_id = w.relation_id and g.subject = w.subject and g.ended_at = lower(w.recorded)
    and g.level = 'read' and {known("g")}
join rights f on f.right_id = g.right_id and f.version = 1
where w.right_id = any($4::uuid[]) and w.version = 1 and not {CAUSED.format(row="g", first="f")}
order by g.right_id
"""

# Links that were made by a decision to merge whoever asked with a contact that there was, and that stand.
LINKS = f"""
select b.link_id, b.contact_id, b.account_id, lower(b.during) as linked_at from requests q
join bindings f on f.account_id = q.asked_by_account_id and f.version = 1 and lower(f.recorded) = q.settled_at
join bindings b on b.link_id = f.link_id and {known("b")} and upper_inf(b.during)
join contacts c on c.contact_id = b.contact_id and c.organization_id = $1
join unnest($2::text[], $3::timestamptz[]) as cause (by, since)
    on cause.by = q.decided_by and cause.since <= q.settled_at
where q.organization_id = $1 and q.kind = 'access_request' and q.outcome = 'merge'
order by b.link_id
"""

REQUESTS = """
select q.request_id from requests q
where q.organization_id = $1 and q.asked_by_organization_id = $1 and q.kind in ('invitation', 'review')
    and q.state in ('submitted', 'returned') and exists (
        select from unnest($2::text[], $3::timestamptz[]) as cause (by, since)
        where cause.by = q.asked_by and cause.since <= q.submitted_at
    )
order by q.request_id
"""

BLOCKS = f"""
select k.block_id from blocks k
where k.organization_id = $1 and {known("k")} and upper_inf(k.during) and exists (
    select from unnest($2::text[], $3::timestamptz[]) as cause (by, since)
    where cause.by = k.blocked_by and cause.since <= lower(k.during)
)
order by k.block_id
"""


@dataclass(frozen=True)
class OfficeRow:
    """A membership that manages an organization, or did; who made it, and who asked for it."""

    relation_id: UUID
    contact_id: UUID
    granted_at: datetime
    period: Period
    ended_at: datetime | None
    granted_by: str | None
    asked_by: str | None


@dataclass(frozen=True)
class CausedRight:
    """A right that somebody granted."""

    right_id: UUID
    relation_id: UUID
    organization_id: UUID
    holder_id: UUID
    subject: str
    level: Level
    granted_at: datetime


async def offices(connection: Connection, organization_id: UUID, types: Sequence[str]) -> list[OfficeRow]:
    """Every membership of these types of an organization, ended ones too."""
    found = []
    for row in await connection.fetch(OFFICES, organization_id, types):
        values = dict(row)
        found.append(OfficeRow(period=Period.stored(values.pop("valid")), **values))
    return found


async def actors_of(connection: Connection, contact_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """As whom the audit names these contacts: the accounts that each is or was."""
    rows = await connection.fetch(
        "select contact_id, array_agg(distinct account_id) as accounts from bindings"
        " where contact_id = any($1::uuid[]) group by contact_id",
        list(contact_ids),
    )
    return {row["contact_id"]: [f"account:{account_id}" for account_id in row["accounts"]] for row in rows}


async def relations_caused(connection: Connection, organization_id: UUID, causes: Sequence[Cause]) -> dict[UUID, UUID]:
    """The relations, not withdrawn, that these granted; each with the organization in whose file it is."""
    rows = await connection.fetch(RELATIONS, organization_id, *_columns(causes))
    return {row["relation_id"]: row["organization_id"] for row in rows}


async def rights_caused(connection: Connection, organization_id: UUID, causes: Sequence[Cause]) -> list[CausedRight]:
    """The rights, not withdrawn, that these granted, on relations that were not withdrawn."""
    rows = await connection.fetch(RIGHTS, organization_id, *_columns(causes))
    return [CausedRight(**row) for row in rows]


async def taken_by(
    connection: Connection, organization_id: UUID, causes: Sequence[Cause], right_ids: Collection[UUID]
) -> dict[UUID, list[HeldRight]]:
    """The rights for reading that each of these for writing took the place of, and that these had not granted."""
    found = dict[UUID, list[HeldRight]]()
    for row in await connection.fetch(TAKEN_BY, organization_id, *_columns(causes), list(right_ids)):
        held = HeldRight(row["right_id"], row["subject"], row["level"], Period.stored(row["valid"]))
        found.setdefault(row["taker_id"], []).append(held)
    return found


async def links_caused(connection: Connection, organization_id: UUID, causes: Sequence[Cause]) -> list[FallingLink]:
    """The links that stand because these merged whoever asked with a contact of the organization."""
    return [FallingLink(**row) for row in await connection.fetch(LINKS, organization_id, *_columns(causes))]


async def requests_open(connection: Connection, organization_id: UUID, causes: Sequence[Cause]) -> list[UUID]:
    """What these asked for others in the name of the organization, and nobody has accepted or decided."""
    return [row["request_id"] for row in await connection.fetch(REQUESTS, organization_id, *_columns(causes))]


async def blocks_standing(connection: Connection, organization_id: UUID, causes: Sequence[Cause]) -> list[UUID]:
    """The blocks of the organization that stand and that these made."""
    return [row["block_id"] for row in await connection.fetch(BLOCKS, organization_id, *_columns(causes))]


def administrators(moment: Moment, types: Collection[str], organization_id: UUID) -> Listing:
    """Who manages an organization, or shall: their memberships, in the order in which they were made."""
    return Listing(
        "select r.relation_id, r.holder_id as contact_id, r.type, r.valid,"
        " (select lower(f.recorded) from relations f where f.relation_id = r.relation_id and f.version = 1)"
        f" as appointed_at, {LINKED.format(contact='r.holder_id')} as linked, not {KEPT_IN} as blocked,"
        f" {CAN_ACT} as can_act {OF_ORGANIZATION} and {NOT_OVER}",
        [moment.at, moment.day, list(types), organization_id],
        (("relation_id", "uuid"),),
    )


def _columns(causes: Sequence[Cause]) -> tuple[list[Any], list[Any]]:
    return [cause.by for cause in causes], [cause.since for cause in causes]
