"""Lines laid out once read and travel as if each mail had been laid out from the beginning."""

import quopri

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notifications.composing.layout import TEXT_WIDTH, Gaps, Part, quoted_printable, wrapped

LINE = st.text(st.sampled_from("a =.é\u00a0\u2019🙂\t~<"), max_size=120)
VALUES = st.fixed_dictionaries({"code": LINE, "name": LINE})
LINES_WITH_GAPS = st.lists(st.one_of(LINE, st.just("{{ code }}"), st.just(". {{ name }}, {{ code }}=")), max_size=12)


@given(lines=LINES_WITH_GAPS, values=VALUES)
@example(lines=["a" * 74 + " ", "=" * 24 + "aa\t", "a" * 75 + " "], values={"code": "", "name": ""})
def test_lines_encoded_one_by_one_travel_like_the_text_as_a_whole(lines: list[str], values: dict[str, str]) -> None:
    part = Part.of("\n".join(lines), lambda line: line)
    text = "\n".join(Gaps.in_(line).fill(values) for line in lines)
    assert part.text(values) == text
    whole = f"{text}\n".replace("\n", "\r\n").encode()
    assert part.encoded(values) == quoted_printable(text)
    assert quopri.decodestring(part.encoded(values)) == whole
    assert all(len(line) <= 76 for line in part.encoded(values).split("\r\n"))


WORDS = st.lists(st.text("aé_/", min_size=1, max_size=90), max_size=40)


@given(words=WORDS, margin=st.sampled_from(["", "    ", "12. "]))
def test_a_line_is_broken_between_words_and_no_sooner_than_it_must(words: list[str], margin: str) -> None:
    first, *others = lines = wrapped(margin + " ".join(words)).split("\n")
    indent = " " * len(margin)
    assert (first.removeprefix(margin) if words else "").split(" ") + [
        word for line in others for word in line.removeprefix(indent).split(" ")
    ] == (words or [""])
    assert all(line.startswith(indent) for line in others)
    for line, following in zip(lines, others, strict=False):
        assert len(line) <= TEXT_WIDTH or " " not in line[len(margin) :]
        assert len(f"{line} {following[len(margin) :].split(' ')[0]}") > TEXT_WIDTH


@pytest.mark.parametrize("space", ["\u00a0", "-", "\u202f"])
def test_what_belongs_together_is_not_broken(space: str) -> None:
    assert wrapped(f"{'a' * 70} {space.join(['12345'] * 3)}").split("\n") == ["a" * 70, space.join(["12345"] * 3)]
