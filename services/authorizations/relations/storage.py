"""Rows of relations and rights: bitemporal, so a change closes a row and inserts the next version."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.database import Connection
from services.authorizations.blocked import unblocked
from services.authorizations.dated import in_force, known
from services.authorizations.periods import Period
from services.authorizations.relations.domain import FiledRelation, Grant, Granted, HeldRight, NewRelation, Relation

# Of a relation and of a right, what every version says alike unless it is said otherwise.
OF_RELATION = (
    "relation_id, holder_kind, holder_id, holder_organization_id, organization_id, type, through, membership,"
    " all_rights, request_id, granted_by"
)
OF_RIGHT = "right_id, relation_id, subject, level, granted_by, request_id"


def _next_version(table: str, key: str, columns: str, *, valid: str = "valid", ended_at: str = "null") -> str:
    """Close the current version of a row that was not withdrawn ($1 its id, $2 the instant), and write the next.

    It is recorded after what it closes, whatever the clocks say.
    """
    return f"""
with closed as (
    update {table} set recorded = tstzrange(
        lower(recorded), greatest($2::timestamptz, lower(recorded) + interval '1 microsecond')
    )
    where {key} = $1 and upper_inf(recorded) and ended_at is null returning *
)
insert into {table} ({columns}, valid, version, ended_at, recorded)
select {columns}, {valid}, version + 1, {ended_at}, tstzrange(upper(recorded), null) from closed
"""


END_RELATION = _next_version("relations", "relation_id", OF_RELATION, ended_at="$2")
END_RIGHT = _next_version("rights", "right_id", OF_RIGHT, ended_at="$2")
CHANGE_RELATION = _next_version("relations", "relation_id", OF_RELATION, valid="$3::daterange")
CHANGE_RIGHT = _next_version("rights", "right_id", OF_RIGHT, valid="$3::daterange")

OF_CONTACT = f"""
select r.relation_id, r.type, coalesce(m.type, r.type) as function, r.valid, r.ended_at, r.organization_id, r.through,
    r.membership, r.all_rights, p.legal_name as organization_name,
    {in_force("r")} and (m is null or {in_force("m")}) and (t is null or {in_force("t")})
        and {unblocked("r.holder_id", "r.organization_id", "r.holder_organization_id")} as active
from relations r
join personal_fields p on p.owner_id = r.organization_id
left join relations m on m.relation_id = r.membership and {known("m")}
left join relations t on t.relation_id = r.through and {known("t")}
where r.holder_id = $3 and {known("r")}
order by r.through nulls first, p.legal_name, r.relation_id
"""


CURRENT = """
select relation_id, holder_kind, holder_id, holder_organization_id, organization_id, type, valid, ended_at, through,
    membership, all_rights, lower(recorded) as recorded_at
from relations where upper_inf(recorded)
"""


# Of what contact $1 holds: in its own organization.
AT_HOME = "organization_id = (select c.organization_id from contacts c where c.contact_id = $1)"


def _relation(row: Any) -> Relation:
    values = dict(row)
    period = Period.stored(values.pop("valid"))
    return Relation(**values, period=period)


async def get(connection: Connection, relation_ids: Iterable[UUID]) -> list[Relation]:
    """Relations by id, current versions."""
    rows = await connection.fetch(f"{CURRENT} and relation_id = any($1::uuid[])", list(relation_ids))
    return [_relation(row) for row in rows]


async def held_by(connection: Connection, holder_id: UUID) -> list[Relation]:
    """Everything a contact or an organization holds, ended relations too."""
    rows = await connection.fetch(f"{CURRENT} and holder_id = $1 order by relation_id", holder_id)
    return [_relation(row) for row in rows]


async def memberships_of(connection: Connection, contact_id: UUID) -> list[Relation]:
    """A contact's relations to its own organization, ended ones too; its delegations may be thousands."""
    rows = await connection.fetch(
        f"{CURRENT} and holder_id = $1 and {AT_HOME} and through is null order by relation_id", contact_id
    )
    return [_relation(row) for row in rows]


async def overlaps(connection: Connection, new: NewRelation | Relation, period: Period | None = None) -> bool:
    """Whether the holder has the same relation, another than this one, for part of its period or of another already."""
    found: bool = await connection.fetchval(
        "select exists (select from relations where upper_inf(recorded) and ended_at is null and holder_id = $1"
        " and organization_id = $2 and type = $3 and through is not distinct from $4"
        " and membership is not distinct from $5 and valid && $6 and relation_id <> $7)",
        new.holder_id, new.organization_id, new.type, new.through, new.membership, (period or new.period).range,
        new.relation_id,
    )  # fmt: skip
    return found


