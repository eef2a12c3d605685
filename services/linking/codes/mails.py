"""The mails that carry a linking code."""

from typing import Any
from uuid import UUID

from chassis.work import Work
from contracts.agency.campaigns import Campaign
from contracts.notifications import (
    CampaignCoordinatesMail,
    CoordinatesContents,
    LinkingCoordinatesContents,
    LinkingCoordinatesMail,
)
from services.linking.codes.domain import Validity
from services.linking.contacts import storage as contacts
from services.linking.contacts.domain import Contact, manages_on
from services.linking.organizations.domain import Organization
from services.linking.tools import Tools, draw_handle


async def ordinary(
    work: Work[Tools], delivery_id: UUID, contact: Contact, organization: Organization, code: str, validity: Validity
) -> LinkingCoordinatesMail:
    """Coordinates, what to do, and whom of the organization to ask."""
    managers = await contacts.managers(work.connection, [contact.organization_id])
    contents = LinkingCoordinatesContents(
        address=contact.person.email or "",
        given_name=contact.person.given_name,
        client_number=contact.client_number,
        code=code,
        responsible=tuple(
            manager.person.name
            for manager in managers
            if manager.contact_id != contact.contact_id and manages_on(manager.manages, work.today)
        ),
    )
    return LinkingCoordinatesMail(
        **_envelope(delivery_id, contact, organization, validity),
        sealed=work.tools.sealer.seal("notifications", contents),
    )


def of_campaign(
    work: Work[Tools],
    delivery_id: UUID,
    contact: Contact,
    organization: Organization,
    code: str,
    validity: Validity,
    campaign: Campaign,
) -> CampaignCoordinatesMail:
    """Coordinates, the first steps, those for members, and the dates that matter."""
    language = contact.person.language
    contents = CoordinatesContents(
        address=contact.person.email or "",
        given_name=contact.person.given_name,
        client_number=contact.client_number,
        code=code,
    )
    return CampaignCoordinatesMail(
        **_envelope(delivery_id, contact, organization, validity),
        sealed=work.tools.sealer.seal("notifications", contents),
        campaign_name=campaign.name.in_(language),
        introduction=campaign.introduction.in_(language),
        starts_on=campaign.starts_on,
        ends_on=campaign.ends_on,
    )


def _envelope(delivery_id: UUID, contact: Contact, organization: Organization, validity: Validity) -> dict[str, Any]:
    """What both say. Either replaces the other, because the newer code kills the older one."""
    return {
        "recipient_id": contact.contact_id,
        "delivery_id": delivery_id,
        "handle": draw_handle(),
        "language": contact.person.language,
        "portal": contact.person.portal,
        "priority": contact.code_priority,
        "expires_at": validity.ends_at,
        "deduplication_id": f"linking_coordinates:{contact.contact_id}:{contact.generation}",
        "replaces": f"linking_coordinates:{contact.contact_id}",
        "organization_name": organization.name,
        "organization_number": organization.number,
        "expires_on": validity.last_day,
        "changed": contact.code_changes,
    }
