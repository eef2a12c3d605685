"""POST /v1/attachments for those who send forms; GET /v1/attachments, /v1/attachments/{id} for agents."""

import asyncio
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel

from chassis.gate import LIMIT
from chassis.gateway import AgentCaller, router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from services.authorizations.access.domain import AsAgent
from services.authorizations.attachments import storage
from services.authorizations.attachments.domain import MEDIA_TYPES, format_of
from services.authorizations.attachments.handlers import (
    KeepAttachment,
    OpenAttachment,
    keep_attachment,
    open_attachment,
)
from services.authorizations.profile import Asking, AuthorizationsCall

routes = router(json_only=False)

BINARY = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES.values()}
FILE: dict[str, Any] = {"requestBody": {"required": True, "content": BINARY}}


class KeptView(BaseModel):
    """A file that was kept. A form names it by its id within `unused_hours`, or it vanishes. `size` in bytes."""

    attachment_id: UUID
    media_type: str
    size: int
    unused_hours: int


class AttachmentView(BaseModel):
    """A file that belongs to a request, a contact or a relation. `size` in bytes."""

    attachment_id: UUID
    media_type: str
    size: int
    uploaded_at: datetime


class AttachmentsView(BaseModel):
    """The files that belong to one object."""

    items: list[AttachmentView]
    total: int


@routes.post("/v1/attachments", status_code=201, summary="Upload a file for a form", openapi_extra=FILE)
async def post_attachment(
    request: Request,
    asker: Asking,
    call: AuthorizationsCall,
    response: Response,
    organization_id: Annotated[
        UUID | None, Query(description="Agents: the organization whose document it is. Others: the profile’s.")
    ] = None,
) -> KeptView:
    """The body is the file: PDF, JPEG or PNG, told from its content. Agents alone see it afterwards."""
    if not asker.manages:
        raise ProblemRaised(Refusal("not_permitted"))
    theirs = organization_id if isinstance(asker.acting, AsAgent) else asker.acting.organization_id
    if theirs is None:
        raise ProblemRaised(Refusal("invalid_request", fields=("organization_id",)))
    rule = call.tools.agency.attachment_rule
    request.scope[LIMIT] = rule.largest_bytes
    content = b"".join([chunk async for chunk in request.stream()])
    found = format_of(content)
    if found is None:
        raise ProblemRaised(Refusal("attachment_format_refused"))
    locked = await asyncio.to_thread(call.tools.vault.lock, content)
    digests = call.tools.keyring.lookups("attachment", (await asyncio.to_thread(sha256, content)).hexdigest())
    command = KeepAttachment(asker.by, theirs, found, len(content), locked, digests)
    attachment_id = await call.run(keep_attachment, command)
    response.headers["Location"] = f"/v1/attachments/{attachment_id}"
    return KeptView(
        attachment_id=attachment_id,
        media_type=MEDIA_TYPES[found],
        size=len(content),
        unused_hours=rule.unused_hours,
    )


@routes.get("/v1/attachments", summary="The files of a request, a contact or a relation (agents)")
async def list_attachments(
    agent: AgentCaller,
    call: AuthorizationsCall,
    object_id: Annotated[UUID, Query(description="The request, contact or relation that the form made.")],
) -> AttachmentsView:
    """In the order of their upload."""
    since = call.gateway.unit.origin.clock() - timedelta(days=call.tools.agency.attachment_rule.keep_days)
    async with call.gateway.unit.pool.acquire() as connection:
        rows = await storage.of_object(connection, object_id, since)
    items = [
        AttachmentView(
            attachment_id=row.attachment_id,
            media_type=MEDIA_TYPES[row.format],
            size=row.size,
            uploaded_at=row.uploaded_at,
        )
        for row in rows
    ]
    return AttachmentsView(items=items, total=len(items))


@routes.get(
    "/v1/attachments/{attachment_id}",
    summary="A file (agents)",
    response_class=Response,
    responses={200: {"content": BINARY, "description": "The file, to be saved and not shown."}},
)
async def get_attachment(attachment_id: UUID, agent: AgentCaller, call: AuthorizationsCall) -> Response:
    """As it was uploaded. The look is audited in the file of the organization that sent it."""
    row, locked = await call.run(open_attachment, OpenAttachment(attachment_id))
    content = await asyncio.to_thread(call.tools.vault.unlock, locked)
    disposition = f'attachment; filename="{attachment_id}.{row.format}"'
    headers = {"Content-Disposition": disposition, "Content-Security-Policy": "sandbox"}
    return Response(content, media_type=MEDIA_TYPES[row.format], headers=headers)
