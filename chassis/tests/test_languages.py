"""The language a caller reads (RFC 9110, 12.5.4)."""

import pytest

from chassis.languages import choose
from contracts.events import Language

TABLE: list[tuple[str, Language, Language]] = [
    ("", "fr", "fr"),
    ("", "en", "en"),
    ("en", "fr", "en"),
    ("EN-CA", "fr", "en"),
    ("fr-CA, en;q=0.8", "en", "fr"),
    ("en;q=0.8, fr-CA", "en", "fr"),
    ("en;q=0.3, fr;q=0.7", "en", "fr"),
    ("en; q=0.3, fr; Q=0.7", "en", "fr"),
    ("en, fr", "fr", "en"),
    ("de, es", "fr", "fr"),
    ("de, en;q=0.1", "fr", "en"),
    ("*", "fr", "fr"),
    ("en;q=0", "fr", "fr"),
    ("en;q=abc, fr;q=0.1", "en", "fr"),
    ("en;q=nan", "fr", "fr"),
    ("english", "fr", "fr"),
    (",,;;=,q", "fr", "fr"),
    ("en\x00", "fr", "fr"),
    ("x" * 10_000 + ", en", "fr", "fr"),
]


@pytest.mark.parametrize(("header", "default", "chosen"), TABLE)
def test_the_best_language_that_exists_here_is_chosen(header: str, default: Language, chosen: Language) -> None:
    assert choose(header, default) == chosen
