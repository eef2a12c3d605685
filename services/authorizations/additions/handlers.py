"""Adding a contact, and looking at what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.limits import refuse_beyond
from chassis.outcomes import Done, Made, Pending, Refusal
from chassis.work import Work
from contracts.events import Language
from services.authorizations.access.domain import Acting, AsProfile
from services.authorizations.access.handlers import may_manage
from services.authorizations.admitting.making import NewContact, by_mail, make_contact
from services.authorizations.attachments.handlers import attach, refuse_attachments
from services.authorizations.attestations.domain import Ticked
from services.authorizations.attestations.handlers import keep_attestations
from services.authorizations.contacts.handlers import OpenedContact, show_contact
from services.authorizations.mailing.budgets import refuse_mail
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.personal.domain import Personal
from services.authorizations.relations import domain
from services.authorizations.relations.domain import Grant
from services.authorizations.requests import storage as requests
from services.authorizations.requests.domain import Request
from services.authorizations.reviews.asking import DoubtfulContact, ask_for_review
from services.authorizations.reviews.candidates import candidates, is_like_one_at_home, refuse_known
from services.authorizations.reviews.storage import await_comparison
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class AddContact:
    """A person who is not yet a contact of the organization, with a first relation to it and its subjects.

    With a `client_number` the person is said to be known to the agency already, and an agent decides.
    """

    by: AsProfile
    organization_id: UUID
    personal: Personal
    type: str
    period: Period
    grants: Sequence[Grant]
    ticked: Sequence[Ticked]
    language: Language
    client_number: str | None = None
    attachments: Sequence[UUID] = ()


async def add_contact(work: Work[Tools], command: AddContact) -> Made | Refusal:
    """The guide's step 4: "Le contact n'existe pas". The new contact is sent linking coordinates.

    Somebody who looks like a contact of the same organization, or is said to be known to the agency, goes to an agent.
    Whether others know the person is looked at by a worker afterwards, so that it shows neither in the answer nor in
    what it takes.
    """
    agency = work.tools.agency
    await organizations.lock(work.connection, [command.organization_id])
    work.take_time()
    acting = await may_manage(work, command.by, command.organization_id)
    if isinstance(acting, Refusal):
        return acting
    kind = (await organizations.one(work.connection, command.organization_id)).kind
    refusal = (
        domain.refuse_period(command.period, work.today)
        or domain.refuse_membership_type(agency, command.type, kind, work.today)
        or domain.refuse_subjects(agency, kind, command.grants, work.today, command.language, delegated=False)
    )
    if refusal:
        return refusal
    budget = agency.limits.attempts["contacts_per_organization"]
    organization = command.organization_id.bytes
    refusal = await refuse_beyond(
        work.connection, "contacts_per_organization", organization, budget, work.now
    ) or await refuse_mail(work, command.by, command.organization_id, command.personal.email)
    if refusal:
        return refusal
    if refusal := await refuse_known(work, command.organization_id, command.personal, command.client_number):
        return refusal
    if refusal := await refuse_attachments(work, command.by, "addition", command.attachments):
        return refusal
    is_alike = await is_like_one_at_home(work, command.organization_id, command.personal)
    made = work.new_id()
    if refusal := await keep_attestations(work, command.by, made, "addition", command.ticked):
        return refusal
    await attach(work, made, command.attachments)
    if is_alike or command.client_number is not None:
        alike = await candidates(work, command.organization_id, command.personal, command.client_number)
        doubtful = DoubtfulContact(
            command.organization_id, command.personal, command.type, command.period, command.grants,
            command.client_number, alike,
        )  # fmt: skip
        return Pending(await ask_for_review(work, acting, made, doubtful))
    new = NewContact(
        made, command.organization_id, command.personal, command.type, command.period, command.grants, by_mail(work)
    )  # fmt: skip
    refusal = await make_contact(work, new)
    if refusal is None:
        await await_comparison(work.connection, made)
    return refusal or Done(made)


@dataclass(frozen=True)
class OpenAdded:
    """A look at what became of an addition."""

    looker: Acting
    organization_id: UUID
    made: Made


async def open_added(work: Work[Tools], command: OpenAdded) -> OpenedContact | Request | Refusal:
    """The contact that was added, or the request about it. A repeated key shows nothing that one may no longer see."""
    work.concerning = command.looker.organization_id
    if not work.tools.manages(command.looker) or command.looker.organization_id != command.organization_id:
        return Refusal("not_found")
    if isinstance(command.made, Pending):
        request = await requests.get(work.connection, command.made.resource_id)
        assert request is not None  # no row is ever deleted
        return request
    return await show_contact(work, command.made.resource_id)
