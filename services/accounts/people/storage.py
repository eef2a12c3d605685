"""The tables `accounts` and `people`."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chassis.database import Connection, Pool
from services.accounts.people.domain import Account, PersonalFields

PERSONAL_FIELDS = "account_id, email, email_key, given_name, family_name, language, portal, fields"
PERSON = f"select {PERSONAL_FIELDS} from people"
BY_ACCOUNT = f"{PERSON} where account_id = $1"
BY_ADDRESS = f"{PERSON} where email_key = $1 and opened"
INSERT_PERSON = f"""
insert into people ({PERSONAL_FIELDS})
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
OPEN = "update people set opened = true where account_id = $1"
RELEASE = "update people set opened = false where account_id = $1"
CHANGE_ADDRESS = "update people set email = $2, email_key = $3 where account_id = $1"
CHANGE_PERSON = """
update people set given_name = $2, family_name = $3, language = $4, fields = $5 where account_id = $1
"""

COLUMNS = """
account_id, status, status_since, deactivated_because, epoch, version, terms_version, terms_accepted_at, opened_at,
unlinked_since, door, erased_at
"""
ACCOUNT = f"select {COLUMNS} from accounts where account_id = $1"
LOCK = f"{ACCOUNT} for update"
INSERT_ACCOUNT = f"""
insert into accounts ({COLUMNS}, password_hash) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
SAVE = """
update accounts set status = $2, status_since = $3, deactivated_because = $4, epoch = $5, version = $6,
    terms_version = $7, terms_accepted_at = $8, unlinked_since = $9
where account_id = $1
"""
# Who has a user name signs in by that alone: both halves of a credential would else lead to one mailbox.
BY_LOGIN = """
select account_id, password_hash, temporary_until from accounts join user_names using (account_id)
where user_name = $1
union all
select account_id, password_hash, temporary_until from accounts join people using (account_id)
where email_key = $1 and opened and not exists (select from user_names u where u.account_id = people.account_id)
"""
FORGET_LAPSE_NOTICE = "update accounts set lapse_told_at = null where account_id = $1"
SET_HASH = "update accounts set password_hash = $2, temporary_until = $3 where account_id = $1"
DOORS = "select distinct door from accounts where door is not null"
PORTALS = "select distinct portal from people where portal is not null"
HASH = "select password_hash from accounts where account_id = $1"
STILL_THIS_PASSWORD = f"{ACCOUNT} and password_hash = $2 for share"


@dataclass(frozen=True)
class SigningIn:
    """The account that signs in with a login, and its password's hash; `temporary_until`: it works once, until then."""

    account_id: UUID
    password_hash: str = field(repr=False)
    temporary_until: datetime | None


async def person(connection: Connection, account_id: UUID) -> PersonalFields:
    """The personal fields of an account, or of a registration that has drawn the account's id."""
    row = await connection.fetchrow(BY_ACCOUNT, account_id)
    assert row is not None
    return PersonalFields(**row)


async def owner(connection: Connection, email_key: str) -> PersonalFields | None:
    """Whose open account has this address."""
    row = await connection.fetchrow(BY_ADDRESS, email_key)
    return PersonalFields(**row) if row else None


async def insert_person(connection: Connection, person: PersonalFields) -> None:
    """Keep the personal fields of a registration; nothing is open yet."""
    await connection.execute(
        INSERT_PERSON,
        person.account_id,
        person.email,
        person.email_key,
        person.given_name,
        person.family_name,
        person.language,
        person.portal,
        person.fields,
    )


async def open_account(connection: Connection, account: Account, password_hash: str) -> None:
    """The account exists and its address is taken: for a second account of one address, a UniqueViolation."""
    await take_address(connection, account.account_id)
    await connection.execute(
        INSERT_ACCOUNT,
        account.account_id,
        account.status,
        account.status_since,
        account.deactivated_because,
        account.epoch,
        account.version,
        account.terms_version,
        account.terms_accepted_at,
        account.opened_at,
        account.unlinked_since,
        account.door,
        account.erased_at,
        password_hash,
    )


async def account(connection: Connection, account_id: UUID) -> Account:
    """An account that exists: a verified token named it, or its session did."""
    row = await connection.fetchrow(ACCOUNT, account_id)
    assert row is not None
    return Account(**row)


async def lock(connection: Connection, account_id: UUID) -> Account | None:
    """The account, ours until the transaction ends."""
    row = await connection.fetchrow(LOCK, account_id)
    return Account(**row) if row else None


async def save(connection: Connection, account: Account) -> None:
    """Keep what has changed of an account that is locked."""
    await connection.execute(
        SAVE,
        account.account_id,
        account.status,
        account.status_since,
        account.deactivated_because,
        account.epoch,
        account.version,
        account.terms_version,
        account.terms_accepted_at,
        account.unlinked_since,
    )


async def signing_in(connection: Connection, login: str) -> SigningIn | None:
    """Who signs in with this login, a login_key."""
    row = await connection.fetchrow(BY_LOGIN, login)
    return SigningIn(**row) if row else None


async def account_with_password(connection: Connection, account_id: UUID, password_hash: str) -> Account | None:
    """The account, kept from changing until the transaction ends, if its password is still the one with this hash."""
    row = await connection.fetchrow(STILL_THIS_PASSWORD, account_id, password_hash)
    return Account(**row) if row else None


async def password_hash(connection: Connection, account_id: UUID) -> str:
    """The hash of an account's password."""
    found: str = await connection.fetchval(HASH, account_id)
    return found


async def set_password(
    connection: Connection, account_id: UUID, password_hash: str, temporary_until: datetime | None = None
) -> None:
    """The account, which is locked, has another password; one that is temporary works once, until then."""
    await connection.execute(SET_HASH, account_id, password_hash, temporary_until)


async def change_person(connection: Connection, person: PersonalFields) -> None:
    """Keep another name or language, or what else the agency asks."""
    await connection.execute(
        CHANGE_PERSON, person.account_id, person.given_name, person.family_name, person.language, person.fields
    )


async def change_address(connection: Connection, account_id: UUID, email: str, email_key: str) -> None:
    """The row has another address: for one that another open account has, a UniqueViolation."""
    await connection.execute(CHANGE_ADDRESS, account_id, email, email_key)


async def take_address(connection: Connection, account_id: UUID) -> None:
    """The account's address is taken: for one that another open account has, a UniqueViolation."""
    await connection.execute(OPEN, account_id)


async def doors_in_use(pool: Pool) -> list[str]:
    """Every door by which an account was opened."""
    return [row["door"] for row in await pool.fetch(DOORS)]


async def portals_in_use(pool: Pool) -> list[str]:
    """Every portal at which a person began."""
    return [row["portal"] for row in await pool.fetch(PORTALS)]


async def release_address(connection: Connection, account_id: UUID) -> None:
    """Another account may be opened with the account's address."""
    await connection.execute(RELEASE, account_id)


async def forget_lapse_notice(connection: Connection, account_id: UUID) -> None:
    """The person of an account that is open again is told anew before it lapses."""
    await connection.execute(FORGET_LAPSE_NOTICE, account_id)
