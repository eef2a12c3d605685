"""Who manages an organization, for those who write to them or ask whether there is anybody."""

from uuid import UUID

from chassis.work import Work
from services.authorizations.contacts import storage
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.tools import Tools


async def managers_of(work: Work[Tools], organization_id: UUID) -> list[ContactFile]:
    """Those who may manage an organization at this moment."""
    managing = work.tools.managing
    return await storage.with_functions(work.connection, work.now, work.today, organization_id, managing)
