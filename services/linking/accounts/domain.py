"""The account that calls."""

from dataclasses import dataclass
from uuid import UUID

from services.linking.people import Person


@dataclass(frozen=True)
class Account:
    """The account that calls. `door`: by which of the agency's it was opened; None: by the first."""

    account_id: UUID
    active: bool
    person: Person
    door: str | None
