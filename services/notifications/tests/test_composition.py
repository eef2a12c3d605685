"""The mails themselves: what they say, how they read, and that nobody can make them say something else."""

import json
import os
import re
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cache
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.agency import Agency, load
from contracts.agency.typography import faults
from contracts.events import LANGUAGES, Language
from contracts.notifications import (
    Ending,
    Endings,
    EndsDigestContents,
    LinkingCoordinatesContents,
    MailRequest,
    VerificationCodeContents,
)
from local import ROOT
from services.notifications.composing.composition import DARK, LIGHT, Composer, Message, Surface, Unsendable
from services.notifications.composing.preview import previews, samples
from services.notifications.mails.domain import Mail
from services.notifications.tests.host import part
from services.notifications.tests.rig import SEALER, START, code_mail, coordinates_mail, seal

FOLDERS = sorted(file.parent for file in (ROOT / "agencies").glob("*/agency.yaml"))
SNAPSHOTS = Path(__file__).parent / "snapshots"
SHOWS_LAYOUT = "ccq"  # whose HTML is kept as it was reviewed
AGENCIES: dict[str, Agency] = {folder.name: load(folder) for folder in FOLDERS}
COMPOSERS = {name: Composer(agency) for name, agency in AGENCIES.items()}


def sealed_samples(agency: Agency) -> dict[str, MailRequest]:
    """Every made-up mail of an agency, by its name."""
    return {
        sample.name: sample.request.model_copy(update={"sealed": seal(sample.contents)}) for sample in samples(agency)
    }


SAMPLES_OF = {name: sealed_samples(agency) for name, agency in AGENCIES.items()}
SAMPLES = SAMPLES_OF["ccq"]
KINDS = [(name, kind) for name, agency in AGENCIES.items() for kind in agency.mails]
EACH_KIND = pytest.mark.parametrize(("agency_name", "kind"), KINDS, ids=["-".join(one) for one in KINDS])


def variants(agency_name: str, kind: str) -> list[tuple[str, Language]]:
    """A kind of mail whole, and in every way in which something of it may be absent; in both languages."""
    named = [name for name in SAMPLES_OF[agency_name] if name.split("-")[0] == kind]
    return list(product(named, LANGUAGES))


@pytest.fixture(scope="module")
def composer(agency: Agency) -> Composer:
    return Composer(agency)


def composed(composer: Composer, request: MailRequest, language: Language = "fr") -> Message:
    """The request's message, as the sender would compose it from its row."""
    mail = Mail(
        delivery_id=request.delivery_id,
        kind=request.mail,
        language=language,
        fields=json.loads(json.dumps(request.in_clear())),
        sealed=request.sealed,
        priority=0,
        expires_at=request.expires_at,
        message_id=composer.message_id(request.delivery_id),
        due_at=START,
        lease_until=START,
        fence=1,
        attempts=1,
        traceparent=None,
    )
    return composer.compose(mail, SEALER.open(mail.sealed, composer.contents(mail.kind)), START)


def parsed(composer: Composer, request: MailRequest, language: Language = "fr") -> EmailMessage:
    """The mail as a mailbox reads it."""
    return _read(composed(composer, request, language).content)


def _read(content: bytes) -> EmailMessage:
    message = BytesParser(policy=policy.default).parsebytes(content)
    assert not [defect for piece in message.walk() for defect in piece.defects]
    return message


@dataclass(frozen=True)
class Sent:
    """A sample as it goes out: its bytes, and what a mailbox reads of them."""

    content: bytes
    mail: EmailMessage
    text: str
    html: str


@cache
def sent(agency_name: str, name: str, language: Language) -> Sent:
    """A sample, composed once for all that is looked at in it."""
    content = composed(COMPOSERS[agency_name], SAMPLES_OF[agency_name][name], language).content
    mail = _read(content)
    return Sent(content, mail, part(mail, "plain"), part(mail, "html"))


@EACH_KIND
def test_a_mail_reads_as_it_was_last_reviewed(agency_name: str, kind: str) -> None:
    """Run with MANDAT_WRITE_SNAPSHOTS=1 to write them anew, and review the difference.

    One file holds all that a kind may say. How a mail looks is the same whoever sends it: one agency's HTML shows it.
    """
    texts = [
        f"===== {name} · {language} =====\n{found.mail['Subject']}\n\n{found.text}"
        for name, language in variants(agency_name, kind)
        for found in [sent(agency_name, name, language)]
    ]
    _is_as_reviewed(SNAPSHOTS / agency_name / f"{kind}.txt", "\n".join(texts))
    if agency_name == SHOWS_LAYOUT:
        for language in LANGUAGES:
            html = sent(agency_name, kind, language).html
            _is_as_reviewed(SNAPSHOTS / agency_name / f"{kind}.{language}.html", html)


