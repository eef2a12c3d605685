"""A registration, and what proves its address: a one-time code, or the token of a link."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from chassis.outcomes import Refusal
from contracts.agency import Agency

KEPT_FOR = timedelta(days=1)  # an unverified registration, with the personal fields in it; codes live minutes


@dataclass(frozen=True)
class Registration:
    """Somebody wants an account. `password_hash` is None once the account has it; `door` for the agency's first.

    `code_digest` is of the code, or of the token of a link.
    """

    registration_id: UUID
    account_id: UUID
    registered_at: datetime
    terms_version: str
    password_hash: str | None = field(repr=False)
    code_digest: str = field(repr=False)
    code_expires_at: datetime
    resend_after: datetime
    tries: int
    verified_at: datetime | None
    door: str | None = None

    @property
    def code_purpose(self) -> str:
        """What its code's digest is good for: this registration and no other (ASVS 5.0 6.6.2)."""
        return code_purpose(self.registration_id)

    def accepts_code(self, now: datetime) -> bool:
        """Whether the right code would still open the account."""
        return self.verified_at is None and now < self.code_expires_at


@dataclass(frozen=True)
class Accepted:
    """What the caller learns, the same for known and unknown addresses.

    `delivery_handle` is what to ask notifications with; another code may be asked for from `resend_after` on.
    """

    registration_id: UUID
    delivery_handle: str = field(repr=False)
    expires_at: datetime
    resend_after: datetime


def in_link(registration_id: UUID, token: str) -> str:
    """What a link carries: whoever opens it elsewhere needs the registration's id as well."""
    return f"{registration_id}.{token}"


def refuse_portal(agency: Agency, code: str | None, today: date) -> Refusal | None:
    """A portal must be one of the agency's that is in use. None names the first."""
    portals = {portal.code for portal in agency.profile.portals if portal.in_force(today)}
    return Refusal("invalid_request", fields=("portal",)) if code is not None and code not in portals else None


def code_purpose(registration_id: UUID) -> str:
    """What the digest of a registration's code is good for."""
    return f"registration code {registration_id}"
