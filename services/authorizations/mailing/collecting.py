"""What budgets held back on a day, in one mail to each mailbox: nobody loses word of anything."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from chassis.work import Work
from contracts.notifications import DigestFile, DigestFiles, HeldBack, MailBudget, MailsCollectedMail
from services.authorizations.contacts import storage as contacts
from services.authorizations.mailing.held import BUDGETS, Held, take
from services.authorizations.mailing.lines import first_lines
from services.authorizations.mailing.telling import To, tell, to, to_file
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.personal.storage import descriptions
from services.authorizations.tools import Tools


async def tell_collected(work: Work[Tools], limit: int) -> int:
    """Tell so many mailboxes of what was held back before today, by number alone. Returns how many there were."""
    waiting = await take(work.connection, work.today, limit)
    named = await organizations.get(work.connection, {held.organization_id for held in waiting})
    readers = await _readers(work, {held.recipient_id for held in waiting}, named)
    mails = defaultdict[tuple[date, bytes, str | None], list[Held]](list)
    for held in waiting:
        if reader := readers.get(held.recipient_id):
            mails[held.day, held.mailbox, reader.address].append(held)
    for together in mails.values():
        await _tell(work, together, readers[together[0].recipient_id], named)
    return len({(held.day, held.mailbox) for held in waiting})


async def _tell(work: Work[Tools], together: Sequence[Held], reader: To, named: Mapping[UUID, OrganizationRow]) -> None:
    numbers = Counter[MailBudget]()
    for held in together:
        numbers.update(held.numbers)
    first, day = together[0].organization_id, together[0].day
    others = {held.organization_id for held in together} - {first}
    files = sorted((named[one].legal_name, named[one].number) for one in others)
    listed = first_lines(files)
    await tell(
        work, MailsCollectedMail, reader, named[first], bound="daily",
        once=f"mails_collected:{day}:{first}:{reader.recipient_id}", day=day,
        held=tuple(HeldBack(budget=budget, number=numbers[budget]) for budget in BUDGETS if numbers[budget]),
        others=DigestFiles(
            listed=tuple(DigestFile(organization_name=name, organization_number=number) for name, number in listed),
            more=len(files) - len(listed),
        ),
    )  # fmt: skip


async def _readers(work: Work[Tools], ids: set[UUID], named: Mapping[UUID, OrganizationRow]) -> dict[UUID, To]:
    """Contacts, accounts and addresses on file as they are now; whoever was erased is absent."""
    found = {i: to_file(organization) for i, organization in named.items() if i in ids}
    found |= {file.contact_id: to(file.contact_id, file) for file in await contacts.get_all(work.connection, ids)}
    left = await descriptions(work.connection, ids - found.keys())
    return found | {i: to(i, person) for i, person in left.items()}
