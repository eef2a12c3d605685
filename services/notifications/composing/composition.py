"""From a template's blocks to the bytes that SMTP carries: text and HTML from one source.

What does not change from mail to mail is laid out once, when the process starts; a mail only fills the gaps. The
standard library's EmailMessage would take six times as long for each mail as the SMTP that carries it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from email_validator import EmailNotValidError
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from chassis.writing import COLON, one_line
from contracts.agency import Agency
from contracts.agency.mails import MAIL_FIELDS, MailTemplate
from contracts.events import LANGUAGES, Language
from contracts.notifications import MAIL_REQUESTS, Contents
from services.notifications.addresses import ascii_domain
from services.notifications.composing.filling import PAGES, PORTAL, fill_in, of_the_agency
from services.notifications.composing.layout import Gaps, Layout, Part, Written, wrapped
from services.notifications.mails.domain import Mail

TEMPLATES = Path(__file__).parent / "templates"
BOUNDARY = "=_mandat"  # cannot stand in quoted-printable text: there two digits or the line's end follow = (RFC 2045)
PART_OF_TEXT, PART_OF_HTML = (
    f"\r\n--{BOUNDARY}\r\n"
    f"Content-Type: text/{subtype}; charset=utf-8\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    for subtype in ("plain", "html")
)
CANNOT_DECRYPT = "5.7.5"  # enhanced status codes, RFC 3463
NO_SUCH_ADDRESS = "5.1.3"

LONGEST_ADDRESS = 254  # octets: a path of 256 less its angle brackets (RFC 5321, 4.5.3.1.3)

DOT_STRING = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)  # RFC 5321, 4.1.2


class Unsendable(Exception):
    """This mail can never be composed. `status` is an enhanced status code (RFC 3463)."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Surface(NamedTuple):
    """A background and the text on it, which are always set together."""

    background: str
    text: str


LIGHT = {
    "page": Surface("#f1f3f5", "#1f2933"),
    "card": Surface("#ffffff", "#1f2933"),
    "box": Surface("#e9edf1", "#1f2933"),
    "quiet": Surface("#f1f3f5", "#52606d"),
}
DARK = {
    "page": Surface("#15181c", "#e6eaee"),
    "card": Surface("#1f242a", "#e6eaee"),
    "box": Surface("#2c333b", "#e6eaee"),
    "quiet": Surface("#15181c", "#b4bec8"),
}


@dataclass(frozen=True)
class Message:
    """A mail ready for SMTP. `sender` is the envelope's, where reports come back to; From stands in the message."""

    sender: str
    recipient: str
    content: bytes


class Composer:
    """Composes the mails of one agency."""

    def __init__(self, agency: Agency, return_path: Callable[[UUID], str] | None = None) -> None:
        """Lays out every kind of mail in every language. Raises jinja2's errors for a broken layout.

        `return_path` gives the envelope sender of a mail; without it reports go to the address that people see.
        """
        self._agency = agency
        self.sender = agency.profile.sender.address
        self._domain = self.sender.rpartition("@")[2]
        self._return_path = return_path or (lambda _: self.sender)
        self._from = {language: _from(agency, language) for language in LANGUAGES}
        self._contents: Mapping[str, type[Contents]] = {request.mail: request.contents for request in MAIL_REQUESTS}
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._layouts = {
            (kind, language, empty, portal): _lay_out(
                environment, agency, language, portal, template.in_(language), empty, opens_page=PAGES[kind] is not None
            )
            for kind, template in agency.mails.items()
            for language in LANGUAGES
            for empty in MAIL_FIELDS[kind].absences()
            for portal in (portal.code for portal in agency.profile.portals)
        }

    def contents(self, kind: str) -> type[Contents]:
        """What stands under the seal of this kind of mail."""
        return self._contents[kind]

    def message_id(self, delivery_id: UUID) -> str:
        """The Message-ID, the same for each copy, so that mailboxes can tell a second copy from a second mail."""
        return f"<{delivery_id}@{self._domain}>"

    def written(self, kind: str, language: Language, fields: Mapping[str, Any], contents: Contents) -> Written:
        """What a mail of this kind says; `fields` is what its request said in clear, as JSON."""
        values = fill_in(kind, language, fields, contents, self._agency)
        layout = self._layout(kind, language, fields.get(PORTAL), values)
        return layout.written(values, _escaped(values))

    def _layout(self, kind: str, language: Language, portal: str | None, values: Mapping[str, str]) -> Layout:
        empty = frozenset(name for name in MAIL_FIELDS[kind].optional if not values[name])
        return self._layouts[kind, language, empty, self._agency.profile.portal(portal).code]

    def compose(self, mail: Mail, contents: Contents, now: datetime) -> Message:
        """The whole message (RFC 5322). Raises Unsendable when the address is none."""
        recipient = _address(contents.address)
        values = fill_in(mail.kind, mail.language, mail.fields, contents, self._agency)
        layout = self._layout(mail.kind, mail.language, mail.fields.get(PORTAL), values)
        message = (
            f"{self._from[mail.language]}"
            f"To: {recipient}\r\n"
            f"Subject: {_encoded_subject(layout.subject.fill(values))}\r\n"
            f"Date: {_date(now.replace(microsecond=0))}\r\n"
            f"Message-ID: {mail.message_id}\r\n"
            "Auto-Submitted: auto-generated\r\n"
            f"Content-Language: {mail.language}\r\n"
            "MIME-Version: 1.0\r\n"
            f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n'
            f"{PART_OF_TEXT}{layout.text.encoded(values)}"
            f"{PART_OF_HTML}{layout.html.encoded(_escaped(values))}"
            f"\r\n--{BOUNDARY}--\r\n"
        )
        return Message(self._return_path(mail.delivery_id), recipient, message.encode("ascii"))


