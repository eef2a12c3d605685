"""Rows of linking codes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from asyncpg import Record

from chassis.database import Connection
from services.linking.codes.domain import IssuedCode
from services.linking.contacts.domain import Contact

EndedBy = Literal["redeemed", "linked", "replaced", "address_changed", "forgotten"]

# The newest code of each contact, dead or alive.
NEWEST_CODES = """
select distinct on (contact_id) contact_id, generation, digest, expires_at, ended_at is not null as ended
from linking_codes where contact_id = any ($1) order by contact_id, generation desc
"""

SETTLE = "update contacts set settled_generation = $2 where contact_id = $1"

KEEP_CODE = """
insert into linking_codes (contact_id, generation, digest, issued_at, expires_at) values ($1, $2, $3, $4, $5)
"""

END_CODE = """
update linking_codes set ended_at = $2, ended_by = $3 where contact_id = $1 and ended_at is null returning generation
"""


async def newest_codes(connection: Connection, contact_ids: Sequence[UUID]) -> dict[UUID, IssuedCode]:
    """The newest code of each of the contacts that ever had one, by contact."""
    return {row["contact_id"]: _code(row) for row in await connection.fetch(NEWEST_CODES, contact_ids)}


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


def _code(row: Record) -> IssuedCode:
    return IssuedCode(row["generation"], row["digest"], row["expires_at"], row["ended"])
