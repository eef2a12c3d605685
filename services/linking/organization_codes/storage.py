"""Rows of organization codes, and of what organizations that have one are known by."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

from asyncpg import Record

from chassis.database import Connection
from chassis.pages import Listing
from contracts import authorizations as authorizations_contract
from contracts.events import Language
from services.linking.organization_codes.domain import Claimable, Code
from services.linking.organizations.storage import organization_of

EndedBy = Literal["renewed", "yielded", "forgotten"]

KEEP_FILE = """
insert into organization_files (organization_id, trade_names, email, language, billing_address, facts, generation)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (organization_id) do update
    set trade_names = excluded.trade_names, email = excluded.email, language = excluded.language,
        billing_address = excluded.billing_address, facts = excluded.facts, generation = excluded.generation
returning generation > settled_generation
"""

FORGET_FILE = """
update organization_files set trade_names = '{}', email = null, billing_address = '{}', facts = null
where organization_id = $1
"""

# A statement of its own: one that waits for a lock sees other tables as they were before the wait.
LOCK = "select from organization_files where organization_id = $1 for update"

SETTLE = "update organization_files set settled_generation = generation where organization_id = $1"

LIVING = """
select issue, valid, locked_at is not null as locked, digest, kept from organization_codes
where organization_id = $1 and ended_at is null
"""

TAKEN = "select digest from organization_codes where digest = any ($1) and ended_at is null and valid"

# An adopted code is known to its holder: it needs no letter.
KEEP = """
insert into organization_codes (organization_id, issue, digest, kept, adopted, issued_at, valid, letter_due)
select $1, coalesce(max(issue), 0) + 1, $2, $3, $4, $5, true, not $4 from organization_codes where organization_id = $1
returning issue
"""

END = """
update organization_codes set ended_at = $2, ended_by = $3 where organization_id = $1 and ended_at is null
returning issue
"""

READABLE = """
select c.issue, c.kept, c.issued_at, c.locked_at, c.letter_due,
    (select max(p.printed_at) from printed_letters l join letter_printings p using (printing_id)
     where l.organization_id = c.organization_id and l.issue = c.issue) as printed_at
from organization_codes c where c.organization_id = $1 and c.ended_at is null and c.valid
"""

# Codes of active organizations, without the codes; oldest first. `locked` ($1): only those that are, or that are not.
LISTED = """
select c.organization_id, o.number, o.name, c.issued_at, c.locked_at, c.letter_due,
    coalesce(c.locked_at, c.issued_at) as since
from organization_codes c join organizations o using (organization_id)
where c.ended_at is null and c.valid{}
"""
OF_LOCK = {None: "", True: " and c.locked_at is not null", False: " and c.locked_at is null"}

SET_VALID = "update organization_codes set valid = $2 where organization_id = $1 and ended_at is null"

# By the number as it is typed; a number is unique within a kind alone, so there may be several.
NUMBERED = """
select o.organization_id from organizations o join organization_files f using (organization_id)
where upper(regexp_replace(o.number, '[^0-9A-Za-z]', '', 'g')) = $1 and f.generation > 0
order by o.organization_id
"""

CLAIMABLE = """
select o.organization_id, o.number, o.name, o.active, f.trade_names, f.facts,
    coalesce(c.issue, 0) as issue, c.locked_at is not null as locked, c.digest
from organizations o join organization_files f using (organization_id)
left join organization_codes c on c.organization_id = o.organization_id and c.ended_at is null and c.valid
where o.organization_id = $1 and o.active
"""

ADDRESS_ON_FILE = "select email, language from organization_files where organization_id = $1"

TRY = """
update organization_codes set tries = tries + 1
where organization_id = $1 and ended_at is null and locked_at is null and tries < $2
returning tries
"""

FORGIVE = "update organization_codes set tries = 0 where organization_id = $1 and ended_at is null"

SET_LOCKED = """
update organization_codes set locked_at = $2 where organization_id = $1 and ended_at is null and locked_at is null
"""


async def keep_file(connection: Connection, state: authorizations_contract.Organization, facts: str | None) -> bool:
    """Keep what an organization's letters and claims need; `facts` encrypted. Whether a code is owed."""
    owed: bool = await connection.fetchval(
        KEEP_FILE,
        state.organization_id,
        list(state.trade_names),
        state.email,
        state.language,
        list(state.billing_address),
        facts,
        state.code_generation,
    )
    return owed


