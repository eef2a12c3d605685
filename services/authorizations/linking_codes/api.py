"""POST and GET /v1/linking-code-batches: agents send linking coordinates to members of organizations."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from chassis.fields import Body, Reference
from chassis.gateway import AgentCaller, router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from services.authorizations.linking_codes import storage
from services.authorizations.linking_codes.handlers import RequestBatch, request_batch
from services.authorizations.profile import AuthorizationsCall

routes = router()


class BatchBody(Body):
    """Whose contacts, and with which functions (relation types), are sent coordinates."""

    organization_ids: Annotated[list[UUID], Field(min_length=1, max_length=500)]
    functions: Annotated[list[Reference], Field(min_length=1, max_length=20)]


class BatchView(BaseModel):
    """A batch and how far it has come: contacts found, codes that linking has issued, contacts without an address."""

    batch_id: UUID
    requested_at: datetime
    requested: int
    issued: int
    without_address: int


@routes.post("/v1/linking-code-batches", status_code=202, summary="Send linking coordinates (agents)")
async def post_batch(agent: AgentCaller, body: BatchBody, call: AuthorizationsCall, response: Response) -> BatchView:
    """Contacts that are linked already are left out. Honours Idempotency-Key."""
    command = RequestBatch(body.organization_ids, frozenset(body.functions))
    batch_id = await call.create(request_batch, command, resource=lambda made: made)
    response.headers["Location"] = f"/v1/linking-code-batches/{batch_id}"
    return await get_batch(batch_id, agent, call)


@routes.get("/v1/linking-code-batches/{batch_id}", summary="How far a batch has come (agents)")
async def get_batch(batch_id: UUID, agent: AgentCaller, call: AuthorizationsCall) -> BatchView:
    """Each person's delivery state is asked at notifications."""
    async with call.gateway.unit.pool.acquire() as connection:
        found = await storage.get(connection, batch_id)
    if found is None:
        raise ProblemRaised(Refusal("not_found"))
    return BatchView(
        batch_id=found.batch_id,
        requested_at=found.requested_at,
        requested=found.requested,
        issued=found.issued,
        without_address=found.without_address,
    )
