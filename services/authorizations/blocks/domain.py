"""A block as it stands: plain data, and whom it may name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from chassis.outcomes import Refusal

Maker = Literal["agency", "organization"]


@dataclass(frozen=True)
class Concerned:
    """Whom a block is about: a contact, the account that it is, or an account alone."""

    contact_id: UUID | None
    account_id: UUID | None


@dataclass(frozen=True)
class Block:
    """A block by what is known now; `until` is None while it stands."""

    block_id: UUID
    organization_id: UUID
    contact_id: UUID | None
    account_id: UUID | None
    since: datetime
    until: datetime | None
    reason: str | None
    blocked_by: str
    ended_by: str | None
    recorded_at: datetime

    @property
    def concerned(self) -> Concerned:
        """Whom it is about."""
        return Concerned(self.contact_id, self.account_id)

    @property
    def made_by(self) -> Maker:
        """Whether an agent keeps them out, or somebody who manages the organization."""
        return "agency" if self.blocked_by.startswith("agent:") else "organization"


def refuse_oneself(concerned: Concerned, account_id: UUID, contact_id: UUID) -> Refusal | None:
    """Nobody keeps itself out."""
    if account_id == concerned.account_id or contact_id == concerned.contact_id:
        return Refusal("blocks_oneself", fields=("contact_id", "account_id"))
    return None


def refuse_end(block: Block, *, by_agent: bool) -> Refusal | None:
    """What an agent keeps out, only an agent lets in again."""
    if block.made_by == "agency" and not by_agent:
        return Refusal("blocked_by_agency")
    return None
