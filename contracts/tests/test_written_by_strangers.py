"""What one person writes and another reads holds no address and turns nothing around."""

import pytest

from contracts.written_by_strangers import holds_address, is_printable

DOTS = ".\u3002\uff0e\uff61\u2024\ufe52\ufe12\u06d4\u0701\u0702"
SLASHES = "/\u2044\u2215\uff0f"
NOT_SEEN = "\u200b\u200c\u2060\ufeff\u00ad"


@pytest.mark.parametrize(
    "text",
    [
        *[f"ccq-aide{dot}example" for dot in DOTS],
        *[f"t{dot}co" for dot in DOTS],
        *[f"Jean https:{slash * 2}x" for slash in SLASHES],
        *[f"ccq-aide{nothing}.{nothing}example" for nothing in NOT_SEEN],
        "aide\u200b@x",
        "\uff37\uff37\uff37.",
    ],
)
def test_an_address_is_found_in_whatever_dots_slashes_and_letters_it_is_written(text: str) -> None:
    assert holds_address(text)


@pytest.mark.parametrize("name", ["J.P. Roy", "St. John", "O’Neil-Tremblay", "Nguyễn Thị Ánh", "Jr.", "M. & Mme Roy"])
def test_names_as_people_have_them_hold_none(name: str) -> None:
    assert not holds_address(name)
    assert is_printable(name)


@pytest.mark.parametrize(
    "character", "\x00\n\x7f\x85\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
def test_a_text_that_turns_the_writing_around_or_breaks_the_line_cannot_be_printed(character: str) -> None:
    assert not is_printable(f"Démo{character}Membre")
    assert not is_printable(f"Démo{character}")
