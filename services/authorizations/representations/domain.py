"""Which way a relation between two organizations goes, and what it may carry."""

from datetime import date
from typing import Literal

from chassis.outcomes import Refusal
from contracts.agency import Agency
from contracts.events import Level
from services.authorizations.periods import Period

Standing = Literal["acted_for", "holder"]


def standing(agency: Agency, type: str, own_kind: str, other_kind: str, day: date) -> Standing | Refusal:
    """Where an organization stands that names another: what is its own it grants, what is another's it asks for.

    An agency may have a type that fits both ways; then it is asked for, because whoever asks decides nothing.
    """
    found = agency.relation_types.get(type)
    if found is not None and found.shape == "representation" and found.in_force(day):
        if own_kind in found.by_kinds and other_kind in found.of_kinds:
            return "holder"
        if own_kind in found.of_kinds and other_kind in found.by_kinds:
            return "acted_for"
    return Refusal("unknown_relation_type", {"type": type}, ("type", "other"))


def within(period: Period, outer: Period) -> Period | None:
    """The period, ending with the one around it where that ends earlier. None: it lies outside in part."""
    ends = [end for end in (period.ends_on, outer.ends_on) if end is not None]
    cut = Period(period.starts_on, min(ends) if ends else None)
    if period.starts_on < outer.starts_on or (cut.ends_on is not None and cut.ends_on < cut.starts_on):
        return None
    return cut


def gives_way(level: Level, held: Period, wanted: Level, period: Period, today: date) -> bool:
    """Whether a right may be replaced by a wanted one: by a higher level, now, for no shorter time than is left."""
    lasts = period.ends_on is None or (held.ends_on is not None and held.ends_on <= period.ends_on)
    return level == "read" and wanted == "write" and period.starts_on <= today and lasts
