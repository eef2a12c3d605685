"""Opening a contact's file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from services.authorizations.access import storage as access
from services.authorizations.access.domain import Acting, AsAgent, Entitlement
from services.authorizations.actors import accounts_of
from services.authorizations.contacts import storage
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.personal.domain import PersonName
from services.authorizations.personal.storage import person_names
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import FiledRelation, Granted
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class OpenContact:
    """A look at one contact's file."""

    contact_id: UUID
    looker: Acting | AsAgent


@dataclass(frozen=True)
class OpenedContact:
    """A contact, its relations as its file shows them, and the rights of those that have their own.

    `granted` says how each right came about, where the reader may know; `granters` who the accounts are that did it.
    """

    contact: ContactFile
    relations: Sequence[FiledRelation]
    rights: Sequence[Entitlement]
    granted: Mapping[UUID, Granted]
    granters: Mapping[UUID, PersonName]


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
            return opened if work.tools.manages(looker) else replace(opened, granted={})
        work.rule = f"manages:{work.tools.managing_function(looker)}"
    work.audit("file_viewed", organization_id=contact.organization_id, object_id=contact.contact_id)
    return opened


def _may_see(work: Work[Tools], acting: Acting, contact: ContactFile) -> bool:
    its_own = acting.contact_id == contact.contact_id
    return acting.organization_id == contact.organization_id and (its_own or work.tools.manages(acting))


async def show_contact(work: Work[Tools], contact_id: UUID) -> OpenedContact | Refusal:
    """A file as it stands, to whom it was just shown or who wrote it."""
    contact, moment = await storage.get(work.connection, contact_id), work.tools.moment(work.now)
    if contact is None:
        return Refusal("not_found")
    rights = await access.own_rights_of_contact(work.connection, moment, contact_id)
    granted = await relations.how_granted(work.connection, [right.right_id for right in rights])
    return OpenedContact(
        contact,
        await relations.of_contact(work.connection, moment.at, moment.day, contact_id),
        rights,
        granted,
        await person_names(work.connection, accounts_of(how.by for how in granted.values())),
    )
