"""Rows of contacts, their personal fields and the accounts bound to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from chassis.database import Connection, Pool
from contracts.authorizations import CorrectedItem, Telephone
from contracts.events import Language
from services.authorizations.access.storage import in_force, known

CodePriority = Literal["normal", "bulk"]

# The e-mail of a linked contact is the verified one of its account.
CONTACT = f"""
select c.contact_id, c.organization_id, c.client_number, c.linking_code_generation, c.linking_code_priority,
    c.linking_code_changes, c.linking_code_campaign, c.ended_link_id, c.version,
    p.family_name, p.given_name, p.telephones, p.language, coalesce(verified.email, p.email) as email,
    b.account_id is not null as linked
from contacts c
join personal_fields p on p.owner_id = c.contact_id
left join bindings b on b.contact_id = c.contact_id and {known("b")} and upper_inf(b.during)
left join personal_fields verified on verified.owner_id = b.account_id
"""


@dataclass(frozen=True)
class ContactRow:
    """One contact as it stands."""

    contact_id: UUID
    organization_id: UUID
    client_number: str
    linking_code_generation: int
    linking_code_priority: CodePriority
    linking_code_changes: Sequence[CorrectedItem]
    linking_code_campaign: str | None
    ended_link_id: UUID | None
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


async def get_all(connection: Connection, contact_ids: Iterable[UUID]) -> list[ContactRow]:
    """Contacts by id; unknown ids are absent."""
    rows = await connection.fetch(
        f"{CONTACT} where c.contact_id = any($1::uuid[]) order by c.contact_id", list(contact_ids)
    )
    return [_contact(row) for row in rows]


async def find(connection: Connection, organization_id: UUID, client_number: str) -> ContactRow | None:
    """A contact by its number within an organization."""
    row = await connection.fetchrow(
        f"{CONTACT} where c.organization_id = $1 and c.client_number = $2", organization_id, client_number
    )
    return _contact(row) if row else None


async def find_linked(connection: Connection, organization_id: UUID, personal: Personal) -> ContactRow | None:
    """The linked contact of an organization with these names, whatever their case and accents, and this address."""
    row = await connection.fetchrow(
        f"select found.* from ({CONTACT}) found where found.organization_id = $1 and found.linked"
        " and lower(found.email) = lower($2) and folded(found.family_name) = folded($3)"
        " and folded(found.given_name) = folded($4) order by found.contact_id limit 1",
        organization_id,
        personal.email,
        personal.family_name,
        personal.given_name,
    )
    return _contact(row) if row else None


async def with_functions(
    connection: Connection, at: datetime, day: date, organization_id: UUID, types: Sequence[str]
) -> list[ContactRow]:
    """The contacts of an organization who have one of these functions at the moment; `day` is the agency's day then."""
    rows = await connection.fetch(
        f"select found.* from ({CONTACT}) found where found.organization_id = $3 and exists (select from relations r"
        " where r.holder_id = found.contact_id and r.organization_id = $3 and r.through is null"
        f" and r.type = any($4::text[]) and {known('r')} and {in_force('r')}) order by found.contact_id",
        at, day, organization_id, types,
    )  # fmt: skip
    return [_contact(row) for row in rows]


async def lock(connection: Connection, contact_id: UUID) -> UUID | None:
    """Lock a contact's row; its organization's id, or None when there is no such contact."""
    found: UUID | None = await connection.fetchval(
        "select organization_id from contacts where contact_id = $1 for update", contact_id
    )
    return found


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


async def descriptions(connection: Connection, owner_ids: Sequence[UUID]) -> dict[UUID, Personal]:
    """The personal fields of contacts, or of requests for one; those that were erased are absent."""
    rows = await connection.fetch(
        "select owner_id, family_name, given_name, email, telephones, language from personal_fields"
        " where owner_id = any($1::uuid[])",
        owner_ids,
    )
    return {row["owner_id"]: _personal(row) for row in rows}


def _personal(row: Any) -> Personal:
    telephones = [Telephone.model_validate(telephone) for telephone in row["telephones"]]
    return Personal(row["family_name"], row["given_name"], row["email"], telephones, row["language"])


async def erase_description(connection: Connection, owner_id: UUID) -> None:
    """Forget the personal fields of an owner."""
    await connection.execute("delete from personal_fields where owner_id = $1", owner_id)


