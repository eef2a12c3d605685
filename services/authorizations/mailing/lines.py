"""How long a list in a mail is."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

LONGEST = 25  # lines: a mail is read, a list is worked through in the portal


def first_lines(found: Sequence[T]) -> Sequence[T]:
    """What a list of the mail shows: a line is left for how many more there are."""
    return found if len(found) <= LONGEST else found[: LONGEST - 1]
