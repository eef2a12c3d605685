"""The gateway of organization codes, for those who manage the organization and for agents."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Response, status
from pydantic import BaseModel, Field

from chassis.gateway import ONCE, admits, router
from chassis.tokens import Agent, Caller, Person
from services.linking.organization_codes.handlers import Asked, Shown, renew_code, show_code
from services.linking.tools import LinkingCall

routes = router()

PersonOrAgent = Annotated[Caller, Depends(admits(Person, Agent))]
REFUSED: dict[int | str, dict[str, Any]] = {
    403: {"description": "not_permitted: the account manages no such organization today."},
    404: {"description": "not_found: the organization has no code now, because it is not active or has none at all."},
}


class CodeView(BaseModel):
    """An organization's code. While it is locked it proves nothing: renew it."""

    organization_id: UUID
    code: str = Field(examples=["042917"])
    issued_at: datetime
    locked_at: datetime | None = Field(description="Since when too many wrong tries have locked it.")
    letter_due: bool = Field(description="Whether its letter is still to be printed.")
    letter_printed_at: datetime | None


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
