"""Linking codes: how one is made, how one that a person typed is read, how long it lives. Plain functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: without I, L, O, which look like digits, and U."""

RANDOM_CHARACTERS = 12
"""The security floor: 60 random bits, because no lock protects a code."""

CODE_BITS = RANDOM_CHARACTERS * 5

CODE_LENGTH = RANDOM_CHARACTERS + 1

_VALUES: Mapping[str, int] = {character: value for value, character in enumerate(ALPHABET)}

_MISREAD = str.maketrans("OIL", "011")

_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2212"
"""The hyphen, and what mail programs and telephones put in its place."""


def make_code(bits: int) -> str:
    """A code of CODE_BITS random bits: 12 characters, most significant first, and the check character."""
    values = [bits >> shift & 31 for shift in range(CODE_BITS - 5, -1, -5)]
    return "".join(ALPHABET[value] for value in (*values, _times_a(_weighted_sum(values))))


def read_code(typed: str) -> str | None:
    """The code as it was issued, from how a person typed it. None when its check character says it is mistyped.

    Case, white space and hyphens do not count; O is read as 0, I and L as 1. The check character makes the sum of
    all 13 values, weighted with a**12 … a**0 in GF(32), zero. The weights are distinct and none is zero: so every
    single wrong character is caught, every swap of two characters wherever they stand, every pair doubled wrongly
    (AA for BB), and 30 of 31 of other pairs of wrong characters. One too many or too few is caught by the length.
    """
    code = without_separators(typed).upper().translate(_MISREAD)
    if len(code) != CODE_LENGTH or any(character not in _VALUES for character in code):
        return None
    return code if _weighted_sum([_VALUES[character] for character in code]) == 0 else None


def read_client_number(typed: str) -> str:
    """A client number without the white space and hyphens that a person may have typed."""
    return without_separators(typed)


def without_separators(typed: str) -> str:
    """A code or number without the white space and hyphens that a person may have typed."""
    return "".join(character for character in typed if not character.isspace() and character not in _DASHES)


def _times_a(value: int) -> int:
    """Times a, the root of x⁵ + x² + 1, which generates GF(32): addition is XOR, overflow is reduced."""
    return value << 1 ^ (0b100101 if value & 0b10000 else 0)


def _weighted_sum(values: Iterable[int]) -> int:
    """The last value, plus a times the one before, plus a² times the one before that … (Horner's rule)."""
    total = 0
    for value in values:
        total = _times_a(total) ^ value
    return total


@dataclass(frozen=True)
class IssuedCode:
    """The newest code of a contact."""

    generation: int
    digest: str = field(repr=False)
    expires_at: datetime
    ended: bool


@dataclass(frozen=True)
class Validity:
    """The last day of a code, as the mail says it, and the instant at which that day is over."""

    last_day: date
    ends_at: datetime


def validity(today: date, days: int, zone: ZoneInfo, until: date | None = None) -> Validity:
    """How long a code issued today lives: the day of issue does not count, the last one counts to its end.

    So Quebec's Code of Civil Procedure, art. 83, computes a time limit; and so the date in the mail is true. With
    `until`, a campaign's last day for codes, it lives at least until then.
    """
    last_day = max(today + timedelta(days=days), until or today)
    return Validity(last_day, datetime.combine(last_day + timedelta(days=1), time.min, zone).astimezone(UTC))
