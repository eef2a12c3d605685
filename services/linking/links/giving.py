"""A contact that was given an account by a credential is linked to it, once both are known here."""

from uuid import UUID

from chassis.work import Work
from contracts.agency.linking import CREDENTIAL
from contracts.linking import LinkRefused, ProfileLinked
from services.linking.bindings import credentials, storage
from services.linking.codes.storage import end_code, settle
from services.linking.contacts.domain import Contact
from services.linking.links.handlers import end_link_of
from services.linking.tools import Tools


async def link_given(work: Work[Tools], contact: Contact) -> None:
    """Link a contact, which is locked, to the account that it was given, where that is still to be done.

    A link that an earlier credential of the contact made gives way: the agency found that its person is somebody else.
    Where another one stands in the way an agent is asked, as for any link whose secret was right.
    """
    contact_id = contact.contact_id
    given = await credentials.owed(work.connection, contact_id)
    if given is None or contact.is_forgotten:
        return
    account_id = given.account_id
    if given.link_id is not None and contact_id not in await storage.contacts_linked(work.connection, account_id):
        await end_link_of(work, contact_id, given.link_id)
    own = await storage.contacts_linked(work.connection, account_id)
    if contact_id in own:
        await credentials.settle(work.connection, contact_id, None)
    elif await storage.is_linked(work.connection, contact_id):
        await _refuse(work, contact, account_id, is_linked=True)
    elif contact.organization_id in await storage.organizations_linked(work.connection, account_id):
        await _refuse(work, contact, account_id, is_linked=False)
    else:
        await _link(work, contact, account_id)


async def _link(work: Work[Tools], contact: Contact, account_id: UUID) -> None:
    link_id = work.new_id()
    await storage.bind(work.connection, link_id, account_id, contact, CREDENTIAL, work.now, None)
    await credentials.settle(work.connection, contact.contact_id, link_id)
    await end_code(work.connection, contact.contact_id, "redeemed", work.now)
    await settle(work.connection, contact)
    work.publish(
        ProfileLinked(
            contact_id=contact.contact_id,
            organization_id=contact.organization_id,
            link_id=link_id,
            account_id=account_id,
            method=CREDENTIAL,
            linked_at=work.now,
        )
    )
    work.audit(
        "profile_linked",
        organization_id=contact.organization_id,
        object_id=contact.contact_id,
        link_id=str(link_id),
        method=CREDENTIAL,
    )


async def _refuse(work: Work[Tools], contact: Contact, account_id: UUID, *, is_linked: bool) -> None:
    await credentials.settle(work.connection, contact.contact_id, None)
    refused = LinkRefused(
        contact_id=contact.contact_id,
        organization_id=contact.organization_id,
        account_id=account_id,
        method=CREDENTIAL,
        reason="already_linked" if is_linked else "other_profile_here",
    )
    work.publish(refused)
    work.audit(
        "link_refused",
        organization_id=contact.organization_id,
        object_id=contact.contact_id,
        method=CREDENTIAL,
        reason=refused.reason,
    )
