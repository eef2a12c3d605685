"""Following what authorizations tells of contacts."""

from uuid import UUID

from chassis.work import Work
from contracts.authorizations import Contact as ContactState
from services.linking.bindings import storage as bindings
from services.linking.codes.handlers import end_code, issue_what_is_owed
from services.linking.contacts import storage
from services.linking.links.giving import link_given
from services.linking.links.handlers import end_link_of, register
from services.linking.organizations.storage import share_organization
from services.linking.tools import Tools


async def follow_contact(work: Work[Tools], state: ContactState) -> None:
    """Know the contact; a changed address or a newer generation ends its code, a generation owed brings a new one.

    A link that was made there is registered first, and one that an agent decided to end is ended: a linked contact is
    owed nothing.
    """
    await share_organization(work.connection, state.organization_id)
    known = await storage.lock_contact(work.connection, state.contact_id)
    if not await storage.keep_contact(work.connection, state):
        return
    work.take_time()
    if known is not None and state.linking_code_generation > known.generation:
        await end_code(work, known, "replaced")
    elif known is not None and state.email != known.person.email:
        await end_code(work, known, "address_changed")
    if state.binding is not None and (bound := await storage.lock_contact(work.connection, state.contact_id)):
        await register(work, state.binding, bound, known)
    if state.ended_link_id is not None:
        await end_link_of(work, state.contact_id, state.ended_link_id)
    if known is None and (comer := await storage.lock_contact(work.connection, state.contact_id)):
        await link_given(work, comer)
    contact = await storage.lock_contact(work.connection, state.contact_id)
    if contact is not None and contact.is_owed_a_code:
        await issue_what_is_owed(work, contact)


async def forget_contact(work: Work[Tools], contact_id: UUID) -> None:
    """Erase what is known of the contact's person; its code is dead, it has no function, and no account is it any more.

    That account's person is told, as of any link that ends, and may be linked to another contact. Links stay, as ids.
    """
    known = await storage.lock_contact(work.connection, contact_id)
    work.take_time()
    if known is not None:
        await end_code(work, known, "forgotten")
        if link_id := await bindings.link_of(work.connection, contact_id):
            await end_link_of(work, contact_id, link_id)
    await storage.forget_contact(work.connection, contact_id)
    work.audit("contact_forgotten", organization_id=known.organization_id if known else None, object_id=contact_id)
