"""GET /v1/organizations: agents find an organization by its number."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from chassis.gateway import AgentCaller, router
from services.authorizations.organizations.handlers import find_by_number
from services.authorizations.profile import AuthorizationsCall

routes = router()


class FoundOrganizationView(BaseModel):
    """An organization as an agent finds it."""

    organization_id: UUID
    kind: str
    kind_name: str
    number: str
    legal_name: str
    trade_names: list[str]
    status: Literal["active", "inactive"]


class FoundOrganizationsView(BaseModel):
    """Every organization with the number, of whatever kind."""

    items: list[FoundOrganizationView]
    total: int


@routes.get("/v1/organizations", summary="Find an organization by its number (agents)")
async def find_organizations(
    agent: AgentCaller,
    call: AuthorizationsCall,
    number: Annotated[str, Query(min_length=1, max_length=20, pattern="^[0-9A-Za-z-]+$")],
) -> FoundOrganizationsView:
    """A number is unique within a kind of organization only, so there may be several. The look is audited in each."""
    found = await call.run(find_by_number, number)
    items = [
        FoundOrganizationView(
            organization_id=row.organization_id,
            kind=row.kind,
            kind_name=call.tools.agency.organization_kinds[row.kind].name.in_(call.language),
            number=row.number,
            legal_name=row.legal_name,
            trade_names=row.trade_names,
            status="active" if row.active else "inactive",
        )
        for row in found
    ]
    return FoundOrganizationsView(items=items, total=len(items))
