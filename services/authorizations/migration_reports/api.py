"""What each organization is shown of what an import could not bring in, and its answers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from chassis.fields import Body
from chassis.gateway import router
from services.authorizations.imports.wording import detail
from services.authorizations.migration_reports import storage
from services.authorizations.migration_reports.handlers import Settle, settle
from services.authorizations.migration_reports.storage import Outcome
from services.authorizations.paging import Cursor, Limit, PageView, page, paged
from services.authorizations.profile import Asking, AuthorizationsCall

routes = router()


class MigrationItemView(BaseModel):
    """Something of an organization's file that could not be brought in, or should be looked at.

    `name` is the contact's, where there is such a contact. `settled` says what the organization, or an agent for it,
    answered: that it is right as it stands, or that it has been corrected.
    """

    item_id: UUID
    code: str
    detail: str
    rejected: bool
    row: dict[str, str]
    name: str | None
    found_at: datetime
    settled: Outcome | None
    settled_at: datetime | None


class SettlementBody(Body):
    """Right as it stands, or corrected meanwhile by the forms."""

    outcome: Outcome


@routes.get(
    "/v1/organizations/{organization_id}/migration-report",
    summary="What an import could not bring in of an organization's file",
)
async def migration_report(
    organization_id: UUID,
    asker: Asking,
    call: AuthorizationsCall,
    settled: Annotated[bool | None, Query(description="Only settled items, or only those that wait.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageView[MigrationItemView]:
    """For those who manage the organization, and agents."""
    await asker.open_managed_file(call, organization_id)
    found = await page(call, storage.listed(organization_id, settled), cursor, limit)
    items = [
        MigrationItemView(
            item_id=row["item_id"],
            code=row["code"],
            detail=detail(row["code"], row["parameters"], call.language),
            rejected=row["rejects"],
            row=row["keys"],
            name=row["name"],
            found_at=row["found_at"],
            settled=row["settled"],
            settled_at=row["settled_at"],
        )
        for row in found.rows
    ]
    return PageView[MigrationItemView](**paged(found, items, call.language))


@routes.post(
    "/v1/organizations/{organization_id}/migration-report/{item_id}/settlement",
    status_code=204,
    summary="Confirm an item of the migration report, or say that it was corrected",
)
async def post_settlement(
    organization_id: UUID, item_id: UUID, body: SettlementBody, asker: Asking, call: AuthorizationsCall
) -> None:
    """For those who manage the organization, and agents. The last answer counts."""
    await call.run(settle, Settle(asker.by, organization_id, item_id, body.outcome))
