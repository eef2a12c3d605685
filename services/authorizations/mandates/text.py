"""The text that a side signs: the same words for the same mandate, whenever they are put together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.database import Connection
from chassis.work import Work
from chassis.writing import COLON, written_date
from contracts.agency import Agency
from contracts.agency.mandates import MandateSide
from contracts.events import Language
from services.authorizations.mandates import storage
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.personal import storage as personal_fields
from services.authorizations.personal.domain import PersonName
from services.authorizations.requests import storage as requests
from services.authorizations.requests.domain import Request
from services.authorizations.signatures.domain import text_digest
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Named:
    """What a text names: the mandate, of which version, and what its two persons and their organization are called."""

    request_id: UUID
    version: int
    professional: str
    delegate: str
    organization: OrganizationRow


def text(agency: Agency, named: Named, asked: AskedMandate, side: MandateSide, language: Language) -> str:
    """What a side reads and signs: who mandates whom for what and when, and what the side attests.

    Lines of text, joined by line feeds. Nothing in it depends on the day on which it is put together. No address stands
    in it: whoever mandates reads it before either is known.
    """
    word, colon = agency.texts.word, COLON[language]

    def line(name: str, value: str) -> str:
        return f"{word(f'mandate_text_{name}', language)}{colon} {value}"

    function = {code: agency.relation_types[code].name.in_(language) for code in (asked.profession, asked.type)}
    kind = agency.organization_kinds[named.organization.kind].name.in_(language)
    since = written_date(asked.starts_on, language)
    until = None if asked.ends_on is None else written_date(asked.ends_on, language)
    lines = [
        agency.profile.name.in_(language),
        word("mandate_text_title", language),
        line("number", f"{named.request_id} ({named.version})"),
        line("professional", f"{named.professional} ({function[asked.profession]})"),
        f"{kind}{colon} {named.organization.legal_name} ({named.organization.number})",
        line("delegate", f"{named.delegate} ({function[asked.type]})"),
        line("service", agency.subjects[asked.subject].name.in_(language)),
        line("level", word(f"level_{asked.level}", language)),
        line("period", word("mandate_text_since", language, since=since) if until is None
             else word("mandate_text_until", language, since=since, until=until)),
    ]  # fmt: skip
    if asked.renews is not None:
        lines.append(line("renews", str(asked.renews)))
    lines += ["", word(f"mandate_text_signed_by_{side}", language)]
    assert agency.mandates is not None
    lines += [f"– {agency.attestations[code].text.in_(language)}" for code in agency.mandates.attestations.of(side)]
    return "\n".join(lines)


async def read_text(work: Work[Tools], request: Request, mandate: Mandate, side: MandateSide) -> str:
    """The text of a side as it reads now."""
    return await read(work.connection, work.tools.agency, request, mandate, side)


async def read(connection: Connection, agency: Agency, request: Request, mandate: Mandate, side: MandateSide) -> str:
    """The same where nothing is written."""
    (found,) = await _read(connection, agency, [(request, mandate)], side)
    return found


async def read_all(
    connection: Connection, agency: Agency, request_ids: Sequence[UUID], side: MandateSide
) -> Sequence[str]:
    """The texts of several mandates that there are, in this order: as many queries as for one."""
    asked, mandates = await requests.get_all(connection, request_ids), await storage.get_all(connection, request_ids)
    return await _read(connection, agency, [(asked[one], mandates[one]) for one in request_ids], side)


async def _read(
    connection: Connection, agency: Agency, found: Sequence[tuple[Request, Mandate]], side: MandateSide
) -> Sequence[str]:
    owners = [owner for request, mandate in found for owner in (mandate.professional.side_id, request.request_id)]
    persons = await personal_fields.person_names(connection, owners)
    named = await organizations.get(connection, {r.organization_id for r, _ in found if r.organization_id is not None})
    texts = []
    for request, mandate in found:
        assert request.organization_id is not None
        professional, delegate = persons.get(mandate.professional.side_id), persons.get(request.request_id)
        about = Named(
            request.request_id, mandate.text_version, _name(professional), _name(delegate),
            named[request.organization_id],
        )  # fmt: skip
        asked = AskedMandate.model_validate(request.asked)
        texts.append(text(agency, about, asked, side, mandate.language_of(side)))
    return texts


def _name(person: PersonName | None) -> str:
    return " ".join(name for name in (person.given_name, person.family_name) if name) if person else ""


def list_digest(digests: Iterable[str]) -> str:
    """The digest that stands for several texts: that of theirs, in order, joined by line feeds."""
    return text_digest("\n".join(digests))
