"""Who is owed a linking code, and who may redeem one: plain functions of their arguments."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from contracts.events import Language


@dataclass(frozen=True)
class Period:
    """Inclusive legal dates; an end of None means open."""

    starts_on: date
    ends_on: date | None

    def holds(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.starts_on <= day and not self.is_over(day)

    def is_over(self, day: date) -> bool:
        """Whether it ended before the day."""
        return self.ends_on is not None and self.ends_on < day


@dataclass(frozen=True)
class Function:
    """A relation type that the contact has in its organization for a time."""

    type: str
    period: Period


@dataclass(frozen=True)
class Person:
    """What identifies a person and how to write to them; also of an account, whose e-mail address is never None."""

    email: str | None = field(repr=False)
    given_name: str = field(repr=False)
    family_name: str = field(repr=False)
    language: Language

    @property
    def name(self) -> str:
        """As other people read it."""
        return f"{self.given_name} {self.family_name}"


@dataclass(frozen=True)
class Account:
    """The account that calls."""

    account_id: UUID
    active: bool
    person: Person


@dataclass(frozen=True)
class Organization:
    """An organization as its contacts know it."""

    organization_id: UUID
    number: str
    name: str
    active: bool


@dataclass(frozen=True)
class Contact:
    """The agency's file about one person within one organization.

    `functions` and `manages` are empty while the contact is blocked.
    """

    contact_id: UUID
    organization_id: UUID
    client_number: str
    functions: tuple[Function, ...]
    manages: tuple[Period, ...]
    generation: int
    settled_generation: int
    code_priority: Literal["normal", "bulk"]
    person: Person

    @property
    def is_owed_a_code(self) -> bool:
        """Whether authorizations asked for a code that was neither issued nor became needless."""
        return self.generation > self.settled_generation


def is_live(contact: Contact, organization: Organization, today: date) -> bool:
    """Whether somebody may become this contact: its organization is active, and it has a function, now or later.

    A blocked contact has no function, and neither has one whose relations have all ended.
    """
    return organization.active and any(not function.period.is_over(today) for function in contact.functions)


def may_be_sent_a_code(contact: Contact, organization: Organization, today: date) -> bool:
    """Whether a code that is owed can go out. What is missing comes with a later state, which asks again."""
    return contact.person.email is not None and is_live(contact, organization, today)


def manages_on(manages: Iterable[Period], day: date) -> bool:
    """Whether the contact may manage its organization on a day."""
    return any(period.holds(day) for period in manages)


def functions_on(functions: Iterable[Function], day: date, order: Sequence[str]) -> list[str]:
    """The types in force on a day, once each, in the agency's order; types it does not name come last."""
    types = {function.type for function in functions if function.period.holds(day)}
    return sorted(types, key=lambda code: (order.index(code) if code in order else len(order), code))


def main_function(functions: Iterable[Function], today: date, order: Sequence[str]) -> str:
    """The function to name where there is room for one: the first in force, else the next to begin.

    There is one, because only a live contact is linked.
    """
    coming = [function for function in functions if not function.period.is_over(today)]
    first_day = max(today, min(function.period.starts_on for function in coming))
    return functions_on(coming, first_day, order)[0]


@dataclass(frozen=True)
class IssuedCode:
    """The newest code of a contact."""

    generation: int
    digest: str = field(repr=False)
    expires_at: datetime
    ended: bool


@dataclass(frozen=True)
class Candidate:
    """A live contact that bears the client number: perhaps the one whose code was typed."""

    contact: Contact
    organization: Organization
    code: IssuedCode | None
    is_linked: bool


Reason = Literal["wrong_code", "expired_code", "already_linked", "other_profile_here"]


@dataclass(frozen=True)
class Refused:
    """Why a contact was not linked; only the agency reads it."""

    contact: Contact
    reason: Reason


@dataclass(frozen=True)
class Proven:
    """The contact whose code was typed, and which nothing keeps from being linked."""

    contact: Contact
    organization: Organization
    generation: int


def judge(
    candidates: Sequence[Candidate], matching: UUID | None, organizations_linked: Set[UUID], now: datetime
) -> Proven | list[Refused]:
    """Whom the typed code makes the account.

    `matching` is the candidate whose newest code was typed, dead or alive; a code is bound to its contact, so there is
    one at most. Without it, every candidate was guessed at, and each is told of in the answer.
    """
    found = next((candidate for candidate in candidates if candidate.contact.contact_id == matching), None)
    if found is None or found.code is None:
        return [Refused(candidate.contact, "wrong_code") for candidate in candidates]
    if found.is_linked:
        return [Refused(found.contact, "already_linked")]
    if found.code.ended or now >= found.code.expires_at:
        return [Refused(found.contact, "expired_code")]
    if found.organization.organization_id in organizations_linked:
        return [Refused(found.contact, "other_profile_here")]
    return Proven(found.contact, found.organization, found.code.generation)


@dataclass(frozen=True)
class Binding:
    """Which contact an account is, with the contact's dated functions."""

    link_id: UUID
    contact_id: UUID
    organization: Organization
    method: str
    linked_at: datetime
    functions: tuple[Function, ...]
    manages: tuple[Period, ...]


@dataclass(frozen=True)
class Profile:
    """A contact that an account is, as it stands on one day; `functions` are codes."""

    link_id: UUID
    contact_id: UUID
    organization: Organization
    method: str
    linked_at: datetime
    functions: tuple[str, ...]
    manages: bool


def profile_on(binding: Binding, day: date, order: Sequence[str]) -> Profile:
    """The profile of a binding on a day."""
    return Profile(
        link_id=binding.link_id,
        contact_id=binding.contact_id,
        organization=binding.organization,
        method=binding.method,
        linked_at=binding.linked_at,
        functions=tuple(functions_on(binding.functions, day, order)),
        manages=manages_on(binding.manages, day),
    )
