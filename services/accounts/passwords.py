"""Which passwords are good enough. Pure: no list is fetched, nothing is remembered."""

import re
import unicodedata
from collections.abc import Iterable

from zxcvbn import zxcvbn

from chassis.outcomes import Refusal
from contracts.agency import Agency
from contracts.agency.limits import PasswordLength

ASSESSED = 40  # characters: the estimate takes quadratic time, and what begins this well is long enough
ENOUGH_GUESSES = 10**10  # zxcvbn's own line between "somewhat guessable" and "very unguessable"
# Signs that zxcvbn reads as letters. It tries every combination of them, which takes seconds for forty such signs:
# they are read as letters beforehand, so that a stranger cannot make us work. Digits stay, for dates and sequences.
SIGNS_AS_LETTERS = str.maketrans("@({[<!|$+%", "accccilstx")
SHORTEST_WORD = 3  # characters: shorter parts of names and addresses stand in every sentence


def normalized(password: str) -> str:
    """The same password from every keyboard: all spaces are one (RFC 8265 4.2.2), then NFC (NIST SP 800-63B-4 3.1.1.2).

    Not NFKC, which would make distinct characters equal and which that edition no longer asks for.
    """
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in password)
    return unicodedata.normalize("NFC", spaced)


def acceptable(password: str, length: PasswordLength, about: Iterable[str]) -> bool:
    """Whether a normalized password may be chosen. `about`: the person's names and address, the agency's names.

    Long enough and not too long in code points; not one of the common ones, nor what is easily made of them (repeated,
    in sequence, along the keyboard); and the same still holds when every word of the context is taken out of it
    (NIST SP 800-63B-4 3.1.1.2; ASVS 5.0 6.2.4 and 6.2.11). No rule of composition.
    """
    if not length.minimum <= len(password) <= length.maximum:
        return False
    return _hard_to_guess(_without(about, _folded(password))[:ASSESSED])


def refusal(agency: Agency, password: str, *about: str) -> Refusal | None:
    """What to answer when a normalized password may not be chosen; `about`: the person's names and address."""
    profile, length = agency.profile, agency.limits.password
    names = (profile.name.fr, profile.name.en, profile.short_name.fr, profile.short_name.en)
    if acceptable(password, length, (*about, *names)):
        return None
    return Refusal("password_refused", {"minimum": length.minimum, "maximum": length.maximum}, fields=("password",))


def _hard_to_guess(text: str) -> bool:
    return bool(text) and zxcvbn(text.translate(SIGNS_AS_LETTERS))["guesses"] >= ENOUGH_GUESSES


def _without(about: Iterable[str], text: str) -> str:
    """The text less every word of the context, the longest first."""
    words = {word for phrase in about for word in (_folded(phrase), *re.split(r"[\W_]+", _folded(phrase)))}
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= SHORTEST_WORD:
            text = text.replace(word, "")
    return text


def _folded(text: str) -> str:
    """Without case and accents: Béland, BELAND and beland are one word."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
