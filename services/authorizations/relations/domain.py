"""Relations and rights as they stand, and what may be granted: pure rules over the agency's data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol
from uuid import UUID

from chassis.outcomes import Refusal
from contracts.agency import Agency
from contracts.events import Language, Level
from services.authorizations.periods import Period

ALL: Literal["all"] = "all"

ActedFor = Literal["own_organization", "other_organization", "individual"]


@dataclass(frozen=True)
class Grant:
    """One subject at one level."""

    subject: str
    level: Level


class Right(Protocol):
    """A right, as far as its end has to know it."""

    @property
    def right_id(self) -> UUID:
        """Which one it is."""

    @property
    def subject(self) -> str:
        """What it is a right to."""


@dataclass(frozen=True)
class HeldRight:
    """A right of a relation that was not withdrawn."""

    right_id: UUID
    subject: str
    level: Level
    period: Period


@dataclass(frozen=True)
class Relation:
    """A relation's current version."""

    relation_id: UUID
    holder_kind: str
    holder_id: UUID
    holder_organization_id: UUID
    organization_id: UUID
    type: str
    period: Period
    ended_at: datetime | None
    through: UUID | None
    membership: UUID | None
    all_rights: bool
    recorded_at: datetime

    def in_force(self, at: datetime, day: date) -> bool:
        """Whether the relation itself is, whatever it hangs on."""
        return self.period.contains(day) and (self.ended_at is None or at < self.ended_at)

    def is_over(self, day: date) -> bool:
        """Whether it was withdrawn, or ended before the day: nothing brings it back."""
        return self.ended_at is not None or self.period.is_over(day)


@dataclass(frozen=True)
class FiledRelation:
    """A relation as the file of its holder shows it. `function` is what lists call it: a delegation's membership."""

    relation_id: UUID
    type: str
    function: str
    period: Period
    ended_at: datetime | None
    organization_id: UUID
    organization_name: str
    through: UUID | None
    membership: UUID | None
    all_rights: bool
    active: bool


@dataclass(frozen=True)
class NewRelation:
    """A relation about to be made."""

    relation_id: UUID
    holder_kind: str
    holder_id: UUID
    holder_organization_id: UUID
    organization_id: UUID
    type: str
    period: Period
    through: UUID | None = None
    membership: UUID | None = None
    all_rights: bool = False
    request_id: UUID | None = None


@dataclass(frozen=True)
class Granted:
    """How a right came about: when, by whom (the audit's name), and by which request, if it was asked for."""

    at: datetime
    by: str
    request_id: UUID | None


def refuse_membership_type(agency: Agency, code: str, kind: str, day: date) -> Refusal | None:
    """A membership's type must be one of the agency's for this kind of organization, and not retired."""
    found = agency.relation_types.get(code)
    if found is None or found.shape != "membership" or kind not in found.of_kinds or not found.in_force(day):
        return Refusal("unknown_relation_type", {"type": code}, ("type",))
    return None


def refuse_acted_for(agency: Agency, said: ActedFor | None, kind: str, *, own: bool) -> Refusal | None:
    """What the form says of the organization acted for, where it says so, must be what it is."""
    another: ActedFor = "individual" if agency.organization_kinds[kind].individual else "other_organization"
    if said in (None, "own_organization" if own else another):
        return None
    return Refusal("another_acted_for", fields=("acted_for", "organization_id"))


def refuse_subjects(
    agency: Agency, kind: str, grants: Iterable[Grant], day: date, language: Language, *, delegated: bool
) -> Refusal | None:
    """Each subject must apply to this kind of organization, and be delegable where it is delegated."""
    ceiling = {subject.code: subject for subject in agency.ceiling(kind, day)}
    for grant in grants:
        subject = ceiling.get(grant.subject)
        if subject is None:
            return Refusal("unknown_subject", {"subject": grant.subject}, ("subjects",))
        if delegated and subject.why_not_delegable is not None:
            why = subject.why_not_delegable.in_(language)
            return Refusal("not_delegable", {"subject": subject.name.in_(language), "why": why}, ("subjects",))
    return None


def refuse_wider(
    agency: Agency, grants: Iterable[Grant], held: Mapping[str, Level], language: Language
) -> Refusal | None:
    """Nobody passes on more than it holds itself."""
    for grant in grants:
        level = held.get(grant.subject)
        if level is None or (grant.level == "write" and level == "read"):
            name = agency.subjects[grant.subject].name.in_(language)
            return Refusal("wider_than_held", {"subject": name}, ("subjects",))
    return None


def within(period: Period, outer: Period) -> Period | None:
    """The period, ending with the one around it where that ends earlier. None: it lies outside in part."""
    ends = [end for end in (period.ends_on, outer.ends_on) if end is not None]
    cut = Period(period.starts_on, min(ends) if ends else None)
    if period.starts_on < outer.starts_on or cut.is_over(cut.starts_on):
        return None
    return cut


def gives_way(held: HeldRight, wanted: Level, period: Period, today: date) -> bool:
    """Whether a right may be replaced by a wanted one: by a higher level, now, for no shorter time than is left."""
    lasts = period.ends_on is None or (held.period.ends_on is not None and held.period.ends_on <= period.ends_on)
    return held.level == "read" and wanted == "write" and period.starts_on <= today and lasts


def refuse_period(period: Period, today: date) -> Refusal | None:
    """A period in which nobody could act is refused."""
    return Refusal("dates_refused", fields=("starts_on", "ends_on")) if period.is_refused(today) else None
