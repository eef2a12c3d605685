"""Rows of accounts, as far as this service needs them."""

from uuid import UUID

from chassis.database import Connection
from chassis.states import LAST_VERSION
from contracts import accounts as accounts_contract
from services.linking import people
from services.linking.accounts.domain import Account
from services.linking.people import Person

# Returns no row for a version that is not newer.
KEEP_ACCOUNT = """
insert into accounts as a (account_id, version, status, door) values ($1, $2, $3, $4)
on conflict (account_id) do update set version = excluded.version, status = excluded.status, door = excluded.door
    where a.version < excluded.version
returning true
"""

# What is forgotten keeps a row, also when nothing was known of it: without one a late state would bring it back.
FORGET_ACCOUNT = """
insert into accounts (account_id, version, status) values ($1, $2, 'deactivated')
on conflict (account_id) do update set version = excluded.version, status = excluded.status
"""

ACCOUNT = """
select a.account_id, a.status = 'active' as active, a.door, p.email, p.given_name, p.family_name, p.language, p.portal
from accounts a join people p on p.kind = 'account' and p.id = a.account_id
where a.account_id = $1
"""


async def keep_account(connection: Connection, state: accounts_contract.Person) -> bool:
    """Keep an account's state. False when it is not newer than what is known."""
    if not await connection.fetchval(KEEP_ACCOUNT, state.account_id, state.version, state.status, state.door):
        return False
    person = Person(state.email, state.given_name, state.family_name, state.language, state.portal)
    await people.keep(connection, "account", state.account_id, person)
    return True


async def forget_account(connection: Connection, account_id: UUID) -> None:
    """Erase an account's person; the account is deactivated, whatever state of it arrives late."""
    await connection.execute(FORGET_ACCOUNT, account_id, LAST_VERSION)
    await people.erase(connection, "account", account_id)


async def account(connection: Connection, account_id: UUID) -> Account | None:
    """The account, or None while its state has not arrived."""
    row = await connection.fetchrow(ACCOUNT, account_id)
    return Account(row["account_id"], row["active"], people.person_of(row), row["door"]) if row else None
