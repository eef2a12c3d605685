"""The account that calls."""

from dataclasses import dataclass
from uuid import UUID

from services.linking.people import Person


@dataclass(frozen=True)
class Account:
    """The account that calls."""

    account_id: UUID
    active: bool
    person: Person
