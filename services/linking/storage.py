"""SQL of this service and the mapping of its rows. Nothing here commits, decides, or asks for the time."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from asyncpg import Record

from chassis.database import Connection, Pool, lock_number
from contracts import accounts as accounts_contract
from contracts import authorizations as authorizations_contract
from contracts.events import Span
from services.linking.domain import (
    Account,
    Binding,
    Candidate,
    Contact,
    Function,
    IssuedCode,
    Organization,
    Period,
    Person,
)

EndedBy = Literal["redeemed", "replaced", "address_changed", "forgotten"]

LAST_VERSION = 2**63 - 1
"""Of what is forgotten: no state that arrives late is newer."""

# An advisory lock stands in for an organization's row, which may not have arrived yet: a contact's state shares it, the
# organization's own holds it alone, so that whichever commits last sees the other and issues what is owed.
SHARE_ORGANIZATION = "select pg_advisory_xact_lock_shared($1)"
LOCK_ORGANIZATION = "select pg_advisory_xact_lock($1)"

# Returns no row for a version that is not newer.
KEEP_ACCOUNT = """
insert into accounts as a (account_id, version, status) values ($1, $2, $3)
on conflict (account_id) do update set version = excluded.version, status = excluded.status
    where a.version < excluded.version
returning true
"""
KEEP_ORGANIZATION = """
insert into organizations as o (organization_id, version, number, name, active) values ($1, $2, $3, $4, $5)
on conflict (organization_id) do update
    set version = excluded.version, number = excluded.number, name = excluded.name, active = excluded.active
    where o.version < excluded.version
returning true
"""
KEEP_CONTACT = """
insert into contacts as c
    (contact_id, version, organization_id, client_number, functions, manages, generation, code_priority)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (contact_id) do update
    set version = excluded.version, organization_id = excluded.organization_id,
        client_number = excluded.client_number, functions = excluded.functions, manages = excluded.manages,
        generation = excluded.generation, code_priority = excluded.code_priority
    where c.version < excluded.version
returning true
"""
KEEP_PERSON = """
insert into people (kind, id, email, given_name, family_name, language) values ($1, $2, $3, $4, $5, $6)
on conflict (kind, id) do update
    set email = excluded.email, given_name = excluded.given_name, family_name = excluded.family_name,
        language = excluded.language
"""

# What is forgotten keeps a row, also when nothing was known of it: without one a late state would bring it back.
FORGET_ACCOUNT = """
insert into accounts (account_id, version, status) values ($1, $2, 'deactivated')
on conflict (account_id) do update set version = excluded.version, status = excluded.status
"""
FORGET_ORGANIZATION = """
insert into organizations (organization_id, version, number, name, active) values ($1, $2, '', '', false)
on conflict (organization_id) do update
    set version = excluded.version, number = excluded.number, name = excluded.name, active = excluded.active
"""
FORGET_CONTACT = """
insert into contacts as c (contact_id, version, organization_id, client_number, functions, manages, generation)
values ($1, $2, '00000000-0000-0000-0000-000000000000', '', '[]', '[]', 0)
on conflict (contact_id) do update
    set version = excluded.version, client_number = excluded.client_number, functions = excluded.functions,
        manages = excluded.manages, settled_generation = c.generation
"""
ERASE_PERSON = "update people set email = null, given_name = '', family_name = '' where kind = $1 and id = $2"

ACCOUNT = """
select a.account_id, a.status = 'active' as active, p.email, p.given_name, p.family_name, p.language
from accounts a join people p on p.kind = 'account' and p.id = a.account_id
where a.account_id = $1
"""
ORGANIZATION = "select organization_id, number, name, active from organizations where organization_id = $1"

# Locks are taken in a statement of their own: one that waits for a lock sees other tables as they were before the wait.
LOCK_CONTACT = "select from contacts where contact_id = $1 for update"
LOCK_BEARERS = "select contact_id from contacts where client_number = $1 order by contact_id for update"
LOCK_OWED = """
select contact_id from contacts where organization_id = $1 and generation > settled_generation
order by contact_id for update
"""
CONTACTS = """
select c.*, p.email, p.given_name, p.family_name, p.language
from contacts c join people p on p.kind = 'contact' and p.id = c.contact_id
"""
CONTACTS_BY_ID = CONTACTS + "where c.contact_id = any ($1) order by c.contact_id"
OTHER_MANAGERS = (
    CONTACTS + "where c.organization_id = $1 and c.contact_id <> $2 and c.manages <> '[]'::jsonb"
    " order by p.family_name, p.given_name, c.contact_id"
)
# The newest code of each contact, dead or alive.
NEWEST_CODES = """
select distinct on (contact_id) contact_id, generation, digest, expires_at, ended_at is not null as ended
from linking_codes where contact_id = any ($1) order by contact_id, generation desc
"""
LINKED = "select contact_id from bindings where contact_id = any ($1) and unlinked_at is null"
ORGANIZATIONS_LINKED = "select organization_id from bindings where account_id = $1 and unlinked_at is null"

SETTLE = "update contacts set settled_generation = $2 where contact_id = $1"
KEEP_CODE = """
insert into linking_codes (contact_id, generation, digest, issued_at, expires_at) values ($1, $2, $3, $4, $5)
"""
END_CODE = """
update linking_codes set ended_at = $2, ended_by = $3 where contact_id = $1 and ended_at is null returning generation
"""
BIND = """
insert into bindings (link_id, account_id, contact_id, organization_id, method, linked_at)
values ($1, $2, $3, $4, $5, $6)
"""

BINDINGS = """
select b.link_id, b.method, b.linked_at, b.contact_id, c.functions, c.manages,
    o.organization_id, o.number, o.name, o.active
