"""A claim over HTTP."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from chassis.gateway import Call
from services.linking.claims.domain import Claim, Decider, Outcome, State
from services.linking.tools import Tools


class ClaimedView(BaseModel):
    """An organization that a claim is about."""

    organization_id: UUID
    number: str
    name: str


class ClaimView(BaseModel):
    """A claim as its person sees it. Whether a code was right never shows.

    received: authorizations has not told of it. waiting: those whom `decider` names are asked, by the request
    `request_id`, which whoever claimed can look at and withdraw (authorizations, GET /v1/requests/{id}). decided: see
    `outcome`; an administrator manages the organization, one who is granted acts for it.
    """

    claim_id: UUID
    state: State
    outcome: Outcome | None
    decider: Decider | None
    request_id: UUID | None
    decision_reason: str | None
    decision_reason_name: str | None
    organization: ClaimedView
    capacity: str
    capacity_name: str
    made_at: datetime
    deadline: date = Field(description="The last day on which it can be decided.")
    decided_at: datetime | None
    version: int = Field(description="It rises with all news: what `seen` names.")
    message: str = Field(description="What it means, in the caller's language.")


def view(claim: Claim, call: Call[Tools]) -> ClaimView:
    """A claim as it stands today, in the caller's language."""
    agency, language, origin = call.tools.agency, call.language, call.gateway.unit.origin
    today = origin.clock().astimezone(origin.time_zone).date()
    state, outcome = claim.state_on(today), claim.outcome_on(today)
    reason = agency.decision_reasons.get(claim.decision_reason) if claim.decision_reason else None
    said = outcome or (state if claim.decider is None else f"{state}_{claim.decider}")
    return ClaimView(
        claim_id=claim.claim_id,
        state=state,
        outcome=outcome,
        decider=claim.decider,
        request_id=claim.request_id,
        decision_reason=claim.decision_reason,
        decision_reason_name=reason.name.in_(language) if reason else None,
        organization=ClaimedView(
            organization_id=claim.organization_id, number=claim.organization_number, name=claim.organization_name
        ),
        capacity=claim.capacity,
        capacity_name=agency.capacities[claim.capacity].name.in_(language),
        made_at=claim.made_at,
        deadline=claim.lapses_on,
        decided_at=claim.decided_at,
        version=claim.version,
        message=agency.texts.word(f"claim_{said}", language),
    )
