"""Values as people read them, in the two languages."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from contracts.events import Language

NBSP = "\u00a0"
MONTHS: dict[Language, tuple[str, ...]] = {
    "fr": (
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}
OR: dict[Language, str] = {"fr": "ou", "en": "or"}
AND: dict[Language, str] = {"fr": "et", "en": "and"}
COLON: dict[Language, str] = {"fr": f"{NBSP}:", "en": ":"}

NEVER_PRINTED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})  # Unicode categories: controls, bidi overrides, no characters


def one_line(text: str) -> str:
    """The text on one line, without anything that is not printed: what comes from people cannot break a header."""
    if text.isprintable() and "  " not in text:
        return text.strip(" ")
    spaced = "".join(" " if character in "\t\r\n\v\f\u0085\u2028\u2029" else character for character in text)
    printed = "".join(c for c in spaced if unicodedata.category(c) not in NEVER_PRINTED)
    return re.sub(" {2,}", " ", printed).strip(" ")


def written_date(day: date, language: Language) -> str:
    """« 22 novembre 2026 », « 1er novembre 2026 » (OQLF: the first is an ordinal); "November 22, 2026"."""
    month = MONTHS[language][day.month - 1]
    if language == "fr":
        return f"{'1er' if day.day == 1 else day.day}{NBSP}{month} {day.year}"
    return f"{month}{NBSP}{day.day}, {day.year}"


def written_instant(instant: datetime, zone: ZoneInfo, language: Language) -> str:
    """« 22 novembre 2026 à 14 h 30 », « … à 9 h 5 », « … à 9 h » (OQLF: no zero before the minutes, none for a full
    hour); "November 22, 2026 at 2:30 p.m.". In the agency's time zone.
    """
    local = instant.astimezone(zone)
    if language == "fr":
        time = f"{local.hour}{NBSP}h" + (f"{NBSP}{local.minute}" if local.minute else "")
        return f"{written_date(local.date(), 'fr')} à {time}"
    half: Literal["a.m.", "p.m."] = "a.m." if local.hour < 12 else "p.m."
    return f"{written_date(local.date(), 'en')} at {local.hour % 12 or 12}:{local.minute:02}{NBSP}{half}"


def joined(names: Sequence[str], language: Language, words: Mapping[Language, str] = OR) -> str:
    """« A, B ou C », "A, B or C", or with another word before the last; empty when there are none."""
    *others, last = names or ("",)
    return f"{', '.join(others)} {words[language]} {last}" if others else last


def grouped(code: str) -> str:
    """A code as it is printed: six digits as 3 + 3, anything else in fours ("XXXX-XXXX-XXXX-X").

    Whoever copies it copies the space or the hyphens too: the services that redeem codes ignore both.
    """
    bare = re.sub(r"[\s-]", "", code)
    if len(bare) == 6 and bare.isdigit():
        return f"{bare[:3]} {bare[3:]}"
    return "-".join(bare[start : start + 4] for start in range(0, len(bare), 4))
