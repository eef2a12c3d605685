"""Making links, refusing them, and the profiles that an account has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.linking import LinkRefused, ProfileLinked
from contracts.notifications import Contents, ProfileLinkedMail
from services.linking.accounts.domain import Account
from services.linking.codes.storage import end_code, settle
from services.linking.contacts import domain as contacts_domain
from services.linking.contacts.domain import Contact, Organization
from services.linking.links import domain, storage
from services.linking.links.domain import Profile, Refused
from services.linking.tools import Tools, draw_handle

CONFIRMATION_LIFE = timedelta(days=3)
"""After a mail outage of this length the profile list has long told the person; a late mail would only alarm."""


@dataclass(frozen=True)
class Linked:
    """The account is now one contact more."""

    link_id: UUID


def refuse(work: Work[Tools], account: Account, refused: Sequence[Refused], method: str) -> Refusal:
    """Say the same whatever was wrong; only the agency reads the reasons."""
    if not refused:
        work.audit("link_refused", method=method, reason="unknown_client_number")
    for one in refused:
        contact = one.contact
        work.publish(
            LinkRefused(
                contact_id=contact.contact_id,
                organization_id=contact.organization_id,
                account_id=account.account_id,
                method=method,
                reason=one.reason,
            )
        )
        work.audit(
            "link_refused",
            organization_id=contact.organization_id,
            object_id=contact.contact_id,
            method=method,
            reason=one.reason,
        )
    return Refusal("link_refused", {"support": work.tools.agency.profile.support_email})


async def make_link(
    work: Work[Tools], account: Account, contact: Contact, organization: Organization, method: str
) -> Linked:
    """Bind the account to the contact, spend its code, and tell both the other services and the person."""
    link_id = work.new_id()
    await storage.bind(work.connection, link_id, account.account_id, contact, method, work.now)
    await end_code(work.connection, contact.contact_id, "redeemed", work.now)
    await settle(work.connection, contact)
    work.publish(
        ProfileLinked(
            contact_id=contact.contact_id,
            organization_id=contact.organization_id,
            link_id=link_id,
            account_id=account.account_id,
            method=method,
            linked_at=work.now,
        )
    )
    person = account.person
    contents = Contents(address=person.email or "", given_name=person.given_name)
    work.publish(
        ProfileLinkedMail(
            recipient_id=account.account_id,
            delivery_id=work.new_id(),
            handle=draw_handle(),
            language=person.language,
            priority="normal",
            expires_at=work.now + CONFIRMATION_LIFE,
            deduplication_id=f"profile_linked:{link_id}",
            sealed=work.tools.sealer.seal("notifications", contents),
            organization_name=organization.name,
            organization_number=organization.number,
            function=contacts_domain.main_function(contact.functions, work.today, work.tools.functions),
            linked_at=work.now,
        )
    )
    work.audit(
        "profile_linked",
        organization_id=contact.organization_id,
        object_id=contact.contact_id,
        link_id=str(link_id),
        method=method,
    )
    return Linked(link_id)


@dataclass(frozen=True)
class ShowLink:
    """Which link of which account."""

    account_id: UUID
    link_id: UUID


async def show_link(work: Work[Tools], command: ShowLink) -> Profile | Refusal:
    """The profile that a link of the account made, as it stands today. Refusal: not_found."""
    binding = await storage.binding(work.connection, command.account_id, command.link_id)
    return domain.profile_on(binding, work.today, work.tools.functions) if binding else Refusal("not_found")


async def list_profiles(work: Work[Tools], account_id: UUID) -> list[Profile]:
    """The profiles of the account, by the organization's name."""
    bindings = await storage.live_bindings(work.connection, account_id)
    return [domain.profile_on(binding, work.today, work.tools.functions) for binding in bindings]
