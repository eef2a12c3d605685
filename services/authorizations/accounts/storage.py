"""Rows of accounts, as far as this service needs them."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from chassis.database import Connection, lock_number
from chassis.states import LAST_VERSION
from contracts.accounts import Person
from services.authorizations.dated import in_force, known
from services.authorizations.personal import storage as personal_fields
from services.authorizations.sides import OF_ACCOUNT

MANDATED_BY = f"""
select distinct r.organization_id from mandates m
join rights held on held.right_id = m.right_id and {known("held")} and {in_force("held")}
join relations r on r.relation_id = held.relation_id and {known("r")} and {in_force("r")}
where m.contact_id = any($3::uuid[])
order by r.organization_id
"""

FORGET_CREDENTIALS = f"""
delete from credentials where contact_id in (select contact_id from bindings where account_id = $1 union
    select m.contact_id from mandates m join mandate_sides s using (request_id) where s.side_id in ({OF_ACCOUNT}))
returning contact_id
"""


async def lock(connection: Connection, account_id: UUID) -> None:
    """Keep whatever else is told of the account out until the transaction ends, also while it has no row.

    An account's state and its link come on different topics: whichever commits last must see the other.
    """
    await connection.execute("select pg_advisory_xact_lock($1)", lock_number("authorizations.account", str(account_id)))


async def keep_newest(connection: Connection, person: Person) -> bool:
    """Keep the newest state of an account's person. False when one as new was known."""
    newer = await connection.fetchval(
        "insert into account_versions as known (account_id, version) values ($1, $2)"
        " on conflict (account_id) do update set version = excluded.version where known.version < excluded.version"
        " returning true",
        person.account_id,
        person.version,
    )
    if not newer:
        return False
    await personal_fields.describe_account(connection, person)
    return True


async def forget(connection: Connection, account_id: UUID) -> None:
    """Erase an account's person, whatever state of it arrives late."""
    await connection.execute(
        "insert into account_versions (account_id, version) values ($1, $2)"
        " on conflict (account_id) do update set version = excluded.version",
        account_id,
        LAST_VERSION,
    )
    await personal_fields.forget_account(connection, account_id)


async def forget_credentials(connection: Connection, account_id: UUID) -> list[UUID]:
    """Forget to whom credentials went that the person was given or mandated. Returns of which contacts."""
    return [row["contact_id"] for row in await connection.fetch(FORGET_CREDENTIALS, account_id)]


async def mandated_by(connection: Connection, now: datetime, day: date, contact_ids: Collection[UUID]) -> list[UUID]:
    """The organizations for which one of these contacts holds a right in force that came of a mandate, in id order."""
    rows = await connection.fetch(MANDATED_BY, now, day, list(contact_ids))
    return [row["organization_id"] for row in rows]


async def contacts_of(connection: Connection, account_id: UUID) -> list[UUID]:
    """The contacts that an account is bound to now, in id order."""
    rows = await connection.fetch(
        "select contact_id from bindings where account_id = $1 and upper_inf(recorded) and upper_inf(during)"
        " order by contact_id",
        account_id,
    )
    return [row["contact_id"] for row in rows]
