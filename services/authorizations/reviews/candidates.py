"""Whether somebody who is about to be added may be known already. What is found here is for agents alone."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from chassis.outcomes import Next, Refusal
from chassis.work import Work
from services.authorizations.contacts import storage as contacts
from services.authorizations.matching import storage as matching
from services.authorizations.matching.domain import Agreement
from services.authorizations.matching.handlers import Lookalike, lookalikes
from services.authorizations.matching.storage import Person
from services.authorizations.personal.domain import Personal
from services.authorizations.reviews.domain import AgreementCode, Candidate
from services.authorizations.tools import Tools

MOST_CANDIDATES = 20  # shown to an agent; nobody compares more by eye

AGREEMENTS: dict[Agreement, AgreementCode] = {Agreement.CLOSE: "close", Agreement.EQUAL: "equal"}


async def refuse_known(
    work: Work[Tools], organization_id: UUID, personal: Personal, client_number: str | None
) -> Refusal | None:
    """Somebody who certainly is a contact of the organization gets a relation there instead, and no second file.

    Certain are the same client number, and the same names with the verified address of a linked account.
    """
    known = None
    if client_number is not None:
        known = await contacts.find(work.connection, organization_id, client_number)
    known = known or await contacts.find_same(work.connection, organization_id, personal, linked=True)
    if known is None:
        return None
    following = Next("add_to_known_contact", f"/v1/contacts/{known.contact_id}/relations")
    return Refusal("already_a_contact", fields=("contact",), next=following)


async def is_like_one_at_home(work: Work[Tools], organization_id: UUID, personal: Personal) -> bool:
    """Whether somebody looks like a contact of the organization itself, which those who manage it may know."""
    return bool(await lookalikes(work, _person(personal), organization_id, at_home=True))


async def elsewhere(work: Work[Tools], organization_id: UUID, personal: Personal) -> list[Candidate]:
    """Those of other organizations who look like a contact of this one."""
    found = await lookalikes(work, _person(personal), organization_id)
    alike = [_candidate(one, organization_id) for one in found if one.organization_id != organization_id]
    return alike[:MOST_CANDIDATES]


async def candidates(
    work: Work[Tools], organization_id: UUID, personal: Personal, client_number: str | None
) -> list[Candidate]:
    """Those whom an agent compares: who has the client number that was given, then who looks like the person."""
    person = _person(personal)
    numbered = await _numbered(work, person, client_number) if client_number else []
    apart_from = {candidate.contact_id for candidate in numbered}
    alike = await lookalikes(work, person, organization_id, apart_from)
    return [*numbered, *(_candidate(found, organization_id) for found in alike)][:MOST_CANDIDATES]


def _person(personal: Personal) -> Person:
    telephones = [telephone.number for telephone in personal.telephones]
    return Person(personal.family_name, personal.given_name, personal.email, telephones)


async def _numbered(work: Work[Tools], person: Person, client_number: str) -> Sequence[Candidate]:
    """Whoever has the number elsewhere, however little else agrees."""
    found = []
    for other in await matching.numbered(work.connection, client_number, MOST_CANDIDATES):
        likeness = work.tools.matcher.compare(person.description, other.person.description)
        agreeing = {"client_number": Agreement.EQUAL, **likeness.agreeing}
        found.append(
            Candidate(contact_id=other.contact_id, score=round(likeness.evidence, 1), agreeing=_codes(agreeing))
        )
    return sorted(found, key=lambda candidate: -candidate.score)


def _candidate(found: Lookalike, organization_id: UUID) -> Candidate:
    return Candidate(
        contact_id=found.contact_id,
        score=round(found.likeness.evidence, 1),
        agreeing=_codes(found.likeness.agreeing),
        same_organization=found.organization_id == organization_id,
    )


def _codes(agreeing: Mapping[str, Agreement]) -> dict[str, AgreementCode]:
    return {field: AGREEMENTS[agreement] for field, agreement in agreeing.items()}
