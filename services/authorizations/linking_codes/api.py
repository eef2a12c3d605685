"""/v1/linking-code-batches: linking coordinates for contacts, asked for by who manages them or by agents."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from chassis.fields import Body, Reference
from chassis.gateway import ONCE, router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from contracts.problems import word
from services.authorizations.access.domain import AsAgent
from services.authorizations.linking_codes import storage
from services.authorizations.linking_codes.domain import ItemState, Selection, SkipReason
from services.authorizations.linking_codes.handlers import (
    OpenBatch,
    RequestBatch,
    Resend,
    open_batch,
    request_batch,
    resend,
)
from services.authorizations.linking_codes.storage import BatchRow
from services.authorizations.paging import Cursor, Limit, PageView, page, paged
from services.authorizations.profile import Asker, Asking, AuthorizationsCall

routes = router()

MANAGERS_FIELDS = frozenset({"contact_ids", "never_linked"})
"""What those who manage an organization may say: whom of their own organization."""

Ids = Annotated[list[UUID], Field(min_length=1, max_length=500)]
References = Annotated[list[Reference], Field(min_length=1, max_length=20)]
Numbers = Annotated[list[Reference], Field(min_length=1, max_length=2000)]


class OrganizationsBody(Body):
    """An agent's selection of organizations: those that meet all that is given."""

    kinds: References | None = None
    numbers: Numbers | None = None
    active: bool | None = True

    @model_validator(mode="after")
    def _names_some(self) -> Self:
        if self.kinds is None and self.numbers is None:
            raise PydanticCustomError("missing", "name kinds or numbers")
        return self


class BatchBody(Body):
    """Who is sent coordinates.

    Those who manage an organization: `contact_ids` among its contacts, or `never_linked` for all of them who never
    linked an account. Agents: any `contact_ids`, or in `organization_ids` or `organizations` those with one of the
    `functions` (relation types), or who `never_linked`, or both. Agents may name a `campaign` of the agency's data: its
    mail carries the coordinates, which live until it is over and longer, and unless `contact_ids` or `functions` say
    whom, they go to those with the functions that it names.
    """

    contact_ids: Ids | None = None
    organization_ids: Ids | None = None
    organizations: OrganizationsBody | None = None
    functions: References | None = None
    never_linked: bool = False
    campaign: Reference | None = None


class ResendBody(Body):
    """Of a batch, those whose mail did not arrive: refused, or not sent in time."""

    of: Literal["undelivered"]


class BatchView(BaseModel):
    """A batch and how far it has come.

    `requested` counts everybody in it; `issued` the codes that linking has issued; `states` everybody by what became of
    their mail; `skipped` those who get no code, by reason, of whom `without_address` have none. `unknown_numbers` are
    those of the organizations that an agent named and nobody has.
    """

    batch_id: UUID
    organization_id: UUID | None
    campaign: str | None
    requested_at: datetime
    requested: int
    issued: int
    without_address: int
    states: dict[ItemState, int]
    skipped: dict[SkipReason, int]
    unknown_numbers: int


class ItemView(BaseModel):
    """A person of a batch. `told_at` is since when the state of the mail is known; `reason` why there is no code."""

    contact_id: UUID
    organization_id: UUID
    family_name: str | None
    given_name: str | None
    state: ItemState
    reason: SkipReason | None
    reason_text: str | None
    issued_at: datetime | None
    told_at: datetime | None


@routes.post("/v1/linking-code-batches", status_code=202, summary="Send new linking coordinates", dependencies=[ONCE])
async def post_batch(asker: Asking, body: BatchBody, call: AuthorizationsCall, response: Response) -> BatchView:
    """An older code of the same person dies. Honours Idempotency-Key.

    Refused with too_many_codes beyond what those who manage an organization may send within an hour.
    """
    command = _command(asker, body)
    batch_id = await call.create(request_batch, command)
    response.headers["Location"] = f"/v1/linking-code-batches/{batch_id}"
    return await _view(call, await call.run(open_batch, OpenBatch(asker.acting, batch_id)))


