"""The mails that tell of a correction: what was corrected to whoever the file is about, and the former address."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from chassis.work import Work
from contracts.authorizations import CorrectedItem
from contracts.notifications import AddressReplacedMail, ContactCorrectedMail, Contents
from services.authorizations import mailing
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.tools import Tools


def corrected(
    work: Work[Tools], contact: ContactFile, organization: OrganizationRow, changed: Sequence[CorrectedItem]
) -> None:
    """Tell the person, at the address that the file now has."""
    assert contact.email is not None
    work.publish(
        ContactCorrectedMail(
            **_mail(work, "contact_corrected", contact, contact.email, organization, mailing.NEWS_KEEPS),
            changed=tuple(changed),
        )
    )


def address_replaced(work: Work[Tools], contact: ContactFile, former: str, organization: OrganizationRow) -> None:
    """Tell the former address that the file has another one."""
    work.publish(
        AddressReplacedMail(**_mail(work, "address_replaced", contact, former, organization, mailing.WARNING_KEEPS))
    )


def _mail(
    work: Work[Tools], kind: str, contact: ContactFile, address: str, organization: OrganizationRow, keeps: timedelta
) -> dict[str, Any]:
    contents = Contents(address=address, given_name=contact.given_name)
    once = f"{kind}:{contact.contact_id}:{contact.version}"
    carried = mailing.envelope(work, contact.contact_id, contact, contents, organization, once=once, keeps=keeps)
    return carried | {"corrected_at": work.now}
