"""Which files may be about a given person: found by keys, to be compared one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.database import Connection
from services.authorizations.matching.domain import Description

AT_MOST = 200  # files compared: those with the most in common come first

NAMES, IDENTIFIERS = "(select names from asked)", "(select identifiers from asked)"
TWO_OF_THREE = ("names[1:2]", "names[2:3]", "array[names[1], names[3]]")
NAMED, REACHED = f"p.matching_keys && {NAMES}", f"p.matching_keys && {IDENTIFIERS}"
SAME = f"(cardinality({NAMES}) > 1 and p.matching_keys @> {NAMES})"
NEARLY = " or ".join(f"p.matching_keys @> (select {two} from asked)" for two in TWO_OF_THREE)
ALIKE = f"(cardinality({NAMES}) = 3 and ({NEARLY}))"

# What files of other organizations have in common with the person, the most first; none is of two kinds.
KINDS = {
    "reached_and_named": f"{REACHED} and {NAMED}",
    "same_names": f"{SAME} and not {REACHED}",
    "reached": f"{REACHED} and not {NAMED}",
    "alike_names": f"{ALIKE} and not {SAME} and not {REACHED}",
    "named": f"{NAMED} and not {SAME} and not {ALIKE} and not {REACHED}",
}

# Before them come those of the person's own organization, where names alone may do. Each kind is found by the index and
# read only as far as there is room, because thousands bear a common name; materialized, because PostgreSQL would rather
# read file after file until it has enough.
CANDIDATES = f"""
with asked as materialized (
    select matching_keys($1, $2, null) as names, matching_keys(null, null, contact_identifiers($3, $4)) as identifiers
), at_home as materialized (
    select p.* from asked, contacts c join personal_fields p on p.owner_id = c.contact_id
    where c.organization_id = $5 and p.matching_keys && (asked.names || asked.identifiers)
    order by (
        select count(*) from unnest(p.matching_keys) key where key = any(asked.names || asked.identifiers)
    ) desc, c.contact_id
), {
    ", ".join(
        f"{kind} as materialized (select p.* from personal_fields p where {found})" for kind, found in KINDS.items()
    )
}
select c.contact_id, c.organization_id, p.family_name, p.given_name, p.email, p.telephones
from (
    select *, true as home from at_home
    {"".join(f" union all select *, false from {kind}" for kind in KINDS)}
) p
cross join lateral (
    select * from contacts c where c.contact_id = p.owner_id and (c.organization_id = $5) = p.home offset 0
) c
limit $6
"""

# Reads the organization's own contacts one and all, so that what it takes tells nothing of anybody else's.
AT_HOME = """
with asked as (select matching_keys($1, $2, contact_identifiers($3, $4)) as keys),
home as materialized (
    select c.contact_id, c.organization_id, p.family_name, p.given_name, p.email, p.telephones, p.matching_keys
    from contacts c join personal_fields p on p.owner_id = c.contact_id where c.organization_id = $5
)
select contact_id, organization_id, family_name, given_name, email, telephones from asked, home
where home.matching_keys && asked.keys
order by (select count(*) from unnest(home.matching_keys) as key where key = any(asked.keys)) desc, contact_id
limit $6
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


async def candidates(
    connection: Connection, person: Person, organization_id: UUID, *, at_home: bool = False
) -> list[Candidate]:
    """The contacts that share a key with a person: those of its organization first, then those that share most.

    `at_home`: of that organization alone.
    """
    rows = await connection.fetch(
        AT_HOME if at_home else CANDIDATES,
        person.family_name,
        person.given_name,
        person.email,
        [{"number": number} for number in person.telephones],
        organization_id,
        AT_MOST,
    )
    return [_candidate(row) for row in rows]


async def numbered(connection: Connection, client_number: str, at_most: int) -> list[Candidate]:
    """The contacts that have a client number, each in another organization; the first `at_most`."""
    return [_candidate(row) for row in await connection.fetch(NUMBERED, client_number, at_most)]


def _candidate(row: Any) -> Candidate:
    telephones = [telephone["number"] for telephone in row["telephones"]]
    person = Person(row["family_name"], row["given_name"], row["email"], telephones)
    return Candidate(row["contact_id"], row["organization_id"], person)
