"""Which contacts somebody may become."""

from collections.abc import Sequence

from chassis.work import Work
from services.linking.contacts import domain
from services.linking.contacts.domain import Contact
from services.linking.organizations import storage as organizations
from services.linking.organizations.domain import Organization
from services.linking.tools import Tools


async def live(work: Work[Tools], bearers: Sequence[Contact]) -> list[tuple[Contact, Organization]]:
    """Those of the contacts that somebody may become, each with its organization."""
    live = []
    for contact in bearers:
        organization = await organizations.organization(work.connection, contact.organization_id)
        if organization is not None and domain.is_live(contact, organization, work.today):
            live.append((contact, organization))
    return live
