"""Following what authorizations tells of organizations."""

from uuid import UUID

from chassis.work import Work
from contracts.authorizations import Organization as OrganizationState
from services.linking.codes.handlers import issue_what_is_owed
from services.linking.contacts.storage import lock_owed
from services.linking.organization_codes import issuing
from services.linking.organizations import storage
from services.linking.tools import Tools


async def follow_organization(work: Work[Tools], state: OrganizationState) -> None:
    """Know the organization, issue the code that it is owed itself, and those of contacts that were waiting for it."""
    await storage.lock_organization(work.connection, state.organization_id)
    if not await storage.keep_organization(work.connection, state):
        return
    owed = await lock_owed(work.connection, state.organization_id)
    work.take_time()
    for contact in owed:
        await issue_what_is_owed(work, contact)
    await issuing.follow(work, state)


async def forget_organization(work: Work[Tools], organization_id: UUID) -> None:
    """Erase what is known of the organization; nobody becomes a contact of it any more."""
    await storage.lock_organization(work.connection, organization_id)
    await storage.forget_organization(work.connection, organization_id)
    await issuing.forget(work, organization_id)
    work.audit("organization_forgotten", organization_id=organization_id, object_id=organization_id)