async def add(connection: Connection, new: NewRelation, by: str, now: datetime) -> None:
    """Make a relation's first version; `by` is the audit's name for who made it."""
    await connection.execute(
        f"insert into relations ({OF_RELATION}, valid, version, recorded)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, tstzrange($13, null))",
        new.relation_id, new.holder_kind, new.holder_id, new.holder_organization_id, new.organization_id, new.type,
        new.through, new.membership, new.all_rights, new.request_id, by, new.period.range, now,
    )  # fmt: skip


async def add_right(
    connection: Connection,
    right_id: UUID,
    relation_id: UUID,
    grant: Grant,
    period: Period,
    granted: Granted,
) -> None:
    """Make a right's first version."""
    await connection.execute(
        "insert into rights (right_id, version, relation_id, subject, level, valid, granted_by, request_id, recorded)"
        " values ($1, 1, $2, $3, $4, $5, $6, $7, tstzrange($8, null))",
        right_id, relation_id, grant.subject, grant.level, period.range, granted.by, granted.request_id, granted.at,
    )  # fmt: skip


async def rights_of(
    connection: Connection, relation_id: UUID, subjects: Collection[str] | None = None, during: Period | None = None
) -> list[HeldRight]:
    """A relation's rights that were not withdrawn: to some subjects, in force in part of a period, or all."""
    rows = await connection.fetch(
        "select right_id, subject, level::text as level, valid from rights where relation_id = $1"
        " and upper_inf(recorded) and ended_at is null and ($2::text[] is null or subject = any($2))"
        " and ($3::daterange is null or valid && $3) order by right_id",
        relation_id,
        None if subjects is None else list(subjects),
        during and during.range,
    )
    return [HeldRight(row["right_id"], row["subject"], row["level"], Period.stored(row["valid"])) for row in rows]


async def how_granted(connection: Connection, right_ids: Collection[UUID]) -> dict[UUID, Granted]:
    """How each of these rights came about, whatever was changed of it later."""
    rows = await connection.fetch(
        "select right_id, lower(recorded) as at, granted_by as by, request_id from rights"
        " where right_id = any($1::uuid[]) and version = 1",
        list(right_ids),
    )
    return {row["right_id"]: Granted(row["at"], row["by"], row["request_id"]) for row in rows}


async def end(connection: Connection, relation_id: UUID, at: datetime) -> None:
    """Withdraw a relation at an instant; nothing when it was withdrawn before."""
    await connection.execute(END_RELATION, relation_id, at)


async def end_right(connection: Connection, right_id: UUID, at: datetime) -> None:
    """Withdraw a right at an instant; nothing when it was withdrawn before."""
    await connection.execute(END_RIGHT, right_id, at)


async def change(connection: Connection, relation_id: UUID, period: Period, at: datetime) -> None:
    """From now on a relation that was not withdrawn is known to last so long."""
    await connection.execute(CHANGE_RELATION, relation_id, at, period.range)


async def change_right(connection: Connection, right_id: UUID, period: Period, at: datetime) -> None:
    """From now on a right that was not withdrawn is known to last so long."""
    await connection.execute(CHANGE_RIGHT, right_id, at, period.range)


async def last_recorded(connection: Connection, contact_id: UUID, relation_ids: Iterable[UUID] = ()) -> datetime | None:
    """When the newest version of a contact's memberships, of these relations, or of a right of either was recorded."""
    found: datetime | None = await connection.fetchval(
        "select max(greatest(lower(r.recorded), lower(g.recorded))) from ("
        f" select relation_id, recorded from relations where holder_id = $1 and {AT_HOME}"
        " union all select relation_id, recorded from relations where relation_id = any($2::uuid[])"
        ") r left join rights g on g.relation_id = r.relation_id",
        contact_id,
        list(relation_ids),
    )
    return found


async def recorded(connection: Connection, relation_ids: Iterable[UUID]) -> datetime | None:
    """When the newest version of one of these relations, or of one of their rights, was recorded."""
    found: datetime | None = await connection.fetchval(
        "select max(greatest(lower(r.recorded), lower(g.recorded))) from relations r"
        " left join rights g on g.relation_id = r.relation_id where r.relation_id = any($1::uuid[])",
        list(relation_ids),
    )
    return found


async def of_contact(connection: Connection, at: datetime, day: date, contact_id: UUID) -> list[FiledRelation]:
    """A contact's relations as its file shows them, ended ones too."""
    found = []
    for row in await connection.fetch(OF_CONTACT, at, day, contact_id):
        values = dict(row)
        found.append(FiledRelation(period=Period.stored(values.pop("valid")), **values))
    return found