from bindings b join contacts c using (contact_id) join organizations o on o.organization_id = b.organization_id
where b.account_id = $1
"""
LIVE_BINDINGS = BINDINGS + "and b.unlinked_at is null order by o.name, o.number, b.link_id"
BINDING = BINDINGS + "and b.link_id = $2"

METHODS_IN_USE = "select distinct method from bindings"


async def methods_in_use(pool: Pool) -> list[str]:
    """Codes of the linking methods that bindings name."""
    return [row["method"] for row in await pool.fetch(METHODS_IN_USE)]


async def share_organization(connection: Connection, organization_id: UUID) -> None:
    """Keep the organization's own state out until the transaction ends; other contacts' states may pass."""
    await connection.execute(SHARE_ORGANIZATION, lock_number("linking.organization", str(organization_id)))


async def lock_organization(connection: Connection, organization_id: UUID) -> None:
    """Keep every state of the organization and of its contacts out until the transaction ends."""
    await connection.execute(LOCK_ORGANIZATION, lock_number("linking.organization", str(organization_id)))


async def keep_account(connection: Connection, state: accounts_contract.Person) -> bool:
    """Keep an account's state. False when it is not newer than what is known."""
    if not await connection.fetchval(KEEP_ACCOUNT, state.account_id, state.version, state.status):
        return False
    person = Person(state.email, state.given_name, state.family_name, state.language)
    await _keep_person(connection, "account", state.account_id, person)
    return True


async def keep_organization(connection: Connection, state: authorizations_contract.Organization) -> bool:
    """Keep an organization's state. False when it is not newer than what is known."""
    active = state.status == "active"
    values = (state.organization_id, state.version, state.number, state.legal_name, active)
    return await connection.fetchval(KEEP_ORGANIZATION, *values) is True


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
    )
    if not newer:
        return False
    person = Person(state.email, state.given_name, state.family_name, state.language)
    await _keep_person(connection, "contact", state.contact_id, person)
    return True


async def forget_account(connection: Connection, account_id: UUID) -> None:
    """Erase an account's person; the account is deactivated, whatever state of it arrives late."""
    await connection.execute(FORGET_ACCOUNT, account_id, LAST_VERSION)
    await connection.execute(ERASE_PERSON, "account", account_id)


async def forget_organization(connection: Connection, organization_id: UUID) -> None:
    """Erase an organization's number and name; it is inactive, whatever state of it arrives late."""
    await connection.execute(FORGET_ORGANIZATION, organization_id, LAST_VERSION)


async def forget_contact(connection: Connection, contact_id: UUID) -> None:
    """Erase a contact's person and number; it has no function and is owed no code, whatever state arrives late."""
    await connection.execute(FORGET_CONTACT, contact_id, LAST_VERSION)
    await connection.execute(ERASE_PERSON, "contact", contact_id)


async def _keep_person(
    connection: Connection, kind: Literal["account", "contact"], identity: UUID, person: Person
) -> None:
    values = (person.email, person.given_name, person.family_name, person.language)
    await connection.execute(KEEP_PERSON, kind, identity, *values)


async def account(connection: Connection, account_id: UUID) -> Account | None:
    """The account, or None while its state has not arrived."""
    row = await connection.fetchrow(ACCOUNT, account_id)
    return Account(row["account_id"], row["active"], _person(row)) if row else None


async def organization(connection: Connection, organization_id: UUID) -> Organization | None:
    """The organization, or None while its state has not arrived."""
    row = await connection.fetchrow(ORGANIZATION, organization_id)
    return _organization(row) if row else None


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


