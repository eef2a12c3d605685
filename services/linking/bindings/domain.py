"""A link as it is kept."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.linking.contacts.domain import Function, Period
from services.linking.organizations.domain import Organization


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
