"""From a template's blocks to the bytes that SMTP carries: text and HTML from one source.

What does not change from mail to mail is laid out once, when the process starts; a mail only fills the gaps. The
standard library's EmailMessage would take six times as long for each mail as the SMTP that carries it.
"""

import binascii
import re
import textwrap
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

from contracts.agency import Agency
from contracts.agency.mails import MAIL_FIELDS, MailTemplate
from contracts.events import LANGUAGES, Language
from contracts.notifications import MAIL_REQUESTS, Contents
from services.notifications.addresses import ascii_domain
from services.notifications.domain import Mail
from services.notifications.filling import fill_in
from services.notifications.writing import COLON, one_line

TEMPLATES = Path(__file__).parent / "templates"
TEXT_WIDTH = 76  # characters of a line of text; RFC 5322, 2.1.1 wants at most 78
BOUNDARY = "=_mandat"  # cannot stand in quoted-printable text: there two digits or the line's end follow = (RFC 2045)
CANNOT_DECRYPT = "5.7.5"  # enhanced status codes, RFC 3463
NO_SUCH_ADDRESS = "5.1.3"

LONGEST_ADDRESS = 254  # octets: a path of 256 less its angle brackets (RFC 5321, 4.5.3.1.3)

GAP = re.compile(r"\{\{ ([a-z][a-z0-9_]*) \}\}")
DOT_STRING = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)  # RFC 5321, 4.1.2
LIST_ITEM = re.compile(r"\d+\. |")


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
class Gaps:
    """A text with gaps: fixed pieces, and between them the names of what goes there."""

    pieces: tuple[str, ...]

    @classmethod
    def in_(cls, text: str) -> "Gaps":
        """The gaps `{{ name }}` of a text."""
        return cls(tuple(GAP.split(text)))

    @property
    def any(self) -> bool:
        """Whether there is a gap at all."""
        return len(self.pieces) > 1

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with every gap filled; what a value holds is not looked at again."""
        filled = list(self.pieces)
        filled[1::2] = [values[name] for name in self.pieces[1::2]]
        return "".join(filled)


@dataclass(frozen=True)
class Layout:
    """One kind of mail in one language, laid out. A line of text without gaps is already wrapped."""

    subject: Gaps
    text: tuple[str | Gaps, ...]
    html: Gaps

    def written(self, values: Mapping[str, str], html_values: Mapping[str, str]) -> "Written":
        """What one mail says; the values of HTML are escaped."""
        text = "\n".join(line if isinstance(line, str) else _wrapped(line.fill(values)) for line in self.text)
        return Written(self.subject.fill(values), text, self.html.fill(html_values))


@dataclass(frozen=True)
class Written:
    """What one mail says to its reader."""

    subject: str
    text: str
    html: str


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
            (kind, language, empty): _lay_out(environment, agency, language, template.in_(language), empty)
            for kind, template in agency.mails.items()
            for language in LANGUAGES
            for empty in MAIL_FIELDS[kind].absences()
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
        empty = frozenset(name for name in MAIL_FIELDS[kind].optional if not values[name])
        return self._layouts[kind, language, empty].written(values, _html_values(values))

    def compose(self, mail: Mail, contents: Contents, now: datetime) -> Message:
        """The whole message (RFC 5322). Raises Unsendable when the address is none."""
        recipient = _address(contents.address)
        written = self.written(mail.kind, mail.language, mail.fields, contents)
        message = (
            f"{self._from[mail.language]}"
            f"To: {recipient}\r\n"
            f"Subject: {_encoded_subject(written.subject)}\r\n"
            f"Date: {format_datetime(now)}\r\n"
            f"Message-ID: {mail.message_id}\r\n"
            "Auto-Submitted: auto-generated\r\n"
            f"Content-Language: {mail.language}\r\n"
            "MIME-Version: 1.0\r\n"
            f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n'
            f"{_part('plain', written.text)}{_part('html', written.html)}\r\n--{BOUNDARY}--\r\n"
        )
        return Message(self._return_path(mail.delivery_id), recipient, message.encode("ascii"))


def _lay_out(
    environment: Environment, agency: Agency, language: Language, template: MailTemplate, empty: frozenset[str]
) -> Layout:
    parameters: dict[str, Any] = {
        "language": language,
        "subject": template.subject,
        "preheader": template.preheader,
        "blocks": template.blocks_without(empty),
        "agency": agency.profile.name.in_(language),
        "short_name": agency.profile.short_name.in_(language),
        "portal": agency.profile.portal_url,
        "colon": COLON[language],
        "light": LIGHT,
        "dark": DARK,
        "band": Surface(agency.profile.colours.primary, agency.profile.colours.on_primary),
    }
    lines = environment.get_template("mail.txt").render(parameters).strip().split("\n")
    gaps = [Gaps.in_(line) for line in lines]
    return Layout(
        subject=Gaps.in_(template.subject),
        text=tuple(gap if gap.any else _wrapped(line) for gap, line in zip(gaps, lines, strict=True)),
        html=Gaps.in_(environment.get_template("mail.html").render(parameters)),
    )


def _wrapped(line: str) -> str:
    """The line broken at spaces only, aligned with the text of a list item; codes and addresses stay whole."""
    if len(line) <= TEXT_WIDTH:
        return line.rstrip(" ")
    found = LIST_ITEM.match(line)
    indent = " " * len(found.group()) if found else ""
    return textwrap.fill(line, TEXT_WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _html_values(values: Mapping[str, str]) -> dict[str, str]:
    """The values for HTML; the agency's own addresses, which its data vouches for, become links."""
    html: dict[str, str] = {name: escape(value) for name, value in values.items()}
    if portal := values.get("portal_url"):
        html["portal_url"] = _link(portal, portal)
    if support := values.get("support_email"):
        html["support_email"] = _link(f"mailto:{support}", support)
    return html


@lru_cache(maxsize=16)  # the agency's own addresses, the same in every mail
def _link(target: str, text: str) -> Markup:
    return Markup('<a href="{}" style="color:inherit">{}</a>').format(target, text)


def _from(agency: Agency, language: Language) -> str:
    """The whole header line, folded."""
    sender = agency.profile.sender
    message = EmailMessage()
    message["From"] = Address(one_line(sender.name.in_(language)), addr_spec=sender.address)
    folded: str = SMTP.fold("From", message["From"])
    return folded


@lru_cache(maxsize=512)  # most subjects are the same for everybody, and encoding one takes as long as all the rest
def _encoded_subject(subject: str) -> str:
    return Header(one_line(subject), header_name="Subject").encode(linesep="\r\n")


def _part(subtype: str, content: str) -> str:
    encoded = binascii.b2a_qp(f"{content}\n".replace("\n", "\r\n").encode(), istext=True).decode("ascii")
    return (
        f"\r\n--{BOUNDARY}\r\n"
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
        f"{encoded}"
    )


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
