"""What fills the gaps of a template: one value for each field that its kind of mail offers."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from contracts.agency import Agency
from contracts.agency.mails import MAIL_FIELDS, MailKind
from contracts.events import Language
from contracts.notifications import Contents
from services.notifications.writing import grouped, joined, one_line, written_date, written_instant

Writer = Callable[[Any, Language, Agency], str]

# How a field is written that is not text already, whichever kind of mail offers it.
WRITERS: Mapping[str, Writer] = {
    "code": lambda value, _language, _agency: grouped(value),
    "minutes": lambda value, _language, _agency: str(value),
    "expires_on": lambda value, language, _agency: written_date(date.fromisoformat(value), language),
    "linked_at": lambda value, language, agency: written_instant(
        datetime.fromisoformat(value), agency.profile.zone, language
    ),
    "function": lambda value, language, agency: agency.relation_types[value].name.in_(language),
    "responsible": lambda value, language, _agency: joined(value, language),
}


def fill_in(
    kind: MailKind, language: Language, fields: Mapping[str, Any], contents: Contents, agency: Agency
) -> dict[str, str]:
    """One line of text for each field of this kind of mail.

    `fields` is what the request said in clear, as JSON; `contents` is what was under its seal; portal and support are
    the agency's. Raises KeyError for a code that the agency's data does not hold.
    """
    known = {
        "portal_url": agency.profile.portal_url,
        "support_email": agency.profile.support_email,
        **fields,
        **contents.model_dump(),
    }
    return {name: one_line(_write(name, known[name], language, agency)) for name in MAIL_FIELDS[kind].offered}


def _write(name: str, value: Any, language: Language, agency: Agency) -> str:
    writer = WRITERS.get(name)
    return str(value) if writer is None else writer(value, language, agency)
