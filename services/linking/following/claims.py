"""Following what authorizations tells of claims: it decides, and here the person sees it.

What is told of a claim that is not known here, as after a restore from an older copy, changes nothing.
"""

from datetime import date

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
from services.linking.tools import Tools


async def follow_appointment(work: Work[Tools], appointed: AdministratorAppointed) -> None:
    """Whoever claimed manages the organization."""
    if appointed.claim_id is not None:
        await storage.decided(work.connection, appointed.claim_id, "administrator", None, work.now)


async def follow_refusal(work: Work[Tools], refused: ClaimRefused) -> None:
    """It asked nobody. Why is told to nobody."""
    await storage.decided(work.connection, refused.claim_id, "refused", None, work.now)


async def follow_submission(work: Work[Tools], submitted: RequestSubmitted) -> None:
    """Others are asked, perhaps now by others than before."""
    if submitted.claim_id is not None:
        last_day = date.fromisoformat(submitted.lapses_on)
        await storage.asked(work.connection, submitted.claim_id, submitted.decider, submitted.request_id, last_day)


async def follow_decision(work: Work[Tools], decided: RequestDecided) -> None:
    """They have decided, with the reason of a no."""
    if decided.claim_id is not None:
        outcome: Outcome = "refused" if decided.outcome == "reject" else "granted"
        await storage.decided(work.connection, decided.claim_id, outcome, decided.reason, work.now)


async def follow_lapse(work: Work[Tools], lapsed: RequestLapsed) -> None:
    """Nobody has decided in time."""
    if lapsed.claim_id is not None:
        await storage.decided(work.connection, lapsed.claim_id, "lapsed", None, work.now)


async def follow_withdrawal(work: Work[Tools], withdrawn: RequestWithdrawn) -> None:
    """Whoever claimed does not want it any more."""
    if withdrawn.claim_id is not None:
        await storage.decided(work.connection, withdrawn.claim_id, "withdrawn", None, work.now)
