"""Who manages an organization from now on, or no more: told to the person, and to those who have to know."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.work import Work
from contracts.agency.features import needed
from contracts.notifications import AdministratorChange, AdministratorsChangedMail, AdministratorStatusMail
from services.authorizations import mailing
from services.authorizations.contacts import storage as contacts
from services.authorizations.managing.questions import who_ever_managed, who_manage
from services.authorizations.organizations import storage as organizations
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Change:
    """A contact manages its organization from an instant on, or no more since then; why, as an agency's code.

    `withdrawn` are subjects that the contact lost in the same act, as far as the agency wants them told.
    """

    contact_id: UUID
    change: AdministratorChange
    at: datetime
    reason: str | None
    withdrawn: tuple[str, ...] = ()

    @property
    def said(self) -> Mapping[str, Any]:
        """What every mail about it says."""
        return {"change": self.change, "changed_at": self.at}


async def tell(
    work: Work[Tools],
    change: Change,
    *,
    tells_person: bool,
    tells_others: bool = True,
    besides: Collection[UUID] = (),
) -> None:
    """Tell the person, everybody else who manages the organization, and often its file: as the agency has these mails.

    Not those `besides`, whom the same act tells more; without `tells_others` nobody else.

    Where nobody else manages it, whoever ever did and the address on file are told, too, because a stranger may have
    come first; and where an agent did it, because that must not go unseen.
    """
    if not needed(AdministratorsChangedMail.needed_for, work.tools.agency.features):
        return
    person = await contacts.get(work.connection, change.contact_id)
    assert person is not None  # no row is ever deleted
    organization = await organizations.one(work.connection, person.organization_id)
    once = f"administrator_{change.change}:{person.contact_id}:{work.now.isoformat()}"
    if tells_person and needed(AdministratorStatusMail.needed_for, work.tools.agency.features):
        await mailing.tell(
            work, AdministratorStatusMail, mailing.to(person.contact_id, person), organization, bound="warnings",
            once=once, keeps=mailing.WARNING_KEEPS, managing_reason=change.reason or "",
            withdrawn=change.withdrawn, **change.said,
        )  # fmt: skip
    if not tells_others:
        return
    told = {
        m.contact_id: m for m in await who_manage(work, person.organization_id) if m.contact_id != change.contact_id
    }
    widely = not told or work.actor.kind == "agent"
    if widely:
        ever = await who_ever_managed(work, person.organization_id)
        told |= {contact.contact_id: contact for contact in ever if contact.contact_id != change.contact_id}
    readers = [mailing.to(contact_id, contact) for contact_id, contact in told.items() if contact_id not in besides]
    for reader in [*readers, mailing.to_file(organization)] if widely else readers:
        await mailing.tell(
            work, AdministratorsChangedMail, reader, organization, bound="warnings",
            once=f"{once}:{reader.recipient_id}", keeps=mailing.WARNING_KEEPS,
            administrator_name=f"{person.given_name} {person.family_name}", **change.said,
        )  # fmt: skip