@routes.get("/v1/linking-code-batches/{batch_id}", summary="How far a batch has come")
async def get_batch(batch_id: UUID, asker: Asking, call: AuthorizationsCall) -> BatchView:
    """Managers see those of their organization, agents all."""
    return await _view(call, await call.run(open_batch, OpenBatch(asker.acting, batch_id)))


@routes.get("/v1/linking-code-batches/{batch_id}/items", summary="The persons of a batch, by name")
async def get_items(
    batch_id: UUID,
    asker: Asking,
    call: AuthorizationsCall,
    state: Annotated[ItemState | None, Query(description="Only persons in this state.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageView[ItemView]:
    """What became of each person's mail."""
    await call.run(open_batch, OpenBatch(asker.acting, batch_id, persons=True))
    found = await page(call, storage.listed(batch_id, state), cursor, limit)
    items = [
        ItemView(
            reason_text=word(f"no_code_{row['reason']}", call.language) if row["reason"] else None,
            **{name: row[name] for name in ItemView.model_fields if name != "reason_text"},
        )
        for row in found.rows
    ]
    return PageView[ItemView](**paged(found, items, call.language))


@routes.post(
    "/v1/linking-code-batches/{batch_id}/resend",
    status_code=202,
    summary="Send again what did not arrive",
    dependencies=[ONCE],
)
async def post_resend(
    batch_id: UUID, asker: Asking, body: ResendBody, call: AuthorizationsCall, response: Response
) -> BatchView:
    """A new batch, with the addresses as they stand now. Honours Idempotency-Key."""
    made = await call.create(resend, Resend(asker.by, batch_id))
    response.headers["Location"] = f"/v1/linking-code-batches/{made}"
    return await _view(call, await call.run(open_batch, OpenBatch(asker.acting, made)))


def _command(asker: Asker, body: BatchBody) -> RequestBatch:
    """Raises ProblemRaised when the fields do not say whom."""
    given = {name for name in BatchBody.model_fields if getattr(body, name)}
    if not isinstance(asker.acting, AsAgent):
        if not_theirs := given - MANAGERS_FIELDS:
            raise ProblemRaised(Refusal("invalid_request", fields=tuple(sorted(not_theirs))))
        if len(given) != 1:
            raise ProblemRaised(Refusal("invalid_request", fields=("contact_ids", "never_linked")))
        selection = Selection(
            contact_ids=body.contact_ids,
            organization_ids=[asker.acting.organization_id],
            never_linked=body.never_linked,
        )
        return RequestBatch(asker.by, asker.acting.organization_id, selection)
    if len(given & {"contact_ids", "organization_ids", "organizations"}) != 1:
        raise ProblemRaised(Refusal("invalid_request", fields=("contact_ids", "organization_ids", "organizations")))
    if "contact_ids" not in given and not given & {"functions", "never_linked", "campaign"}:
        raise ProblemRaised(Refusal("invalid_request", fields=("functions", "never_linked", "campaign")))
    among = body.organizations
    only = body.organization_ids[0] if body.organization_ids and len(body.organization_ids) == 1 else None
    selection = Selection(
        contact_ids=body.contact_ids,
        organization_ids=body.organization_ids,
        kinds=among.kinds if among else None,
        numbers=among.numbers if among else None,
        active=among.active if among else None,
        functions=body.functions,
        never_linked=body.never_linked,
    )
    return RequestBatch(asker.by, only, selection, body.campaign)


async def _view(call: AuthorizationsCall, batch: BatchRow) -> BatchView:
    async with call.gateway.unit.pool.acquire() as connection:
        totals = await storage.totals(connection, batch.batch_id)
    persons = sum(totals.states.values())
    return BatchView(
        batch_id=batch.batch_id,
        organization_id=batch.organization_id,
        campaign=batch.campaign,
        requested_at=batch.requested_at,
        requested=persons,
        issued=persons - totals.states.get("waiting", 0) - totals.states.get("skipped", 0),
        without_address=totals.skipped.get("no_address", 0),
        states=totals.states,
        skipped=totals.skipped,
        unknown_numbers=batch.unknown_numbers,
    )
