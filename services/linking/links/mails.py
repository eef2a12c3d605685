"""The mails about links: what they say, and to whom."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from chassis.work import Work
from contracts.notifications import (
    Contents,
    LinkedElsewhereContents,
    LinkedElsewhereMail,
    ProfileLinkedMail,
    ProfileUnlinkedMail,
)
from services.linking.accounts.domain import Account
from services.linking.contacts.domain import Contact, main_function
from services.linking.organizations.domain import Organization
from services.linking.people import Person
from services.linking.tools import Tools, draw_handle

CONFIRMATION_LIFE = timedelta(days=3)
"""After a mail outage of this length the profile list has long told the person; a late mail would only alarm."""

WARNING_LIFE = timedelta(days=30)
"""Whoever may have lost a file to somebody else wants to know it late rather than not at all."""


def linked(
    work: Work[Tools], link_id: UUID, account: Account, contact: Contact, organization: Organization
) -> ProfileLinkedMail:
    """Tell the account's own address that it is now the contact."""
    return ProfileLinkedMail(
        recipient_id=account.account_id,
        delivery_id=work.new_id(),
        handle=draw_handle(),
        language=account.person.language,
        portal=account.person.portal,
        priority="normal",
        expires_at=work.now + CONFIRMATION_LIFE,
        deduplication_id=f"profile_linked:{link_id}",
        sealed=work.tools.sealer.seal("notifications", _to(account.person)),
        organization_name=organization.name,
        organization_number=organization.number,
        function=main_function(contact.functions, work.today, work.tools.functions),
        linked_at=work.now,
    )


def unlinked(
    work: Work[Tools], link_id: UUID, account: Account, organization: Organization, at: datetime
) -> ProfileUnlinkedMail:
    """Tell the account's own address that it is no longer the contact."""
    return ProfileUnlinkedMail(
        recipient_id=account.account_id,
        delivery_id=work.new_id(),
        handle=draw_handle(),
        language=account.person.language,
        portal=account.person.portal,
        priority="normal",
        expires_at=at + CONFIRMATION_LIFE,
        deduplication_id=f"profile_unlinked:{link_id}",
        sealed=work.tools.sealer.seal("notifications", _to(account.person)),
        organization_name=organization.name,
        organization_number=organization.number,
        unlinked_at=at,
    )


def linked_elsewhere(
    work: Work[Tools], link_id: UUID, contact: Contact, organization: Organization, responsible: Sequence[Contact]
) -> Iterator[LinkedElsewhereMail]:
    """Tell the address on file, and those who are responsible for the organization, whose file it is."""
    for reader in (contact, *responsible):
        person = reader.person
        if person.email is None:
            continue
        contents = LinkedElsewhereContents(
            address=person.email,
            given_name=person.given_name,
            contact_name="" if reader is contact else contact.person.name,
        )
        yield LinkedElsewhereMail(
            recipient_id=reader.contact_id,
            delivery_id=work.new_id(),
            handle=draw_handle(),
            language=person.language,
            portal=person.portal,
            priority="normal",
            expires_at=work.now + WARNING_LIFE,
            deduplication_id=f"linked_elsewhere:{link_id}:{reader.contact_id}",
            sealed=work.tools.sealer.seal("notifications", contents),
            organization_name=organization.name,
            organization_number=organization.number,
            linked_at=work.now,
        )


def _to(person: Person) -> Contents:
    return Contents(address=person.email or "", given_name=person.given_name)
