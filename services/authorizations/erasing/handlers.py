"""Erasing a person: what is known of a contact goes, and a tombstone has every other service do the same."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.authorizations import ContactChanged, CorrectedItem
from services.authorizations.attachments.handlers import erase_attachments
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.state import publish_state
from services.authorizations.credentials import storage as credentials
from services.authorizations.deciding.ending import erase_person
from services.authorizations.erasing import storage
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.handlers import record
from services.authorizations.personal import storage as personal_fields
from services.authorizations.tools import Tools

ERASED: tuple[CorrectedItem, ...] = ("email", "telephones", "name")
"""What subscribers are told changed; by its number an import that was judged before is judged anew."""

ErasureReason = Literal["asked_by_person", "deceased", "no_longer_needed"]


@dataclass(frozen=True)
class Erase:
    """An agent has a person erased; the reason is kept in the audit."""

    contact_id: UUID
    reason: ErasureReason


async def erase(work: Work[Tools], command: Erase) -> Refusal | None:
    """Erase the person of a contact through which nobody acts, now or later. Once is for good.

    What tells of the contact afterwards is a tombstone, which takes the last state's place on the topic; once more for
    each time that it is asked: the topic loses it in a week, and a service may be restored from before.
    """
    contact = await contacts.get(work.connection, command.contact_id)
    if contact is None:
        return Refusal("not_found")
    await organizations.lock(work.connection, [contact.organization_id])
    work.take_time()
    if await contacts.is_erased(work.connection, command.contact_id):
        await publish_state(work, command.contact_id)
        return None
    if await storage.still_acts(work.connection, command.contact_id, work.now, work.today):
        return Refusal("contact_still_acts")
    requests = await storage.requests_of(work.connection, command.contact_id)
    for request_id in requests:
        await erase_person(work, request_id)
    relations = await storage.relations_of(work.connection, command.contact_id)
    await erase_attachments(work, [command.contact_id, *relations, *requests])
    await credentials.erase(work.connection, command.contact_id)
    await personal_fields.forget_contact(work.connection, command.contact_id)
    await contacts.mark_erased(work.connection, command.contact_id, work.now)
    await record(work, ContactChanged, contact.organization_id, contact_id=command.contact_id, changed=ERASED)
    await publish_state(work, command.contact_id)
    work.audit(
        "contact_erased", organization_id=contact.organization_id, object_id=command.contact_id, reason=command.reason
    )  # fmt: skip
    return None
