"""Claiming an organization, and looking at what became of it."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from chassis.limits import too_many
from chassis.outcomes import Next, Refusal
from chassis.work import Work
from contracts.agency.linking import OrganizationCode
from contracts.linking import OrganizationClaimed
from services.linking.accounts.handlers import caller
from services.linking.bindings import storage as bindings
from services.linking.claims import storage
from services.linking.claims.domain import Claim
from services.linking.claims.storage import NewClaim
from services.linking.organization_codes import proving
from services.linking.organization_codes.proving import Typed
from services.linking.tools import Tools


@dataclass(frozen=True)
class ClaimOrganization:
    """What a person typed to add an organization, and what they say to be there, one of the method's capacities."""

    account_id: UUID
    method: OrganizationCode
    typed: Typed
    capacity: str


@dataclass(frozen=True)
class Claimed:
    """A claim that authorizations decides."""

    claim_id: UUID


async def begin_claim(work: Work[Tools], account_id: UUID) -> Refusal | None:
    """Count a claim of the account, before anything that it typed is looked at.

    Refusals: account_not_yet_known, not_authenticated, too_many_attempts.
    """
    account = await caller(work, account_id)
    if isinstance(account, Refusal):
        return account
    wait = await proving.delay(work, account_id)
    return None if wait is None else too_many(wait)


async def claim_organization(work: Work[Tools], command: ClaimOrganization) -> Claimed | Refusal:
    """Ask to act for an organization; who has its code is told apart here, and never to that person.

    About oneself one is told at once, and no code is tried: that the account waits for a decision there, or is linked
    to it. Refusals: account_not_yet_known, not_authenticated, link_refused, claim_pending, linked_here.
    """
    method, account_id = command.method, command.account_id
    account = await caller(work, account_id)
    if isinstance(account, Refusal):
        return account
    found = await proving.find(work, method, command.typed)
    if found is None:
        work.audit("claim_refused", method=method.code)
        return proving.refused(work)
    organization_id = found.organization.organization_id
    if method.first.type not in work.tools.agency.functions_of_door(account.door):
        work.audit("claim_refused", organization_id=organization_id, method=method.code, reason="other_door")
        return proving.refused(work)
    if organization_id in await bindings.organizations_linked(work.connection, account_id):
        support = work.tools.agency.profile.support_email
        return Refusal("linked_here", {"support": support}, next=Next("see_profiles", "/v1/profiles"))
    await storage.lapse(work.connection, account_id, organization_id, work.today, work.now)
    if waiting := await storage.open_claim(work.connection, account_id, organization_id):
        return Refusal("claim_pending", next=Next("see_claim", f"/v1/claims/{waiting}"))
    proof = await proving.prove(work, found, method, command.typed)
    claim_id, days = work.new_id(), work.tools.agency.requests.kinds["access_request"].days
    new = NewClaim(
        claim_id, account_id, organization_id, method.code, command.capacity, work.today + timedelta(days=days)
    )
    await storage.add(work.connection, new, work.now)
    tried = command.typed.organization_code is not None
    work.publish(OrganizationClaimed(**vars(new), proven=proof.proven, locked=proof.locked, tried=tried))
    work.audit("organization_claimed", organization_id=organization_id, object_id=claim_id, method=method.code)
    return Claimed(claim_id)


@dataclass(frozen=True)
class ShowClaim:
    """A look at a claim of the account."""

    account_id: UUID
    claim_id: UUID


async def show_claim(work: Work[Tools], command: ShowClaim) -> Claim | Refusal:
    """A claim of one's own. Refusal: not_found."""
    found = await storage.of_account(work.connection, command.account_id, command.claim_id)
    return Refusal("not_found") if found is None else found
