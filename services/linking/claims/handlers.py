"""Claiming an organization, and looking at what became of it."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from chassis.outcomes import Next, Phrase, Refusal
from chassis.work import Work
from contracts.agency.linking import OrganizationCode
from contracts.linking import OrganizationClaimed
from services.linking.accounts.handlers import caller
from services.linking.bindings import storage as bindings
from services.linking.claims import storage
from services.linking.claims.domain import Claim
from services.linking.claims.storage import NewClaim
from services.linking.organization_codes.proving import Typed, examine
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


async def claim_organization(work: Work[Tools], command: ClaimOrganization) -> Claimed | Refusal:
    """Ask to act for an organization; who has its code is told apart here, and never to that person.

    About oneself one is told at once: that the account waits for a decision there, or is linked to it. Refusals:
    account_not_yet_known, not_authenticated, too_many_attempts, link_refused, claim_pending, linked_here.
    """
    method, account_id = command.method, command.account_id
    account = await caller(work, account_id)
    if isinstance(account, Refusal):
        return account
    examined = await examine(work, account_id, method, command.typed)
    if isinstance(examined, Refusal):
        return examined
    organization_id = examined.organization.organization_id
    if method.first.type not in work.tools.agency.functions_of_door(account.door):
        work.audit("claim_refused", organization_id=organization_id, method=method.code, reason="other_door")
        return Refusal(
            "link_refused", {"ask": Phrase("ask_agency", {"support": work.tools.agency.profile.support_email})}
        )
    if organization_id in await bindings.organizations_linked(work.connection, account_id):
        return Refusal("linked_here", next=Next("see_profiles", "/v1/profiles"))
    await storage.lapse(work.connection, account_id, organization_id, work.today, work.now)
    if waiting := await storage.open_claim(work.connection, account_id, organization_id):
        return Refusal("claim_pending", next=Next("see_claim", f"/v1/claims/{waiting}"))
    claim_id, days = work.new_id(), work.tools.agency.requests.kinds["access_request"].days
    new = NewClaim(
        claim_id, account_id, organization_id, method.code, command.capacity, work.today + timedelta(days=days)
    )
    await storage.add(work.connection, new, work.now)
    work.publish(OrganizationClaimed(**vars(new), proven=examined.proven, locked=examined.locked))
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
