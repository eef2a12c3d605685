"""Text that one person writes and another reads, in a mail or in a list: what it never holds.

One rule, wherever such a text comes in: requests (chassis/fields.py), extracts (contracts/imports.py).
"""

import re
import unicodedata

# Control characters, what ends a line, and what turns the direction of writing around: a reader sees what was sent.
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$"

ADDRESS = re.compile(r"[/@\x00-\x1f\x7f-\x9f\u2028\u2029]|www\.|\w\.\w{2}", re.IGNORECASE)
"""What a mail program makes a link of, or its beginnings. "J.P. Roy" and "St. John" pass; "St.John" wants its space."""

# Dots and slashes that no normalization makes plain, and that browsers or mail programs read as such (UTS 46).
READ_AS = str.maketrans({"\u3002": ".", "\u06d4": ".", "\u0701": ".", "\u0702": ".", "\u2044": "/", "\u2215": "/"})


def is_printable(text: str) -> bool:
    """Whether a text is one line that reads as it was written."""
    return re.fullmatch(PRINTABLE, text) is not None


def holds_address(text: str) -> bool:
    """Whether a mail program might make a link of something in it, in whatever letters and dots that is written."""
    return ADDRESS.search(_as_addresses_are_read(text)) is not None


def _as_addresses_are_read(text: str) -> str:
    """Full-width and other forms become plain ones (NFKC), other dots a dot; what nobody sees is left out."""
    seen = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFKC", seen).translate(READ_AS)