async def await_comparison(connection: Connection, contact_id: UUID) -> None:
    """Let a worker compare a new contact with those of other organizations."""
    await connection.execute("insert into contacts_to_compare (contact_id) values ($1)", contact_id)


async def awaiting_comparison(pool: Pool, limit: int) -> list[UUID]:
    """Contacts that were not compared yet, the oldest first."""
    rows = await pool.fetch("select contact_id from contacts_to_compare order by contact_id limit $1", limit)
    return [row["contact_id"] for row in rows]


async def take_comparison(connection: Connection, contact_id: UUID) -> bool:
    """Whether the contact still had to be compared; nobody else will."""
    taken = await connection.fetchval(
        "delete from contacts_to_compare where contact_id = $1 returning true", contact_id
    )
    return taken is True


async def renumber(connection: Connection, contact_id: UUID, client_number: str) -> None:
    """The contact bears another client number, which none of its organization has."""
    await connection.execute("update contacts set client_number = $2 where contact_id = $1", contact_id, client_number)


async def raise_generation(
    connection: Connection,
    contact_id: UUID,
    priority: CodePriority,
    changes: Sequence[CorrectedItem] = (),
    campaign: str | None = None,
) -> int:
    """Ask for one more linking code; the number of its generation.

    Its mail has this priority, and tells these changes beside those that no mail with a code has told yet. A campaign
    says how long it lives, and what its mail says.
    """
    number: int = await connection.fetchval(
        "update contacts set linking_code_generation = linking_code_generation + 1, linking_code_priority = $2,"
        " linking_code_changes = array(select distinct item from unnest(linking_code_changes || $3::text[]) item),"
        " linking_code_campaign = $4"
        " where contact_id = $1 returning linking_code_generation",
        contact_id,
        priority,
        list(changes),
        campaign,
    )
    return number


async def forget_changes(connection: Connection, contact_id: UUID, generation: int) -> None:
    """The mail with the code of this generation tells what was changed with it: no later one has to."""
    await connection.execute(
        "update contacts set linking_code_changes = '{}'"
        " where contact_id = $1 and linking_code_generation <= $2 and linking_code_changes <> '{}'",
        contact_id,
        generation,
    )


async def draw_client_number(connection: Connection, first: str, last: str) -> str | None:
    """A free number of the agency's range; None when it is used up. Waits for nobody; some are skipped."""
    while (number := int(first) - 1 + await connection.fetchval("select nextval('client_numbers')")) <= int(last):
        drawn = str(number).zfill(len(first))
        if not await connection.fetchval("select exists (select from contacts where client_number = $1)", drawn):
            return drawn
    return None


async def bind(
    connection: Connection, link_id: UUID, account_id: UUID, contact_id: UUID, since: datetime, now: datetime
) -> bool:
    """From `since` the account is the contact. Monotone: a link is learned once; False when it was known."""
    new = await connection.fetchval(
        "insert into bindings (link_id, version, account_id, contact_id, during, recorded)"
        " values ($1, 1, $2, $3, tstzrange($4, null), tstzrange($5, null))"
        " on conflict (link_id, version) do nothing returning true",
        link_id,
        account_id,
        contact_id,
        since,
        now,
    )
    return new is not None


async def link_recorded(connection: Connection, link_id: UUID) -> datetime | None:
    """Since when we have known what we know of a link; None while it has not arrived."""
    found: datetime | None = await connection.fetchval(
        "select lower(recorded) from bindings where link_id = $1 and upper_inf(recorded)", link_id
    )
    return found


async def unbind(
    connection: Connection,
    link_id: UUID,
    account_id: UUID,
    contact_id: UUID,
    since: datetime,
    until: datetime,
    now: datetime,
) -> bool:
    """The account was the contact until `until`, even if the link was not heard of. False when that was known.

    An end that was decided here gives way to the register's own, by another clock.
    """
    version = await connection.fetchval(
        "update bindings set recorded = tstzrange(lower(recorded), $2)"
        " where link_id = $1 and upper_inf(recorded) and upper(during) is distinct from $3 returning version",
        link_id,
        now,
        until,
    )
    ended = await connection.fetchval(
        "insert into bindings (link_id, version, account_id, contact_id, during, recorded)"
        " values ($1, $2, $3, $4, tstzrange($5, $6), tstzrange($7, null))"
        " on conflict (link_id, version) do nothing returning true",
        link_id,
        1 if version is None else version + 1,
        account_id,
        contact_id,
        since,
        until,
        now,
    )
    return ended is not None
