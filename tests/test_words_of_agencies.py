"""Nobody reads another agency's words, nor of what their own does without; no code names an agency or knows its codes.

The words follow from the data: what each agency calls itself, its portal, its organizations, and how people stand to
them and come to them.
"""

import ast
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from contracts.agency import Agency, load
from contracts.agency.text import Text
from contracts.events import LANGUAGES
from contracts.problems import Wording, problems, words

ROOT = Path(__file__).parents[1]
AGENCIES = {folder.name: load(folder) for folder in sorted((ROOT / "agencies").iterdir()) if folder.is_dir()}
EACH = pytest.mark.parametrize("name", AGENCIES)

FIRM = re.compile(r"\bfirm", re.IGNORECASE)
"""The platform's own word for an organization that acts for others: nobody reads it where none does."""

OF_FIRMS = {
    "column_organization", "link_delegable", "link_firm", "link_firm_right", "link_membership", "link_through",
    "missing_membership", "missing_through", "reason_delegable", "reason_firm", "reason_firm_right",
    "reason_membership", "reason_through", "audit_member_left",
    "all_subjects_delegated", "another_acted_for", "no_relation_to_delegate", "wider_than_held",
}  # fmt: skip
"""Texts that only what organizations do for others brings about (feature `representation`)."""

COORDINATES = re.compile("coordonnees de liaison|codes? de liaison|linking coordinates|linking code")

OF_COORDINATES = {
    "audit_linking_code_requested", "audit_linking_codes_requested", "not_linked_unknown",
    "already_linked", "campaign_over", "code_unsendable", "nothing_to_change", "too_many_codes",
}  # fmt: skip
"""Texts that only linking coordinates by mail bring about, or files known by a former credential."""


