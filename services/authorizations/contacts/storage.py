"""Rows of contacts, read with their personal fields and the account bound to them."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.database import Connection
from contracts.authorizations import ContactBinding, CorrectedItem, Telephone
from contracts.credentials import ContactCredential
from services.authorizations.blocked import unblocked
from services.authorizations.contacts.domain import BoundBy, CodePriority, ContactFile
from services.authorizations.dated import in_force, known
from services.authorizations.personal.domain import Personal

# The e-mail of a linked contact is the verified one of its account; who was erased here is nobody's account to see.
CONTACT = f"""
select c.contact_id, c.organization_id, c.client_number, c.linking_code_generation, c.linking_code_priority,
    c.linking_code_changes, c.linking_code_campaign, c.ended_link_id, c.bound_link_id, c.credential_generation,
    c.version,
    p.family_name, p.given_name, p.telephones, p.language, coalesce(verified.email, p.email) as email, verified.portal,
    b.account_id is not null as linked
from contacts c
join personal_fields p on p.owner_id = c.contact_id
left join bindings b on b.contact_id = c.contact_id and {known("b")} and upper_inf(b.during) and c.erased_at is null
left join personal_fields verified on verified.owner_id = b.account_id
"""


def _contact(row: Any) -> ContactFile:
    values = dict(row)
    values["telephones"] = [Telephone.model_validate(telephone) for telephone in values["telephones"]]
    return ContactFile(**values)


async def get(connection: Connection, contact_id: UUID) -> ContactFile | None:
    """A contact by id."""
    row = await connection.fetchrow(f"{CONTACT} where c.contact_id = $1", contact_id)
    return _contact(row) if row else None


async def get_present(connection: Connection, contact_id: UUID) -> ContactFile | None:
    """A contact by id that something is to be written about or given to: none whose person was erased.

    Whoever erases locks the organization, and so shall who asks this.
    """
    row = await connection.fetchrow(f"{CONTACT} where c.contact_id = $1 and c.erased_at is null", contact_id)
    return _contact(row) if row else None


async def get_all(connection: Connection, contact_ids: Iterable[UUID]) -> list[ContactFile]:
    """Contacts by id; unknown ids are absent."""
    rows = await connection.fetch(
        f"{CONTACT} where c.contact_id = any($1::uuid[]) order by c.contact_id", list(contact_ids)
    )
    return [_contact(row) for row in rows]


async def find(connection: Connection, organization_id: UUID, client_number: str) -> ContactFile | None:
    """A contact by its number within an organization."""
    row = await connection.fetchrow(
        f"{CONTACT} where c.organization_id = $1 and c.client_number = $2", organization_id, client_number
    )
    return _contact(row) if row else None


async def find_same(
    connection: Connection, organization_id: UUID, personal: Personal, *, linked: bool
) -> ContactFile | None:
    """The contact of an organization with these names, whatever their case and accents, and this address.

    `linked`: one whose address is verified, because an account is that contact; else one that nobody is yet.
    """
    row = await connection.fetchrow(
        f"select found.* from ({CONTACT}) found where found.organization_id = $1 and found.linked = $5"
        " and lower(found.email) = lower($2) and folded(found.family_name) = folded($3)"
        " and folded(found.given_name) = folded($4) order by found.contact_id limit 1",
        organization_id,
        personal.email,
        personal.family_name,
        personal.given_name,
        linked,
    )
    return _contact(row) if row else None


async def namesakes(connection: Connection, organization_id: UUID, personal: Personal) -> list[ContactFile]:
    """The contacts of an organization with these names, case and accents apart; those that are linked first."""
    rows = await connection.fetch(
        f"select found.* from ({CONTACT}) found where found.organization_id = $1"
        " and folded(found.family_name) = folded($2) and folded(found.given_name) = folded($3)"
        " order by found.linked desc, found.contact_id",
        organization_id,
        personal.family_name,
        personal.given_name,
    )
    return [_contact(row) for row in rows]


async def account_of(connection: Connection, contact_id: UUID) -> UUID | None:
    """The account that is the contact now."""
    found: UUID | None = await connection.fetchval(
        f"select b.account_id from bindings b where b.contact_id = $1 and {known('b')} and upper_inf(b.during)",
        contact_id,
    )
    return found


async def of_account(connection: Connection, organization_id: UUID, account_id: UUID) -> UUID | None:
    """The contact of an organization that an account is now."""
    found: UUID | None = await connection.fetchval(
        "select c.contact_id from bindings b join contacts c using (contact_id)"
        f" where b.account_id = $2 and {known('b')} and upper_inf(b.during) and c.organization_id = $1 limit 1",
        organization_id,
        account_id,
    )
    return found


async def with_functions(
    connection: Connection, at: datetime, day: date, organization_id: UUID, types: Sequence[str]
) -> list[ContactFile]:
    """The contacts of an organization who have one of these functions at the moment; `day` is the agency's day then.

    Who is blocked there has none.
    """
    rows = await connection.fetch(
        f"select found.* from ({CONTACT}) found where found.organization_id = $3 and exists (select from relations r"
        " where r.holder_id = found.contact_id and r.organization_id = $3 and r.through is null"
        f" and r.type = any($4::text[]) and {known('r')} and {in_force('r')})"
        f" and {unblocked('found.contact_id', '$3')} order by found.contact_id",
        at, day, organization_id, types,
    )  # fmt: skip
    return [_contact(row) for row in rows]


async def lock(connection: Connection, contact_id: UUID) -> UUID | None:
    """Lock a contact's row; its organization's id, or None when there is no such contact."""
    found: UUID | None = await connection.fetchval(
        "select organization_id from contacts where contact_id = $1 for update", contact_id
    )
    return found


async def add(
    connection: Connection,
    contact_id: UUID,
    organization_id: UUID,
    client_number: str,
    bound: BoundBy | None = None,
) -> None:
    """Make a contact's row; its personal fields come with `describe`."""
    await connection.execute(
        "insert into contacts (contact_id, organization_id, client_number, bound_link_id, bound_method)"
        " values ($1, $2, $3, $4, $5)",
        contact_id,
        organization_id,
        client_number,
        bound.link_id if bound else None,
        bound.method if bound else None,
    )


