"""What became of what was asked for: it took effect, or a request waits for others."""

from datetime import date
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from chassis.gateway import Call
from chassis.outcomes import Made, Pending
from services.authorizations.requests import storage
from services.authorizations.tools import Tools


class RelatedView(BaseModel):
    """What the caller's organization did took effect (`relation_id`), or others decide it (`request_id`, with 202)."""

    relation_id: UUID | None = None
    request_id: UUID | None = None
    lapses_on: date | None = Field(None, description="The last day on which others can decide.")


async def last_day_to_decide(call: Call[Tools], pending: Pending, response: Response) -> date:
    """Answer 202 with the place of the request that waits; the last day on which others can decide it."""
    async with call.gateway.unit.pool.acquire() as connection:
        request = await storage.get(connection, pending.resource_id)
    assert request is not None  # no row is ever deleted
    response.status_code = 202
    response.headers["Location"] = f"/v1/requests/{pending.resource_id}"
    return request.lapses_on


async def related(call: Call[Tools], made: Made, response: Response) -> RelatedView:
    """A relation that was made or changed, or the request for that."""
    if isinstance(made, Pending):
        lapses_on = await last_day_to_decide(call, made, response)
        return RelatedView(request_id=made.resource_id, lapses_on=lapses_on)
    return RelatedView(relation_id=made.resource_id)
