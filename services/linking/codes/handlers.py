"""Issuing linking codes, and ending them."""

import secrets
from uuid import UUID

from chassis.work import Work
from contracts.agency.linking import LinkingCoordinates
from contracts.linking import LinkingCodeIssued
from services.linking.bindings.storage import is_linked
from services.linking.codes import domain, mails, storage
from services.linking.contacts import domain as contacts_domain
from services.linking.contacts.domain import Contact
from services.linking.organizations import storage as organizations
from services.linking.organizations.domain import Organization
from services.linking.tools import Tools

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
    organization = await organizations.organization(work.connection, contact.organization_id)
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
    code, delivery_id = _draw_code(), work.new_id()
    campaign = work.tools.campaign(contact.code_campaign, work.today)
    until = None if campaign is None else campaign.codes_until
    validity = domain.validity(work.today, method.code_valid_days, work.origin.time_zone, until)
    digest = work.tools.keyring.digest(CODE_PURPOSE, bound(contact.contact_id, code))
    await storage.keep_code(work.connection, contact, digest, work.now, validity.ends_at)
    await storage.settle(work.connection, contact)
    work.publish(
        LinkingCodeIssued(
            contact_id=contact.contact_id,
            organization_id=contact.organization_id,
            generation=contact.generation,
            delivery_id=delivery_id,
            expires_at=validity.ends_at,
        )
    )
    if campaign is None:
        work.publish(await mails.ordinary(work, delivery_id, contact, organization, code, validity))
    else:
        work.publish(mails.of_campaign(work, delivery_id, contact, organization, code, validity, campaign))
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
