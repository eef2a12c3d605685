"""Accepting an invitation: the account with the invited address becomes a contact, and nobody has to approve."""

from dataclasses import dataclass, field
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.linking import INVITATION
from services.authorizations import functions
from services.authorizations.accounts import storage as accounts
from services.authorizations.claims import admitting
from services.authorizations.claims import domain as claims
from services.authorizations.claims.admitting import ByClaim
from services.authorizations.claims.handlers import refuse_claimant
from services.authorizations.deciding.handlers import lock_with_organizations, settle
from services.authorizations.invitations import domain, mails
from services.authorizations.invitations import storage as invitations
from services.authorizations.invitations.domain import AskedInvitation
from services.authorizations.managing.questions import managers_of
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.personal.storage import descriptions
from services.authorizations.requests import storage
from services.authorizations.requests.domain import GivenAccess, GivenSubject, Request, refuse_ended
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Accept:
    """An account follows an invitation."""

    account_id: UUID
    token: str = field(repr=False)


@dataclass(frozen=True)
class Accepted:
    """The contact that the account is now, and its organization."""

    contact_id: UUID
    organization_id: UUID
    organization_name: str


async def accept(work: Work[Tools], command: Accept) -> Accepted | Refusal:
    """Make the account a contact with what the invitation offers, in one transaction. A refusal consumes nothing.

    An invitation is as good as who sent it: it is over once that person no longer manages the organization.
    """
    digests = work.tools.keyring.lookups(mails.PURPOSE, command.token)
    request_id = await invitations.invitation_of(work.connection, digests)
    seen = await storage.get(work.connection, request_id) if request_id is not None else None
    if seen is None or seen.organization_id is None:
        return Refusal("invitation_over")
    request = await lock_with_organizations(work, seen)
    await accounts.lock(work.connection, command.account_id)
    work.take_time()
    work.concerning = organization_id = seen.organization_id
    if refusal := await _refuse(work, request, command.account_id, organization_id):
        return refusal
    asked, agency = AskedInvitation.model_validate(request.asked), work.tools.agency
    organization = (await organizations.get(work.connection, [organization_id]))[organization_id]
    period = Period(max(asked.starts_on, work.today), asked.ends_on)
    access = GivenAccess(asked.type, period, [GivenSubject(grant) for grant in asked.chosen])
    if refusal := claims.refuse_access(agency, access, organization.kind, work.today):
        return refusal
    by = ByClaim(None, INVITATION, request.request_id)
    contact_id = await admitting.admit(work, organization_id, command.account_id, access, by)
    await settle(work, request, "approve", None)
    await functions.tell_given(work, contact_id, asked.chosen, period)
    return Accepted(contact_id, organization_id, organization.legal_name)


async def _refuse(work: Work[Tools], request: Request, account_id: UUID, organization_id: UUID) -> Refusal | None:
    persons = await descriptions(work.connection, [request.request_id, account_id])
    if refusal := domain.refuse_address(persons.get(request.request_id), persons.get(account_id)):
        return refusal
    managing = {manager.contact_id for manager in await managers_of(work, organization_id)}
    if refuse_ended(request, work.today) or request.asked_by_contact_id not in managing:
        return Refusal("invitation_over")
    obstacle = await refuse_claimant(work, organization_id, account_id)
    if obstacle == "blocked":
        return Refusal("access_blocked")
    return claims.REFUSALS[obstacle] if obstacle is not None else None
