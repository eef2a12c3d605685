"""Rows of contacts, and the locks on them."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from asyncpg import Record

from chassis.database import Connection
from chassis.states import LAST_VERSION
from contracts import authorizations as authorizations_contract
from contracts.events import Span
from services.linking import people
from services.linking.contacts.domain import Contact, Function, Period
from services.linking.people import Person

# Returns no row for a version that is not newer.
KEEP_CONTACT = """
insert into contacts as c
    (contact_id, version, organization_id, client_number, functions, manages, generation, code_priority, code_changes,
     code_campaign)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (contact_id) do update
    set version = excluded.version, organization_id = excluded.organization_id,
        client_number = excluded.client_number, functions = excluded.functions, manages = excluded.manages,
        generation = excluded.generation, code_priority = excluded.code_priority, code_changes = excluded.code_changes,
        code_campaign = excluded.code_campaign
    where c.version < excluded.version
returning true
"""

FORGET_CONTACT = """
insert into contacts as c (contact_id, version, organization_id, client_number, functions, manages, generation)
values ($1, $2, '00000000-0000-0000-0000-000000000000', '', '[]', '[]', 0)
on conflict (contact_id) do update
    set version = excluded.version, client_number = excluded.client_number, functions = excluded.functions,
        manages = excluded.manages, settled_generation = c.generation
"""

# Locks are taken in a statement of their own: one that waits for a lock sees other tables as they were before the wait.
LOCK_CONTACT = "select from contacts where contact_id = $1 for update"

LOCK_BEARERS = "select contact_id from contacts where client_number = $1 order by contact_id for update"

LOCK_OWED = """
select contact_id from contacts where organization_id = $1 and generation > settled_generation
order by contact_id for update
"""

# Files by kind and number of their organization, both null for any, and by client number.
FILES = "unnest($1::text[], $2::text[], $3::text[]) with ordinality as file (kind, number, client_number, place)"
IS_OF = """file.client_number = c.client_number
    and (file.number is null or (file.number = o.number and file.kind = coalesce(o.kind, file.kind)))
"""

LOCK_FILES = f"""
select c.contact_id from contacts c join organizations o using (organization_id)
where c.client_number = any ($3::text[]) and exists (select from {FILES} where {IS_OF})
order by c.contact_id for update of c
"""

FILES_OF_NOBODY = f"""
select place - 1 as place from {FILES}
where not exists (select from contacts c join organizations o using (organization_id) where {IS_OF}) order by place
"""
CONTACTS = """
select c.*, p.email, p.given_name, p.family_name, p.language, p.portal
from contacts c join people p on p.kind = 'contact' and p.id = c.contact_id
"""

CONTACTS_BY_ID = CONTACTS + "where c.contact_id = any ($1) order by c.contact_id"

MANAGERS = (
    CONTACTS + "where c.organization_id = any ($1) and c.manages <> '[]'::jsonb"
    " order by p.family_name, p.given_name, c.contact_id"
)


async def keep_contact(connection: Connection, state: authorizations_contract.Contact) -> bool:
    """Keep a contact's state. False when it is not newer than what is known.

    Raises ValueError for a date that no calendar has: such a state is parked rather than found later by a reader.
    """
    newer = await connection.fetchval(
        KEEP_CONTACT,
        state.contact_id,
        state.version,
        state.organization_id,
        state.client_number,
        [{"type": function.type} | _checked(function) for function in state.functions],
        [_checked(span) for span in state.manages],
        state.linking_code_generation,
        state.linking_code_priority,
        list(state.linking_code_changes),
        state.linking_code_campaign,
    )
    if not newer:
        return False
    person = Person(state.email, state.given_name, state.family_name, state.language, state.portal)
    await people.keep(connection, "contact", state.contact_id, person)
    return True


async def forget_contact(connection: Connection, contact_id: UUID) -> None:
    """Erase a contact's person and number; it has no function and is owed no code, whatever state arrives late."""
    await connection.execute(FORGET_CONTACT, contact_id, LAST_VERSION)
    await people.erase(connection, "contact", contact_id)


async def lock_contact(connection: Connection, contact_id: UUID) -> Contact | None:
    """The contact, locked, or None while none of its states has arrived."""
    await connection.execute(LOCK_CONTACT, contact_id)
    return next(iter(await _contacts(connection, [contact_id])), None)


async def lock_bearers(connection: Connection, client_number: str) -> list[Contact]:
    """Every contact that bears the client number, in whatever organization, locked in the order of their ids."""
    return await _contacts(connection, [row[0] for row in await connection.fetch(LOCK_BEARERS, client_number)])


async def lock_owed(connection: Connection, organization_id: UUID) -> list[Contact]:
    """Every contact of the organization that is owed a code, locked in the order of their ids."""
    return await _contacts(connection, [row[0] for row in await connection.fetch(LOCK_OWED, organization_id)])


async def lock_files(connection: Connection, files: Sequence[tuple[str | None, str | None, str]]) -> list[Contact]:
    """The contacts of files (organization's kind and number, or neither; client number), locked in id order."""
    kinds, numbers, client_numbers = zip(*files, strict=True) if files else ((), (), ())
    found = await connection.fetch(LOCK_FILES, kinds, numbers, client_numbers)
    return await _contacts(connection, [row[0] for row in found])


async def files_of_nobody(connection: Connection, files: Sequence[tuple[str | None, str | None, str]]) -> list[int]:
    """Which of these files, counted from 0, are no contact's here."""
    kinds, numbers, client_numbers = zip(*files, strict=True) if files else ((), (), ())
    return [row["place"] for row in await connection.fetch(FILES_OF_NOBODY, kinds, numbers, client_numbers)]


async def _contacts(connection: Connection, ids: Sequence[UUID]) -> list[Contact]:
    return [_contact(row) for row in await connection.fetch(CONTACTS_BY_ID, ids)]


async def managers(connection: Connection, organization_ids: Sequence[UUID]) -> list[Contact]:
    """The contacts of the organizations that manage theirs at some time, by name."""
    return [_contact(row) for row in await connection.fetch(MANAGERS, organization_ids)]


def _contact(row: Record) -> Contact:
    return Contact(
        contact_id=row["contact_id"],
        organization_id=row["organization_id"],
        client_number=row["client_number"],
        functions=functions_of(row["functions"]),
        manages=periods_of(row["manages"]),
        generation=row["generation"],
        settled_generation=row["settled_generation"],
        code_priority=row["code_priority"],
        code_changes=tuple(row["code_changes"]),
        code_campaign=row["code_campaign"],
        person=people.person_of(row),
    )


def functions_of(spans: Sequence[dict[str, Any]]) -> tuple[Function, ...]:
    """Functions as the column keeps them."""
    return tuple(Function(span["type"], _period(span)) for span in spans)


def periods_of(spans: Sequence[dict[str, Any]]) -> tuple[Period, ...]:
    """Periods as the column keeps them."""
    return tuple(_period(span) for span in spans)


def _period(span: dict[str, Any]) -> Period:
    return Period(
        date.fromisoformat(span["starts_on"]), date.fromisoformat(span["ends_on"]) if span["ends_on"] else None
    )


def _checked(span: Span) -> dict[str, Any]:
    kept = span.model_dump(include={"starts_on", "ends_on"})
    _period(kept)
    return kept
