"""Adding a contact, opening its file, and learning who is bound to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.limits import refuse_beyond
from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.authorizations import ContactAdded
from contracts.events import Language
from contracts.linking import ProfileLinked, ProfileUnlinked
from services.authorizations.access import storage as access
from services.authorizations.access.domain import Acting, AsAgent, AsProfile, Entitlement
from services.authorizations.access.handlers import may_manage
from services.authorizations.accounts import storage as accounts
from services.authorizations.attachments.handlers import attach, refuse_attachments
from services.authorizations.attestations.domain import Ticked
from services.authorizations.attestations.handlers import keep_attestations
from services.authorizations.contacts import storage
from services.authorizations.contacts.doubts import candidates, is_like_one_at_home, refuse_known
from services.authorizations.contacts.reviewing import DoubtfulContact, ask_for_review
from services.authorizations.contacts.state import publish_state
from services.authorizations.contacts.storage import ContactRow, Personal
from services.authorizations.mail_budgets import refuse_mail
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.handlers import record
from services.authorizations.periods import Period
from services.authorizations.relations import domain
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Grant, NewRelation
from services.authorizations.relations.handlers import grant_relation
from services.authorizations.requests import storage as requests
from services.authorizations.requests.domain import Request
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


async def add_contact(work: Work[Tools], command: AddContact) -> UUID | Refusal:
    """The guide's step 4: "Le contact n'existe pas". The new contact is sent linking coordinates.

    Somebody who looks like a contact of the same organization, or is said to be known to the agency, goes to an agent.
    Whether others know the person is looked at by a worker afterwards, so that it shows neither in the answer nor in
    what it takes. Returns the contact's id, or the request's.
    """
    agency = work.tools.agency
    await organizations.lock(work.connection, [command.organization_id])
    work.take_time()
    acting = await may_manage(work, command.by, command.organization_id)
    if isinstance(acting, Refusal):
        return acting
    kind = (await organizations.get(work.connection, [command.organization_id]))[command.organization_id].kind
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
        return await ask_for_review(work, acting, made, doubtful)
    new = NewContact(made, command.organization_id, command.personal, command.type, command.period, command.grants)
    refusal = await make_contact(work, new)
    if refusal is None:
        await storage.await_comparison(work.connection, made)
    return refusal or made


@dataclass(frozen=True)
class NewContact:
    """A contact about to be made. Without a `client_number` one is drawn from the agency's range."""

    contact_id: UUID
    organization_id: UUID
    personal: Personal
    type: str
    period: Period
    grants: Sequence[Grant]
    client_number: str | None = None
    request_id: UUID | None = None


async def make_contact(work: Work[Tools], new: NewContact) -> Refusal | None:
    """Make a contact with its membership, and ask for its coordinates. Call it with the organization locked."""
    numbers = work.tools.agency.profile.client_numbers
    client_number = new.client_number
    if client_number is None:
        client_number = await storage.draw_client_number(work.connection, numbers.first, numbers.last)
    elif await storage.find(work.connection, new.organization_id, client_number):
        return Refusal("already_held", fields=("client_number",))
    if client_number is None:
        return Refusal("client_numbers_used_up")
    await storage.add(work.connection, new.contact_id, new.organization_id, client_number)
    await storage.describe(work.connection, new.contact_id, new.personal)
    await record(work, ContactAdded, new.organization_id, contact_id=new.contact_id)
    relation = NewRelation(
        work.new_id(), "contact", new.contact_id, new.organization_id, new.organization_id, new.type, new.period,
        request_id=new.request_id,
    )  # fmt: skip
    await grant_relation(work, relation, new.grants)
    await storage.raise_generation(work.connection, new.contact_id, "normal")
    await publish_state(work, new.contact_id)
    work.audit("contact_added", organization_id=new.organization_id, object_id=new.contact_id)
    return None


@dataclass(frozen=True)
class OpenContact:
    """A look at one contact's file."""

    contact_id: UUID
    looker: Acting | AsAgent


@dataclass(frozen=True)
class OpenedContact:
    """A contact, its relations as its file shows them, and the rights of those that have their own."""

    contact: ContactRow
    relations: Sequence[dict[str, Any]]
    rights: Sequence[Entitlement]


async def open_contact(work: Work[Tools], command: OpenContact) -> OpenedContact | Refusal:
    """Show a file to who manages its organization, to the person itself and to agents; another's look is audited."""
    opened, looker = await show_contact(work, command.contact_id), command.looker
    if isinstance(opened, Refusal):
        return opened
    contact = opened.contact
    if isinstance(looker, Acting):
        if not _may_see(work, looker, contact):
            return Refusal("not_found")
        if looker.contact_id == contact.contact_id:
            return opened
        work.rule = f"manages:{work.tools.managing_function(looker)}"
    work.audit("file_viewed", organization_id=contact.organization_id, object_id=contact.contact_id)
    return opened


def _may_see(work: Work[Tools], acting: Acting, contact: ContactRow) -> bool:
    its_own = acting.contact_id == contact.contact_id
    return acting.organization_id == contact.organization_id and (its_own or work.tools.manages(acting))


@dataclass(frozen=True)
class OpenAdded:
    """A look at what became of an addition."""

    looker: Acting
    organization_id: UUID
    made: UUID


async def open_added(work: Work[Tools], command: OpenAdded) -> OpenedContact | Request | Refusal:
    """The contact that was added, or the request about it. A repeated key shows nothing that one may no longer see."""
    work.concerning = command.looker.organization_id
    if not work.tools.manages(command.looker) or command.looker.organization_id != command.organization_id:
        return Refusal("not_found")
    return await requests.get(work.connection, command.made) or await show_contact(work, command.made)


async def show_contact(work: Work[Tools], contact_id: UUID) -> OpenedContact | Refusal:
    """A file as it stands, to whom it was just shown or who wrote it."""
    contact, moment = await storage.get(work.connection, contact_id), work.tools.moment(work.now)
    if contact is None:
        return Refusal("not_found")
    return OpenedContact(
        contact,
        await relations.of_contact(work.connection, moment.at, moment.day, contact_id),
        await access.own_rights_of_contact(work.connection, moment, contact_id),
    )


async def follow_link(work: Work[Tools], linked: ProfileLinked) -> None:
    """From now on the account is the contact, and its verified e-mail the contact's."""
    await accounts.lock(work.connection, linked.account_id)
    work.take_time()
    new = await storage.bind(
        work.connection, linked.link_id, linked.account_id, linked.contact_id, linked.linked_at, work.now
    )
    if new and await storage.lock(work.connection, linked.contact_id):
        await publish_state(work, linked.contact_id)


async def follow_unlink(work: Work[Tools], unlinked: ProfileUnlinked) -> None:
    """From that instant the account is no longer the contact, whose e-mail is again the one on file."""
    await accounts.lock(work.connection, unlinked.account_id)
    work.take_time(after=await storage.link_recorded(work.connection, unlinked.link_id))
    ended = await storage.unbind(
        work.connection,
        unlinked.link_id,
        unlinked.account_id,
        unlinked.contact_id,
        unlinked.linked_at,
        unlinked.unlinked_at,
        work.now,
    )
    if ended and await storage.lock(work.connection, unlinked.contact_id):
        await publish_state(work, unlinked.contact_id)
