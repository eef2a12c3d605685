"""The one query: from a relation, through everything it hangs on, to a subject at a level, at an instant.

Check, authorized files, the list of authorizations, preview and "never wider than held" all read ENTITLEMENTS, so that
they cannot disagree. Only the list's total is counted another way (lists/counting.py), by the same links. It yields
what is not in force too, each link of the chain beside it, because explanations need the first link that fails.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from asyncpg import Range

from chassis.database import Connection
from contracts.events import Level
from services.authorizations.access.domain import Acting, Chain, Entitlement, Mandate, Moment
from services.authorizations.blocked import unblocked
from services.authorizations.dated import in_force, known, known_at
from services.authorizations.periods import Period
from services.authorizations.statuses import active

PARAMETER = re.compile(r"\$(\d)")


def asking(moment: Moment, query: str, *arguments: Any) -> tuple[str, list[Any]]:
    """A query and its arguments, over what was known at `recorded_at` where the moment has one."""
    if moment.recorded_at is None:
        return query, list(arguments)
    return known_at(f"${len(arguments) + 1}::timestamptz", query), [*arguments, moment.recorded_at]


# What a relation hangs on, and the rights that it carries: its own or those of what it goes through.
HANGS_ON = f"""
left join relations m on m.relation_id = r.membership and {known("m")}
left join relations t on t.relation_id = r.through and {known("t")}
"""
HELD = (
    "join rights held on held.relation_id = case when r.all_rights then r.through else r.relation_id end"
    f" and {known('held')}"
)

# A delegation with rights of its own carries no more than the firm's rights to the same subject: its lowest level, and
# only while one of them holds. Both are looked up for such a delegation alone.
NARROWED = "(r.through is not null and not r.all_rights)"
OF_FIRM = f"from rights f where f.relation_id = r.through and f.subject = held.subject and {known('f')}"

# The rule: the links of a chain, of a relation r and of a right `held` that it carries. What costs most comes last,
# because PostgreSQL stops at the first that fails. $1 the instant, $2 the agency's day then, $3 the codes of the
# delegable subjects.
OF_RIGHT = {
    "delegable": "(r.through is null or held.subject = any($3::text[]))",
    "right_holds": in_force("held"),
    "firm_right_holds": f"(not {NARROWED} or coalesce((select true {OF_FIRM} and {in_force('f')} limit 1), false))",
}
OF_RELATION = {
    "relation_holds": in_force("r"),
    "membership_holds": f"(r.membership is null or {in_force('m')})",
    "through_holds": f"(r.through is null or {in_force('t')})",
    "organization_active": active("r.organization_id"),
    "firm_active": active("r.holder_organization_id"),
    "unblocked": unblocked("r.holder_id", "r.organization_id", "r.holder_organization_id"),
}
IN_FORCE = " and ".join([*OF_RIGHT, *OF_RELATION])

ENTITLEMENTS = f"""
select r.relation_id, r.organization_id, r.holder_kind, r.holder_id, r.holder_organization_id, r.through, r.membership,
    r.all_rights, r.type, coalesce(m.type, r.type) as function,
    held.right_id, held.request_id, held.subject,
    least(held.level, case when {NARROWED} then (
        select f.level {OF_FIRM} order by {in_force("f")} desc, upper(f.valid) desc nulls first limit 1
    ) end) as level,
    r.valid * held.valid as valid,
    {", ".join(f"{holds} as {link}" for link, holds in (OF_RIGHT | OF_RELATION).items())}
from relations r
{HANGS_ON}
{HELD}
where {known("r")}
"""

OF_ACCOUNT = f"""
select e.*, {active("b.account_id")} as account_active, b.during @> $1::timestamptz as bound
from bindings b
join ({ENTITLEMENTS}) e on e.holder_id = b.contact_id
where {known("b")} and b.account_id = $4 and e.organization_id = $5
"""

# OF_ACCOUNT for each of several questions. $1: the delegable subjects, then a column of the questions each. The offset
# keeps PostgreSQL from planning across questions: each goes by the same indexes as one alone, whatever it guesses.
OF_QUESTION = {"1": "q.at", "2": "q.day", "3": "$1", "4": "q.account_id", "5": "q.organization_id"}

OF_ACCOUNTS = f"""
select q.place, {", ".join(f"chain.{column.name}" for column in fields(Chain))}
from unnest($2::timestamptz[], $3::date[], $4::uuid[], $5::uuid[], $6::text[], $7::timestamptz[])
    with ordinality as q (at, day, account_id, organization_id, subject, recorded_at, place)