async def _contacts(connection: Connection, ids: Sequence[UUID]) -> list[Contact]:
    return [_contact(row) for row in await connection.fetch(CONTACTS_BY_ID, ids)]


async def other_managers(connection: Connection, contact: Contact) -> list[Contact]:
    """The other contacts of the contact's organization that manage it at some time, by name."""
    rows = await connection.fetch(OTHER_MANAGERS, contact.organization_id, contact.contact_id)
    return [_contact(row) for row in rows]


async def is_linked(connection: Connection, contact_id: UUID) -> bool:
    """Whether an account is this contact now."""
    return await connection.fetchval(LINKED, [contact_id]) is not None


async def candidates(connection: Connection, contacts: Sequence[tuple[Contact, Organization]]) -> list[Candidate]:
    """Contacts, which the caller has locked, with their newest code and whether an account is them."""
    ids = [contact.contact_id for contact, _ in contacts]
    codes = {row["contact_id"]: _code(row) for row in await connection.fetch(NEWEST_CODES, ids)}
    linked = {row["contact_id"] for row in await connection.fetch(LINKED, ids)}
    return [
        Candidate(contact, organization, codes.get(contact.contact_id), contact.contact_id in linked)
        for contact, organization in contacts
    ]


async def organizations_linked(connection: Connection, account_id: UUID) -> set[UUID]:
    """The organizations where the account is a contact now."""
    return {row["organization_id"] for row in await connection.fetch(ORGANIZATIONS_LINKED, account_id)}


async def settle(connection: Connection, contact: Contact) -> None:
    """Owe the contact nothing for the generation it is at."""
    await connection.execute(SETTLE, contact.contact_id, contact.generation)


async def keep_code(
    connection: Connection, contact: Contact, digest: str, issued_at: datetime, expires_at: datetime
) -> None:
    """Keep the code of the generation that the contact is at."""
    await connection.execute(KEEP_CODE, contact.contact_id, contact.generation, digest, issued_at, expires_at)


async def end_code(connection: Connection, contact_id: UUID, ended_by: EndedBy, now: datetime) -> int | None:
    """End the contact's code. Returns its generation, or None when there was none alive."""
    generation: int | None = await connection.fetchval(END_CODE, contact_id, now, ended_by)
    return generation


async def bind(
    connection: Connection, link_id: UUID, account_id: UUID, contact: Contact, method: str, now: datetime
) -> None:
    """From now on the account is the contact. A second one breaks a unique index, and the handler runs again."""
    await connection.execute(BIND, link_id, account_id, contact.contact_id, contact.organization_id, method, now)


async def live_bindings(connection: Connection, account_id: UUID) -> list[Binding]:
    """The account's bindings in force, by the organization's name."""
    return [_binding(row) for row in await connection.fetch(LIVE_BINDINGS, account_id)]


async def binding(connection: Connection, account_id: UUID, link_id: UUID) -> Binding | None:
    """One binding of the account, in force or ended."""
    row = await connection.fetchrow(BINDING, account_id, link_id)
    return _binding(row) if row else None


def _person(row: Record) -> Person:
    return Person(row["email"], row["given_name"], row["family_name"], row["language"])


def _organization(row: Record) -> Organization:
    return Organization(row["organization_id"], row["number"], row["name"], row["active"])


def _code(row: Record) -> IssuedCode:
    return IssuedCode(row["generation"], row["digest"], row["expires_at"], row["ended"])


def _contact(row: Record) -> Contact:
    return Contact(
        contact_id=row["contact_id"],
        organization_id=row["organization_id"],
        client_number=row["client_number"],
        functions=_functions(row["functions"]),
        manages=_periods(row["manages"]),
        generation=row["generation"],
        settled_generation=row["settled_generation"],
        code_priority=row["code_priority"],
        person=_person(row),
    )


def _binding(row: Record) -> Binding:
    return Binding(
        link_id=row["link_id"],
        contact_id=row["contact_id"],
        organization=_organization(row),
        method=row["method"],
        linked_at=row["linked_at"],
        functions=_functions(row["functions"]),
        manages=_periods(row["manages"]),
    )


def _functions(spans: Sequence[dict[str, Any]]) -> tuple[Function, ...]:
    return tuple(Function(span["type"], _period(span)) for span in spans)


def _periods(spans: Sequence[dict[str, Any]]) -> tuple[Period, ...]:
    return tuple(_period(span) for span in spans)


def _period(span: dict[str, Any]) -> Period:
    return Period(
        date.fromisoformat(span["starts_on"]), date.fromisoformat(span["ends_on"]) if span["ends_on"] else None
    )


def _checked(span: Span) -> dict[str, Any]:
    kept = span.model_dump(include={"starts_on", "ends_on"})
    _period(kept)
    return kept
