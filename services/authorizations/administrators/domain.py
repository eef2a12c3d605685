"""What a replacement withdraws, and until when it may: plain data and rules."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from contracts.events import Level
from services.authorizations.relations.domain import HeldRight, Relation


@dataclass(frozen=True)
class Office:
    """A membership by which a contact manages, or managed, its organization.

    `granted_at` is when it was made, `since` when it began; `until` is None while no end is planned or was made. `by`
    are those who made it, or asked for it, as the audit names them.
    """

    relation_id: UUID
    contact_id: UUID
    granted_at: datetime
    since: datetime
    until: datetime | None
    by: frozenset[str]

    def stands(self, at: datetime) -> bool:
        """Whether it was neither withdrawn nor is over; it may begin later."""
        return self.until is None or at < self.until


@dataclass(frozen=True)
class Cause:
    """Whatever this actor, as the audit names it, has granted since then falls."""

    by: str
    since: datetime


@dataclass(frozen=True)
class FallingRight:
    """A right that falls, of a relation that goes on; `back` are those for reading that it had taken the place of."""

    right_id: UUID
    relation_id: UUID
    organization_id: UUID
    holder_id: UUID
    subject: str
    level: Level
    back: Sequence[HeldRight] = ()


@dataclass(frozen=True)
class FallingLink:
    """That an account is a contact, because somebody whose decisions fall merged them."""

    link_id: UUID
    contact_id: UUID
    account_id: UUID
    linked_at: datetime


@dataclass(frozen=True)
class Withdrawn:
    """All that a replacement takes back, and what it renews.

    `managers` are the contacts who manage no more, first whoever is replaced. `relations` end with whatever hangs on
    them, `rights` are of relations that go on, `links` join accounts to contacts who had been there before. `requests`
    are open invitations and additions, `blocks` whom they had kept out.
    """

    since: datetime
    managers: Sequence[UUID]
    relations: Sequence[Relation]
    rights: Sequence[FallingRight]
    links: Sequence[FallingLink]
    requests: Sequence[UUID]
    blocks: Sequence[UUID]
    renews_code: bool

    @property
    def concerned(self) -> set[UUID]:
        """The relations that end, or of which rights do."""
        return {r.relation_id for r in self.relations} | {right.relation_id for right in self.rights}

    def released(self, types: Collection[str]) -> set[UUID]:
        """Whose offices end with it: their memberships of these types, by which one manages."""
        return {r.holder_id for r in self.relations if r.type in types and r.through is None}

    @property
    def files(self) -> set[UUID]:
        """The organizations in whose files relations or rights end."""
        return {r.organization_id for r in self.relations} | {right.organization_id for right in self.rights}


def contestable_until(managing_since: datetime, days: int) -> datetime:
    """The last instant at which somebody who manages since then can be replaced with all that they granted."""
    return managing_since + timedelta(days=days)


def managing_since(offices: Collection[Office], contact_id: UUID, now: datetime, days: int) -> datetime | None:
    """Since when a contact manages, offices that ended within so many days included: who steps down is not safe.

    None when it has, and had within that time, none.
    """
    recent = now - timedelta(days=days)
    begun = [o.since for o in offices if o.contact_id == contact_id and (o.until is None or recent < o.until)]
    return min(begun, default=None)


def falling(
    offices: Collection[Office],
    replaced: UUID,
    since: datetime,
    spared: UUID | None,
    actors: Mapping[UUID, Collection[str]],
    now: datetime,
) -> dict[UUID, datetime]:
    """Who falls with a contact, and since when: whatever they granted from then on is withdrawn.

    A contact falls with an office that somebody who falls has made since then, be it over by now; but not while it
    manages by an office of another origin too, nor whoever is `spared`, because that one is put in place. `actors` are
    those that each contact is or was, as the audit names them.
    """
    safe = set() if spared is None else {spared}
    while True:
        fallen = _reached(offices, {replaced: since}, safe, actors)
        made = _made_by(offices, causes_of(fallen, actors))
        by_others = {office.contact_id for office in offices if office.stands(now) and office not in made} - {replaced}
        if not by_others & fallen.keys():
            return fallen
        safe |= by_others


def _reached(
    offices: Collection[Office],
    first: Mapping[UUID, datetime],
    safe: Collection[UUID],
    actors: Mapping[UUID, Collection[str]],
) -> dict[UUID, datetime]:
    """Whoever has an office of the first, or of one of those, and is not safe."""
    fallen = dict(first)
    while True:
        reached = dict(fallen)
        for office in _made_by(offices, causes_of(fallen, actors)):
            if office.contact_id not in first and office.contact_id not in safe:
                reached[office.contact_id] = min(office.since, reached.get(office.contact_id, office.since))
        if reached == fallen:
            return fallen
        fallen = reached


def _made_by(offices: Collection[Office], causes: Collection[Cause]) -> list[Office]:
    return [o for o in offices if any(cause.by in o.by and cause.since <= o.granted_at for cause in causes)]


def causes_of(fallen: Mapping[UUID, datetime], actors: Mapping[UUID, Collection[str]]) -> list[Cause]:
    """The same by who acted, in whatever row."""
    return [Cause(actor, since) for contact_id, since in fallen.items() for actor in sorted(actors.get(contact_id, ()))]
