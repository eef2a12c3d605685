"""GET /v1/organizations: agents find an organization by its number or by a name."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from chassis.gateway import AgentCaller, router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from services.authorizations.organizations.handlers import MOST_FOUND, Find, find_organizations
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
    """Those that it may be; `more` says that others have such a name too, and that a longer one finds fewer."""

    items: list[FoundOrganizationView]
    total: int
    more: bool


@routes.get("/v1/organizations", summary="Find an organization by its number or by a name (agents)")
async def get_organizations(
    agent: AgentCaller,
    call: AuthorizationsCall,
    number: Annotated[str | None, Query(min_length=1, max_length=20, pattern="^[0-9A-Za-z-]+$")] = None,
    name: Annotated[
        str | None,
        Query(min_length=3, max_length=200, description="Words of a legal or trade name, in part, without accents."),
    ] = None,
    kind: Annotated[str | None, Query(max_length=64, description="Only organizations of this kind.")] = None,
) -> FoundOrganizationsView:
    """By its number, unique within a kind only, so there may be several; or by each word of `name`: 50 at most.

    The look is audited in the file of each that it shows.
    """
    if (number is None) == (name is None):
        raise ProblemRaised(Refusal("invalid_request", fields=("number", "name")))
    found = await call.run(find_organizations, Find(number, name.split() if name else (), kind))
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
        for row in found[:MOST_FOUND]
    ]
    return FoundOrganizationsView(items=items, total=len(items), more=len(found) > MOST_FOUND)
