"""Rows of contacts, their personal fields and the accounts bound to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.database import Connection
from chassis.pages import Listing
from contracts.authorizations import Telephone
from contracts.events import Language
from services.authorizations.access.storage import in_force

# The e-mail of a linked contact is the verified one of its account.
CONTACT = """
select c.contact_id, c.organization_id, c.client_number, c.linking_code_generation, c.version,
    p.family_name, p.given_name, p.telephones, p.language, coalesce(verified.email, p.email) as email,
    b.account_id is not null as linked
from contacts c
join personal_fields p on p.owner_id = c.contact_id
left join bindings b on b.contact_id = c.contact_id and upper_inf(b.recorded) and upper_inf(b.during)
left join personal_fields verified on verified.owner_id = b.account_id
"""

# $1 and $2 as in the one query; $3 the organization.
ACTIVE = f"""
exists (select from relations r where r.holder_id = found.contact_id and r.organization_id = found.organization_id
    and upper_inf(r.recorded) and {in_force("r")})
"""

LIST = f"""
select listed.*, unaccent(lower(family_name)) as sorted_family_name, unaccent(lower(given_name)) as sorted_given_name
from (
    select found.*, {ACTIVE} as active from ({CONTACT}) found where found.organization_id = $3
) listed
where ($4::bool is null or active = $4) and ($5::uuid is null or contact_id = $5)
"""


@dataclass(frozen=True)
class ContactRow:
    """One contact as it stands."""

    contact_id: UUID
    organization_id: UUID
    client_number: str
    linking_code_generation: int
    version: int
    family_name: str
    given_name: str
    telephones: Sequence[Telephone]
    language: Language
    email: str | None
    linked: bool


@dataclass(frozen=True)
class Personal:
    """The personal fields of a contact, as a form or an import gives them."""

    family_name: str
    given_name: str
    email: str | None
    telephones: Sequence[Telephone]
    language: Language


def _contact(row: Any) -> ContactRow:
    values = dict(row)
    values["telephones"] = [Telephone.model_validate(telephone) for telephone in values["telephones"]]
    return ContactRow(**values)


async def get(connection: Connection, contact_id: UUID) -> ContactRow | None:
    """A contact by id."""
    row = await connection.fetchrow(f"{CONTACT} where c.contact_id = $1", contact_id)
    return _contact(row) if row else None


async def find(connection: Connection, organization_id: UUID, client_number: str) -> ContactRow | None:
    """A contact by its number within an organization."""
    row = await connection.fetchrow(
        f"{CONTACT} where c.organization_id = $1 and c.client_number = $2", organization_id, client_number
    )
    return _contact(row) if row else None


async def lock(connection: Connection, contact_id: UUID) -> UUID | None:
    """Lock a contact's row; its organization's id, or None when there is no such contact."""
    found: UUID | None = await connection.fetchval(
        "select organization_id from contacts where contact_id = $1 for update", contact_id
    )
    return found


async def of_account(connection: Connection, account_id: UUID) -> list[UUID]:
    """The contacts that an account is bound to now."""
    rows = await connection.fetch(
        "select contact_id from bindings where account_id = $1 and upper_inf(recorded) and upper_inf(during)",
        account_id,
    )
    return [row["contact_id"] for row in rows]


async def add(connection: Connection, contact_id: UUID, organization_id: UUID, client_number: str) -> None:
    """Make a contact's row; its personal fields come with `describe`."""
    await connection.execute(
        "insert into contacts (contact_id, organization_id, client_number) values ($1, $2, $3)",
        contact_id,
        organization_id,
        client_number,
    )


async def describe(connection: Connection, contact_id: UUID, personal: Personal) -> None:
    """Write a contact's personal fields over what stood there."""
    await connection.execute(
        "insert into personal_fields (owner_id, family_name, given_name, email, telephones, language)"
        " values ($1, $2, $3, $4, $5, $6) on conflict (owner_id) do update set family_name = excluded.family_name,"
        " given_name = excluded.given_name, email = excluded.email, telephones = excluded.telephones,"
        " language = excluded.language",
        contact_id,
        personal.family_name,
        personal.given_name,
        personal.email,
        [telephone.model_dump() for telephone in personal.telephones],
        personal.language,
    )


async def next_version(connection: Connection, contact_id: UUID) -> int:
    """The number of the contact's next state."""
    number: int = await connection.fetchval(
        "update contacts set version = version + 1 where contact_id = $1 returning version", contact_id
    )
    return number


async def raise_generation(connection: Connection, contact_id: UUID) -> int:
    """Ask for one more linking code; the number of its generation."""
    number: int = await connection.fetchval(
        "update contacts set linking_code_generation = linking_code_generation + 1 where contact_id = $1"
        " returning linking_code_generation",
        contact_id,
    )
    return number


async def draw_client_number(connection: Connection, first: str, last: str) -> str | None:
    """The next free number of the agency's range; None when the range is used up. Serializes those who draw."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended('client numbers', 0))")
    number: int | None = await connection.fetchval(
        "select coalesce(max(client_number::bigint) + 1, $1::bigint) from contacts"
        " where client_number ~ '^[0-9]+$' and length(client_number) = $3"
        " and client_number::bigint between $1::bigint and $2::bigint",
        int(first), int(last), len(first),
    )  # fmt: skip
    return None if number is None or number > int(last) else str(number).zfill(len(first))


def listed(at: datetime, day: date, organization_id: UUID, active: bool | None, only: UUID | None) -> Listing:
    """The contacts of an organization by name; `only` limits the list to one of them."""
    return Listing(
        LIST,
        [at, day, organization_id, active, only],
        (("sorted_family_name", "text"), ("sorted_given_name", "text"), ("contact_id", "uuid")),
    )


async def learn_person(
    connection: Connection, account_id: UUID, version: int, email: str, family_name: str, given_name: str, language: str
) -> bool:
    """Keep the newest state of an account's person. False when a newer one was known."""
    newer = await connection.fetchval(
        "insert into account_versions as known (account_id, version) values ($1, $2)"
        " on conflict (account_id) do update set version = excluded.version where known.version < excluded.version"
        " returning true",
        account_id,
        version,
    )
    if not newer:
        return False
    await connection.execute(
        "insert into personal_fields (owner_id, family_name, given_name, email, language) values ($1, $2, $3, $4, $5)"
        " on conflict (owner_id) do update set family_name = excluded.family_name, given_name = excluded.given_name,"
        " email = excluded.email, language = excluded.language",
        account_id,
        family_name,
        given_name,
        email,
        language,
    )
    return True


async def bind(
    connection: Connection, link_id: UUID, account_id: UUID, contact_id: UUID, since: datetime, now: datetime
) -> bool:
    """From `since` the account is the contact. Monotone: a link is learned once; False when it was known."""
    new = await connection.fetchval(
        "insert into bindings (link_id, account_id, contact_id, during, recorded)"
        " values ($1, $2, $3, tstzrange($4, null), tstzrange($5, null))"
        " on conflict (link_id) do nothing returning true",
        link_id,
        account_id,
        contact_id,
        since,
        now,
    )
    return new is not None


async def keep_attestations(
    connection: Connection, rows: Iterable[tuple[UUID, UUID, UUID, str, int, str, str, datetime]]
) -> None:
    """Keep what was ticked: account, contact, object, code, version, language, text, instant."""
    await connection.executemany(
        "insert into attestations (account_id, contact_id, object_id, code, version, language, text, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        list(rows),
    )
