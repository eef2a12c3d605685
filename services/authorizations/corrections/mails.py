"""The mails that tell of a correction: what was corrected to whoever the file is about, and the former address."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from chassis.work import Work
from contracts.authorizations import CorrectedItem
from contracts.notifications import AddressReplacedMail, ContactCorrectedMail, Contents
from services.authorizations.contacts.storage import ContactRow
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.tools import Tools

LIFE = timedelta(days=3)  # in which it still tells something that the person does not find in the portal first

WARNING_LIFE = timedelta(days=30)  # whoever lost a file to another address wants to know it late rather than never


def corrected(
    work: Work[Tools], contact: ContactRow, organization: OrganizationRow, changed: Sequence[CorrectedItem]
) -> None:
    """Tell the person, at the address that the file now has."""
    assert contact.email is not None
    work.publish(
        ContactCorrectedMail(
            **_mail(work, "contact_corrected", contact, contact.email, organization, LIFE), changed=tuple(changed)
        )
    )


def address_replaced(work: Work[Tools], contact: ContactRow, former: str, organization: OrganizationRow) -> None:
    """Tell the former address that the file has another one."""
    work.publish(AddressReplacedMail(**_mail(work, "address_replaced", contact, former, organization, WARNING_LIFE)))


def _mail(
    work: Work[Tools], kind: str, contact: ContactRow, address: str, organization: OrganizationRow, life: timedelta
) -> dict[str, Any]:
    contents = Contents(address=address, given_name=contact.given_name)
    return {
        "recipient_id": contact.contact_id,
        "delivery_id": work.new_id(),
        "handle": secrets.token_urlsafe(24),
        "language": contact.language,
        "priority": "normal",
        "expires_at": work.now + life,
        "deduplication_id": f"{kind}:{contact.contact_id}:{contact.version}",
        "sealed": work.tools.sealer.seal("notifications", contents),
        "organization_name": organization.legal_name,
        "organization_number": organization.number,
        "corrected_at": work.now,
    }