@cache
def plain(text: str) -> str:
    """Without case and accents, apostrophes as typed."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return bare.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("\N{NO-BREAK SPACE}", " ")


def names(agency: Agency) -> set[str]:
    """What the agency calls itself, its portal, its organizations, and how people stand to them and come to them."""
    called: list[Text] = [agency.profile.name, agency.profile.short_name]
    called += [portal.name for portal in agency.profile.portals]
    called += [found.name for found in agency.organization_kinds.values()]
    called += [found.name for found in agency.relation_types.values()]
    called += [found.name for found in agency.linking_methods.values()]
    whole = {plain(text.in_(language)) for text in called for language in LANGUAGES}
    return whole | {name.split()[1] for name in whole if name.startswith("personne ")}  # "les responsables"


def pattern(name: str) -> re.Pattern[str]:
    """The name, each of its words in the singular or the plural, of men or of women."""
    return re.compile(r"\b" + r"\s+".join(re.escape(word) + r"(?:e?s|e)?" for word in name.split()) + r"\b")


def foreign(agency: Agency) -> dict[str, re.Pattern[str]]:
    """The words of other agencies that are no part of its own."""
    own = names(agency)
    others = set[str]().union(*(names(other) for other in AGENCIES.values() if other is not agency))
    return {name: pattern(name) for name in others if not any(pattern(name).search(mine) for mine in own)}


def of_data(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Each text for people that a part of the agency's data holds, with its place."""
    if isinstance(value, Text | Wording):
        yield from ((f"{place}.{language}", getattr(value, language)) for language in LANGUAGES)
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from of_data(getattr(value, field), f"{place}.{field}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from of_data(item, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from of_data(item, f"{place}.{index}")


def read(agency: Agency) -> dict[str, str]:
    """Everything that people read of this agency, by its place: the platform's texts as it words them, and its data."""
    found: dict[str, str] = {}
    for code in problems():
        if may_happen(agency, code):
            found |= dict(of_data(agency.texts.problem(code), f"problems.{code}"))
    for code in words():
        if may_happen(agency, code) and (wording := agency.texts.wording(code)) is not None:
            found |= dict(of_data(wording, f"words.{code}"))
    for file in (*sorted(agency.folder.rglob("*.yaml")), *sorted(agency.folder.glob("terms/*/*.md"))):
        if "demo" not in file.parts:
            found |= {f"{file.name}:{number}": line for number, line in enumerate(uncommented(file), start=1)}
    return {place: plain(text) for place, text in found.items()}


def uncommented(file: Path) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8").splitlines():
        yield re.sub(r"(^|\s)#.*", "", line)


def may_happen(agency: Agency, code: str) -> bool:
    needed = {"representation": OF_FIRMS, "linking_coordinates": OF_COORDINATES}
    return all(code not in texts or feature in agency.features for feature, texts in needed.items())


@EACH
def test_nobody_reads_the_words_of_another_agency(name: str) -> None:
    agency = AGENCIES[name]
    seen = [
        (place, word)
        for word, found in foreign(agency).items()
        for place, text in read(agency).items()
        if found.search(text)
    ]
    assert seen == []


@pytest.mark.parametrize(("feature", "word"), [("representation", FIRM), ("linking_coordinates", COORDINATES)])
@EACH
def test_nobody_reads_of_what_the_agency_does_without(name: str, feature: str, word: re.Pattern[str]) -> None:
    agency = AGENCIES[name]
    found = [place for place, text in read(agency).items() if word.search(text)]
    assert found if feature in agency.features else found == []


def test_the_search_finds_words_in_the_plural_and_of_both_sexes() -> None:
    """What the two agencies call who manages an organization is seen where the other's people would read it."""
    ccq, wsscc = AGENCIES["ccq"], AGENCIES["wsscc"]
    assert any(found.search("les personnes responsables") for found in foreign(wsscc).values())
    assert any(found.search("dirigeantes") for found in foreign(wsscc).values())
    assert any(found.search("un administrateur de l'acces") for found in foreign(ccq).values())
    assert not any(found.search("l'employeur") for found in foreign(ccq).values())


CODE = [
    file
    for folder in ("chassis", "contracts", "services")
    for kind in ("*.py", "*.sql")
    for file in sorted((ROOT / folder).rglob(kind))
    if "tests" not in file.parts
]

OF_THE_PLATFORM = {
    "delegation", "firm", "individual", "linking_coordinates", "former_credential", "organization_code",
    "worker",  # a role of a process
    "administrator",  # what became of a claim
    "already_a_contact", "contested",  # a problem, a reason of reviews
    "asked_by_person",  # why an account was closed
}  # fmt: skip
"""Codes of agencies that are words of the platform too."""


def titles() -> set[str]:
    """How agencies, their portals and their kinds of organizations are called; not what is a word of the platform."""
    called = {word for agency in AGENCIES.values() for word in names_of_the_agency(agency)}
    kinds = {plain(code) for agency in AGENCIES.values() for code in agency.organization_kinds}
    return called | kinds - OF_THE_PLATFORM


def names_of_the_agency(agency: Agency) -> set[str]:
    profile = agency.profile
    called = [profile.name, profile.short_name, *(portal.name for portal in profile.portals)]
    known = {plain(text.in_(language)) for text in called for language in LANGUAGES} | {plain(profile.code)}
    return known - {"online services", "services en ligne"}


def codes() -> set[str]:
    """Every code of the agencies' data that says what an agency has, and not what the platform can do."""
    found = set[str]()
    for agency in AGENCIES.values():
        for table in (
            agency.organization_kinds, agency.subjects, agency.relation_types, agency.linking_methods,
            agency.capacities, agency.campaigns, agency.forms, agency.attestations, agency.managing_reasons,
            agency.decision_reasons,
        ):  # fmt: skip
            found |= set(table)
    return found - OF_THE_PLATFORM


def literals(file: Path) -> set[str]:
    """Text in quotes that stands alone: of SQL, what stands between single ones."""
    source = file.read_text(encoding="utf-8")
    if file.suffix == ".sql":
        return set(re.findall(r"'([^']*)'", source))
    strings = {n.value for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return strings | {quoted for text in strings for quoted in re.findall(r"'([^']*)'", text)}


def test_no_code_names_an_agency_its_portal_or_its_kinds_of_organizations() -> None:
    words = {word: re.compile(rf"\b{re.escape(word)}s?\b") for word in titles()}
    seen = [
        (str(file.relative_to(ROOT)), word)
        for file in CODE
        for text in [plain(file.read_text(encoding="utf-8"))]
        for word, found in words.items()
        if found.search(text)
    ]
    assert seen == []


def test_no_code_knows_a_code_of_an_agencys_data() -> None:
    assert [(str(file.relative_to(ROOT)), code) for file in CODE for code in sorted(literals(file) & codes())] == []
