"""Imports over HTTP (agents)."""

from collections.abc import AsyncIterable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel

from chassis.gate import LIMIT
from chassis.gateway import AgentCaller, router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from services.authorizations.imports import staging
from services.authorizations.imports.handlers import view_defects
from services.authorizations.imports.reading import ExtractRefused
from services.authorizations.imports.running import receive
from services.authorizations.imports.staging import ImportRow
from services.authorizations.imports.wording import detail
from services.authorizations.paging import Cursor, Limit, PageView, page, paged
from services.authorizations.profile import AuthorizationsCall

LARGEST_EXTRACT = 1024**3  # bytes; 5 million rows of CSV have half of it

routes = router(json_only=False)

EXTRACT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("text/csv", "application/x-ndjson")
        },
    }
}


class ImportView(BaseModel):
    """How far an import has come. When it is done, read = created + changed + unchanged + rejected.

    Counts are rows of the extract; `noted` ones were brought in and should be looked at. `portions` is how many
    transactions it takes, `portions_done` how many are over. `failures` counts how often the next one has failed; an
    import that goes on failing is given up in the end, and what it had brought in stays. Defects are deleted at
    `defects_until`.
    """

    import_id: UUID
    dry_run: bool
    state: Literal["receiving", "waiting", "done", "given_up"]
    requested_at: datetime
    finished_at: datetime | None
    defects_until: datetime | None
    portions: int | None
    portions_done: int
    read: int
    created: int
    changed: int
    unchanged: int
    rejected: int
    noted: int
    failures: int


class DefectView(BaseModel):
    """What is wrong with a row: its line (from 1), its place in a nested line, and what names it."""

    line: int
    at: str
    code: str
    detail: str
    rejected: bool
    row: dict[str, str]


@routes.post("/v1/imports", status_code=202, summary="Bring in an extract (agents)", openapi_extra=EXTRACT)
async def post_import(
    agent: AgentCaller,
    request: Request,
    call: AuthorizationsCall,
    response: Response,
    dry_run: Annotated[bool, Query(description="Report everything and change nothing.")] = True,
) -> ImportView:
    """The body is the extract, CSV or NDJSON, read as it comes; its first line says which.

    It is a dry run unless `dry_run` is false. An extract may be sent again: what stands is unchanged.
    """
    request.scope[LIMIT] = LARGEST_EXTRACT
    try:
        import_id = await receive(call.gateway.unit, _one_file(request), call.actor, dry_run=dry_run)
    except ExtractRefused as error:
        raise ProblemRaised(error.refusal) from None
    response.headers["Location"] = f"/v1/imports/{import_id}"
    return await get_import(import_id, agent, call)


async def _one_file(request: Request) -> AsyncIterable[bytes | None]:
    async for chunk in request.stream():
        yield chunk
    yield None


@routes.get("/v1/imports/{import_id}", summary="How far an import has come (agents)")
async def get_import(import_id: UUID, agent: AgentCaller, call: AuthorizationsCall) -> ImportView:
    """Its defects stand at /v1/imports/{import_id}/defects, already while it is carried out."""
    found = await _found(call, import_id)
    keeps = call.tools.agency.retention.imports.defects
    until = found.finished_at + keeps if found.finished_at else None
    return ImportView(**vars(found) | {"portions_done": found.next_portion, "defects_until": until})


@routes.get("/v1/imports/{import_id}/defects", summary="What is wrong with rows of an import (agents)")
async def list_defects(
    import_id: UUID, agent: AgentCaller, call: AuthorizationsCall, cursor: Cursor = None, limit: Limit = 50
) -> PageView[DefectView]:
    """In the order of the extract. The look is audited."""
    await call.run(view_defects, import_id)
    found = await page(call, staging.listed_defects(import_id), cursor, limit)
    items = [
        DefectView(
            line=row["line"],
            at=row["at"],
            code=row["code"],
            detail=detail(row["code"], row["parameters"], call.language),
            rejected=row["rejects"],
            row=row["keys"],
        )
        for row in found.rows
    ]
    return PageView[DefectView](**paged(found, items, call.language))


async def _found(call: AuthorizationsCall, import_id: UUID) -> ImportRow:
    found = await staging.get(call.gateway.unit.pool, import_id)
    if found is None:
        raise ProblemRaised(Refusal("not_found"))
    return found
