"""Rows of letters that are due, and of those that were printed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from chassis.database import Connection

CODES = """
select o.organization_id, o.number, o.name, o.active, f.language, f.billing_address, c.issue, c.kept
from organization_codes c join organizations o using (organization_id) join organization_files f using (organization_id)
"""

LIVING = "c.ended_at is null and c.valid"

SENDABLE = "f.billing_address <> '{}'"

# Rows are locked in this order, and left to another printing that has them in hand.
DUE = f"""
{CODES} where {LIVING} and c.letter_due and {SENDABLE} order by c.issued_at, c.organization_id
limit $1 for update of c skip locked
"""

NAMED = f"{CODES} where {LIVING} and c.organization_id = any ($1) order by c.organization_id for update of c"

LIVING_OF = f"{CODES} where {LIVING} and c.organization_id = $1"

HOW_MANY_DUE = f"""
select count(*) filter (where {SENDABLE}) as due, count(*) filter (where not {SENDABLE}) as without_address
from organization_codes c join organization_files f using (organization_id) where {LIVING} and c.letter_due
"""

ADD_PRINTING = "insert into letter_printings (printing_id, printed_at, printed_by, letters) values ($1, $2, $3, $4)"

ADD_PRINTED = """
insert into printed_letters (printing_id, organization_id, issue)
select $1, organization_id, issue from unnest($2::uuid[], $3::int[]) as printed (organization_id, issue)
"""

NO_LONGER_DUE = """
update organization_codes c set letter_due = false
from unnest($1::uuid[], $2::int[]) as printed (organization_id, issue)
where (c.organization_id, c.issue) = (printed.organization_id, printed.issue)
"""

PRINTING = "select printing_id, printed_at, letters from letter_printings where printing_id = $1"

PRINTINGS = "select printing_id, printed_at, letters from letter_printings order by printed_at desc limit $1"

# Those of a printing whose code still lives.
OF_PRINTING = f"""
{CODES} join printed_letters l on (l.organization_id, l.issue) = (c.organization_id, c.issue)
where l.printing_id = $1 and {LIVING} order by c.issued_at, c.organization_id
"""


async def lock_due(connection: Connection, most: int) -> list[Record]:
    """Codes whose letter is due and has an address, the oldest first."""
    found: list[Record] = await connection.fetch(DUE, most)
    return found


async def lock_named(connection: Connection, organization_ids: Sequence[UUID]) -> list[Record]:
    """The codes of organizations that are active and have one, whether a letter is due or not."""
    found: list[Record] = await connection.fetch(NAMED, list(organization_ids))
    return found


async def code_of(connection: Connection, organization_id: UUID) -> Record | None:
    """The code of one organization; None when it has none now."""
    return await connection.fetchrow(LIVING_OF, organization_id)


async def how_many_due(connection: Connection) -> tuple[int, int]:
    """Letters that are to be printed, and those that would be if their organization had a billing address."""
    row = await connection.fetchrow(HOW_MANY_DUE)
    assert row is not None
    return row["due"], row["without_address"]


async def add_printing(
    connection: Connection, printing_id: UUID, now: datetime, printed_by: str, printed: Sequence[tuple[UUID, int]]
) -> None:
    """Keep that these codes' letters were printed; none of them is due any more."""
    organization_ids, issues = [one for one, _ in printed], [issue for _, issue in printed]
    await connection.execute(ADD_PRINTING, printing_id, now, printed_by, len(printed))
    await connection.execute(ADD_PRINTED, printing_id, organization_ids, issues)
    await connection.execute(NO_LONGER_DUE, organization_ids, issues)


async def printing(connection: Connection, printing_id: UUID) -> Record | None:
    """A printing: printing_id, printed_at, letters."""
    return await connection.fetchrow(PRINTING, printing_id)


async def printings(connection: Connection, most: int) -> list[Record]:
    """The latest printings."""
    found: list[Record] = await connection.fetch(PRINTINGS, most)
    return found


async def of_printing(connection: Connection, printing_id: UUID) -> list[Record]:
    """The codes of a printing that still live, as they were printed."""
    found: list[Record] = await connection.fetch(OF_PRINTING, printing_id)
    return found
