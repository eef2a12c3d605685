"""Whether two files are likely about one person. Nothing here knows a database.

Evidence of single fields is added up in bits (Fellegi and Sunter, "A Theory for Record Linkage", 1969); how much a
field says is the agency's data.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import product

from rapidfuzz.distance import OSA

from contracts.agency.matching import ComparedField, Matching

Description = Mapping[str, tuple[str, ...]]
"""What is known of a person: by the code of a field its values, one or several."""

CLOSE_TEXT = 0.7  # of the letters are the same and in place, at most one swap or slip in three or four
SHORTEST_BEGINNING = 4  # letters, of a name that a narrow field has cut off
SLIPS_IN_DOMAIN = 2  # letters wrong, missing or swapped in the domain of an e-mail address

NOT_LETTERS = re.compile(r"[\W_]+")


class Agreement(Enum):
    """How the values of one field stand to each other, the stronger the greater."""

    DIFFERENT = 0
    CLOSE = 1
    EQUAL = 2


@dataclass(frozen=True)
class Likeness:
    """How much two files are alike: the evidence in bits, and the fields that agree."""

    evidence: float
    agreeing: Mapping[str, Agreement]


class Matcher:
    """Compares descriptions by one policy."""

    def __init__(self, policy: Matching) -> None:
        """`policy` names the fields, how they are compared, and what their agreement says."""
        self.threshold = policy.threshold
        self.same_organization = policy.same_organization
        self._fields = {field.code: field for field in policy.fields}
        self._pairs = policy.swapped
        self._swapped_costs = policy.swapped_costs
        paired = {code for pair in policy.swapped for code in pair}
        self._single = [code for code in self._fields if code not in paired]

    def compare(self, one: Description, other: Description) -> Likeness:
        """The evidence that both are about one person."""
        evidence, agreeing = 0.0, dict[str, Agreement]()
        for codes in [*((code,) for code in self._single), *self._pairs]:
            more, found = max(self._ways(codes, one, other), key=lambda way: way[0])
            evidence += more
            agreeing |= found
        return Likeness(evidence, agreeing)

    def _ways(
        self, codes: tuple[str, ...], one: Description, other: Description
    ) -> Iterable[tuple[float, dict[str, Agreement]]]:
        """The evidence of some fields, as they stand and with the values of one file swapped."""
        yield self._evidence(codes, codes, one, other)
        if len(codes) > 1:
            evidence, found = self._evidence(codes, codes[::-1], one, other)
            yield evidence - self._swapped_costs, found

    def _evidence(
        self, codes: tuple[str, ...], other_codes: tuple[str, ...], one: Description, other: Description
    ) -> tuple[float, dict[str, Agreement]]:
        evidence, found = 0.0, dict[str, Agreement]()
        for code, other_code in zip(codes, other_codes, strict=True):
            field = self._fields[code]
            agreement = _agreement(field, one.get(code, ()), other.get(other_code, ()))
            if agreement is None:
                continue
            evidence += min(_weight(field, agreement), _weight(self._fields[other_code], agreement))
            if agreement is not Agreement.DIFFERENT:
                found[code] = agreement
        return evidence, found


def _weight(field: ComparedField, agreement: Agreement) -> float:
    return {Agreement.EQUAL: field.equal, Agreement.CLOSE: field.close, Agreement.DIFFERENT: field.different}[agreement]


def _agreement(field: ComparedField, ours: Iterable[str], theirs: Iterable[str]) -> Agreement | None:
    """The strongest agreement between any two values; None when one file has none."""
    compare = COMPARISONS[field.kind]
    found = (compare(a, b) for a, b in product(filter(_words, ours), filter(_words, theirs)))
    return max(found, key=lambda agreement: agreement.value, default=None)


def _text(one: str, other: str) -> Agreement:
    a, b = _words(one), _words(other)
    joined_a, joined_b = "".join(a), "".join(b)
    if joined_a == joined_b:
        return Agreement.EQUAL
    shorter, longer = sorted((joined_a, joined_b), key=len)
    part_missing = set(a) <= set(b) or set(b) <= set(a)
    cut_off = len(shorter) >= SHORTEST_BEGINNING and longer.startswith(shorter)
    close = part_missing or cut_off or OSA.normalized_similarity(joined_a, joined_b) >= CLOSE_TEXT
    return Agreement.CLOSE if close else Agreement.DIFFERENT


def _digits(one: str, other: str) -> Agreement:
    a, b = _joined(one), _joined(other)
    if a == b:
        return Agreement.EQUAL
    return Agreement.CLOSE if OSA.distance(a, b, score_cutoff=1) <= 1 else Agreement.DIFFERENT


def _email(one: str, other: str) -> Agreement:
    (a, _, a_domain), (b, _, b_domain) = one.casefold().rpartition("@"), other.casefold().rpartition("@")
    if a != b:
        return Agreement.DIFFERENT
    if a_domain == b_domain:
        return Agreement.EQUAL
    slips = OSA.distance(a_domain, b_domain, score_cutoff=SLIPS_IN_DOMAIN)
    return Agreement.CLOSE if slips <= SLIPS_IN_DOMAIN else Agreement.DIFFERENT


def _identifier(one: str, other: str) -> Agreement:
    return Agreement.EQUAL if _joined(one) == _joined(other) else Agreement.DIFFERENT


COMPARISONS = {"text": _text, "digits": _digits, "email": _email, "identifier": _identifier}


def _joined(text: str) -> str:
    return "".join(_words(text))


@lru_cache(maxsize=4096)  # one person is compared with hundreds
def _words(text: str) -> tuple[str, ...]:
    """The words of a text without case, accents and signs: Béland-Roy, BELAND ROY and béland roy are one."""
    folded = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return tuple(NOT_LETTERS.sub(" ", folded).split())
