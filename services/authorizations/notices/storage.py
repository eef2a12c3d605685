"""What ends, who was told on which day, and whose list is to be confirmed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.database import Connection, Pool
from services.authorizations.dated import known
from services.authorizations.notices.domain import End, Recertification

PATIENCE = 600.0  # seconds, for everything that ends on the 31st of December

PLANNED = "{row}.ended_at is null and not upper_inf({row}.valid) and upper({row}.valid) - 1 = any({days}::date[])"


def _ends(row: str, days: str) -> str:
    """Whether a relation or right has its last day among `days`; in the words of the partial indexes on ends."""
    return f"{known(row)} and {PLANNED.format(row=row, days=days)}"


# A right that ends with its relation is not told of by itself.
SOONER = "(upper_inf(r.valid) or upper(g.valid) < upper(r.valid))"

# Organizations in whose file something ends on one of the days $2, or whose list is due on one of $3.
# A delegation is the firm's; a client is told of the firm's own relation. One that waits already keeps its `since`.
QUEUE = f"""
with ending as (
    select r.holder_organization_id, r.organization_id, r.through from relations r where {_ends("r", "$2")}
    union all
    select r.holder_organization_id, r.organization_id, r.through
    from rights g join relations r on r.relation_id = g.relation_id and {known("r")} and r.ended_at is null and {SOONER}
    where {_ends("g", "$2")}
)
insert into digests_waiting (organization_id, since)
select organization_id, $1 from (
    select holder_organization_id as organization_id from ending
    union select organization_id from ending where through is null
    union select organization_id from recertifications where due_on = any($3::date[])
) concerned
on conflict (organization_id) do nothing
"""

TAKE = """
delete from digests_waiting where organization_id in (
    select organization_id from digests_waiting order by organization_id limit $1 for update skip locked
) returning organization_id, since
"""

# The files of the accounts that contacts $1 are linked to. What this transaction took out waits no more.
FILES_OF = f"""
select b.contact_id, b.account_id, w.organization_id, w.since
from bindings b join contacts c using (contact_id) left join digests_waiting w using (organization_id)
where {known("b")} and upper_inf(b.during) and b.account_id in (
    select mine.account_id from bindings mine
    where mine.contact_id = any($1::uuid[]) and {known("mine")} and upper_inf(mine.during))
"""

OF_ORGANIZATION = f"""
select * from relations r
where r.holder_id in (select c.contact_id from contacts c where c.organization_id = $2 union all select $2)
    and {known("r")} and r.ended_at is null
union all
select * from relations r
where r.organization_id = $2 and r.holder_kind = 'organization' and {known("r")} and r.ended_at is null
"""

# What hangs on a relation or membership that ends sooner has ended with it.
ENDS = f"""
with r as materialized ({OF_ORGANIZATION}),
ending as (
    select r.*, upper(r.valid) - 1 as ends_on, null as subject from r where {PLANNED.format(row="r", days="$1")}
    union all
    select r.*, upper(g.valid) - 1, g.subject
    from r join rights g on g.relation_id = r.relation_id and {SOONER} and {_ends("g", "$1")}
)
select e.ends_on, e.holder_id, e.holder_kind, o.legal_name as organization_name,
    concat_ws(' ', p.given_name, p.family_name) as member_name, coalesce(m.type, e.type) as function, e.subject
from ending e
left join relations m on m.relation_id = e.membership and {known("m")}
left join relations t on t.relation_id = e.through and {known("t")}
join personal_fields o on o.owner_id = e.organization_id
left join personal_fields p on p.owner_id = e.holder_id
where (e.membership is null or m.ended_at is null and m.valid @> e.ends_on)
    and (e.through is null or t.ended_at is null and t.valid @> e.ends_on)
order by e.ends_on, o.sorted_name, p.sorted_name, e.subject nulls first
"""


@dataclass(frozen=True)
class Waiting:
    """An organization whose readers have not been told since a day."""

    organization_id: UUID
    since: date


@dataclass(frozen=True)
class FileOf:
    """A contact that an account is linked to; `waiting` where its organization's readers have not been told yet."""

    contact_id: UUID
    account_id: UUID
    waiting: Waiting | None


async def any_to_tell(pool: Pool, day: date) -> bool:
    """Whether the round of a day has not begun, or somebody waits."""
    found: bool = await pool.fetchval(
        "select not exists (select from notice_rounds where day >= $1) or exists (select from digests_waiting)", day
    )
    return found


async def begin_round(connection: Connection, day: date, yesterday: date) -> date | None:
    """Begin the round of a day. The day of the one before, or yesterday for the first; None when it has begun."""
    before = await connection.fetchval("select max(day) from notice_rounds")
    if before is not None and before >= day:
        return None
    begun = await connection.fetchval(
        "insert into notice_rounds (day) values ($1) on conflict (day) do nothing returning true", day
    )
    await connection.execute("set local statement_timeout = 0")
    return (before or yesterday) if begun else None