cross join lateral (
    {PARAMETER.sub(lambda found: OF_QUESTION[found[1]], OF_ACCOUNT)} and e.subject = q.subject offset 0
) chain
"""

OF_ACCOUNTS_THEN = known_at("q.recorded_at", OF_ACCOUNTS)

OF_CONTACT = f"""
select e.*, true as account_active, true as bound from ({ENTITLEMENTS}) e
where e.holder_id = $4 and {IN_FORCE} and ($5::uuid[] is null or e.organization_id = any($5))
order by e.organization_id, e.subject
"""

OWN_RIGHTS_OF_CONTACT = f"""
select e.*, true as account_active, true as bound from ({ENTITLEMENTS}) e
where e.holder_id = $4 and not e.all_rights order by e.relation_id, e.subject
"""

ACTING = f"""
select c.organization_id,
    coalesce(array_agg(r.type) filter (where {in_force("r")}), '{{}}') as functions,
    coalesce(array_agg(r.relation_id) filter (where {in_force("r")}), '{{}}') as memberships
from contacts c
join bindings b on b.contact_id = c.contact_id and {known("b")} and b.during @> $1::timestamptz
left join relations r on r.holder_id = c.contact_id and r.through is null and {known("r")}
where c.contact_id = $3 and b.account_id = $4 and {active("b.account_id")} and {active("c.organization_id")}
    and {unblocked("c.contact_id", "c.organization_id")}
group by c.organization_id
"""

# Of which mandate a right came. Looked up apart from the check, whose indexes hold all that it reads but this.
MANDATE = f"""
select q.request_id, q.received_at, r.valid from rights r join requests q using (request_id)
where r.relation_id = $3 and r.subject = $4 and {known("r")} and q.kind = 'mandate'
order by {in_force("r")} desc, upper(r.valid) desc nulls first limit 1
"""
MANDATES = "select request_id from requests where request_id = any($1::uuid[]) and kind = 'mandate'"


@dataclass(frozen=True)
class Sought:
    """Which chains are sought: those from an account to a subject of an organization, at a moment, for a level."""

    moment: Moment
    account_id: UUID
    organization_id: UUID
    subject: str
    level: Level


async def of_account(
    connection: Connection, moment: Moment, account_id: UUID, organization_id: UUID
) -> list[Entitlement]:
    """Every chain from the account to the organization, in force or not, for all subjects."""
    asked, arguments = asking(moment, OF_ACCOUNT, moment.at, moment.day, moment.delegable, account_id, organization_id)
    return [_entitlement(row) for row in await connection.fetch(asked, *arguments)]


async def of_accounts(connection: Connection, several: Sequence[Sought]) -> list[list[Chain]]:
    """For each of several: every chain from the account to the organization, in force or not, for the subject."""
    found: list[list[Chain]] = [[] for _ in several]
    for query, asked in (
        (OF_ACCOUNTS, [n for n, sought in enumerate(several) if sought.moment.recorded_at is None]),
        (OF_ACCOUNTS_THEN, [n for n, sought in enumerate(several) if sought.moment.recorded_at is not None]),
    ):
        if not asked:
            continue
        columns = zip(*(_columns(several[n]) for n in asked), strict=True)
        for place, *chain in await connection.fetch(query, several[0].moment.delegable, *columns):
            found[asked[place - 1]].append(Chain(*chain))
    return found


def _columns(sought: Sought) -> tuple[Any, ...]:
    moment = sought.moment
    return (
        moment.at, moment.day, sought.account_id, sought.organization_id, sought.subject, moment.recorded_at
    )  # fmt: skip


async def of_contact(
    connection: Connection, moment: Moment, contact_id: UUID, organization_ids: Sequence[UUID] | None = None
) -> list[Entitlement]:
    """What a contact may do at the moment, for some organizations or with None for every one."""
    query, arguments = asking(moment, OF_CONTACT, moment.at, moment.day, moment.delegable, contact_id, organization_ids)
    rows = await connection.fetch(query, *arguments)
    return [_entitlement(row) for row in rows]


async def own_rights_of_contact(connection: Connection, moment: Moment, contact_id: UUID) -> list[Entitlement]:
    """The rights of a contact's relations, in force or not, without those of delegations of everything."""
    query, arguments = asking(moment, OWN_RIGHTS_OF_CONTACT, moment.at, moment.day, moment.delegable, contact_id)
    return [_entitlement(row) for row in await connection.fetch(query, *arguments)]


