"""A password reset and its one-time code."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

KEPT_FOR = timedelta(days=1)  # codes live minutes


@dataclass(frozen=True)
class Reset:
    """Somebody asked for a new password. `account_id` is None when no active account has the address.

    `address` is the digest by which tries are counted over all resets of one address.
    """

    reset_id: UUID
    account_id: UUID | None
    address: bytes = field(repr=False)
    requested_at: datetime
    code_digest: str = field(repr=False)
    code_expires_at: datetime
    tries: int
    closed_at: datetime | None

    def accepts_code(self, now: datetime) -> bool:
        """Whether the right code would still set a password."""
        return self.closed_at is None and now < self.code_expires_at


@dataclass(frozen=True)
class Accepted:
    """What the caller learns, the same for known and unknown addresses."""

    reset_id: UUID
    delivery_handle: str = field(repr=False)
    expires_at: datetime


def code_purpose(reset_id: UUID) -> str:
    """What the digest of a reset's code is good for: this reset and no other (ASVS 5.0 6.6.2)."""
    return f"password reset code {reset_id}"
