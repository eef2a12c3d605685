"""What budgets held back on a day, in one mail to each reader: nobody loses word of anything."""

from collections.abc import Mapping
from uuid import UUID

from chassis.work import Work
from contracts.notifications import HeldBack, MailsCollectedMail
from services.authorizations import held_mails, mailing
from services.authorizations.contacts import storage as contacts
from services.authorizations.mailing import To
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.personal.storage import descriptions
from services.authorizations.tools import Tools


async def tell_collected(work: Work[Tools], limit: int) -> int:
    """Tell some readers of what was held back before today, by number alone. Returns how many that were."""
    waiting = await held_mails.take(work.connection, work.today, limit)
    named = await organizations.get(work.connection, {held.organization_id for held in waiting})
    readers = await _readers(work, {held.recipient_id for held in waiting}, named)
    for held in waiting:
        if reader := readers.get(held.recipient_id):
            await mailing.tell(
                work, MailsCollectedMail, reader, named[held.organization_id], bound="daily",
                once=f"mails_collected:{held.day}:{held.organization_id}:{held.recipient_id}", day=held.day,
                held=tuple(HeldBack(budget=budget, number=number) for budget, number in held.numbers.items()),
            )  # fmt: skip
    return len(waiting)


async def _readers(work: Work[Tools], ids: set[UUID], named: Mapping[UUID, OrganizationRow]) -> dict[UUID, To]:
    """Contacts, accounts and addresses on file as they are now; whoever was erased is absent."""
    found = {i: mailing.to_file(organization) for i, organization in named.items() if i in ids}
    found |= {
        file.contact_id: mailing.to(file.contact_id, file) for file in await contacts.get_all(work.connection, ids)
    }
    left = await descriptions(work.connection, ids - found.keys())
    return found | {i: mailing.to(i, person) for i, person in left.items()}