def _lay_out(
    environment: Environment,
    agency: Agency,
    language: Language,
    portal: str,
    template: MailTemplate,
    empty: frozenset[str],
    *,
    opens_page: bool,
) -> Layout:
    parameters: dict[str, Any] = {
        "language": language,
        "subject": template.subject,
        "preheader": template.preheader,
        "blocks": template.blocks_without(empty),
        "agency": agency.profile.name.in_(language),
        "short_name": agency.profile.short_name.in_(language),
        "target": "{{ link }}" if opens_page else agency.profile.portal(portal).url.in_(language),
        "colon": COLON[language],
        "light": LIGHT,
        "dark": DARK,
        "band": Surface(agency.profile.colours.primary, agency.profile.colours.on_primary),
    }
    known = of_the_agency(agency, language, portal)
    text = environment.get_template("mail.txt").render(parameters).strip()
    html = environment.get_template("mail.html").render(parameters)
    return Layout(
        subject=Gaps.in_(_known(template.subject, known)),
        text=Part.of(_known(text, known), wrapped),
        html=Part.of(_known(html, _links(known)), lambda line: line),
    )


def _known(text: str, values: Mapping[str, str]) -> str:
    """The text with the gaps filled whose values are known now."""
    for name, value in values.items():
        text = text.replace(f"{{{{ {name} }}}}", value)
    return text


def _links(known: Mapping[str, str]) -> Mapping[str, str]:
    """The agency's own addresses, which its data vouches for, as links."""
    targets = {"portal_url": known["portal_url"], "support_email": f"mailto:{known['support_email']}"}
    link = Markup('<a href="{}" style="color:inherit">{}</a>')
    return {name: link.format(target, known[name]) for name, target in targets.items()}


def _escaped(values: Mapping[str, str]) -> dict[str, str]:
    return {name: escape(value) for name, value in values.items()}


def _from(agency: Agency, language: Language) -> str:
    """The whole header line, folded."""
    sender = agency.profile.sender
    message = EmailMessage()
    message["From"] = Address(one_line(sender.name.in_(language)), addr_spec=sender.address)
    folded: str = SMTP.fold("From", message["From"])
    return folded


@lru_cache(maxsize=16)  # mails of one second, and of the one before
def _date(now: datetime) -> str:
    return format_datetime(now)


@lru_cache(maxsize=512)  # most subjects are the same for everybody, and encoding one takes as long as all the rest
def _encoded_subject(subject: str) -> str:
    return Header(one_line(subject), header_name="Subject").encode(linesep="\r\n")


def _address(address: str) -> str:
    """The address as SMTP without SMTPUTF8 takes it; a domain beyond ASCII in its xn-- form. Raises Unsendable."""
    local_part, _, domain = address.rpartition("@")
    try:
        found = f"{local_part}@{ascii_domain(domain)}"
    except EmailNotValidError:
        raise Unsendable(NO_SUCH_ADDRESS) from None
    if not DOT_STRING.fullmatch(local_part) or len(found) > LONGEST_ADDRESS:
        raise Unsendable(NO_SUCH_ADDRESS)
    return found
