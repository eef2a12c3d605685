"""Contacts that are brought in and resemble another contact of their organization.

For now exact ones: the same names, whatever their case, accents and order, with the same address or telephone.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from chassis.database import Connection

OTHERS = """
select c.contact_id, c.organization_id, c.client_number, p.family_name, p.given_name, p.email, p.telephones
from contacts c join personal_fields p on p.owner_id = c.contact_id where c.organization_id = any($1::uuid[])
"""


@dataclass(frozen=True)
class Candidate:
    """A contact, as far as it may resemble another."""

    contact_id: UUID
    organization_id: UUID
    client_number: str
    family_name: str
    given_name: str
    email: str | None
    telephones: tuple[str, ...]

    @property
    def signs(self) -> Iterable[tuple[UUID, frozenset[str], str]]:
        """What two contacts of one person have in common: names with an address, names with a telephone."""
        names = frozenset((folded(self.family_name), folded(self.given_name)))
        reached = (self.email.casefold() if self.email else None, *self.telephones)
        return [(self.organization_id, names, way) for way in reached if way]


@dataclass(frozen=True)
class Resemblance:
    """Which contact resembles which other one, from 0 to 1."""

    contact_id: UUID
    client_number: str
    score: float


async def find(
    connection: Connection, newcomers: Iterable[Candidate], known_organizations: Iterable[UUID]
) -> list[Resemblance]:
    """For each newcomer the contact that it resembles most, if any: another newcomer before it, or one that stood."""
    standing = defaultdict[tuple[UUID, frozenset[str], str], str](str)
    for row in await connection.fetch(OTHERS, list(known_organizations)):
        telephones = tuple(telephone["number"] for telephone in row["telephones"])
        known = Candidate(**{**row, "telephones": telephones})
        standing.update(dict.fromkeys(known.signs, known.client_number))
    found = []
    for newcomer in newcomers:
        like = next((standing[sign] for sign in newcomer.signs if sign in standing), None)
        if like is not None:
            found.append(Resemblance(newcomer.contact_id, like, 1.0))
        standing.update(dict.fromkeys(newcomer.signs, newcomer.client_number))
    return found


def folded(name: str) -> str:
    """A name without case and accents."""
    return "".join(c for c in unicodedata.normalize("NFD", name.casefold()) if not unicodedata.combining(c))
