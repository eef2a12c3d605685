"""Approving a mandate: the delegate becomes a contact with the right that was mandated, in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from chassis.outcomes import Next, Refusal, Transient
from chassis.work import Work
from contracts.agency.mandates import MandateSide
from contracts.authorizations import RightChanged
from contracts.credentials import CredentialAddresses, CredentialParty
from services.authorizations.admitting.making import Link, NewContact, make_contact
from services.authorizations.blocked import keeps_out
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.state import publish_state
from services.authorizations.credentials.handlers import raise_generation
from services.authorizations.managing.began import grant_membership
from services.authorizations.managing.domain import TOLD_OTHERWISE, Ending
from services.authorizations.managing.ended import withdraw_rights
from services.authorizations.mandates import storage
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.mandates.judging import judge_again
from services.authorizations.mandates.keeping import account_to_bind, become, bind
from services.authorizations.mandates.recognizing import contact_of, is_closed, spelled
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.handlers import record
from services.authorizations.periods import Period
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.relations import domain as rules
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import HeldRight, NewRelation, Relation
from services.authorizations.relations.recording import grant_rights
from services.authorizations.requests.domain import Decision, Request
from services.authorizations.statuses import is_active
from services.authorizations.tools import Tools

WHOSE_ADDRESS: Mapping[MandateSide, str] = {
    "professional": "professional_address_shared",
    "delegate": "delegate_address_shared",
}


@dataclass(frozen=True)
class Approving:
    """What is to be given, to whom, and to whom both halves of a credential go."""

    request: Request
    mandate: Mandate
    asked: AskedMandate
    organization_id: UUID
    delegate: Personal
    professional: Personal


async def approve(work: Work[Tools], request: Request, decision: Decision) -> Refusal | None:
    """Give the right that was mandated, from the day of the approval on or later, as long as was signed.

    Whoever is the delegate's contact there already is given it; else a contact is made, for whom accounts opens an
    account, or finds the one that has the verified address. Call it with organization and request locked.
    """
    del decision
    approving = await _read(work, request)
    if isinstance(approving, Refusal):
        return approving
    asked, organization_id = approving.asked, approving.organization_id
    period = Period(max(asked.starts_on, work.today), asked.ends_on)
    if refusal := await _refuse(work, approving) or rules.refuse_period(period, work.today):
        return refusal
    contact_id = await contact_of(work, organization_id, asked, approving.mandate, approving.delegate)
    if refusal := await _refuse_delegate(work, approving, contact_id):
        return refusal
    account_id = await account_to_bind(work, organization_id, approving.mandate, contact_id)
    if isinstance(account_id, Refusal):
        return account_id
    held = await relations.memberships_of(work.connection, contact_id) if contact_id is not None else []
    member = next((m for m in held if m.type == asked.type and not m.is_over(work.today)), None)
    if member is not None:
        within = rules.within(period, member.period)
        if within is None:
            return Refusal("dates_refused")
        period = within
        if refusal := await _make_room(work, approving, member, period):
            return refusal
    if contact_id is not None and account_id is not None:
        await become(work, account_id, contact_id, request.request_id)
    if contact_id is None:
        made = await _make(work, approving, account_id)
        if isinstance(made, Refusal):
            return made
        contact_id, membership = made
    elif member is None:
        membership = await _join(work, approving, contact_id)
    else:
        membership = member.relation_id
    await grant_rights(work, organization_id, membership, period, [asked.grant], request.request_id)
    [given] = await relations.rights_of(work.connection, membership, [asked.subject], period)
    await storage.given(work.connection, request.request_id, contact_id, membership, given.right_id)
    await _give_credential(work, approving, contact_id)
    work.audit(
        "mandate_approved", organization_id=organization_id, object_id=contact_id, mandate=str(request.request_id)
    )  # fmt: skip
    return None


async def _read(work: Work[Tools], request: Request) -> Approving | Refusal:
    mandate = await storage.get(work.connection, request.request_id)
    assert mandate is not None and request.organization_id is not None
    sides = mandate.professional.side_id, mandate.delegate.side_id
    persons = await descriptions(work.connection, [request.request_id, *sides])
    described, professional, delegate = (persons.get(owner) for owner in (request.request_id, *sides))
    if not mandate.is_complete:
        return Refusal("request_not_pending")
    if described is None or not (professional and professional.email) or not (delegate and delegate.email):
        return Refusal("mandate_party_erased")
    return Approving(
        request,
        mandate,
        AskedMandate.model_validate(request.asked),
        request.organization_id,
        replace(described, email=delegate.email, telephones=delegate.telephones, language=delegate.language),
        professional,
    )


async def _refuse(work: Work[Tools], approving: Approving) -> Refusal | None:
    """Everything but the delegate: organization, professional, the mandate that is renewed, both addresses."""
    if not await is_active(work.connection, approving.organization_id):
        return Refusal("organization_not_active")
    if not await _is_upheld(work, approving):
        return Refusal("mandate_not_upheld")
    request_id = approving.request.request_id
    if await storage.renews_ended(work.connection, request_id, work.today):
        return Refusal("renewed_mandate_ended")
    faulty = await judge_again(work, approving.request, approving.mandate)
    if faulty is not None:
        following = Next("next_other_address", f"/v1/mandates/{request_id}/address-requests")
        return Refusal(WHOSE_ADDRESS[faulty.side], fields=(faulty.side,), next=following)
    return None


async def _is_upheld(work: Work[Tools], approving: Approving) -> bool:
    """Whether who mandates has the same profession there, and the account that signed. A paper may name nobody."""
    professional, asked = approving.mandate.professional, approving.asked
    if professional.contact_id is None:
        return True
    having = await contacts.with_functions(
        work.connection, work.now, work.today, approving.organization_id, [asked.profession]
    )  # fmt: skip
    if professional.contact_id not in {contact.contact_id for contact in having}:
        return False
    if professional.account_id is None:
        return True
    bound = await contacts.account_of(work.connection, professional.contact_id) == professional.account_id
    return bound and await is_active(work.connection, professional.account_id)


async def _refuse_delegate(work: Work[Tools], approving: Approving, contact_id: UUID | None) -> Refusal | None:
    """Nobody mandates themselves; who is blocked, or whose account is closed, is given nothing until that is lifted."""
    if contact_id is not None and contact_id == approving.mandate.professional.contact_id:
        return Refusal("mandate_to_oneself", fields=("delegate",))
    if contact_id is not None and await keeps_out(work.connection, approving.organization_id, contact_id):
        return Refusal("contact_blocked")
    if await is_closed(work, approving.mandate, contact_id, approving.delegate):
        return Refusal("delegate_account_closed")
    return None


async def _make_room(work: Work[Tools], approving: Approving, member: Relation, period: Period) -> Refusal | None:
    """What a renewal takes the place of ends the day before it; nobody is given one subject twice."""
    asked, standing = approving.asked, await relations.rights_of(
        work.connection, member.relation_id, [approving.asked.subject], period
    )  # fmt: skip
    renewed = await storage.get(work.connection, asked.renews) if asked.renews is not None else None
    replaced = renewed.right_id if renewed is not None else None
    for right in standing:
        if right.right_id != replaced and not rules.gives_way(right, asked.level, period, work.today):
            return Refusal("already_held", fields=("subjects",))
    for right in standing:
        if right.period.starts_on < period.starts_on and period.starts_on > work.today:
            await _shorten(work, member, right, Period(right.period.starts_on, period.starts_on - timedelta(days=1)))
        else:
            await withdraw_rights(work, [(member, right)], Ending(tells_person=False))
    return None


async def _shorten(work: Work[Tools], member: Relation, right: HeldRight, period: Period) -> None:
    await relations.change_right(work.connection, right.right_id, period, work.now)
    await record(
        work, RightChanged, member.organization_id,
        right_id=right.right_id, relation_id=member.relation_id, subject=right.subject, valid=period.span,
    )  # fmt: skip


async def _make(work: Work[Tools], approving: Approving, account_id: UUID | None) -> tuple[UUID, UUID] | Refusal:
    """A contact with its function: of the account that signed, else of one that accounts finds or opens."""
    contact_id, membership = work.new_id(), work.new_id()
    link: Link = "credential" if account_id is None else await bind(work, account_id, contact_id)
    new = NewContact(
        contact_id, approving.organization_id, approving.delegate, approving.asked.type, Period(work.today), [], link,
        request_id=approving.request.request_id, membership=membership,
    )  # fmt: skip
    refusal = await make_contact(work, new)
    if refusal is not None and account_id is not None:
        raise Transient(refusal.code)  # a refusal would keep the link
    return refusal or (contact_id, membership)


async def _join(work: Work[Tools], approving: Approving, contact_id: UUID) -> UUID:
    membership, organization_id = work.new_id(), approving.organization_id
    new = NewRelation(
        membership, "contact", contact_id, organization_id, organization_id, approving.asked.type, Period(work.today),
        request_id=approving.request.request_id,
    )  # fmt: skip
    await grant_membership(work, new, [], TOLD_OTHERWISE)
    await publish_state(work, contact_id)
    return membership


async def _give_credential(work: Work[Tools], approving: Approving, contact_id: UUID) -> None:
    """Once for a contact: whoever is linked or was given one before has what it takes to sign in."""
    contact = await contacts.get(work.connection, contact_id)
    assert contact is not None
    if contact.linked or contact.credential_generation:
        return
    delegate = approving.delegate
    organization = await organizations.one(work.connection, approving.organization_id)
    to = CredentialAddresses(
        delegate=_party(replace(delegate, email=await spelled(work, delegate))),
        professional=_party(approving.professional),
        organization_name=organization.legal_name,
        service=approving.asked.subject,
    )
    await raise_generation(work, contact_id, to)


def _party(person: Personal) -> CredentialParty:
    assert person.email is not None  # both are verified
    return CredentialParty(
        email=person.email, given_name=person.given_name, family_name=person.family_name, language=person.language
    )