async def forget_file(connection: Connection, organization_id: UUID) -> None:
    """Erase what an organization's letters and claims needed."""
    await connection.execute(FORGET_FILE, organization_id)


async def lock(connection: Connection, organization_id: UUID) -> None:
    """Let nobody else look at the organization's code, or change it, until the transaction ends."""
    await connection.execute(LOCK, organization_id)


async def settle(connection: Connection, organization_id: UUID) -> None:
    """Owe the organization nothing for the generation it is at."""
    await connection.execute(SETTLE, organization_id)


async def living(connection: Connection, organization_id: UUID) -> tuple[Code, bytes, str] | None:
    """The organization's code with its digest and itself, encrypted; None when it has none."""
    row = await connection.fetchrow(LIVING, organization_id)
    return (Code(row["issue"], row["valid"], row["locked"]), row["digest"], row["kept"]) if row else None


async def readable(connection: Connection, organization_id: UUID) -> Record | None:
    """The code of an active organization as its holder reads it: issue, kept, issued_at, locked_at, letter_due,
    printed_at."""
    return await connection.fetchrow(READABLE, organization_id)


def listed(*, locked: bool | None) -> Listing:
    """Codes of active organizations: organization_id, number, name, issued_at, locked_at, letter_due.

    By when they were locked, or else issued.
    """
    return Listing(LISTED.format(OF_LOCK[locked]), (), (("since", "timestamptz"), ("organization_id", "uuid")))


async def taken(connection: Connection, digests: Collection[bytes]) -> set[bytes]:
    """Those that are digests of an active organization's code."""
    return {row["digest"] for row in await connection.fetch(TAKEN, list(digests))}


async def keep(
    connection: Connection, organization_id: UUID, digest: bytes, kept: str, now: datetime, *, adopted: bool
) -> int:
    """Keep a new code, which is valid. Returns the how manieth it is of its organization."""
    issue: int = await connection.fetchval(KEEP, organization_id, digest, kept, adopted, now)
    return issue


async def end(connection: Connection, organization_id: UUID, ended_by: EndedBy, now: datetime) -> int | None:
    """End the organization's code. Which one that was; None when it had none."""
    issue: int | None = await connection.fetchval(END, organization_id, now, ended_by)
    return issue


async def set_valid(connection: Connection, organization_id: UUID, *, valid: bool) -> None:
    """Let the organization's code match, or nothing until then."""
    await connection.execute(SET_VALID, organization_id, valid)


async def numbered(connection: Connection, number: str) -> list[UUID]:
    """Organizations of kinds that have codes and bear a number, as `read_number` reads one; also inactive ones."""
    return [row["organization_id"] for row in await connection.fetch(NUMBERED, number)]


async def claimable(connection: Connection, organization_id: UUID) -> Claimable | None:
    """An active organization as claims need it; None when it is not active."""
    row = await connection.fetchrow(CLAIMABLE, organization_id)
    return _claimable(row) if row else None


def _claimable(row: Record) -> Claimable:
    return Claimable(
        organization=organization_of(row),
        names=(row["name"], *row["trade_names"]),
        issue=row["issue"],
        locked=row["locked"],
        digest=row["digest"],
        facts=row["facts"],
    )


async def address_on_file(connection: Connection, organization_id: UUID) -> tuple[str, Language] | None:
    """Where the organization is written to by mail, and in which language; None without an address."""
    row = await connection.fetchrow(ADDRESS_ON_FILE, organization_id)
    return (row["email"], row["language"]) if row and row["email"] else None


async def count_try(connection: Connection, organization_id: UUID, most: int) -> int | None:
    """Count a try of the organization's code before it is compared. How many there were with it; None beyond `most`."""
    tries: int | None = await connection.fetchval(TRY, organization_id, most)
    return tries


async def forgive(connection: Connection, organization_id: UUID) -> None:
    """Somebody had the code and the payroll: the tries before were no guesser's."""
    await connection.execute(FORGIVE, organization_id)


async def set_locked(connection: Connection, organization_id: UUID, now: datetime) -> None:
    """Let the organization's code match nothing until a new one is issued."""
    await connection.execute(SET_LOCKED, organization_id, now)
