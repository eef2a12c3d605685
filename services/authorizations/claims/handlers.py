"""Deciding claims under the organization's lock: the first who proves it manages it, everybody else asks."""

from uuid import UUID

from chassis.outcomes import Poison, Transient
from chassis.work import Work
from contracts.agency.linking import OrganizationCode
from contracts.authorizations import ClaimRefused
from contracts.linking import OrganizationClaimed
from services.authorizations.access import storage as access
from services.authorizations.accounts import storage as accounts
from services.authorizations.admitting.domain import Admission, refuse_access
from services.authorizations.admitting.handlers import admit, refuse_admission
from services.authorizations.blocked import blocks_of_its_own
from services.authorizations.claims import domain, mails, storage
from services.authorizations.claims.domain import AskedAccess, Claim
from services.authorizations.managing.domain import Because
from services.authorizations.managing.questions import contests, is_managed
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.handlers import record
from services.authorizations.requests import storage as requests
from services.authorizations.requests.submitting import Ask, Claiming, submit
from services.authorizations.tools import Tools


async def follow_claim(work: Work[Tools], claimed: OrganizationClaimed) -> None:
    """Keep a claim that is told for the first time, and decide it as soon as its account is known here.

    Raises Poison for an organization that does not exist.
    """
    await organizations.lock(work.connection, [claimed.organization_id])
    if claimed.organization_id not in await organizations.get(work.connection, [claimed.organization_id]):
        raise Poison("a claim names an organization that does not exist")
    work.take_time()
    if await storage.keep(work.connection, claimed, work.now):
        await decide_claim(work, claimed.claim_id)


async def decide_claim(work: Work[Tools], claim_id: UUID) -> None:
    """Decide a claim, once; nothing while nothing was heard of its account. Raises Transient, as `admit` does.

    Who may claim, has the code, and finds nobody who manages the organization, manages it from now on. Everybody else
    asks those who do, and agents where nobody does. Where the claim contests the first administrator, a block that the
    organization made keeps nobody from asking: the agent sees it.
    """
    organization_id = await storage.organization_of(work.connection, claim_id)
    assert organization_id is not None  # no row is ever deleted
    await organizations.lock(work.connection, [organization_id])
    claim = await storage.undecided(work.connection, claim_id)
    if claim is None or not await access.all_heard_of(work.connection, [claim.account_id]):
        return
    await accounts.lock(work.connection, claim.account_id)
    work.take_time()
    obstacle = await refuse_admission(work, organization_id, claim.account_id)
    is_first = claim.proven and obstacle is None and not await is_managed(work, organization_id)
    if obstacle == "blocked" and await contests(work, organization_id, claim.claim_id):
        own = await blocks_of_its_own(work.connection, organization_id)
        obstacle = await refuse_admission(work, organization_id, claim.account_id, lifting=own)
    if obstacle is not None:
        await _refuse(work, claim, obstacle)
    elif claim.lapses_on < work.today:
        await _refuse(work, claim, "lapsed")
    elif await requests.of_account(work.connection, organization_id, claim.account_id, work.today):
        await _refuse(work, claim, "asked_already")
    elif is_first:
        await _appoint(work, claim)
    else:
        await _ask(work, claim)


async def _appoint(work: Work[Tools], claim: Claim) -> None:
    method = work.tools.agency.linking_methods.get(claim.method)
    if not isinstance(method, OrganizationCode):
        raise Transient("the agency's data do not have the claim's method yet")
    kind = (await organizations.one(work.connection, claim.organization_id)).kind
    access = domain.given(work.tools.agency, method.first, kind, work.today)
    if refuse_access(work.tools.agency, access, kind, work.today):
        await _ask(work, claim)  # an agent finds a function for such an organization
        return
    by = Admission(claim.method, because=Because(claim.claim_id, tells_person=False))
    admitted = await admit(work, claim.organization_id, claim.account_id, access, by)
    await storage.settle(work.connection, claim.claim_id, "appointed", work.now, contact_id=admitted)
    await mails.appointed(work, claim, access)


async def _ask(work: Work[Tools], claim: Claim) -> None:
    asked = AskedAccess(method=claim.method, capacity=claim.capacity, proven=claim.proven, locked=claim.locked)
    claiming = Claiming(claim.claim_id, claim.account_id, claim.lapses_on)
    ask = Ask(work.new_id(), "access_request", asked, None, organization_id=claim.organization_id, claim=claiming)
    request_id = await submit(work, ask, mails.tell_deciders)
    await storage.settle(work.connection, claim.claim_id, "asked", work.now, request_id=request_id)


async def _refuse(work: Work[Tools], claim: Claim, reason: str) -> None:
    await storage.settle(work.connection, claim.claim_id, "refused", work.now)
    await record(work, ClaimRefused, claim.organization_id, claim_id=claim.claim_id, reason=reason)
    work.audit("claim_refused", organization_id=claim.organization_id, object_id=claim.claim_id, reason=reason)
    await mails.refused(work, claim)
