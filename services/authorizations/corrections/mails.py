"""The mails that tell of a correction: what was corrected to whoever the file is about, and the former address."""

from collections.abc import Sequence
from dataclasses import replace

from chassis.work import Work
from contracts.authorizations import CorrectedItem
from contracts.notifications import AddressReplacedMail, ContactCorrectedMail, MailRequest
from services.authorizations import mailing
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.tools import Tools


async def corrected(
    work: Work[Tools], contact: ContactFile, organization: OrganizationRow, changed: Sequence[CorrectedItem]
) -> None:
    """Tell the person, at the address that the file now has."""
    await mailing.tell(
        work, ContactCorrectedMail, mailing.to(contact.contact_id, contact), organization, bound="refused_beyond",
        once=_once(ContactCorrectedMail, contact), changed=tuple(changed), corrected_at=work.now,
    )  # fmt: skip


async def address_replaced(work: Work[Tools], contact: ContactFile, former: str, organization: OrganizationRow) -> None:
    """Tell the former address that the file has another one."""
    reader = mailing.to(contact.contact_id, replace(contact, email=former))
    await mailing.tell(
        work, AddressReplacedMail, reader, organization, bound="refused_beyond",
        once=_once(AddressReplacedMail, contact), keeps=mailing.WARNING_KEEPS, corrected_at=work.now,
    )  # fmt: skip


def _once(mail: type[MailRequest], contact: ContactFile) -> str:
    return f"{mail.mail}:{contact.contact_id}:{contact.version}"
