"""The mail about an organization's code: to the address on file, never with the code."""

from datetime import timedelta
from uuid import UUID

from chassis.work import Work
from contracts.notifications import Contents, OrganizationCodeLockedMail
from services.linking.organization_codes import storage
from services.linking.organizations.domain import Organization
from services.linking.tools import Tools, draw_handle

WARNING_LIFE = timedelta(days=30)
"""Whoever may be somebody's target wants to know it late rather than not at all."""


async def tell_of_lock(work: Work[Tools], organization: Organization, issue: int) -> UUID | None:
    """Tell the address on file that the code was locked. The mail's delivery; None where no address is on file."""
    on_file = await storage.address_on_file(work.connection, organization.organization_id)
    if on_file is None:
        return None
    address, language = on_file
    delivery_id = work.new_id()
    work.publish(
        OrganizationCodeLockedMail(
            recipient_id=organization.organization_id,
            delivery_id=delivery_id,
            handle=draw_handle(),
            language=language,
            priority="normal",
            expires_at=work.now + WARNING_LIFE,
            deduplication_id=f"organization_code_locked:{organization.organization_id}:{issue}",
            sealed=work.tools.sealer.seal("notifications", Contents(address=address, given_name="")),
            organization_name=organization.name,
            organization_number=organization.number,
            locked_at=work.now,
        )
    )
    return delivery_id