async def enrol(connection: Connection, today: date, months: int) -> None:
    """Organizations new to the platform confirm their list so many months from today."""
    await connection.execute(
        "insert into recertifications (organization_id, due_on)"
        " select o.organization_id, ($1::date + make_interval(months => $2))::date from organizations o"
        " where not exists (select from recertifications c where c.organization_id = o.organization_id)"
        " on conflict (organization_id) do nothing",
        today,
        months,
        timeout=PATIENCE,
    )


async def queue(connection: Connection, since: date, ends: Sequence[date], due: Sequence[date]) -> None:
    """Let the organizations wait in whose file something ends, or whose list is due, on one of these days."""
    await connection.execute(QUEUE, since, ends, due, timeout=PATIENCE)


async def take(connection: Connection, limit: int) -> list[Waiting]:
    """Take some that wait; nobody else gets them while this transaction lasts."""
    return [Waiting(**row) for row in await connection.fetch(TAKE, limit)]


async def forget(connection: Connection, before: date) -> None:
    """Delete what was noted of days before one."""
    await connection.execute("delete from notice_rounds where day < $1", before)
    await connection.execute("delete from digests where day < $1", before)


async def last_told(connection: Connection, contact_ids: Sequence[UUID]) -> dict[UUID, date]:
    """The last day on which each of some persons had a digest; who never had one is absent."""
    rows = await connection.fetch(
        "select contact_id, max(day) as day from digests where contact_id = any($1::uuid[]) group by contact_id",
        contact_ids,
    )
    return {row["contact_id"]: row["day"] for row in rows}


async def files_of(connection: Connection, contact_ids: Sequence[UUID]) -> list[FileOf]:
    """Every file of the accounts that some contacts are linked to, their own among them."""
    return [
        FileOf(
            row["contact_id"],
            row["account_id"],
            Waiting(row["organization_id"], row["since"]) if row["since"] is not None else None,
        )
        for row in await connection.fetch(FILES_OF, contact_ids)
    ]


async def note_told(connection: Connection, contact_ids: Collection[UUID], day: date) -> set[UUID]:
    """These contacts have a digest of this day. Returns those of whom that was not known: the others get no other.

    In the order of ids, because another worker may have the same persons in hand.
    """
    rows = await connection.fetch(
        "insert into digests (contact_id, day) select contact_id, $2 from unnest($1::uuid[]) told (contact_id)"
        " order by contact_id on conflict do nothing returning contact_id",
        list(contact_ids),
        day,
    )
    return {row["contact_id"] for row in rows}


async def note_told_with(connection: Connection, contact_id: UUID, others: Sequence[UUID], day: date) -> None:
    """What there was to tell to the others went into the mail to this contact: they are one person's."""
    if others:
        await connection.execute(
            "update digests set told_with = $1 where contact_id = any($2::uuid[]) and day = $3", contact_id, others, day
        )


async def ends(connection: Connection, organization_id: UUID, days: Sequence[date]) -> list[End]:
    """What ends on one of these days: of an organization, its members, and those that act for it; the soonest first."""
    return [_end(row) for row in await connection.fetch(ENDS, days, organization_id)]


def _end(row: Any) -> End:
    by_contact = row["holder_kind"] == "contact"
    return End(
        ends_on=row["ends_on"],
        holder_id=row["holder_id"],
        organization_name=row["organization_name"],
        member_name=row["member_name"] if by_contact else "",
        function=row["function"],
        subject=row["subject"],
    )


async def recertification(connection: Connection, organization_id: UUID) -> Recertification | None:
    """When an organization's list is to be confirmed; None before its first round."""
    row = await connection.fetchrow(
        "select due_on, confirmed_at, confirmed_by from recertifications where organization_id = $1", organization_id
    )
    return Recertification(**row) if row else None


async def confirm(
    connection: Connection, organization_id: UUID, by: UUID, now: datetime, today: date, months: int
) -> None:
    """An organization's list was confirmed; the next time is so many months from today."""
    await connection.execute(
        "insert into recertifications (organization_id, due_on, confirmed_at, confirmed_by)"
        " values ($1, ($2::date + make_interval(months => $3))::date, $4, $5)"
        " on conflict (organization_id) do update set due_on = excluded.due_on, confirmed_at = excluded.confirmed_at,"
        " confirmed_by = excluded.confirmed_by",
        organization_id,
        today,
        months,
        now,
        by,
    )


async def list_version(connection: Connection, organization_id: UUID) -> int:
    """The version of an organization's list of relations and rights: it rises with every change of one of them."""
    number: int | None = await connection.fetchval(
        "select version from list_versions where organization_id = $1", organization_id
    )
    return number or 0
