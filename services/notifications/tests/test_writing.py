"""Dates, times, lists and codes as people read them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.writing import grouped, joined, one_line, written_date, written_instant
from contracts.events import Language

TORONTO = ZoneInfo("America/Toronto")


def plain(text: str) -> str:
    """The text with ordinary spaces."""
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("day", "french", "english"),
    [
        (date(2026, 11, 22), "22 novembre 2026", "November 22, 2026"),
        (date(2026, 8, 1), "1er août 2026", "August 1, 2026"),
    ],
)
def test_dates_are_written_out(day: date, french: str, english: str) -> None:
    assert plain(written_date(day, "fr")) == french
    assert plain(written_date(day, "en")) == english


@pytest.mark.parametrize(
    ("hour", "minute", "french", "english"),
    [
        (14, 30, "14 h 30", "2:30 p.m."),
        (9, 5, "9 h 5", "9:05 a.m."),
        (12, 0, "12 h", "12:00 p.m."),
        (0, 15, "0 h 15", "12:15 a.m."),
    ],
)
def test_times_are_those_of_the_agency(hour: int, minute: int, french: str, english: str) -> None:
    instant = datetime(2026, 11, 22, hour, minute, tzinfo=TORONTO).astimezone(UTC)
    assert plain(written_instant(instant, TORONTO, "fr")) == f"22 novembre 2026 à {french}"
    assert plain(written_instant(instant, TORONTO, "en")) == f"November 22, 2026 at {english}"


@pytest.mark.parametrize(
    ("names", "language", "text"),
    [((), "fr", ""), (("A",), "fr", "A"), (("A", "B"), "fr", "A ou B"), (("A", "B", "C"), "en", "A, B or C")],
)
def test_names_are_joined(names: tuple[str, ...], language: Language, text: str) -> None:
    assert joined(names, language) == text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("471592", "471 592"),
        ("7H2KQ9XWB4RTZ", "7H2K-Q9XW-B4RT-Z"),
        ("7H2K-Q9XW-B4RT-Z", "7H2K-Q9XW-B4RT-Z"),
        ("AAAABBBBCCCC*", "AAAA-BBBB-CCCC-*"),
    ],
)
def test_codes_are_grouped(code: str, text: str) -> None:
    assert grouped(code) == text


@given(st.text())
def test_one_line_holds_no_control_character_and_no_line_break(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert not any(character < " " or character == "\x7f" for character in line)
    assert one_line(line) == line
