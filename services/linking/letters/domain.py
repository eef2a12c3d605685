"""A letter to an organization, and how it looks: plain functions of their arguments."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape

from chassis import tables
from chassis.writing import grouped, written_date
from contracts.agency import placeholders
from contracts.agency.letters import Letter, LetterText
from contracts.agency.profile import AgencyProfile
from contracts.events import Language
from services.linking.organizations.domain import Organization

OR: Mapping[Language, str] = {"fr": " ou ", "en": " or "}

COLUMNS = (
    "organization_number", "organization_name", "address_1", "address_2", "address_3", "address_4", "address_5",
    "address_6", "language", "code",
)  # fmt: skip
"""Of a merge file, whatever its reader's language: a mailing house's template names them."""

STYLE = """
@page { size: %(paper)s; margin: 0 }
* { box-sizing: border-box }
body { margin: 0; font: 11pt/1.4 Georgia, "Times New Roman", serif; color: #000 }
section { position: relative; width: %(width)s; height: %(height)s; padding: 18mm 22mm; page-break-after: always;
    break-after: page; overflow: hidden }
section:last-child { page-break-after: auto; break-after: auto }
address { font-style: normal; white-space: pre-wrap }
.to { position: absolute; left: %(left)smm; top: %(top)smm; width: %(window_width)smm; height: %(window_height)smm;
    font-size: 10pt; line-height: 1.2 }
.body { position: absolute; left: 22mm; right: 22mm; top: %(below)smm }
h1 { font-size: 12pt; margin: 0 0 4mm }
p { margin: 0 0 3mm }
.code { font-size: 14pt }
.code strong { font: bold 18pt/1 "Courier New", monospace; letter-spacing: 0.12em; white-space: nowrap }
"""

PAPERS = {"letter": ("215.9mm", "279.4mm"), "A4": ("210mm", "297mm")}
BELOW_WINDOW = 14  # mm


@dataclass(frozen=True)
class Addressed:
    """One letter: to whom, in which language, with which code."""

    organization: Organization
    billing_address: tuple[str, ...]
    language: Language
    issue: int
    code: str = field(repr=False)


def page(letters: Sequence[Addressed], letter: Letter, profile: AgencyProfile, day: date) -> str:
    """All letters as one document of HTML, a sheet each, ready to be printed."""
    width, height = PAPERS[letter.paper]
    window = letter.window
    style = STYLE % {
        "paper": letter.paper,
        "width": width,
        "height": height,
        "left": window.left,
        "top": window.top,
        "window_width": window.width,
        "window_height": window.height,
        "below": window.top + window.height + BELOW_WINDOW,
    }
    sheets = "\n".join(_sheet(one, letter.in_(one.language), profile, day) for one in letters)
    title = escape(profile.short_name.in_(profile.default_language))
    return (
        f'<!doctype html>\n<html lang="{profile.default_language}">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{style}</style>\n{sheets}\n</html>\n"
    )


def _sheet(one: Addressed, text: LetterText, profile: AgencyProfile, day: date) -> str:
    values = _values(one, profile, day)

    def filled(line: str) -> str:
        return escape(placeholders.fill(line, values))

    def paragraphs(lines: Iterable[str]) -> str:
        return "\n".join(f"<p>{filled(line)}</p>" for line in lines)

    def lines(of: Iterable[str]) -> str:
        return "\n".join(filled(line) for line in of)

    to = escape("\n".join((one.organization.name, *one.billing_address)))
    return f"""<section lang="{one.language}">
<address>{lines(text.sender)}</address>
<address class="to">{to}</address>
<div class="body">
<p>{filled(text.date)}</p>
<h1>{filled(text.subject)}</h1>
<p>{filled(text.greeting)}</p>
{paragraphs(text.before_code)}
<p class="code">{filled(text.code)} <strong>{escape(grouped(one.code))}</strong></p>
{paragraphs(text.after_code)}
<p>{filled(text.closing)}</p>
<address>{lines(text.signature)}</address>
</div>
</section>"""


def _values(one: Addressed, profile: AgencyProfile, day: date) -> Mapping[str, str]:
    return {
        "organization": one.organization.name,
        "number": one.organization.number,
        "date": written_date(day, one.language),
        "portal_url": OR[one.language].join(  # nobody knows yet at which its first person will begin
            portal.url.in_(one.language) for portal in profile.portals if portal.in_force(day)
        ),
        "support_email": profile.support_email,
    }


def merge_file(letters: Iterable[Addressed]) -> str:
    """The letters as a table for a mailing house, one a row; codes are grouped, or a spreadsheet eats their zeros."""
    rows = [
        (
            one.organization.number,
            one.organization.name,
            *one.billing_address,
            *("" for _ in range(6 - len(one.billing_address))),
            one.language,
            grouped(one.code),
        )
        for one in letters
    ]
    return tables.text(COLUMNS, rows)
