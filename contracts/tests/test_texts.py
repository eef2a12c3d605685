"""The texts of the platform: both languages say the same, with the same placeholders and sound typography."""

import re
from collections import Counter
from pathlib import Path

import pytest

from contracts.agency import placeholders
from contracts.agency.typography import faults
from contracts.events import LANGUAGES
from contracts.problems import FOLDER, Wording, defects, problems, words

TEXTS: dict[str, Wording] = {
    **{f"{code}.title": problem.title for code, problem in problems().items()},
    **{f"{code}.detail": problem.detail for code, problem in problems().items()},
    **words(),
    **defects(),
}
EACH_TEXT = pytest.mark.parametrize("name", sorted(TEXTS))


@EACH_TEXT
def test_both_languages_ask_for_the_same_placeholders(name: str) -> None:
    french, english = (placeholders.names(getattr(TEXTS[name], to), "{name}") for to in LANGUAGES)
    assert french == english


@EACH_TEXT
def test_braces_stand_only_around_placeholders(name: str) -> None:
    for language in LANGUAGES:
        text = getattr(TEXTS[name], language)
        assert not list(placeholders.faults(text, placeholders.names(text, "{name}"), "{name}"))


@EACH_TEXT
def test_typography_is_sound(name: str) -> None:
    for language in LANGUAGES:
        assert faults(getattr(TEXTS[name], language), language) == []


@pytest.mark.parametrize("code", sorted(problems()))
def test_a_title_is_the_same_for_every_refusal(code: str) -> None:
    """RFC 9457, 3.1.3: a title does not change from occurrence to occurrence."""
    for language in LANGUAGES:
        title = getattr(problems()[code].title, language)
        assert not placeholders.names(title, "{name}")
        assert not title.endswith(".")


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.name)
def test_no_text_stands_twice(file: Path) -> None:
    """YAML would take the last one in silence."""
    keys = re.findall(r"^(\w+):", file.read_text(encoding="utf-8"), re.M)
    assert len(keys) > 10 and [key for key, times in Counter(keys).items() if times > 1] == []