async def held_by_relation(connection: Connection, moment: Moment, relation_id: UUID) -> dict[str, Level]:
    """What a relation carries in force at the moment: subject → highest level."""
    rows = await connection.fetch(
        f"select subject, max(level)::text as level from ({ENTITLEMENTS}) e where relation_id = $4 and {IN_FORCE}"
        " group by subject",
        moment.at, moment.day, moment.delegable, relation_id,
    )  # fmt: skip
    return {row["subject"]: row["level"] for row in rows}


async def acting(connection: Connection, at: datetime, day: date, account_id: UUID, contact_id: UUID) -> Acting | None:
    """The profile an account chose, if the account is that contact, and nothing keeps either of them from acting."""
    row = await connection.fetchrow(ACTING, at, day, contact_id, account_id)
    if row is None or not row["memberships"]:
        return None
    return Acting(account_id, contact_id, row["organization_id"], frozenset(row["functions"]))


async def mandate(
    connection: Connection, day_of: Callable[[datetime], date], moment: Moment, relation_id: UUID, subject: str
) -> Mandate | None:
    """The mandate that a relation's right to a subject came of: of that in force at the moment, else of the last."""
    query, arguments = asking(moment, MANDATE, moment.at, moment.day, relation_id, subject)
    row = await connection.fetchrow(query, *arguments)
    if row is None:
        return None
    return Mandate(row["request_id"], day_of(row["received_at"]), Period.stored(row["valid"]))


async def mandates(connection: Connection, request_ids: Collection[UUID]) -> set[UUID]:
    """Which of some requests are mandates."""
    rows = await connection.fetch(MANDATES, list(request_ids)) if request_ids else []
    return {row["request_id"] for row in rows}


async def is_active(connection: Connection, moment: Moment, account_id: UUID) -> bool:
    """Whether the account is active at the moment; one that nobody told of is not."""
    asked = f"select {active('$1::uuid', '$2::timestamptz')}"
    query, arguments = asking(moment, asked, account_id, moment.at)
    found: bool = await connection.fetchval(query, *arguments)
    return found


async def all_heard_of(connection: Connection, account_ids: Collection[UUID]) -> bool:
    """Whether a state of each of these accounts has arrived, were it that it is erased."""
    found: int = await connection.fetchval(
        "select count(*) from account_versions where account_id = any($1::uuid[])", list(account_ids)
    )
    return found == len(account_ids)


async def has_profile(connection: Connection, moment: Moment, account_id: UUID) -> bool:
    """Whether the account is linked to any contact at the moment."""
    bound = (
        "select exists (select from bindings b"
        f" where b.account_id = $1 and {known('b')} and b.during @> $2::timestamptz)"
    )
    query, arguments = asking(moment, bound, account_id, moment.at)
    found: bool = await connection.fetchval(query, *arguments)
    return found


def _entitlement(row: object) -> Entitlement:
    values = dict(row)  # type: ignore[call-overload]
    valid: Range[date] = values.pop("valid")
    return Entitlement(**values, valid=None if valid.isempty else Period.stored(valid))
