"""What a review of misuse is about, and what it rests on: plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.events import Code
from services.authorizations.requests.domain import Asked

MOST_KEPT = 200
"""Pieces of evidence of one review. Whoever reports more than that, or is reported, says nothing new by it."""

LONGEST_WORDS = 2000
"""Characters in which a person says what happened."""


class AskedMisuse(Asked):
    """That an account is used by another person than its own; or a contact, whom no account is yet."""

    account_id: UUID | None = None
    contact_id: UUID | None = None

    @property
    def subject(self) -> UUID:
        """What the review is about."""
        found = self.account_id or self.contact_id
        assert found is not None  # whoever makes one names either
        return found


@dataclass(frozen=True)
class Named:
    """What a report names, as far as it is known here: account, contact and whose it is, mandate."""

    account_id: UUID | None
    contact_id: UUID | None = None
    organization_id: UUID | None = None
    mandate_id: UUID | None = None

    @property
    def asked(self) -> AskedMisuse:
        """What a review of it is about: the account, wherever it is known."""
        return AskedMisuse(account_id=self.account_id, contact_id=None if self.account_id else self.contact_id)


@dataclass(frozen=True)
class Evidence:
    """A piece of it: the code of a report's reason, or of a signal.

    `by` is the audit's name for who told it, `organization_id` the one for which they did. `seen` is what a signal
    says: instants, counts, codes of places.
    """

    evidence_id: UUID
    kind: Literal["report", "signal"]
    code: Code
    by: str
    organization_id: UUID | None
    mandate_id: UUID | None
    at: datetime
    seen: Mapping[str, Any]
