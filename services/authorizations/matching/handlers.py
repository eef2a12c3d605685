"""Finding the files that look like a person's, before another one is made."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from chassis.work import Work
from services.authorizations.matching import storage
from services.authorizations.matching.domain import Likeness
from services.authorizations.matching.storage import Person
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Lookalike:
    """A contact that may be the same person."""

    contact_id: UUID
    organization_id: UUID
    likeness: Likeness


async def lookalikes(
    work: Work[Tools],
    person: Person,
    organization_id: UUID,
    apart_from: Collection[UUID] = (),
    *,
    at_home: bool = False,
) -> list[Lookalike]:
    """The contacts whose likeness to a person of the organization reaches the agency's threshold, the likest first.

    `at_home`: of that organization alone.
    """
    matcher = work.tools.matcher
    found = []
    for candidate in await storage.candidates(work.connection, person, organization_id, at_home=at_home):
        likeness = matcher.compare(person.description, candidate.person.description)
        same_organization = candidate.organization_id == organization_id
        evidence = likeness.evidence + (matcher.same_organization if same_organization else 0)
        if evidence >= matcher.threshold and candidate.contact_id not in apart_from:
            found.append(
                Lookalike(candidate.contact_id, candidate.organization_id, Likeness(evidence, likeness.agreeing))
            )
    return sorted(found, key=lambda lookalike: -lookalike.likeness.evidence)