def _is_as_reviewed(snapshot: Path, content: str) -> None:
    if os.environ.get("MANDAT_WRITE_SNAPSHOTS"):
        snapshot.parent.mkdir(parents=True, exist_ok=True)
        snapshot.write_text(content, encoding="utf-8")
    assert content == snapshot.read_text(encoding="utf-8")


def test_no_sentence_ends_with_an_hour_and_two_full_stops() -> None:
    for agency_name, kind in KINDS:  # "at 10:04 a.m." brings its own
        for name, language in variants(agency_name, kind):
            text = sent(agency_name, name, language).text
            assert ".." not in text.replace("...", ""), (agency_name, name, language)


def test_every_snapshot_is_of_a_mail_that_there_still_is() -> None:
    expected = {f"{agency_name}/{kind}.txt" for agency_name, kind in KINDS}
    looks = product(AGENCIES[SHOWS_LAYOUT].mails, LANGUAGES)
    expected |= {f"{SHOWS_LAYOUT}/{kind}.{language}.html" for kind, language in looks}
    assert {str(file.relative_to(SNAPSHOTS)) for file in SNAPSHOTS.rglob("*.*")} == expected


@EACH_KIND
def test_a_mail_says_who_it_is_from_and_that_nobody_wrote_it_by_hand(agency_name: str, kind: str) -> None:
    sender = AGENCIES[agency_name].profile.sender
    for name, language in variants(agency_name, kind):
        mail = sent(agency_name, name, language).mail
        assert mail["From"].addresses[0].addr_spec == sender.address
        assert mail["From"].addresses[0].display_name == sender.name.in_(language)
        assert len(mail["To"].addresses) == 1
        assert mail["To"].addresses[0].display_name == ""
        domain = sender.address.partition("@")[2]
        assert mail["Message-ID"] == f"<{SAMPLES_OF[agency_name][name].delivery_id}@{domain}>"
        assert mail["Date"].datetime == START
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Content-Language"] == language
        assert mail.get_content_type() == "multipart/alternative"
        assert [piece.get_content_type() for piece in mail.iter_parts()] == ["text/plain", "text/html"]


@EACH_KIND
def test_a_mail_follows_the_typography_of_its_language(agency_name: str, kind: str) -> None:
    for name, language in variants(agency_name, kind):
        found = sent(agency_name, name, language)
        reader = _Reader()
        reader.feed(found.html)
        paragraphs = re.split(r"\n(?:\n| *\d+\. |- )", found.text)
        texts = [found.mail["Subject"], *(" ".join(text.split("\n")) for text in paragraphs), *reader.texts]
        wrong = [fault for text in texts for fault in faults(re.sub(" {2,}", " ", str(text)).strip(" "), language)]
        assert wrong == [], name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_agencys_mails_are_filled_and_lead_to_its_own_addresses_alone(folder: Path) -> None:
    agency = load(folder)
    own = {url for portal in agency.profile.portals for url in (portal.url.fr, portal.url.en)}
    kinds = set()
    for found in previews(agency):
        kinds.add(found.name.split("-")[0])
        assert not re.search(r"\{\{|\}\}", found.mail.subject + found.mail.text + found.mail.html), found.name
        assert not faults(re.sub(r"\s*\n\s*", " ", found.mail.subject), found.language), found.name
        links = set(re.findall(r'href="(https?://[^"]+)"', found.mail.html))
        assert all(any(link.startswith(url) for url in own) for link in links), found.name
    assert kinds == set(agency.mails)


@EACH_KIND
def test_text_and_html_say_the_same(agency_name: str, kind: str) -> None:
    for name, language in variants(agency_name, kind):
        found = sent(agency_name, name, language)
        reader = _Reader()
        reader.feed(found.html)
        html_words = set(" ".join(reader.texts).split())
        text_words = [word for word in found.text.split() if not re.fullmatch(r"\d\.|-", word)]
        assert not [word for word in text_words if word not in html_words], name


