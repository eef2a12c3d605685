"""Issuing linking codes, and ending them."""

import secrets
from uuid import UUID

from chassis.work import Work
from contracts.agency.linking import LinkingCoordinates
from contracts.linking import LinkingCodeIssued
from contracts.notifications import LinkingCoordinatesContents, LinkingCoordinatesMail
from services.linking.codes import domain, storage
from services.linking.contacts import domain as contacts_domain
from services.linking.contacts import storage as contacts
from services.linking.contacts.domain import Contact, Organization
from services.linking.links.storage import is_linked
from services.linking.tools import Tools, draw_handle

CODE_PURPOSE = "linking_code"
"""What a code's digest is good for; the digested value names the contact, so that a row is no good for another."""


async def end_code(work: Work[Tools], contact: Contact, ended_by: storage.EndedBy) -> None:
    """End the contact's code, if one is alive."""
    generation = await storage.end_code(work.connection, contact.contact_id, ended_by, work.now)
    if generation is not None:
        work.audit(
            "linking_code_ended",
            organization_id=contact.organization_id,
            object_id=contact.contact_id,
            generation=generation,
            ended_by=ended_by,
        )


async def issue_what_is_owed(work: Work[Tools], contact: Contact) -> None:
    """Issue the code, or leave it owed until the state arrives that it waits for. A linked contact needs none."""
    if await is_linked(work.connection, contact.contact_id):
        await storage.settle(work.connection, contact)
        return
    organization = await contacts.organization(work.connection, contact.organization_id)
    method = work.tools.linking_coordinates(work.today)
    if (
        method is None
        or organization is None
        or not contacts_domain.may_be_sent_a_code(contact, organization, work.today)
    ):
        return
    await _issue_code(work, contact, organization, method)


async def _issue_code(
    work: Work[Tools], contact: Contact, organization: Organization, method: LinkingCoordinates
) -> None:
    code, handle = _draw_code(), draw_handle()
    validity = domain.validity(work.today, method.code_valid_days, work.origin.time_zone)
    digest = work.tools.keyring.digest(CODE_PURPOSE, bound(contact.contact_id, code))
    await storage.keep_code(work.connection, contact, digest, work.now, validity.ends_at)
    await storage.settle(work.connection, contact)

    managers = await contacts.managers(work.connection, [contact.organization_id])
    contents = LinkingCoordinatesContents(
        address=contact.person.email or "",
        given_name=contact.person.given_name,
        client_number=contact.client_number,
        code=code,
        responsible=tuple(
            manager.person.name
            for manager in managers
            if manager.contact_id != contact.contact_id and contacts_domain.manages_on(manager.manages, work.today)
        ),
    )
    delivery_id = work.new_id()
    work.publish(
        LinkingCodeIssued(
            contact_id=contact.contact_id,
            organization_id=contact.organization_id,
            generation=contact.generation,
            delivery_id=delivery_id,
            expires_at=validity.ends_at,
        )
    )
    work.publish(
        LinkingCoordinatesMail(
            recipient_id=contact.contact_id,
            delivery_id=delivery_id,
            handle=handle,
            language=contact.person.language,
            priority=contact.code_priority,
            expires_at=validity.ends_at,
            deduplication_id=f"linking_coordinates:{contact.contact_id}:{contact.generation}",
            replaces=f"linking_coordinates:{contact.contact_id}",
            sealed=work.tools.sealer.seal("notifications", contents),
            organization_name=organization.name,
            organization_number=organization.number,
            expires_on=validity.last_day,
            changed=contact.code_changes,
        )
    )
    work.audit(
        "linking_code_issued",
        organization_id=contact.organization_id,
        object_id=contact.contact_id,
        generation=contact.generation,
        delivery_id=str(delivery_id),
        expires_at=validity.ends_at.isoformat(),
    )


def bound(contact_id: UUID, code: str) -> str:
    """What a code's digest is of."""
    return f"{contact_id}:{code}"


def _draw_code() -> str:
    return domain.make_code(secrets.randbits(domain.CODE_BITS))
