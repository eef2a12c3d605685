"""When a key signs, and when it may go: plain functions of their arguments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

PUBLISHED_BEFORE = timedelta(minutes=15)
"""A key that signs: three times as long as who verifies waits between two looks (chassis/issuer_keys.py)."""

LONGEST_LIFE = timedelta(minutes=35)
"""Of anything that is signed: a proof of an address lives 30 minutes (address_proofs), and clocks differ."""


@dataclass(frozen=True)
class Standing:
    """From when on a key signs, until one that signs from later takes its place."""

    kid: str
    signs_from: datetime


def signing(keys: Sequence[Standing], now: datetime) -> Standing | None:
    """The key that signs now; `keys` are ordered by when they sign, the last first."""
    return next((key for key in keys if key.signs_from <= now), None)


def waiting(keys: Sequence[Standing], now: datetime) -> Standing | None:
    """A key that is published and does not sign yet."""
    return next((key for key in keys if key.signs_from > now), None)


def needed_until(keys: Sequence[Standing], kid: str) -> datetime | None:
    """Until when something that a key has signed may be shown; None while none takes its place.

    Raises LookupError for a key that there is not.
    """
    place = [key.kid for key in keys].index(kid) if kid in {key.kid for key in keys} else None
    if place is None:
        raise LookupError(kid)
    return None if place == 0 else keys[place - 1].signs_from + LONGEST_LIFE
