"""The last person who may manage an organization cannot be removed, nor leave; naming a successor is offered."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from chassis.outcomes import Next, Refusal
from chassis.work import Work
from services.authorizations.periods import Period
from services.authorizations.relations import domain, storage
from services.authorizations.tools import Tools


async def refuse_last_manager(
    work: Work[Tools], organization_id: UUID, becoming: Mapping[UUID, Period | None], day: date, *fields: str
) -> Refusal | None:
    """Refuse what leaves nobody on the day, as far as is planned; `becoming` as `leaves_nobody` has it."""
    managing = await storage.managing(work.connection, organization_id, work.now, day, work.tools.managing)
    if not domain.leaves_nobody(managing, becoming, day):
        return None
    successors = f"/v1/organizations/{organization_id}/contacts"
    return Refusal("last_manager", fields=fields, next=Next("name_successor", successors))
