"""What becomes true when an agent has looked at somebody, and how a text about somebody new is corrected."""

from dataclasses import replace

from chassis.outcomes import Refusal
from chassis.work import Work
from services.authorizations.admitting.making import NewContact, by_mail, make_contact
from services.authorizations.blocked import keeps_out
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.contacts.state import publish_state
from services.authorizations.managing.began import grant_membership
from services.authorizations.managing.domain import Because
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.personal import storage as personal_fields
from services.authorizations.reasons import refuse_reason
from services.authorizations.relations import domain
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Grant, NewRelation
from services.authorizations.requests.domain import Decision, NewText, Request
from services.authorizations.reviews.candidates import candidates
from services.authorizations.reviews.domain import AskedComparison, AskedContact, AskedManager
from services.authorizations.tools import Tools


async def settle_duplicate(work: Work[Tools], request: Request, decision: Decision) -> Refusal | None:
    """Approved: a contact as asked. Merged: the candidate gets what was asked, or shares its client number.

    A candidate of another organization is the same person there: the new contact bears the same client number.
    """
    asked = AskedContact.model_validate(request.asked)
    organization_id, request_id = request.organization_id, request.request_id
    assert organization_id is not None
    personal = (await personal_fields.descriptions(work.connection, [request_id]))[
        request_id
    ]  # kept until after its end
    kind = (await organizations.one(work.connection, organization_id)).kind
    language = work.tools.agency.profile.default_language
    refusal = (
        domain.refuse_period(asked.period, work.today)
        or domain.refuse_membership_type(work.tools.agency, asked.type, kind, work.today)
        or domain.refuse_subjects(work.tools.agency, kind, asked.chosen, work.today, language, delegated=False)
    )
    if refusal:
        return refusal
    new = NewContact(
        work.new_id(), organization_id, personal, asked.type, asked.period, asked.chosen, by_mail(work),
        asked.client_number, request_id,
    )  # fmt: skip
    if decision.outcome == "approve":
        return await make_contact(work, new)
    known = {candidate.contact_id for candidate in asked.candidates}
    candidate = (
        await contacts.get_present(work.connection, decision.contact_id) if decision.contact_id in known else None
    )
    if candidate is None:
        return Refusal("candidate_required", fields=("contact_id",))
    if candidate.organization_id != organization_id:
        return await make_contact(work, replace(new, client_number=candidate.client_number))
    return await _give(work, request, candidate, asked.type, asked.period, asked.chosen, Because())


async def correct(work: Work[Tools], request: Request, text: NewText) -> AskedContact:
    """Whoever is described now may be known as somebody else than before: those to compare with are looked for anew."""
    asked = AskedContact.model_validate(request.asked).corrected(text.period, text.grants)
    if text.personal is None:
        return asked
    assert request.organization_id is not None  # a review is about an organization's own contact
    alike = await candidates(work, request.organization_id, text.personal, asked.client_number)
    await personal_fields.describe(work.connection, request.request_id, text.personal)
    return asked.model_copy(update={"candidates": tuple(alike)})


async def recognize(work: Work[Tools], request: Request, decision: Decision) -> Refusal | None:
    """Merged: the contact is the same person as the candidate, and bears that client number from now on.

    A code that is under way was sent with another number: the person is sent new coordinates, unless linked already.
    """
    asked = AskedComparison.model_validate(request.asked)
    contact = await contacts.get_present(work.connection, asked.contact_id)
    known = {candidate.contact_id for candidate in asked.candidates}
    candidate = (
        await contacts.get_present(work.connection, decision.contact_id) if decision.contact_id in known else None
    )
    if contact is None or candidate is None:
        return Refusal("candidate_required", fields=("contact_id",))
    if await contacts.find(work.connection, contact.organization_id, candidate.client_number):
        return Refusal("already_held", fields=("client_number",))
    await contacts.renumber(work.connection, contact.contact_id, candidate.client_number)
    if not contact.linked and by_mail(work) == "coordinates":
        await contacts.raise_generation(work.connection, contact.contact_id, "normal")
    await publish_state(work, contact.contact_id)
    work.audit("contact_recognized", organization_id=contact.organization_id, object_id=contact.contact_id)
    return None


async def appoint(work: Work[Tools], request: Request, decision: Decision) -> Refusal | None:
    """One of the organization's contacts manages it from today on, for a reason as where an agent appoints somebody."""
    asked, organization_id = AskedManager.model_validate(request.asked), request.organization_id
    assert organization_id is not None
    contact = await contacts.get_present(work.connection, decision.contact_id) if decision.contact_id else None
    if contact is None or contact.organization_id != organization_id:
        return Refusal("candidate_required", fields=("contact_id",))
    if refusal := refuse_reason(work, "appointment", decision.managing_reason, "managing_reason"):
        return refusal
    if await keeps_out(work.connection, organization_id, contact.contact_id):
        return Refusal("contact_blocked", fields=("contact_id",))
    kind = (await organizations.one(work.connection, organization_id)).kind
    usable = [t for t in work.tools.managing_types if not _refused(work, t, kind)]
    type = asked.type if asked.type in usable else usable[0]
    because = Because(reason=decision.managing_reason)
    return await _give(work, request, contact, type, Period(work.today), [], because)


def _refused(work: Work[Tools], type: str, kind: str) -> bool:
    return domain.refuse_membership_type(work.tools.agency, type, kind, work.today) is not None


async def _give(
    work: Work[Tools],
    request: Request,
    contact: ContactFile,
    type: str,
    period: Period,
    grants: list[Grant],
    because: Because,
) -> Refusal | None:
    home, contact_id = contact.organization_id, contact.contact_id
    new = NewRelation(work.new_id(), "contact", contact_id, home, home, type, period, request_id=request.request_id)
    if await relations.overlaps(work.connection, new):
        return Refusal("already_held")
    await grant_membership(work, new, grants, because)
    await publish_state(work, contact_id)
    work.audit("relation_added", organization_id=home, object_id=new.relation_id, holder=str(contact_id))
    return None
