"""Whom an agent puts in an administrator's place: a contact of the organization, or whoever asks to become one."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.linking import OrganizationCode
from contracts.agency.managing import Administrators
from contracts.events import Language
from services.authorizations.administrators.closure import offices_of
from services.authorizations.administrators.handlers import give_office, refuse_office
from services.authorizations.admitting.domain import REFUSALS, Admission, refuse_access
from services.authorizations.admitting.handlers import admit, refuse_admission
from services.authorizations.claims import domain as claims
from services.authorizations.claims.domain import AskedAccess
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.deciding.ending import settle
from services.authorizations.managing.domain import Because
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.requests import storage as requests
from services.authorizations.requests.domain import GivenAccess, Request, refuse_held_by_another, refuse_undecidable
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class KnownSuccessor:
    """A contact of the organization, who may manage it already."""

    contact: ContactFile
    manages: bool
    rule: Administrators


@dataclass(frozen=True)
class AskingSuccessor:
    """Whoever asks by an open request to become a contact, and what that person is given."""

    request: Request
    account_id: UUID
    access: GivenAccess


Successor = KnownSuccessor | AskingSuccessor


async def find_known(
    work: Work[Tools], organization_id: UUID, contact_id: UUID, rule: Administrators
) -> KnownSuccessor | Refusal:
    """A contact of the organization, which is locked."""
    contact = await contacts.get_present(work.connection, contact_id)
    if contact is None or contact.organization_id != organization_id:
        return Refusal("not_found", fields=("successor_id",))
    held = [o for o in await offices_of(work, organization_id) if o.contact_id == contact_id]
    manages = any(office.since <= work.now and office.stands(work.now) for office in held)
    return KnownSuccessor(contact, manages, rule)


async def find_asking(
    work: Work[Tools], organization_id: UUID, request_id: UUID, rule: Administrators
) -> AskingSuccessor | Refusal:
    """Whoever asks to act for the organization, which is locked; the request is from now on.

    The person is given what the agency's data give the first one who proves it.
    """
    request = await requests.lock(work.connection, request_id)
    if request is None or request.organization_id != organization_id or request.kind != "access_request":
        return Refusal("not_found", fields=("request_id",))
    agent = work.actor.reference
    if refusal := refuse_undecidable(request, work.today) or refuse_held_by_another(request, agent, work.now):
        return refusal
    assert request.asked_by_account_id is not None
    agency = work.tools.agency
    method = agency.linking_methods.get(AskedAccess.model_validate(request.asked).method)
    kind = (await organizations.one(work.connection, organization_id)).kind
    access = GivenAccess(rule.type, Period(work.today), [])
    if isinstance(method, OrganizationCode):
        access = replace(claims.given(agency, method.first, kind, work.today), type=rule.type)
    if refusal := refuse_access(agency, access, kind, work.today):
        return refusal
    return AskingSuccessor(request, request.asked_by_account_id, access)


async def refuse(
    work: Work[Tools], successor: Successor, lifting: Collection[UUID], language: Language
) -> Refusal | None:
    """Why the successor cannot manage the organization; `lifting` are blocks about to end. Call it with all locked."""
    match successor:
        case KnownSuccessor(contact=contact, rule=rule):
            return (
                None if successor.manages else await refuse_office(work, contact, rule, [], language, lifting=lifting)
            )
        case AskingSuccessor(request=request, account_id=account_id):
            assert request.organization_id is not None
            obstacle = await refuse_admission(work, request.organization_id, account_id, lifting=lifting)
            return REFUSALS[obstacle] if obstacle is not None else None


async def put_in_place(
    work: Work[Tools], successor: Successor, reason: str | None, besides: Collection[UUID]
) -> ContactFile:
    """Let the successor manage, whom nothing refuses it; everybody is told but those `besides`. Returns the contact."""
    match successor:
        case KnownSuccessor(contact=contact, rule=rule):
            if not successor.manages:
                await give_office(work, contact, rule, [], reason, besides=besides)
            return contact
        case AskingSuccessor(request=request, account_id=account_id, access=access):
            assert request.organization_id is not None
            method = AskedAccess.model_validate(request.asked).method
            because = Because(request.claim_id, tells_person=False, besides=frozenset(besides))
            by = Admission(method, request.request_id, because)
            made = await admit(work, request.organization_id, account_id, access, by)
            admitted = await contacts.get(work.connection, made)
            assert admitted is not None
            return admitted


async def close_request(work: Work[Tools], successor: Successor) -> None:
    """The successor's request is approved; after the withdrawal, so that nobody who fell with it is told."""
    if isinstance(successor, AskingSuccessor):
        await settle(work, successor.request, "approve", None)
