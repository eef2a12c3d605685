"""Whom a batch of linking codes is for, and what becomes of each person in it: data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

AT_ONCE = 20
"""Named persons whose codes are asked for in the transaction that accepts a batch: somebody waits for them."""

SkipReason = Literal["no_address", "linked", "not_a_member", "organization_inactive", "too_many_codes"]
"""Why a person of a batch is sent no code. too_many_codes: those who manage the organization had this person sent as
many as they may within an hour."""

ItemState = Literal["waiting", "accepted", "deferred", "sent", "undelivered", "expired", "skipped"]
"""waiting: linking has not issued the code yet. accepted … expired: as GET /v1/deliveries says it of the mail."""

DeliveryState = Literal["deferred", "sent", "expired", "undelivered"]


@dataclass(frozen=True)
class Selection:
    """Whose codes are asked for: whoever meets all that is given. None leaves open.

    `functions` are those of current members, now or later. `never_linked`: no account ever was this contact.
    """

    contact_ids: Sequence[UUID] | None = None
    organization_ids: Sequence[UUID] | None = None
    kinds: Sequence[str] | None = None
    numbers: Sequence[str] | None = None
    active: bool | None = None
    functions: Sequence[str] | None = None
    never_linked: bool = False

    @property
    def at_once(self) -> bool:
        """Whether so few were named that they need not wait for a turn."""
        return self.contact_ids is not None and len(self.contact_ids) <= AT_ONCE
