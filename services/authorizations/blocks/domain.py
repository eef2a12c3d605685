"""A block as it stands: plain data, and whom it may name."""

from collections.abc import Sequence
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


def refuse_standing(standing: Sequence[Block], *, by_agent: bool) -> Refusal | None:
    """Nobody is kept out twice; but an agent's block takes the place of the organization's own."""
    if not standing or (by_agent and all(block.made_by == "organization" for block in standing)):
        return None
    return Refusal("already_blocked")


def together(concerned: Concerned, standing: Sequence[Block]) -> Concerned:
    """Whom a block is about that replaces others: what it leaves open is as they have it."""
    contact_ids = [block.contact_id for block in standing if block.contact_id]
    account_ids = [block.account_id for block in standing if block.account_id]
    return Concerned(
        concerned.contact_id or next(iter(contact_ids), None), concerned.account_id or next(iter(account_ids), None)
    )


def covers(concerned: Concerned, block: Block) -> bool:
    """Whether a block keeps nobody out but whom another one is about."""
    return block.contact_id in (None, concerned.contact_id) and block.account_id in (None, concerned.account_id)


def refuse_end(block: Block, *, by_agent: bool) -> Refusal | None:
    """What an agent keeps out, only an agent lets in again."""
    if block.made_by == "agency" and not by_agent:
        return Refusal("blocked_by_agency")
    return None