async def note_bound(connection: Connection, contact_id: UUID, bound: BoundBy) -> None:
    """The contact's state tells linking of a link that was made here."""
    await connection.execute(
        "update contacts set bound_link_id = $2, bound_method = $3 where contact_id = $1",
        contact_id,
        bound.link_id,
        bound.method,
    )


async def binding(connection: Connection, contact_id: UUID) -> ContactBinding | None:
    """The last link of a contact that was made here, as its state tells it, whatever became of it."""
    row = await connection.fetchrow(
        "select b.link_id, b.account_id, c.bound_method as method, lower(b.during) as since"
        " from contacts c join bindings b on b.link_id = c.bound_link_id and b.version = 1 where c.contact_id = $1",
        contact_id,
    )
    return ContactBinding.model_validate(dict(row)) if row else None


async def credential(connection: Connection, contact_id: UUID) -> ContactCredential | None:
    """The last credential that a contact is to have, as its state tells it."""
    row = await connection.fetchrow(
        "select generation, addresses, halves from credentials where contact_id = $1", contact_id
    )
    return ContactCredential.model_validate(dict(row)) if row else None


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


async def is_erased(connection: Connection, contact_id: UUID) -> bool:
    """Whether the contact's person was erased."""
    found = await connection.fetchval("select erased_at is not null from contacts where contact_id = $1", contact_id)
    return found is True


async def mark_erased(connection: Connection, contact_id: UUID, now: datetime) -> None:
    """The contact has no person and no number any more: its id stands for it."""
    await connection.execute(
        "update contacts set erased_at = $2, client_number = contact_id::text where contact_id = $1", contact_id, now
    )
