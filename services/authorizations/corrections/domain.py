"""What a correction changes of a contact's file, and what it may not: plain functions of their arguments."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal
from uuid import UUID

from chassis.outcomes import Next, Refusal
from contracts.authorizations import CorrectedItem
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.periods import Period
from services.authorizations.personal.domain import PersonalChange
from services.authorizations.relations.domain import HeldRight, Relation

Part = Literal["coordinates", "personal_information", "relation_end"]

FIELDS: Mapping[Part, frozenset[str]] = {
    "coordinates": frozenset({"language", "email", "telephones"}),
    "personal_information": frozenset({"family_name", "given_name"}),
    "relation_end": frozenset({"ends"}),
}


@dataclass(frozen=True)
class Correction(PersonalChange):
    """What the file shall say; None leaves a field as it is.

    `ends` gives relations another last day, None for no planned end. `parts`, where the form asked for them, are all
    that may be corrected.
    """

    ends: Mapping[UUID, date | None] = field(default_factory=dict)
    new_code: bool = False
    parts: frozenset[Part] = frozenset()


@dataclass(frozen=True)
class GrantedRight(HeldRight):
    """A right with how it was granted, and how long its relation was to last then."""

    granted: Period
    relation_then: Period


@dataclass(frozen=True)
class NewEnd:
    """A relation, and the period that it shall have."""

    relation: Relation
    period: Period

    @property
    def is_shorter(self) -> bool:
        """Whether it ends earlier than it would have."""
        return is_earlier(self.period.ends_on, self.relation.period.ends_on)


def changed(contact: ContactFile, correction: Correction, ends: Sequence[NewEnd]) -> list[CorrectedItem]:
    """What the file does not say already; `ends` are those that differ."""
    differs: dict[CorrectedItem, bool] = {
        "language": correction.language not in (None, contact.language),
        "email": correction.email not in (None, contact.email),
        "telephones": correction.telephones is not None and list(correction.telephones) != list(contact.telephones),
        "name": correction.family_name not in (None, contact.family_name)
        or correction.given_name not in (None, contact.given_name),
        "relation_end": bool(ends),
    }
    return [item for item, is_changed in differs.items() if is_changed]


def refuse_fields(contact: ContactFile, correction: Correction) -> Refusal | None:
    """Only fields of the parts that were chosen; once a person is linked, the address is that of the account."""
    if correction.parts:
        allowed = frozenset[str]().union(*(FIELDS[part] for part in correction.parts))
        outside = [name for fields in FIELDS.values() for name in fields - allowed if _is_given(correction, name)]
        if outside:
            return Refusal("invalid_request", fields=("parts",))
    if contact.linked and correction.email not in (None, contact.email):
        return Refusal("email_of_account", fields=("email",))
    return None


def _is_given(correction: Correction, name: str) -> bool:
    """Whether a field would change something; an empty list of telephones takes all of them away."""
    return bool(correction.ends) if name == "ends" else getattr(correction, name) is not None


def refuse_end(relation: Relation, ends_on: date | None, today: date) -> Refusal | None:
    """What is over is never reopened, and what shall end at once is a removal, whose form says what is lost."""
    if relation.is_over(today):
        return Refusal("relation_over", fields=("relations",))
    if ends_on is not None and ends_on <= today:
        removals = f"/v1/contacts/{relation.holder_id}/removals"
        return Refusal("end_is_removal", fields=("relations",), next=Next("remove_instead", removals))
    if ends_on is not None and ends_on < relation.period.starts_on:
        return Refusal("dates_refused", fields=("relations",))
    return None


def refuse_code(
    contact: ContactFile, email: str | None, memberships: Iterable[Relation], today: date
) -> Refusal | None:
    """A code is of use only to who is not linked, can be written to, and has a function now or later."""
    if contact.linked:
        return Refusal("already_linked", fields=("new_linking_code",))
    if email is None or all(membership.is_over(today) for membership in memberships):
        return Refusal("code_unsendable", fields=("new_linking_code",))
    return None


def is_earlier(ends_on: date | None, than: date | None) -> bool:
    """Whether one end comes before another; None never comes."""
    return ends_on is not None and (than is None or ends_on < than)


def end_of_right(right: GrantedRight, relation_end: date | None) -> date | None:
    """When a right ends whose relation ends on another day than before.

    One that was granted for as long as its relation follows it; one with an end of its own keeps that, within the
    relation. So a relation that is shortened and lengthened again widens nothing.
    """
    own_end = None if right.granted.ends_on == right.relation_then.ends_on else right.granted.ends_on
    return own_end if is_earlier(own_end, relation_end) else relation_end
