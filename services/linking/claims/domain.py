"""A claim as its person may see it: plain data."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

State = Literal["received", "waiting", "decided"]
Outcome = Literal["administrator", "granted", "refused", "lapsed", "withdrawn"]
Decider = Literal["organization", "agents"]


@dataclass(frozen=True)
class Claim:
    """A claim, and what authorizations has told of it so far. `version` rises with each thing told."""

    claim_id: UUID
    account_id: UUID
    organization_id: UUID
    organization_name: str
    organization_number: str
    method: str
    capacity: str
    made_at: datetime
    lapses_on: date
    version: int
    decider: Decider | None
    request_id: UUID | None
    outcome: Outcome | None
    decision_reason: str | None
    decided_at: datetime | None

    def outcome_on(self, day: date) -> Outcome | None:
        """How it has ended, on a day: past its last day nobody can decide any more, whoever has yet to tell so."""
        return "lapsed" if self.outcome is None and self.lapses_on < day else self.outcome

    def state_on(self, day: date) -> State:
        """Where it stands: nothing was heard of it, others have been asked, or it has ended."""
        if self.outcome_on(day) is not None:
            return "decided"
        return "waiting" if self.decider is not None else "received"
