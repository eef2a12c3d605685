"""Following what authorizations tells of contacts and organizations."""

from collections.abc import Sequence
from uuid import UUID

from chassis.work import Work
from contracts.authorizations import Contact as ContactState
from contracts.authorizations import Organization as OrganizationState
from services.linking.codes.handlers import end_code, issue_what_is_owed
from services.linking.contacts import domain, storage
from services.linking.contacts.domain import Contact, Organization
from services.linking.links.handlers import end_link_of
from services.linking.tools import Tools


async def follow_organization(work: Work[Tools], state: OrganizationState) -> None:
    """Know the organization, and issue the codes of contacts that were waiting for it."""
    await storage.lock_organization(work.connection, state.organization_id)
    if not await storage.keep_organization(work.connection, state):
        return
    owed = await storage.lock_owed(work.connection, state.organization_id)
    work.take_time()
    for contact in owed:
        await issue_what_is_owed(work, contact)


async def follow_contact(work: Work[Tools], state: ContactState) -> None:
    """Know the contact; a changed address or a newer generation ends its code, a generation owed brings a new one.

    A link that an agent decided to end is ended first: a linked contact would be owed nothing.
    """
    await storage.share_organization(work.connection, state.organization_id)
    known = await storage.lock_contact(work.connection, state.contact_id)
    if not await storage.keep_contact(work.connection, state):
        return
    work.take_time()
    if known is not None and state.linking_code_generation > known.generation:
        await end_code(work, known, "replaced")
    elif known is not None and state.email != known.person.email:
        await end_code(work, known, "address_changed")
    if state.ended_link_id is not None:
        await end_link_of(work, state.contact_id, state.ended_link_id)
    contact = await storage.lock_contact(work.connection, state.contact_id)
    if contact is not None and contact.is_owed_a_code:
        await issue_what_is_owed(work, contact)


async def forget_organization(work: Work[Tools], organization_id: UUID) -> None:
    """Erase what is known of the organization; nobody becomes a contact of it any more."""
    await storage.lock_organization(work.connection, organization_id)
    await storage.forget_organization(work.connection, organization_id)
    work.audit("organization_forgotten", organization_id=organization_id, object_id=organization_id)


async def forget_contact(work: Work[Tools], contact_id: UUID) -> None:
    """Erase what is known of the contact's person; its code is dead and it has no function. Its links stay, as ids."""
    known = await storage.lock_contact(work.connection, contact_id)
    work.take_time()
    if known is not None:
        await end_code(work, known, "forgotten")
    await storage.forget_contact(work.connection, contact_id)
    work.audit("contact_forgotten", organization_id=known.organization_id if known else None, object_id=contact_id)


async def live(work: Work[Tools], bearers: Sequence[Contact]) -> list[tuple[Contact, Organization]]:
    """Those of the contacts that somebody may become, each with its organization."""
    live = []
    for contact in bearers:
        organization = await storage.organization(work.connection, contact.organization_id)
        if organization is not None and domain.is_live(contact, organization, work.today):
            live.append((contact, organization))
    return live
