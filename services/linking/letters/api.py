"""The gateway of letters with organization codes (agents): printed here as HTML, or by a mailing house from a table."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Header, Response, status
from pydantic import BaseModel, Field

from chassis import tables
from chassis.fields import Body
from chassis.gateway import ONCE, AgentCaller, router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from services.linking.letters.domain import Addressed, merge_file, page
from services.linking.letters.handlers import (
    Print,
    Printed,
    letter_of,
    letters_of,
    print_letters,
    show_overview,
    show_printing,
)
from services.linking.tools import LinkingCall

routes = router()

WELCOME: Literal["welcome"] = "welcome"
NO_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline'"
SHEETS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Ready to be printed; with `Accept: text/csv` the table for a mailing house.",
        "content": {"text/html": {"schema": {"type": "string"}}, tables.MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}
Accept = Annotated[str, Header()]


class PrintBody(Body):
    """Whose letters. Without `organization_ids`: all that are due, the oldest first, as many as one printing has."""

    organization_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=1_000)] | None = None


class PrintingView(BaseModel):
    """Letters that were printed together; they are at /v1/organization-letters/{printing_id}/sheets."""

    printing_id: UUID
    printed_at: datetime
    letters: int


class LettersView(BaseModel):
    """How many letters are due, and the latest printings.

    `without_address`: letters that wait until an extract brings a billing address.
    """

    due: int
    without_address: int
    items: list[PrintingView]
    total: int


@routes.get("/v1/organization-letters", summary="Letters with codes: due and printed (agents)", tags=["letters"])
async def overview(agent: AgentCaller, call: LinkingCall) -> LettersView:
    """`total` counts the items shown, the latest printings."""
    found = await call.run(show_overview, None)
    items = [_printing(one) for one in found.printings]
    return LettersView(due=found.due, without_address=found.without_address, items=items, total=len(items))


@routes.post(
    "/v1/organization-letters",
    status_code=status.HTTP_201_CREATED,
    summary="Print letters with codes (agents)",
    dependencies=[ONCE],
    tags=["letters"],
    responses={422: {"description": "nothing_to_print: none of these organizations has a code, or no letter is due."}},
)
async def printing(body: PrintBody, agent: AgentCaller, call: LinkingCall, response: Response) -> PrintingView:
    """The letters of the printing are no longer due. Takes Idempotency-Key; answers Location."""
    printing_id = await call.create(print_letters, Print(body.organization_ids))
    response.headers["Location"] = f"/v1/organization-letters/{printing_id}"
    return _printing(await call.run(show_printing, printing_id))


@routes.get("/v1/organization-letters/{printing_id}", summary="A printing (agents)", tags=["letters"])
async def show(printing_id: UUID, agent: AgentCaller, call: LinkingCall) -> PrintingView:
    """When, and how many letters."""
    return _printing(await call.run(show_printing, printing_id))


@routes.get(
    "/v1/organization-letters/{printing_id}/sheets",
    summary="The letters of a printing (agents)",
    tags=["letters"],
    responses=SHEETS,
    response_class=Response,
)
async def sheets(printing_id: UUID, agent: AgentCaller, call: LinkingCall, accept: Accept = "") -> Response:
    """Those whose code still lives, as often as the printer needs. Each look at a code is audited."""
    return _sheets(call, await call.run(letters_of, printing_id), accept)


@routes.get(
    "/v1/organization-codes/{organization_id}/letter",
    summary="The letter with the organization's code (agents)",
    tags=["letters"],
    responses=SHEETS,
    response_class=Response,
)
async def letter(organization_id: UUID, agent: AgentCaller, call: LinkingCall, accept: Accept = "") -> Response:
    """One letter; if it was due it stays so until it is part of a printing. Audited."""
    return _sheets(call, await call.run(letter_of, organization_id), accept)


def _sheets(call: LinkingCall, letters: Sequence[Addressed], accept: str) -> Response:
    if tables.is_wanted(accept):
        named = {"Content-Disposition": 'attachment; filename="letters.csv"'}
        return Response(merge_file(letters), media_type=tables.MEDIA_TYPE, headers=named)
    worded = call.tools.agency.letters.get(WELCOME)
    if worded is None:
        raise ProblemRaised(Refusal("not_found"))
    origin = call.gateway.unit.origin
    today = origin.clock().astimezone(origin.time_zone).date()
    content = page(letters, worded, call.tools.agency.profile, today)
    return Response(content, media_type="text/html", headers={"Content-Security-Policy": NO_SCRIPTS})


def _printing(printed: Printed) -> PrintingView:
    return PrintingView(printing_id=printed.printing_id, printed_at=printed.printed_at, letters=printed.letters)
