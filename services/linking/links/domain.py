"""Links and profiles: plain functions of their arguments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from services.linking.bindings.domain import Binding
from services.linking.contacts.domain import Contact, functions_on, manages_on
from services.linking.organizations.domain import Organization

Reason = Literal["wrong_code", "expired_code", "already_linked", "other_profile_here", "other_door"]


@dataclass(frozen=True)
class Refused:
    """Why a contact was not linked; only the agency reads it."""

    contact: Contact
    reason: Reason

    @property
    def secret_was_right(self) -> bool:
        """Whether the account had the contact's secret, which is not enough."""
        return self.reason != "wrong_code"


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

    @property
    def active(self) -> bool:
        """Whether anything can be done with it: its organization is active, and it has a function, which a blocked
        contact has not."""
        return self.organization.active and bool(self.functions)


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
