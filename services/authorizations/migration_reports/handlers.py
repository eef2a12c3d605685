"""Settling what an import could not bring in, or what somebody should look at."""

from dataclasses import dataclass
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from services.authorizations.access.domain import AsAgent, AsProfile
from services.authorizations.access.handlers import permitted
from services.authorizations.migration_reports import storage
from services.authorizations.migration_reports.storage import Outcome
from services.authorizations.organizations import storage as organizations
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Settle:
    """What a manager or an agent answers about an item."""

    by: AsProfile | AsAgent
    organization_id: UUID
    item_id: UUID
    outcome: Outcome


async def settle(work: Work[Tools], command: Settle) -> UUID | Refusal:
    """Mark an item; the last answer counts. Returns its id."""
    organization_id, item_id, outcome = command.organization_id, command.item_id, command.outcome
    await organizations.lock(work.connection, [organization_id])
    work.take_time()
    if refusal := await permitted(work, command.by, organization_id):
        return refusal
    if not await storage.settle(work.connection, organization_id, item_id, outcome, work.now):
        return Refusal("not_found")
    work.audit("migration_item_settled", organization_id=organization_id, object_id=item_id, outcome=outcome)
    return item_id
