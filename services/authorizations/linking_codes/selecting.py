"""Finding whom a selection means, and who of them can be sent a code."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from chassis.database import Connection
from services.authorizations.linking_codes.domain import Selection, SkipReason
from services.authorizations.statuses import active

ACTIVE = active("c.organization_id", at=None)

LINKED = """exists (select from bindings b where b.contact_id = c.contact_id and upper_inf(b.recorded)
    and upper_inf(b.during))"""

EVER_LINKED = "exists (select from bindings b where b.contact_id = c.contact_id)"

# $1 is the agency's day. A membership that has yet to begin counts: linking sends the code ahead of it.
MEMBERSHIP = """select from relations r where r.holder_id = c.contact_id and r.organization_id = c.organization_id
    and r.through is null and upper_inf(r.recorded) and r.ended_at is null
    and (upper_inf(r.valid) or upper(r.valid) > $1)"""

PEOPLE = f"""
select c.contact_id, c.organization_id, p.email,
    case when not {ACTIVE} then 'organization_inactive'
        when not exists ({MEMBERSHIP}) then 'not_a_member'
        when {LINKED} then 'linked'
        when p.email is null then 'no_address'
    end as skipped
from contacts c
join organizations o using (organization_id)
left join personal_fields p on p.owner_id = c.contact_id
"""


async def reachable(connection: Connection, selection: Selection, day: date) -> dict[UUID, str]:
    """Those of the selection who can be sent a code, with the address to which it goes."""
    query, arguments = _people(selection, day)
    rows = await connection.fetch(f"select contact_id, email from ({query}) p where skipped is null", *arguments)
    return {row["contact_id"]: row["email"] for row in rows}


async def why_not(connection: Connection, contact_ids: Sequence[UUID], day: date) -> dict[UUID, SkipReason | None]:
    """Of each of these contacts, why it cannot be sent a code; None when it can."""
    query, arguments = _people(Selection(contact_ids=contact_ids), day)
    return {row["contact_id"]: row["skipped"] for row in await connection.fetch(query, *arguments)}


async def organizations_of(connection: Connection, selection: Selection, day: date) -> list[UUID]:
    """The organizations whose contacts the selection means."""
    query, arguments = _people(selection, day)
    rows = await connection.fetch(f"select distinct organization_id from ({query}) p", *arguments)
    return [row["organization_id"] for row in rows]


async def all_contacts(connection: Connection, selection: Selection) -> bool:
    """Whether every contact that is named exists, in one of the organizations if these are named too."""
    found: int = await connection.fetchval(
        "select count(*) from contacts where contact_id = any($1::uuid[])"
        " and ($2::uuid[] is null or organization_id = any($2))",
        selection.contact_ids,
        selection.organization_ids,
    )
    return found == len(set(selection.contact_ids or ()))


async def unknown_numbers(connection: Connection, selection: Selection) -> int:
    """How many of the numbers named are no organization's of one of the kinds named."""
    found: int = await connection.fetchval(
        "select count(*)::int from (select distinct unnest($1::text[]) as number) named where not exists"
        " (select from organizations o where o.number = named.number and ($2::text[] is null or o.kind = any($2)))",
        selection.numbers or [],
        selection.kinds,
    )
    return found


async def add_items(connection: Connection, batch_id: UUID, turn: int, selection: Selection, day: date) -> None:
    """Put everybody of the selection in a batch: those whose code waits for its turn, and those who get none."""
    query, arguments = _people(selection, day)
    given = len(arguments)
    await connection.execute(
        "insert into linking_code_batch_items (batch_id, contact_id, turn, skipped)"
        f" select ${given + 1}::uuid, contact_id, ${given + 2}::smallint, skipped from ({query}) p",
        *arguments,
        batch_id,
        turn,
    )


def _people(selection: Selection, day: date) -> tuple[str, list[Any]]:
    """The query and its arguments. Only what is given stands in it: what is left open costs nothing."""
    arguments: list[Any] = [day]
    conditions: list[str] = []

    def given(condition: str, value: object) -> None:
        if value is not None:
            arguments.append(value)
            conditions.append(condition.format(f"${len(arguments)}"))

    given("c.contact_id = any({}::uuid[])", selection.contact_ids)
    given("c.organization_id = any({}::uuid[])", selection.organization_ids)
    given("o.kind = any({}::text[])", selection.kinds)
    given("o.number = any({}::text[])", selection.numbers)
    given(f"{ACTIVE} = {{}}::bool", selection.active)
    given(f"exists ({MEMBERSHIP} and r.type = any({{}}::text[]))", selection.functions)
    if selection.never_linked:
        conditions.append(f"not {EVER_LINKED}")
    return f"{PEOPLE} where {' and '.join(conditions) or 'true'}", arguments
