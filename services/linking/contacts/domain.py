"""Contacts and their dated functions: plain functions of their arguments."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from contracts.authorizations import CorrectedItem
from services.linking.organizations.domain import Organization
from services.linking.people import Person


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
    code_changes: tuple[CorrectedItem, ...]
    code_campaign: str | None
    person: Person

    @property
    def is_owed_a_code(self) -> bool:
        """Whether authorizations asked for a code that was neither issued nor became needless."""
        return self.generation > self.settled_generation

    @property
    def is_forgotten(self) -> bool:
        """Whether its person was erased: nothing is left but ids, and no number."""
        return not self.client_number


def is_live(contact: Contact, organization: Organization, today: date) -> bool:
    """Whether somebody may become this contact: its organization is active, and it has a function, now or later.

    A blocked contact has no function, and neither has one whose relations have all ended.
    """
    return organization.active and any(not function.period.is_over(today) for function in contact.functions)


def comes_by(contact: Contact, functions: Collection[str]) -> bool:
    """Whether the contact is one of those for whom a door is: all its functions are the door's."""
    return all(function.type in functions for function in contact.functions)


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
