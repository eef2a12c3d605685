"""An organization's code: names and amounts as people type them, and what proves a claim. Plain functions."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from contracts.agency.organization_codes import PayrollQuestion
from contracts.authorizations import ReportedPayroll
from services.linking.codes.domain import without_separators
from services.linking.organizations.domain import Organization

_APART = re.compile(r"[^\w]+")
_WITHIN = re.compile(r"[.'’`´]")
"""Punctuation that does not part words: S.E.N.C. is one word, and so is O'Brien."""

_MOST_DIGITS = 12
"""Of an amount before its decimals: beyond it nothing is a payroll."""


def folded(name: str, suffixes: Collection[str], ignored: Collection[str]) -> str:
    """A name without case, accents, punctuation, spaces, legal suffixes and the words that people leave out.

    `suffixes` count at the end alone and may stand there several times ("Inc. (Canada) Ltd."); a name that would be
    empty without them keeps them, and so it does the words that are ignored elsewhere.
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    words = [word for word in _APART.split(_WITHIN.sub("", plain)) if word]
    kept = [word for word in words if word not in ignored] or words
    while len(kept) > 1 and kept[-1] in suffixes:
        kept.pop()
    return "".join(kept)


def is_named(names: Iterable[str], typed: str, suffixes: Collection[str], ignored: Collection[str]) -> bool:
    """Whether what was typed is one of the names of an organization, legal or trade."""
    wanted = folded(typed, suffixes, ignored)
    return bool(wanted) and wanted in [folded(name, suffixes, ignored) for name in names]


def read_number(typed: str) -> str:
    """An organization's number without what people put between its characters, as numbers are looked up."""
    return "".join(character for character in typed if character.isalnum()).upper()


def read_code(typed: str, digits: int) -> str | None:
    """A code as it stands on the letter, from how a person typed it. None when it cannot be one."""
    code = without_separators(typed)
    return code if len(code) == digits and code.isascii() and code.isdigit() else None


def read_amount(typed: str) -> Decimal | None:
    """An amount of money as people write it in French and in English: "125 000,50 $", "$125,000.50", "00 $".

    None when it is none. Of two different marks the last one parts the decimals; a single one does unless exactly three
    digits follow it.
    """
    text = "".join(character for character in typed if not character.isspace()).replace("$", "").upper()
    text = text.removesuffix("CAD").removeprefix("CAD").replace("'", "").replace("’", "")
    if not re.fullmatch(r"[0-9][0-9.,]*", text):
        return None
    last = max(text.rfind("."), text.rfind(","))
    if last >= 0 and _parts_decimals(text, last):
        whole, cents = re.sub(r"[.,]", "", text[:last]), text[last + 1 :]
    else:
        whole, cents = re.sub(r"[.,]", "", text), ""
    if len(whole) > _MOST_DIGITS or len(cents) > 2:
        return None
    try:
        return Decimal(f"{whole or '0'}.{cents or '0'}")
    except InvalidOperation:
        return None


def _parts_decimals(text: str, last: int) -> bool:
    mark, after = text[last], len(text) - last - 1
    if text.count(mark) > 1:
        return False
    return after != 3 or any(other in text[:last] for other in ".," if other != mark)


def expected_payroll(reported: ReportedPayroll | None, question: PayrollQuestion, today: date) -> Decimal:
    """The answer to the knowledge question on a day: what that year's report says, or what stands until it is filed."""
    if reported is None or reported.year != today.year:
        return Decimal(question.before_report)
    return reported.amount


def is_near(typed: Decimal | None, expected: Decimal, question: PayrollQuestion) -> bool:
    """Whether an answer is within the data's tolerance of what is expected."""
    if typed is None:
        return False
    allowed = max(expected * question.tolerance_percent / 100, Decimal(question.tolerance_at_least))
    return abs(typed - expected) <= (allowed if expected else Decimal(0))


@dataclass(frozen=True)
class Code:
    """The living code of an organization, without the code itself.

    `valid`: its organization is active; while it is not, the code matches nothing and its digits are free.
    """

    issue: int
    valid: bool
    locked: bool


@dataclass(frozen=True)
class Claimable:
    """An active organization that has a code, and what proves that somebody belongs to it, none of it in clear.

    `digest` is what rests of its code, None while no code lives; `facts` what it reported, encrypted.
    """

    organization: Organization
    names: tuple[str, ...]
    issue: int
    locked: bool
    digest: bytes | None = field(repr=False)
    facts: str | None = field(repr=False)