@EACH_KIND
def test_lines_are_short_enough_for_every_mail_host(agency_name: str, kind: str) -> None:
    for name, language in variants(agency_name, kind):
        found = sent(agency_name, name, language)
        assert max(map(len, found.content.split(b"\r\n"))) <= 78
        assert b"\n" not in found.content.replace(b"\r\n", b"")
        assert max(len(line) for line in found.text.split("\n") if "https://" not in line) <= 76, name


@EACH_KIND
def test_html_needs_nothing_from_outside_and_names_its_language(agency_name: str, kind: str) -> None:
    for name, language in variants(agency_name, kind):
        html = sent(agency_name, name, language).html
        assert f'<html lang="{language}" dir="ltr">' in html
        assert not re.search(r"<img|<script|<link|<iframe|src=|url\(|@import", html), name


@pytest.mark.parametrize(("name", "language"), list(product(SAMPLES, LANGUAGES)))
def test_links_lead_to_the_portal_the_page_of_the_mail_and_support_alone(name: str, language: Language) -> None:
    links = set(re.findall(r'href="([^"]+)"', sent("ccq", name, language).html))
    token = "https://sel.ccq.org/courriel/annulation#example-token-00000001" if name == "email_changed" else None
    assert links <= {token or "https://sel.ccq.org", "mailto:firmecomptable@ccq.org"}


@pytest.mark.parametrize(
    ("portal", "language", "leads_to"),
    [
        (None, "fr", "https://connect.nt.ca/fr"),
        ("nt", "en", "https://connect.nt.ca/en"),
        ("nu", "fr", "https://connect.nu.ca/fr"),
        ("nu", "en", "https://connect.nu.ca/en"),
    ],
)
def test_links_lead_to_the_address_at_which_the_reader_began_in_their_language(
    portal: str | None, language: Language, leads_to: str
) -> None:
    composer = Composer(load(ROOT / "agencies" / "wsscc"))
    for kind in ("already_registered", "email_changed"):
        mail = parsed(composer, SAMPLES[kind].model_copy(update={"portal": portal}), language)
        for text in (part(mail, "plain"), part(mail, "html")):
            assert set(re.findall(r"https://connect[^/]*/[a-z]{2}", text)) == {leads_to}


def test_a_single_use_token_stands_in_the_fragment_of_one_link_and_nowhere_else(composer: Composer) -> None:
    mail = parsed(composer, SAMPLES["email_changed"])
    link = "https://sel.ccq.org/courriel/annulation#example-token-00000001"
    assert part(mail, "plain").count("example-token") == part(mail, "plain").count(link) == 1
    assert part(mail, "html").count("example-token") == part(mail, "html").count(link) == 2  # button, and address


@EACH_KIND
def test_every_text_can_be_told_from_its_background_by_day_and_by_night(agency_name: str, kind: str) -> None:
    for name, language in variants(agency_name, kind):
        _has_contrast(sent(agency_name, name, language).html)


def _has_contrast(html: str) -> None:
    pair = r"background-color: ?(#[0-9a-f]{6})(?: !important)?; ?color: ?(#[0-9a-f]{6})"
    night, day = html.split("</style>")
    assert '<meta name="color-scheme" content="light dark">' in night
    by_day, by_night = re.findall(pair, day), re.findall(pair, night)
    assert len(by_day) >= 4
    assert len(by_night) == 4
    for background, text in [*by_day, *by_night]:
        assert _contrast(background, text) >= 4.5, (background, text)
    assert day.count("color:#") == 2 * len(by_day), "a colour stands without its counterpart"
    classes = set(re.findall(r'class="([a-z]+)"', day))
    assert classes - {"band"} <= set(re.findall(r"\.([a-z]+) \{", night))


@pytest.mark.parametrize("surfaces", [LIGHT, DARK], ids=["light", "dark"])
def test_every_surface_has_the_contrast_that_text_needs(surfaces: dict[str, Surface]) -> None:
    assert LIGHT.keys() == DARK.keys()
    assert all(_contrast(*surface) >= 4.5 for surface in surfaces.values())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_agencys_colours_have_it_too(folder: Path) -> None:
    colours = load(folder).profile.colours
    assert _contrast(colours.primary, colours.on_primary) >= 4.5


def test_a_linking_code_can_be_read_out_in_groups_of_four(composer: Composer) -> None:
    mail = parsed(composer, coordinates_mail())
    assert "7H2K-Q9XW-B4RT-Z" in part(mail, "plain")
    assert "7H2K-Q9XW-B4RT-Z" in part(mail, "html")


