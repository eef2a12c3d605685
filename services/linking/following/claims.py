"""Following what authorizations tells of claims: it decides, and here the person sees it.

What is told of a claim that is not known here, as after a restore from an older copy, changes nothing.
"""

from datetime import date
from uuid import UUID

from chassis.work import Work
from contracts.authorizations import (
    AdministratorAppointed,
    ClaimRefused,
    RequestDecided,
    RequestLapsed,
    RequestSubmitted,
    RequestWithdrawn,
)
from services.linking.claims import storage
from services.linking.claims.domain import Outcome
from services.linking.organization_codes import proving
from services.linking.tools import Tools

GRANTED: tuple[Outcome, ...] = ("administrator", "granted")


async def follow_appointment(work: Work[Tools], appointed: AdministratorAppointed) -> None:
    """Whoever claimed manages the organization."""
    if appointed.claim_id is not None:
        await _decide(work, appointed.claim_id, "administrator")


async def follow_refusal(work: Work[Tools], refused: ClaimRefused) -> None:
    """It asked nobody. Why is told to nobody."""
    await _decide(work, refused.claim_id, "refused")


async def follow_submission(work: Work[Tools], submitted: RequestSubmitted) -> None:
    """Others are asked, perhaps now by others than before."""
    if submitted.claim_id is not None:
        last_day = date.fromisoformat(submitted.lapses_on)
        await storage.asked(work.connection, submitted.claim_id, submitted.decider, submitted.request_id, last_day)


async def follow_decision(work: Work[Tools], decided: RequestDecided) -> None:
    """They have decided, with the reason of a no."""
    if decided.claim_id is not None:
        outcome: Outcome = "refused" if decided.outcome == "reject" else "granted"
        await _decide(work, decided.claim_id, outcome, decided.reason)


async def follow_lapse(work: Work[Tools], lapsed: RequestLapsed) -> None:
    """Nobody has decided in time."""
    if lapsed.claim_id is not None:
        await _decide(work, lapsed.claim_id, "lapsed")


async def follow_withdrawal(work: Work[Tools], withdrawn: RequestWithdrawn) -> None:
    """Whoever claimed does not want it any more."""
    if withdrawn.claim_id is not None:
        await _decide(work, withdrawn.claim_id, "withdrawn")


async def _decide(work: Work[Tools], claim_id: UUID, outcome: Outcome, reason: str | None = None) -> None:
    """Note how a claim has ended. One that was granted is taken back from its account's count, once.

    So whoever adds many organizations need not wait, and a wait tells nothing that its person is not told.
    """
    account_id = await storage.decided(work.connection, claim_id, outcome, reason, work.now)
    if account_id is not None and outcome in GRANTED:
        await proving.take_back(work, account_id)
