"""Promises about the chassis' words: what a service is about has no name here."""

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

CHASSIS = Path(__file__).parents[1]

NOUNS = {
    "attestation", "campaign", "contact", "delegation", "employer", "firm", "invitation", "linking", "mandate",
    "membership", "organization", "profile", "relation", "representation", "suppression", "terms", "territory",
}  # fmt: skip
"""Of the domain, so that nothing else in the chassis would be called so. `account`, `person`, `agent` and `machine` are
kinds of callers, on which all services agree (chassis/__init__.py)."""

AGREED = {"organization_id", "profile_id", "NO_ORGANIZATION"}
"""In the audit: chassis/__init__.py says why."""

OF_THE_AGENCY = {"profile"}
"""agency.profile: the agency's name, addresses and issuers."""


def _names(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8") as source:
        yield from (token.string for token in tokenize.generate_tokens(source.readline) if token.type == tokenize.NAME)


def _nouns(name: str) -> set[str]:
    words = {word.lower() for word in re.findall("[A-Z]?[a-z]+|[A-Z]+", name)}
    return NOUNS & (words | {word.removesuffix("s") for word in words})


def test_nothing_in_the_chassis_is_named_after_what_a_service_is_about() -> None:
    found = {
        f"{file.relative_to(CHASSIS)}: {name}"
        for file in CHASSIS.rglob("*.py")
        if "tests" not in file.relative_to(CHASSIS).parts
        for name in _names(file)
        if _nouns(name) and name not in AGREED | OF_THE_AGENCY
    }
    assert found == set()
