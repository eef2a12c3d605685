"""The state that other services keep of a contact."""

from typing import get_args
from uuid import UUID

from chassis.states import version_at
from chassis.work import Work
from contracts.authorizations import Contact, CorrectedItem, FunctionSpan
from contracts.events import Span
from services.authorizations.blocked import keeps_out
from services.authorizations.contacts import storage
from services.authorizations.relations import storage as relations
from services.authorizations.tools import Tools
from services.authorizations.versions import next_version

ITEMS: tuple[CorrectedItem, ...] = get_args(CorrectedItem)
"""In the order in which mails name them."""


async def publish_state(work: Work[Tools], contact_id: UUID) -> None:
    """Publish the contact's whole state under its next version: memberships that were not withdrawn, as dated spans.

    Of whom the organization keeps out, none; of who was erased, a tombstone.
    """
    if await storage.is_erased(work.connection, contact_id):
        work.forget(Contact, contact_id)
        return
    version = await next_version(work.connection, "contacts", contact_id, version_at(work.now))
    contact = await storage.get(work.connection, contact_id)
    assert contact is not None
    blocked = await keeps_out(work.connection, contact.organization_id, contact_id)
    held = [] if blocked else await relations.memberships_of(work.connection, contact_id)
    memberships = [relation for relation in held if relation.ended_at is None]
    work.publish(
        Contact(
            contact_id=contact_id,
            version=version,
            organization_id=contact.organization_id,
            client_number=contact.client_number,
            family_name=contact.family_name,
            given_name=contact.given_name,
            email=contact.email,
            telephones=tuple(contact.telephones),
            language=contact.language,
            portal=contact.portal,
            functions=tuple(FunctionSpan(type=m.type, **m.period.span.model_dump()) for m in memberships),
            manages=tuple(
                Span(**m.period.span.model_dump())
                for m in memberships
                if work.tools.agency.relation_types[m.type].manages
            ),
            linking_code_generation=contact.linking_code_generation,
            linking_code_priority=contact.linking_code_priority,
            linking_code_changes=tuple(item for item in ITEMS if item in contact.linking_code_changes),
            linking_code_campaign=contact.linking_code_campaign,
            ended_link_id=contact.ended_link_id,
            binding=await storage.binding(work.connection, contact_id) if contact.bound_link_id else None,
            credential=await storage.credential(work.connection, contact_id) if contact.credential_generation else None,
        )
    )
