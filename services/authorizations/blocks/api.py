"""Whom an organization keeps out, over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, Field, model_validator

from chassis.fields import Body, Reference
from chassis.gateway import ONCE, router
from services.authorizations.actors import ActorView, accounts_of, actor, person_name
from services.authorizations.blocks import handlers, storage
from services.authorizations.blocks.domain import Block, Maker
from services.authorizations.blocks.handlers import BlockPerson, Unblock
from services.authorizations.paging import Cursor, Limit, PageView, page, paged
from services.authorizations.personal.domain import PersonName
from services.authorizations.personal.storage import person_names
from services.authorizations.profile import Asking, AuthorizationsCall

routes = router()

Stands = Annotated[bool | None, Query(description="Only blocks that stand, or only those that ended.")]


class BlockBody(Body):
    """Whom to keep out: a contact, with the account that it is; an account; or whoever asks for access by a request."""

    contact_id: UUID | None = None
    account_id: UUID | None = None
    request_id: UUID | None = Field(None, description="An access request that waits for this side: it is denied too.")
    reason: Reference | None = Field(None, description="A code of the agency’s; an agent must give one.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if [self.contact_id, self.account_id, self.request_id].count(None) != 2:
            raise ValueError("one of contact_id, account_id and request_id")
        return self


class BlockedView(BaseModel):
    """The block that was made."""

    block_id: UUID


class BlockView(BaseModel):
    """A block: whom it keeps out, since when and, once it ended, until when. Who did it shows by name.

    One that the agency made, only an agent ends.
    """

    block_id: UUID
    contact_id: UUID | None
    account_id: UUID | None
    name: str
    reason: str | None
    reason_name: str | None
    since: datetime
    until: datetime | None
    made_by: Maker
    blocked_by: ActorView
    ended_by: ActorView | None


@routes.post(
    "/v1/organizations/{organization_id}/blocks", status_code=201, summary="Keep somebody out", dependencies=[ONCE]
)
async def post_block(
    organization_id: UUID, body: BlockBody, asker: Asking, call: AuthorizationsCall, response: Response
) -> BlockedView:
    """By those who manage it, and agents. At once nothing that they hold for it is in force, through whatever firm.

    A request for access of theirs that waits for an answer is denied in the same act. An agent's block takes the place
    of the organization's own, which ends.
    """
    asked = BlockPerson(asker.by, organization_id, body.contact_id, body.account_id, body.reason, body.request_id)
    block_id = await call.create(handlers.block, asked)
    response.headers["Location"] = f"/v1/organizations/{organization_id}/blocks"
    return BlockedView(block_id=block_id)


@routes.delete(
    "/v1/organizations/{organization_id}/blocks/{block_id}", status_code=204, summary="Let somebody in again"
)
async def delete_block(organization_id: UUID, block_id: UUID, asker: Asking, call: AuthorizationsCall) -> None:
    """By those who manage it, and agents; of a block that an agent made, by agents alone.

    What is still in force of what they hold says yes again.
    """
    await call.run(handlers.unblock, Unblock(asker.by, organization_id, block_id))


@routes.get("/v1/organizations/{organization_id}/blocks", summary="Whom the organization keeps out")
async def get_blocks(
    organization_id: UUID,
    asker: Asking,
    call: AuthorizationsCall,
    stands: Stands = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageView[BlockView]:
    """For those who manage it, and agents, whose look is audited; the newest first, ended ones too."""
    await asker.open_managed_file(call, organization_id)
    found = await page(call, storage.listed(organization_id, stands), cursor, limit)
    blocks = [storage.block(row) for row in found.rows]
    persons = {i for block in blocks for i in (block.contact_id, block.account_id) if i is not None}
    acted = accounts_of([reference for block in blocks for reference in (block.blocked_by, block.ended_by)])
    async with call.gateway.unit.pool.acquire() as connection:
        names = await person_names(connection, persons | acted)
    items = [_view(call, block, names, shows_ids=asker.is_agent) for block in blocks]
    return PageView[BlockView](**paged(found, items, call.language))


def _view(call: AuthorizationsCall, block: Block, names: Mapping[UUID, PersonName], *, shows_ids: bool) -> BlockView:
    language = call.language
    concerned = block.contact_id or block.account_id
    assert concerned is not None
    reason = call.tools.agency.managing_reasons[block.reason].name.in_(language) if block.reason else None
    return BlockView(
        block_id=block.block_id,
        contact_id=block.contact_id,
        account_id=block.account_id,
        name=person_name(names.get(concerned), language),
        reason=block.reason,
        reason_name=reason,
        since=block.since,
        until=block.until,
        made_by=block.made_by,
        blocked_by=actor(block.blocked_by, names, language, shows_ids=shows_ids),
        ended_by=actor(block.ended_by, names, language, shows_ids=shows_ids) if block.ended_by else None,
    )
