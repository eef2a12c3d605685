"""Contacts that are brought in and look like another contact of their organization, by the agency's own matching.

A person has a contact in each organization, so only those of one organization are compared. What is found is noted and
brought in all the same: the report asks those responsible.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.database import Connection
from contracts.extract import ContactRow
from services.authorizations.imports.turns import by_turns
from services.authorizations.matching.domain import Description, Matcher
from services.authorizations.matching.storage import Person

AT_MOST = 20  # files compared with one newcomer, those with the most keys in common: a firm may share one switchboard

STANDING = """
select c.organization_id, c.client_number, p.family_name, p.given_name, p.email, p.telephones, p.matching_keys
from contacts c join personal_fields p on p.owner_id = c.contact_id where c.organization_id = any($1::uuid[])
"""

# The same keys as the database will keep for them; a dry run keeps none.
KEYS = """
select matching_keys(told.family_name, told.given_name, contact_identifiers(told.email, told.telephones)) as keys
from rows from (jsonb_to_recordset($1::jsonb) as
    (family_name text, given_name text, email text, telephones jsonb)) with ordinality as told order by ordinality
"""


@dataclass(frozen=True)
class Candidate:
    """A contact, as far as it may look like another."""

    organization_id: UUID
    client_number: str
    description: Description
    keys: Sequence[str]


@dataclass(frozen=True)
class Resemblance:
    """Which newcomer looks like which contact of its organization: 1 where all that both files say is the same."""

    contact_id: UUID
    client_number: str
    score: float


async def find(
    connection: Connection,
    matcher: Matcher,
    newcomers: Sequence[tuple[UUID, UUID, ContactRow]],
    known_organizations: Collection[UUID],
) -> list[Resemblance]:
    """For each newcomer (its id, its organization's, its row) the contact that it looks like most, if any.

    That is one that stood before, or another newcomer before it.
    """
    known, at_home = Known(matcher), Counter(home for _, home, _ in newcomers)
    for stood in await connection.fetch(STANDING, list(known_organizations)) if known_organizations else ():
        person = _person(stood["family_name"], stood["given_name"], stood["email"], stood["telephones"])
        known.add(
            Candidate(stood["organization_id"], stood["client_number"], person.description, stood["matching_keys"])
        )
        at_home[stood["organization_id"]] += 1
    not_alone = [newcomer for newcomer in newcomers if at_home[newcomer[1]] > 1]
    told = [row.model_dump(include={"family_name", "given_name", "email", "telephones"}) for *_, row in not_alone]
    found = []
    compared = zip(not_alone, told, await _keys(connection, told), strict=True)
    async for (contact_id, home, row), one, keys in by_turns(compared):
        newcomer = Candidate(home, row.client_number, _person(**one).description, keys)
        if (like := known.likest(newcomer)) is not None:
            found.append(Resemblance(contact_id, *like))
        known.add(newcomer)
    return found


class Known:
    """Contacts by the keys under which they may be found."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._contacts: list[Candidate] = []
        self._by_key = defaultdict[tuple[UUID, str], list[int]](list)

    def add(self, contact: Candidate) -> None:
        """Let those who come later be compared with it."""
        for key in contact.keys:
            self._by_key[contact.organization_id, key].append(len(self._contacts))
        self._contacts.append(contact)

    def likest(self, newcomer: Candidate) -> tuple[str, float] | None:
        """The client number and the likeness of the contact that it looks like most; None when it looks like none."""
        matcher = self._matcher
        shared = Counter[int]()
        for key in newcomer.keys:
            shared.update(self._by_key.get((newcomer.organization_id, key), ()))
        best, found = matcher.threshold, None
        for place, _ in shared.most_common(AT_MOST):
            other = self._contacts[place]
            evidence = matcher.same_organization + matcher.compare(newcomer.description, other.description).evidence
            if evidence >= best and (found is None or evidence > best):
                best, found = evidence, other
        if found is None:
            return None
        alike = max(
            matcher.same_organization + matcher.compare(one.description, one.description).evidence
            for one in (newcomer, found)
        )
        return found.client_number, best / alike


async def _keys(connection: Connection, told: Sequence[object]) -> Iterable[Sequence[str]]:
    return [row["keys"] for row in await connection.fetch(KEYS, told)] if told else ()


def _person(family_name: str, given_name: str, email: str | None, telephones: Iterable[dict[str, str]]) -> Person:
    return Person(family_name, given_name, email, [telephone["number"] for telephone in telephones])
