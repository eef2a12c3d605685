"""What becomes true when others have decided what a claim asked."""

from chassis.outcomes import Refusal
from chassis.work import Work
from services.authorizations.accounts import storage as accounts
from services.authorizations.admitting.domain import REFUSALS, Admission, refuse_access
from services.authorizations.admitting.handlers import admit, join, refuse_admission
from services.authorizations.claims import domain, mails
from services.authorizations.claims.domain import AskedAccess
from services.authorizations.contacts import storage as contacts
from services.authorizations.managing.domain import Because
from services.authorizations.organizations import storage as organizations
from services.authorizations.relations import storage as relations
from services.authorizations.requests import telling
from services.authorizations.requests.domain import Decision, GivenAccess, Request, Told
from services.authorizations.tools import Tools


async def give_access(work: Work[Tools], request: Request, decision: Decision) -> Refusal | None:
    """Approved: the account becomes a contact with what the decision gives, or the agency's data. Merged: a known one.

    A merge names a contact of the organization that nobody is yet; it keeps what it has, and is given what the decision
    says; what the data say only where it has nothing.
    """
    organization_id, account_id = request.organization_id, request.asked_by_account_id
    assert organization_id is not None and account_id is not None
    await accounts.lock(work.connection, account_id)
    work.take_time()
    obstacle = await refuse_admission(work, organization_id, account_id)
    if obstacle is not None:
        return REFUSALS[obstacle]
    agency = work.tools.agency
    kind = (await organizations.one(work.connection, organization_id)).kind
    asked = AskedAccess.model_validate(request.asked)
    access = decision.access or domain.unless_decided(agency, asked, kind, work.today)
    if refusal := refuse_access(agency, access, kind, work.today):
        return refusal
    by = Admission(asked.method, request.request_id, Because(request.claim_id, tells_person=False))
    if decision.outcome == "approve":
        await admit(work, organization_id, account_id, access, by)
        return None
    contact = await contacts.get_present(work.connection, decision.contact_id) if decision.contact_id else None
    if contact is None or contact.organization_id != organization_id:
        return Refusal("candidate_required", fields=("contact_id",))
    if contact.linked:
        return Refusal("contact_of_another_account", fields=("contact_id",))
    memberships = await relations.memberships_of(work.connection, contact.contact_id)
    more: GivenAccess | None = access
    if decision.access is None and any(not membership.is_over(work.today) for membership in memberships):
        more = None
    return await join(work, contact, account_id, more, by)


async def tell(work: Work[Tools], request: Request, outcome: Told, reason: str | None) -> None:
    """Who asked is told how it ended, and so are those whose decision it was."""
    await mails.decided(work, request, outcome, reason)
    if request.decider == "organization":
        assert request.organization_id is not None and request.asked_by_account_id is not None
        comer = await contacts.of_account(work.connection, request.organization_id, request.asked_by_account_id)
        await telling.tell_both_sides(work, request, outcome, reason, besides=comer)
