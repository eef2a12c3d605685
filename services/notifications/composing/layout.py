"""How a mail is laid out: lines, some with gaps. Those without are wrapped and encoded once, at the start."""

import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

TEXT_WIDTH = 76  # characters of a line of text; RFC 5322, 2.1.1 wants at most 78

GAP = re.compile(r"\{\{ ([a-z][a-z0-9_]*) \}\}")
BLANK_PAST_THE_END = re.compile(r"^(.{74})(=20|=09)\r$", re.MULTILINE)  # 77 characters, where RFC 2045, 6.7 allows 76
HANGING = re.compile(r"\d+\. |- | *")  # the number or the dash of a list item, or what sets a line apart

Laid = Callable[[str], str]
"""Makes one or several lines of a line."""


@dataclass(frozen=True)
class Gaps:
    """A text with gaps: fixed pieces, and between them the names of what goes there."""

    pieces: tuple[str, ...]

    @classmethod
    def in_(cls, text: str) -> "Gaps":
        """The gaps `{{ name }}` of a text."""
        return cls(tuple(GAP.split(text)))

    @property
    def any(self) -> bool:
        """Whether there is a gap at all."""
        return len(self.pieces) > 1

    def lines(self, values: Mapping[str, str]) -> list[str]:
        """The text with every gap filled; where a value is a list, which holds several lines, once for each of them."""
        several = next((name for name in self.pieces[1::2] if "\n" in values[name]), None)
        if several is None:
            return [self.fill(values)]
        return [self.fill({**values, several: line}) for line in values[several].split("\n")]

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with every gap filled; what a value holds is not looked at again."""
        filled = list(self.pieces)
        filled[1::2] = [values[name] for name in self.pieces[1::2]]
        return "".join(filled)


@dataclass(frozen=True)
class Fixed:
    """Lines that are the same in every mail: as they are read, and as they travel."""

    text: str
    encoded: str


@dataclass(frozen=True)
class Part:
    """The text of a mail, or its HTML. Quoted-printable is written line by line, so a line can be encoded alone."""

    pieces: tuple[Fixed | Gaps, ...]
    laid: Laid

    @classmethod
    def of(cls, text: str, laid: Laid) -> "Part":
        """Lays out a text, line by line."""
        lines = [Gaps.in_(line) for line in text.split("\n")]
        return cls(tuple(_pieces(lines, laid)), laid)

    def text(self, values: Mapping[str, str]) -> str:
        """As it is read."""
        return "\n".join(
            piece.text if isinstance(piece, Fixed) else self._laid_out(piece, values) for piece in self.pieces
        )

    def encoded(self, values: Mapping[str, str]) -> str:
        """As it travels: quoted-printable, each line with its end."""
        return "".join([
            piece.encoded if isinstance(piece, Fixed) else quoted_printable(self._laid_out(piece, values))
            for piece in self.pieces
        ])  # fmt: skip

    def _laid_out(self, piece: Gaps, values: Mapping[str, str]) -> str:
        return "\n".join([self.laid(line) for line in piece.lines(values)])


def _pieces(lines: list[Gaps], laid: Laid) -> Iterator[Fixed | Gaps]:
    for with_gaps, together in groupby(lines, key=lambda line: line.any):
        if with_gaps:
            yield from together
        else:
            text = "\n".join(laid(line.fill({})) for line in together)
            yield Fixed(text, quoted_printable(text))


@dataclass(frozen=True)
class Written:
    """What one mail says to its reader."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Layout:
    """One kind of mail in one language, laid out. The values of HTML are escaped."""

    subject: Gaps
    text: Part
    html: Part

    def written(self, values: Mapping[str, str], html_values: Mapping[str, str]) -> Written:
        """What one mail says."""
        return Written(self.subject.fill(values), self.text.text(values), self.html.text(html_values))


def wrapped(line: str) -> str:
    """The line broken at spaces only, each as far from the margin as the first; codes and addresses stay whole.

    textwrap looks at every word, and took as long for one line as all the rest of a mail.
    """
    rest, found, lines = line.rstrip(" "), HANGING.match(line), []
    indent = " " * len(found.group()) if found else ""
    while len(rest) > TEXT_WIDTH:
        end = rest.rfind(" ", len(indent), TEXT_WIDTH + 1)
        if end == -1:
            end = rest.find(" ", TEXT_WIDTH)
        if end == -1:
            break
        lines.append(rest[:end])
        rest = indent + rest[end + 1 :]
    return "\n".join([*lines, rest])


def quoted_printable(lines: str) -> str:
    """The lines in quoted-printable (RFC 2045, 6.7), with an end after the last one too.

    binascii looks at the length of a line before it writes out the blank at its end.
    """
    encoded = binascii.b2a_qp(f"{lines}\n".replace("\n", "\r\n").encode(), istext=True).decode("ascii")
    return BLANK_PAST_THE_END.sub(r"\1=\r\n\2\r", encoded)
