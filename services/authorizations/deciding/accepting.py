"""Accepting an invitation: the account with the invited address becomes a contact, and nobody has to approve."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from chassis.outcomes import Pending, Refusal
from chassis.work import Work
from contracts.agency import Agency
from contracts.agency.linking import INVITATION
from services.authorizations.accounts import storage as accounts
from services.authorizations.admitting.domain import REFUSALS, Admission, refuse_access
from services.authorizations.admitting.handlers import admit, join, refuse_admission
from services.authorizations.claims import domain as claims
from services.authorizations.claims.domain import AskedAccess
from services.authorizations.claims.mails import tell_deciders
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.deciding.ending import settle
from services.authorizations.deciding.locking import lock_with_organizations
from services.authorizations.invitations import domain
from services.authorizations.invitations import storage as invitations
from services.authorizations.invitations.domain import AskedInvitation
from services.authorizations.invitations.handlers import is_upheld
from services.authorizations.mailing import rights_told
from services.authorizations.organizations import storage as organizations
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.relations import domain as rules
from services.authorizations.relations import storage as relations
from services.authorizations.relations.recording import grant_rights
from services.authorizations.request_tokens import handlers as request_tokens
from services.authorizations.requests import storage
from services.authorizations.requests.domain import AskedGrants, GivenAccess, Request, refuse_ended
from services.authorizations.requests.submitting import Ask, Claiming, submit
from services.authorizations.reviews.candidates import is_like_one_at_home
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


async def accept(work: Work[Tools], command: Accept) -> Accepted | Pending | Refusal:
    """Make the account a contact with what the invitation offers, in one transaction. A refusal consumes nothing.

    Whoever stands there already with the same names and the address that the account has verified is that contact, and
    is given what the invitation offers besides. Where somebody there only looks alike, those who manage are asked
    whether it is the same person, by an access request. So nobody has two files there. What the account had asked there
    itself is withdrawn.
    """
    request_id = await request_tokens.led_to(work.connection, work.tools, "invited", command.token)
    seen = await storage.get(work.connection, request_id) if request_id is not None else None
    if seen is None or seen.organization_id is None:
        return Refusal("invitation_over")
    request = await lock_with_organizations(work, seen)
    await accounts.lock(work.connection, command.account_id)
    work.take_time()
    work.concerning = organization_id = seen.organization_id
    persons = await descriptions(work.connection, [request.request_id, command.account_id])
    account = persons.get(command.account_id)
    if account is None or domain.refuse_address(persons.get(request.request_id), account):
        return Refusal("invitation_for_another")
    asked, agency = AskedInvitation.model_validate(request.asked), work.tools.agency
    refusal = await _refuse(work, request, command.account_id, account) or domain.refuse_door(
        agency, account, asked.type
    )
    if refusal:
        return refusal
    organization = await organizations.one(work.connection, organization_id)
    access = claims.offered(asked, work.today)
    if refusal := refuse_access(agency, access, organization.kind, work.today):
        return refusal
    await _withdraw_asked(work, organization_id, command.account_id)
    by = Admission(INVITATION, request_id=request.request_id)
    known = await contacts.find_same(work.connection, organization_id, account, linked=False)
    capacity = _capacity(agency, asked)
    if known is None and capacity is not None and await is_like_one_at_home(work, organization_id, account):
        await settle(work, request, "approve", None)
        return Pending(await _ask(work, request, command.account_id, asked, capacity))
    if known is None:
        contact_id = await admit(work, organization_id, command.account_id, access, by)
    else:
        contact_id = known.contact_id
        await _join(work, known, command.account_id, access, by)
    await settle(work, request, "approve", None)
    await rights_told.tell_given(work, contact_id, asked.chosen, access.period)
    return Accepted(contact_id, organization_id, organization.legal_name)


async def _withdraw_asked(work: Work[Tools], organization_id: UUID, account_id: UUID) -> None:
    asked_id = await storage.of_account(work.connection, organization_id, account_id, work.today)
    asked = await storage.lock(work.connection, asked_id) if asked_id is not None else None
    if asked is not None:
        await settle(work, asked, "withdraw", None)


async def _refuse(work: Work[Tools], request: Request, account_id: UUID, account: Personal) -> Refusal | None:
    organization_id = request.organization_id
    assert organization_id is not None and account.email is not None
    if refuse_ended(request, work.today) or not await is_upheld(work, request):
        return Refusal("invitation_over")
    obstacle = await refuse_admission(work, organization_id, account_id)
    # A contact that nobody is yet may be kept out too: whoever has its address is meant.
    if obstacle == "blocked" or await invitations.is_kept_out(work.connection, organization_id, account.email):
        return Refusal("access_blocked")
    return REFUSALS[obstacle] if obstacle is not None else None


def _capacity(agency: Agency, asked: AskedInvitation) -> str | None:
    """As what whoever was invited asks for access: what the offered function is given for, else the first there is."""
    fitting = [capacity.code for capacity in agency.capacities.values() if capacity.granted.type == asked.type]
    return next(iter([*fitting, *agency.capacities]), None)


async def _ask(work: Work[Tools], request: Request, account_id: UUID, invited: AskedInvitation, capacity: str) -> UUID:
    offered = AskedGrants.model_validate(invited.model_dump())
    asked = AskedAccess(
        method=INVITATION, capacity=capacity, offered=offered, invitation_id=request.request_id
    )  # fmt: skip
    days = work.tools.agency.requests.kinds["access_request"].days
    claiming = Claiming(work.new_id(), account_id, work.today + timedelta(days=days))
    ask = Ask(work.new_id(), "access_request", asked, None, organization_id=request.organization_id, claim=claiming)
    return await submit(work, ask, tell_deciders)


async def _join(work: Work[Tools], known: ContactFile, account_id: UUID, access: GivenAccess, by: Admission) -> None:
    """Make the account a contact that exists, with the function that was offered; where it has that, what it lacks."""
    if await join(work, known, account_id, access, by) is None:
        return
    refusal = await join(work, known, account_id, None, by)
    assert refusal is None  # nothing is given that could be held
    for held in await relations.memberships_of(work.connection, known.contact_id):
        period = rules.within(access.period, held.period)
        if held.type != access.type or held.is_over(work.today) or period is None:
            continue
        has = {right.subject for right in await relations.rights_of(work.connection, held.relation_id)}
        lacking = [chosen.grant for chosen in access.subjects if chosen.grant.subject not in has]
        await grant_rights(work, known.organization_id, held.relation_id, period, lacking, by.request_id)
        return
