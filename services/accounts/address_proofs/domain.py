"""An address to be proved, and its one-time code."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from contracts.proofs import AddressPurpose

KEPT_FOR = timedelta(days=1)  # with the address in it; codes live minutes


@dataclass(frozen=True)
class AddressProof:
    """Somebody wants to prove an address. `address` is the digest by which tries are counted over all its proofs."""

    proof_id: UUID
    address: bytes = field(repr=False)
    purpose: AddressPurpose
    requested_at: datetime
    code_digest: str = field(repr=False)
    code_expires_at: datetime
    resend_after: datetime
    tries: int
    proven_at: datetime | None

    def accepts_code(self, now: datetime) -> bool:
        """Whether the right code would still prove the address."""
        return self.proven_at is None and now < self.code_expires_at


@dataclass(frozen=True)
class Accepted:
    """What the caller learns, the same for every address."""

    proof_id: UUID
    delivery_handle: str = field(repr=False)
    expires_at: datetime
    resend_after: datetime


def code_purpose(proof_id: UUID) -> str:
    """What the digest of a proof's code is good for: this proof and no other (ASVS 5.0 6.6.2)."""
    return f"address proof code {proof_id}"
