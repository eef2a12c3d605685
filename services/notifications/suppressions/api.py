"""What agents may see and do about addresses that we no longer write to."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from chassis import gateway, pages
from chassis.fields import Body, Email
from chassis.gateway import AgentCaller, Call
from contracts.notifications import SuppressionReason
from services.notifications.suppressions import handlers
from services.notifications.suppressions.handlers import Listed, Release
from services.notifications.tools import Tools

router = gateway.router()

NotificationsCall = Annotated[Call[Tools], Depends(Call)]
Cursor = Annotated[str | None, Query(max_length=1000, description="What the previous page gave as next_cursor.")]
Limit = Annotated[int, Query(ge=1, le=pages.LARGEST, description="Rows of a page.")]
ReleaseReason = Annotated[
    Literal["address_confirmed", "mailbox_repaired", "complaint_withdrawn", "mistake"],
    Query(description="Why mails may go there again; kept in the audit."),
]


class SuppressionView(BaseModel):
    """An address on the list, by whose mail came back; the address itself is not kept."""

    model_config = ConfigDict(from_attributes=True)

    suppression_id: UUID
    scope: Annotated[str, Field(description='"everything", or the one kind of mail that does not go there.')]
    reason: SuppressionReason
    status: Annotated[str | None, Field(description="Enhanced status code (RFC 3463); null for a complaint.")]
    delivery_id: Annotated[UUID, Field(description="The mail that came back.")]
    recipient_id: Annotated[UUID, Field(description="Whose address it was: registration, account or contact.")]
    since: datetime
    until: Annotated[datetime | None, Field(description="Ends by itself then; null: when an agent releases it.")]


class SuppressionsView(BaseModel):
    """One page, the newest first. `total` is exact up to 10,000; beyond, `total_is_exact` is false: "at least"."""

    items: list[SuppressionView]
    total: int
    total_is_exact: bool
    next_cursor: str | None


class SearchBody(Body):
    """An address. In a body, because addresses of requests are logged on their way (ASVS 5.0, 14.2.1)."""

    address: Email


@router.get("/v1/suppressions", summary="The addresses that we no longer write to", tags=["suppressions"])
async def list_suppressions(
    _: AgentCaller,
    call: NotificationsCall,
    recipient_id: Annotated[UUID | None, Query(description="Only those of one recipient.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> SuppressionsView:
    """For agents. To find one by its address: POST /v1/suppressions/search."""
    return await _view(call, Listed(recipient_id, None, cursor, limit))


@router.post("/v1/suppressions/search", summary="Whether we write to an address", tags=["suppressions"])
async def search_suppressions(_: AgentCaller, body: SearchBody, call: NotificationsCall) -> SuppressionsView:
    """For agents. The address is compared by its digest and is neither kept nor logged; case does not count."""
    return await _view(call, Listed(None, body.address, None, pages.LARGEST))


@router.delete(
    "/v1/suppressions/{suppression_id}", status_code=204, summary="Write to an address again", tags=["suppressions"]
)
async def release_suppression(
    _: AgentCaller, suppression_id: UUID, call: NotificationsCall, reason: ReleaseReason
) -> None:
    """For agents; audited. The next mail is sent; what failed before no longer counts against the address."""
    await call.run(handlers.release, Release(suppression_id, reason))


async def _view(call: Call[Tools], asked: Listed) -> SuppressionsView:
    page = await call.run(handlers.list_suppressed, asked)
    return SuppressionsView(
        items=[SuppressionView.model_validate(dict(row)) for row in page.rows],
        total=page.total,
        total_is_exact=page.exact,
        next_cursor=page.next_cursor,
    )
