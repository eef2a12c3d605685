"""Rows of attestations."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from services.authorizations.attestations.domain import Attested

# The organizations that an object is of: a relation, a contact, a request, or an organization's list. `asking` are
# those who only asked; whoever decides a request is one of its sides where the decision is its own.
SIDES = """
select organization_id, false as asking from relations where relation_id = $1 and upper_inf(recorded)
union select holder_organization_id, false from relations where relation_id = $1 and upper_inf(recorded)
union select organization_id, false from contacts where contact_id = $1
union select organization_id, false from organizations where organization_id = $1
union select organization_id, false from requests where request_id = $1 and decider = 'organization'
union select asked_by_organization_id, true from requests where request_id = $1
"""

OF_OBJECT = """
select a.code, a.version, a.language, a.text, a.at, a.account_id, a.contact_id, c.organization_id
from attestations a join contacts c using (contact_id) where a.object_id = $1 order by a.id
"""


@dataclass(frozen=True)
class Side:
    """An organization that may read what was attested; `asking`: it is the one that asked."""

    organization_id: UUID
    asking: bool


async def keep(connection: Connection, rows: Iterable[tuple[UUID, UUID, UUID, str, int, str, str, datetime]]) -> None:
    """Keep what was ticked: account, contact, object, code, version, language, text, instant."""
    await connection.executemany(
        "insert into attestations (account_id, contact_id, object_id, code, version, language, text, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        list(rows),
    )


async def sides(connection: Connection, object_id: UUID) -> list[Side]:
    """The organizations that an object is of, or that asked for it."""
    rows = await connection.fetch(f"select * from ({SIDES}) found where organization_id is not null", object_id)
    return [Side(**row) for row in rows]


async def of_object(connection: Connection, object_id: UUID) -> list[Attested]:
    """What was attested of an object, the oldest first."""
    return [Attested(**row) for row in await connection.fetch(OF_OBJECT, object_id)]
