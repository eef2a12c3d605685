"""What fills the gaps of a template: one value for each field that its kind of mail offers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, create_model

from chassis.writing import AND, grouped, joined, one_line, written_date, written_instant
from contracts.agency import Agency
from contracts.agency.mails import MAIL_FIELDS, OF_THE_AGENCY
from contracts.events import Language
from contracts.notifications import (
    MAIL_REQUESTS,
    Contents,
    DigestFile,
    DigestFiles,
    Ending,
    Endings,
    MailRequest,
    PortalPage,
)
from contracts.problems import word

Writer = Callable[[Any, Language, Agency], str]


def _subjects(codes: Sequence[str], language: Language, agency: Agency) -> str:
    return joined([agency.subjects[code].name.in_(language) for code in codes], language, AND)


def _functions(codes: Sequence[str], language: Language, agency: Agency) -> str:
    return joined([agency.relation_types[code].name.in_(language) for code in codes], language, AND)


# A field whose name says more than its type, whichever kind of mail offers it.
WRITERS: Mapping[str, Writer] = {
    "code": lambda value, _language, _agency: grouped(value),
    "service": lambda value, language, agency: agency.subjects[value].name.in_(language) if value else "",
    "function": lambda value, language, agency: agency.relation_types[value].name.in_(language) if value else "",
    "capacity": lambda value, language, agency: agency.capacities[value].name.in_(language),
    "subjects": _subjects,
    "half": lambda value, language, _agency: word(f"half_{value}", language),
    "request_kind": lambda value, language, agency: agency.requests.kinds[value].name.in_(language),
    "outcome": lambda value, language, _agency: word(f"outcome_{value}", language),
    "decision_reason": lambda value, language, agency: (
        agency.decision_reasons[value].name.in_(language) if value else ""
    ),
    "given": _subjects,
    "withdrawn": _subjects,
    "lowered": _subjects,
    "functions": _functions,
    "change": lambda value, language, _agency: word(f"administrator_{value}", language),
    "mandate_change": lambda value, language, _agency: word(f"mandate_{value}", language),
    "managing_reason": lambda value, language, agency: (
        agency.managing_reasons[value].name.in_(language) if value else ""
    ),
    "held": lambda value, language, _agency: joined(
        [word(f"held_{one.budget}", language, count=one.number) for one in value], language, AND
    ),
    "changed": lambda value, language, _agency: joined(
        [word(f"corrected_{item}", language) for item in value], language, AND
    ),
}


def _in_clear(request: type[MailRequest]) -> type[BaseModel]:
    """A model of the fields of this request alone: it reads back what a row keeps of them as JSON."""
    fields: dict[str, Any] = {name: (field.rebuild_annotation(), field) for name, field in request.own_fields().items()}
    return create_model(f"{request.__name__}InClear", **fields)


IN_CLEAR: Mapping[str, type[BaseModel]] = {request.mail: _in_clear(request) for request in MAIL_REQUESTS}


PORTAL = "portal"
"""Where the links of a mail lead, whichever kind it is; what a row of before portals lacks is None."""

PAGES: Mapping[str, PortalPage | None] = {request.mail: request.page for request in MAIL_REQUESTS}

FILLED_IN: Mapping[str, frozenset[str]] = {kind: fields.offered - OF_THE_AGENCY for kind, fields in MAIL_FIELDS.items()}


def of_the_agency(agency: Agency, language: Language, portal: str | None) -> dict[str, str]:
    """What fills the gaps that are the same in every mail in that language to whoever began at that portal."""
    profile = agency.profile
    return {
        "portal_url": one_line(profile.portal(portal).url.in_(language)),
        "support_email": one_line(profile.support_email),
    }


def fill_in(
    kind: str, language: Language, fields: Mapping[str, Any], contents: Contents, agency: Agency
) -> dict[str, str]:
    """The text of each field of this kind of mail but those of the agency, and `link` if it carries a token.

    It is one line, except that of a list: a line for each of its items.

    `fields` is what the request said in clear, as JSON; `contents` is what was under its seal. Raises KeyError for a
    code that the agency's data does not hold.
    """
    known = vars(IN_CLEAR[kind].model_validate(fields)) | vars(contents)
    filled = {
        name: _listed(value, language, agency)
        if isinstance(value := known[name], (Endings, DigestFiles))
        else one_line(_written(name, value, language, agency))
        for name in FILLED_IN[kind]
    }
    if (page := PAGES[kind]) is not None:
        filled["link"] = one_line(agency.profile.link(page, known["token"], language, fields.get(PORTAL)))
    return filled


def _written(name: str, value: Any, language: Language, agency: Agency) -> str:
    if name in WRITERS:
        return WRITERS[name](value, language, agency)
    match value:
        case None:
            return ""
        case datetime():  # before date: every datetime is one
            return written_instant(value, agency.profile.zone, language)
        case date():
            return written_date(value, language)
        case tuple():
            return joined(value, language)
        case _:
            return str(value)


def _listed(found: Endings | DigestFiles, language: Language, agency: Agency) -> str:
    lines = [_line(one, language, agency) if isinstance(one, Ending) else _file(one, language) for one in found.listed]
    if found.more:
        lines.append(word("and_more", language, count=found.more))
    return "\n".join(map(one_line, lines))


def _line(ending: Ending, language: Language, agency: Agency) -> str:
    """When, for whom, who, as what, and which subject unless all of it ends."""
    function = agency.relation_types[ending.function].name.in_(language)
    parts = [
        written_date(ending.ends_on, language),
        ending.organization_name,
        ending.member_name,
        function,
        agency.subjects[ending.subject].name.in_(language) if ending.subject else "",
    ]
    return " – ".join(part for part in parts if part)


def _file(file: DigestFile, language: Language) -> str:
    named = f"{file.organization_name} ({file.organization_number})"
    if file.confirm_by is None:
        return named
    return f"{named} – {word('file_to_confirm', language, day=written_date(file.confirm_by, language))}"
