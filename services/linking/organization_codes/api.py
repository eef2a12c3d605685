"""The gateway of organization codes, for those who manage the organization and for agents."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response, status
from pydantic import BaseModel, Field

from chassis import pages
from chassis.gateway import ONCE, AgentCaller, admits, router
from chassis.tokens import Agent, Caller, Person
from services.linking.organization_codes.handlers import Asked, Listed, Shown, list_codes, renew_code, show_code
from services.linking.tools import LinkingCall

routes = router()

Cursor = Annotated[str | None, Query(max_length=1000, description="What the previous page gave as next_cursor.")]
Limit = Annotated[int, Query(ge=1, le=pages.LARGEST, description="Rows of a page.")]
PersonOrAgent = Annotated[Caller, Depends(admits(Person, Agent))]
REFUSED: dict[int | str, dict[str, Any]] = {
    403: {"description": "not_permitted: the account manages no such organization today."},
    404: {"description": "not_found: the organization has no code now, because it is not active or has none at all."},
}


class CodeView(BaseModel):
    """An organization's code. While it is locked it proves nothing: renew it."""

    organization_id: UUID
    code: str = Field(repr=False, examples=["042917"])
    issued_at: datetime
    locked_at: datetime | None = Field(description="Since when too many wrong tries have locked it.")
    letter_due: bool = Field(description="Whether its letter is still to be printed.")
    letter_printed_at: datetime | None


class ListedCodeView(BaseModel):
    """An organization that has a code. The code itself is at /v1/organization-codes/{organization_id}."""

    organization_id: UUID
    number: str
    name: str
    issued_at: datetime
    locked_at: datetime | None = Field(description="Since when too many wrong tries have locked it.")
    letter_due: bool


class CodesView(BaseModel):
    """One page, the longest locked or issued first. `total` is exact up to 10,000; beyond, it means "at least"."""

    items: list[ListedCodeView]
    total: int
    total_is_exact: bool
    next_cursor: str | None


@routes.get("/v1/organization-codes", summary="Whose codes there are (agents)", tags=["organization codes"])
async def organization_codes(
    agent: AgentCaller,
    call: LinkingCall,
    locked: Annotated[bool | None, Query(description="Only codes that are locked, or only codes that are not.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> CodesView:
    """Of active organizations. Those that are locked wait for an agent: renew them, which makes a letter due."""
    found = await call.run(list_codes, Listed(locked, cursor, limit))
    return CodesView(
        items=[ListedCodeView.model_validate(dict(row)) for row in found.rows],
        total=found.total,
        total_is_exact=found.exact,
        next_cursor=found.next_cursor,
    )


@routes.get(
    "/v1/organization-codes/{organization_id}",
    summary="The organization's code",
    tags=["organization codes"],
    responses=REFUSED,
)
async def organization_code(organization_id: UUID, caller: PersonOrAgent, call: LinkingCall) -> CodeView:
    """For a person who manages the organization today, or an agent. Each look is audited."""
    return _view(await call.run(show_code, _asked(organization_id, caller)))


@routes.post(
    "/v1/organization-codes/{organization_id}/renewal",
    status_code=status.HTTP_201_CREATED,
    summary="A new code for the organization",
    dependencies=[ONCE],
    tags=["organization codes"],
    responses=REFUSED | {429: {"description": "too_many_attempts: wait as long as Retry-After says."}},
)
async def renewal(organization_id: UUID, caller: PersonOrAgent, call: LinkingCall, response: Response) -> CodeView:
    """The code before is dead at once, and a letter with the new one is due. Takes Idempotency-Key."""
    asked = _asked(organization_id, caller)
    await call.create(renew_code, asked)
    response.headers["Location"] = f"/v1/organization-codes/{organization_id}"
    return _view(await call.run(show_code, asked))


def _asked(organization_id: UUID, caller: Caller) -> Asked:
    return Asked(organization_id, caller.account_id if isinstance(caller, Person) else None)


def _view(shown: Shown) -> CodeView:
    return CodeView(
        organization_id=shown.organization_id,
        code=shown.code,
        issued_at=shown.issued_at,
        locked_at=shown.locked_at,
        letter_due=shown.letter_due,
        letter_printed_at=shown.printed_at,
    )
