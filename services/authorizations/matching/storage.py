"""Which files may be about a given person: found by keys, to be compared one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.database import Connection
from services.authorizations.matching.domain import Description

AT_MOST = 200  # files compared: those with the most keys in common come first

CANDIDATES = """
with asked as (select matching_keys($1, $2, contact_identifiers($3, $4)) as keys)
select c.contact_id, c.organization_id, p.family_name, p.given_name, p.email, p.telephones
from asked, personal_fields p join contacts c on c.contact_id = p.owner_id
where p.matching_keys && (select keys from asked)
order by (select count(*) from unnest(p.matching_keys) as key where key = any(asked.keys)) desc, c.contact_id
limit $5
"""

# Reads the organization's own contacts one and all, so that what it takes tells nothing of anybody else's.
AT_HOME = """
with asked as (select matching_keys($1, $2, contact_identifiers($3, $4)) as keys),
home as materialized (
    select c.contact_id, c.organization_id, p.family_name, p.given_name, p.email, p.telephones, p.matching_keys
    from contacts c join personal_fields p on p.owner_id = c.contact_id where c.organization_id = $6
)
select contact_id, organization_id, family_name, given_name, email, telephones from asked, home
where home.matching_keys && asked.keys
order by (select count(*) from unnest(home.matching_keys) as key where key = any(asked.keys)) desc, contact_id
limit $5
"""

NUMBERED = """
select c.contact_id, c.organization_id, p.family_name, p.given_name, p.email, p.telephones
from contacts c join personal_fields p on p.owner_id = c.contact_id
where c.client_number = $1 order by c.contact_id limit $2
"""


@dataclass(frozen=True)
class Person:
    """What a form says of somebody; telephone numbers with their country code (ITU-T E.164)."""

    family_name: str
    given_name: str
    email: str | None
    telephones: Sequence[str]

    @property
    def description(self) -> Description:
        """The person as it is compared."""
        return {
            "family_name": (self.family_name,),
            "given_name": (self.given_name,),
            "email": (self.email,) if self.email else (),
            "telephones": tuple(self.telephones),
        }


@dataclass(frozen=True)
class Candidate:
    """A contact whose file shares a key with a person."""

    contact_id: UUID
    organization_id: UUID
    person: Person


async def candidates(connection: Connection, person: Person, of: UUID | None = None) -> list[Candidate]:
    """The contacts that share a key with a person, those that share most first; with `of`, of that organization."""
    numbers = [{"number": number} for number in person.telephones]
    described = (person.family_name, person.given_name, person.email, numbers, AT_MOST)
    if of is None:
        rows = await connection.fetch(CANDIDATES, *described)
    else:
        rows = await connection.fetch(AT_HOME, *described, of)
    return [_candidate(row) for row in rows]


async def numbered(connection: Connection, client_number: str, at_most: int) -> list[Candidate]:
    """The contacts that have a client number, each in another organization; the first `at_most`."""
    return [_candidate(row) for row in await connection.fetch(NUMBERED, client_number, at_most)]


def _candidate(row: Any) -> Candidate:
    telephones = [telephone["number"] for telephone in row["telephones"]]
    person = Person(row["family_name"], row["given_name"], row["email"], telephones)
    return Candidate(row["contact_id"], row["organization_id"], person)
