"""The tables `credentials` and `user_names`."""

from dataclasses import dataclass
from uuid import UUID

from chassis.database import Connection

GENERATION = "select generation from credentials where contact_id = $1"
LOCK = """
insert into credentials (contact_id, generation) values ($1, 0)
on conflict (contact_id) do update set contact_id = excluded.contact_id
returning generation, account_id
"""
KEEP = "update credentials set generation = $2, account_id = $3 where contact_id = $1"
OTHERS = "select exists (select from credentials where account_id = $1 and contact_id <> $2)"

# A name that was ever given breaks the key, and the use case runs again with another one.
NAME = "insert into user_names (user_name, account_id) values ($1, $2)"
NAME_OF = "select user_name from user_names where account_id = $1"
IS_WAITING = "select temporary_until is not null from accounts where account_id = $1"


@dataclass(frozen=True)
class Given:
    """The last credential of a contact that was seen to; generation 0 and no account: none yet."""

    generation: int
    account_id: UUID | None


async def generation(connection: Connection, contact_id: UUID) -> int:
    """The last generation of a contact's credential that was seen to; 0: none."""
    return await connection.fetchval(GENERATION, contact_id) or 0


async def lock(connection: Connection, contact_id: UUID) -> Given:
    """What the contact was given, ours until the transaction ends."""
    row = await connection.fetchrow(LOCK, contact_id)
    assert row is not None
    return Given(**row)


async def keep(connection: Connection, contact_id: UUID, given: Given) -> None:
    """The contact, which is locked, has been given this."""
    await connection.execute(KEEP, contact_id, given.generation, given.account_id)


async def is_of_others(connection: Connection, account_id: UUID, contact_id: UUID) -> bool:
    """Whether a contact besides this one was given the account."""
    found: bool = await connection.fetchval(OTHERS, account_id, contact_id)
    return found


async def name(connection: Connection, account_id: UUID, user_name: str) -> None:
    """The account signs in by this user name. For one that was ever given, a UniqueViolation."""
    await connection.execute(NAME, user_name, account_id)


async def user_name_of(connection: Connection, account_id: UUID) -> str | None:
    """By which user name the account signs in; None: by its address, or by a door's issuer."""
    found: str | None = await connection.fetchval(NAME_OF, account_id)
    return found


async def is_waiting(connection: Connection, account_id: UUID) -> bool:
    """Whether nobody has chosen a password since the account got a temporary one."""
    return await connection.fetchval(IS_WAITING, account_id) is True
