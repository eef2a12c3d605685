"""Promises of linking codes."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.linking.codes.domain import (
    ALPHABET,
    CODE_BITS,
    CODE_LENGTH,
    make_code,
    read_client_number,
    read_code,
    validity,
)

MONTREAL = ZoneInfo("America/Toronto")
codes = st.integers(0, 2**CODE_BITS - 1).map(make_code)
positions = st.integers(0, CODE_LENGTH - 1)
characters = st.sampled_from(ALPHABET)


def put(code: str, position: int, character: str) -> str:
    return code[:position] + character + code[position + 1 :]


def test_a_code_is_spelled_as_documented() -> None:
    """Worked by hand: 1 at the first place is a^12 = 14 = E; 31 at the twelfth is 31·a = 27 = V."""
    assert make_code(0) == "0000000000000"
    assert make_code(1 << 55) == "100000000000E"
    assert make_code(31) == "00000000000ZV"


@given(st.integers(0, 2**CODE_BITS - 1), st.integers(0, 2**CODE_BITS - 1))
def test_every_code_reads_back_and_no_two_are_alike(one: int, other: int) -> None:
    assert read_code(make_code(one)) == make_code(one)
    assert len(make_code(one)) == CODE_LENGTH
    assert (make_code(one) == make_code(other)) == (one == other)


@given(codes, st.lists(st.tuples(positions, st.sampled_from(" -\u00a0\u2011\u2013\t")), max_size=9), st.data())
def test_case_spaces_hyphens_and_misread_letters_do_not_count(
    code: str, separators: list[tuple[int, str]], data: st.DataObject
) -> None:
    misread = {"0": "0Oo", "1": "1IiLl"}
    typed = "".join(data.draw(st.sampled_from(misread.get(c, c + c.lower()))) for c in code)
    for position, separator in separators:
        typed = typed[:position] + separator + typed[position:]
    assert read_code(typed) == code


@given(codes, positions, characters)
def test_every_single_wrong_character_is_caught(code: str, position: int, character: str) -> None:
    assume(code[position] != character)
    assert read_code(put(code, position, character)) is None


@given(codes, positions, positions)
def test_every_swap_of_two_characters_is_caught_wherever_they_stand(code: str, one: int, other: int) -> None:
    assume(code[one] != code[other])
    assert read_code(put(put(code, one, code[other]), other, code[one])) is None


@given(st.lists(characters, min_size=10, max_size=10), st.data(), characters, characters)
def test_every_pair_doubled_wrongly_is_caught(rest: list[str], data: st.DataObject, right: str, wrong: str) -> None:
    assume(right != wrong)
    one, other = data.draw(st.lists(st.integers(0, 11), min_size=2, max_size=2, unique=True).map(sorted))
    first_twelve = rest[:]
    first_twelve.insert(one, right)
    first_twelve.insert(other, right)
    code = make_code(sum(ALPHABET.index(c) << 5 * (11 - place) for place, c in enumerate(first_twelve)))
    assert code[one] == code[other] == right
    assert read_code(put(put(code, one, wrong), other, wrong)) is None


@given(codes, positions, characters)
def test_a_character_too_few_or_too_many_is_caught(code: str, position: int, character: str) -> None:
    assert read_code(code[:position] + code[position + 1 :]) is None
    assert read_code(code[:position] + character + code[position:]) is None


@given(st.text(max_size=64))
def test_whatever_is_typed_is_read_or_refused_without_an_error(typed: str) -> None:
    code = read_code(typed)
    assert code is None or (len(code) == CODE_LENGTH and set(code) <= set(ALPHABET))


def test_one_in_31_of_other_double_errors_passes_the_check() -> None:
    """An honest bound: two independent wrong characters."""
    code = make_code(0x123456789ABCDEF)
    changes = [put(put(code, 2, x), 7, y) for x in ALPHABET for y in ALPHABET if x != code[2] and y != code[7]]
    passing = sum(read_code(changed) is not None for changed in changes)
    assert (passing, len(changes)) == (31, 961)


def test_a_client_number_is_read_without_spaces_and_hyphens() -> None:
    assert read_client_number(" 300 00-01 ") == "3000001"


@pytest.mark.parametrize(
    ("today", "days", "ends_at"),
    [
        (date(2026, 12, 1), 30, datetime(2027, 1, 1, 5, tzinfo=UTC)),  # to the end of 31 December
        (date(2026, 3, 7), 1, datetime(2026, 3, 9, 4, tzinfo=UTC)),  # 8 March has 23 hours
        (date(2026, 10, 31), 1, datetime(2026, 11, 2, 5, tzinfo=UTC)),  # 1 November has 25
    ],
)
def test_a_code_lives_to_the_end_of_the_day_that_the_mail_names(today: date, days: int, ends_at: datetime) -> None:
    found = validity(today, days, MONTREAL)
    assert found.ends_at == ends_at
    assert (found.last_day - today).days == days