def test_without_anybody_responsible_the_mail_names_support_alone(composer: Composer) -> None:
    text = part(parsed(composer, coordinates_mail(responsible=())), "plain")
    assert "Adressez-vous" not in text
    assert "Écrivez à notre soutien technique" in text


ATTACKS = [
    "Roy\r\nBcc: everybody@elsewhere.example",
    "Roy\nSubject: You won",
    "Roy\r\n\r\n<script>alert(1)</script>",
    "Roy\u2028Bcc: x@y.example",
    "=?utf-8?q?Roy=0D=0ABcc:_x=40y.example?=",
    "{{ code }} {{ client_number }}",
    '"><img src=x onerror=alert(1)>',
    "\r\n.\r\nMAIL FROM:<x@y.example>",
    "\r\n--=_mandat--\r\n",
    "\u202egnp.exe",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_name_can_neither_add_a_header_nor_become_markup(composer: Composer, attack: str) -> None:
    plain = parsed(composer, coordinates_mail(organization_name="Roy"))
    mail = parsed(composer, coordinates_mail(organization_name=attack, responsible=(attack,)))
    assert mail.keys() == plain.keys()
    assert len(list(mail.walk())) == 3
    html = part(mail, "html")
    assert html.count("<") == part(parsed(composer, coordinates_mail(responsible=("Roy",))), "html").count("<")
    assert part(mail, "plain").count("7H2K-Q9XW") == 1
    assert "\u202e" not in html


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_name_in_a_list_stays_in_its_line(composer: Composer, attack: str) -> None:
    ending = Ending(ends_on=START.date(), organization_name=attack, member_name=attack, function="staff_member")
    contents = EndsDigestContents(address="a@b.example", given_name="N", ends=Endings(listed=(ending,) * 2, more=2))
    request = SAMPLES["ends_digest"].model_copy(update={"sealed": seal(contents)})
    mail = parsed(composer, request)
    assert part(mail, "html").count("<li ") == 3
    assert sum(line.startswith("- ") for line in part(mail, "plain").split("\n")) == 3
    assert mail.keys() == parsed(composer, SAMPLES["ends_digest"]).keys()


@settings(max_examples=40)
@given(name=st.text(max_size=200), given_name=st.text(max_size=80))
def test_whatever_a_name_holds_the_mail_keeps_its_shape(name: str, given_name: str, agency: Agency) -> None:
    composer = _composer(agency)
    request = coordinates_mail(organization_name=name)
    contents = LinkingCoordinatesContents(
        address="a@b.example", given_name=given_name, client_number="1", code="1", responsible=(given_name,)
    )
    mail = parsed(composer, request.model_copy(update={"sealed": seal(contents)}))
    assert len(mail.keys()) == 9
    assert [piece.get_content_type() for piece in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nRCPT TO:<c@d.example>",
        "a@b.example, c@d.example",
        "<a@b.example>",
        "Nathalie <a@b.example>",
        "a b@c.example",
        "nobody",
        "",
        "é@b.example",
        ".a@b.example",
        "a..b@c.example",
        '"a b"@c.example',
        "a@b",
        "a@b@c.example",
        "a@b.example\n",
        f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 54}.example",
    ],
)
def test_what_is_not_one_address_is_sent_nowhere(composer: Composer, address: str) -> None:
    contents = VerificationCodeContents(address=address, given_name="N", code="471592")
    with pytest.raises(Unsendable) as refused:
        composed(composer, code_mail().model_copy(update={"sealed": seal(contents)}))
    assert refused.value.status == "5.1.3"


def test_a_domain_beyond_ascii_is_written_so_that_every_host_understands(composer: Composer) -> None:
    contents = VerificationCodeContents(address="nathalie@québec.example", given_name="N", code="471592")
    request = code_mail().model_copy(update={"sealed": seal(contents)})
    assert composed(composer, request).recipient == "nathalie@xn--qubec-csa.example"


_COMPOSERS: dict[str, Composer] = {}


def _composer(agency: Agency) -> Composer:
    if agency.version not in _COMPOSERS:
        _COMPOSERS[agency.version] = Composer(agency)
    return _COMPOSERS[agency.version]


def _contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2.2 defines it, computed apart from the code under test."""

    def luminance(colour: str) -> float:
        shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


class _Reader(HTMLParser):
    """The texts of an HTML page, one for each block element."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag == "style"
        if tag != "a":
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent and self.texts:
            self.texts[-1] += data.replace("\n", " ")
