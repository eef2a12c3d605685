"""A change of an account's address, its code, and the token that undoes it."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

KEPT_FOR = timedelta(days=1)  # a change that was never verified, with the address in it


@dataclass(frozen=True)
class Change:
    """Somebody wants another address; with `changed_at` the account has it, and can go back until `undo_until`."""

    change_id: UUID
    account_id: UUID
    requested_at: datetime
    code_digest: str = field(repr=False)
    code_expires_at: datetime
    tries: int
    changed_at: datetime | None
    undo_until: datetime | None
    closed_at: datetime | None

    def accepts_code(self, now: datetime) -> bool:
        """Whether the right code would still change the address."""
        return self.changed_at is None and self.closed_at is None and now < self.code_expires_at

    def can_be_undone(self, now: datetime) -> bool:
        """Whether the former address may still take the account back."""
        return self.undo_until is not None and self.closed_at is None and now < self.undo_until


@dataclass(frozen=True)
class Accepted:
    """What the caller learns, the same whether or not the new address is somebody's."""

    change_id: UUID
    delivery_handle: str = field(repr=False)
    expires_at: datetime


def code_purpose(change_id: UUID) -> str:
    """What the digest of a change's code is good for: this change and no other (ASVS 5.0 6.6.2)."""
    return f"email change code {change_id}"


def token_digest(token: str) -> bytes:
    """What rests of a token, and finds its change; 128 random bits need no key (ASVS 5.0 11.4)."""
    return hashlib.sha256(token.encode()).digest()
