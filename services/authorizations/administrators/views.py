"""What a replacement withdraws, as an agent reads it: person by person, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from chassis.database import Connection
from chassis.gateway import Call
from contracts.agency.requests import RequestKind
from contracts.events import Level
from services.authorizations.administrators.domain import Withdrawn
from services.authorizations.blocks import storage as blocks
from services.authorizations.personal.domain import Named
from services.authorizations.personal.storage import names
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Relation
from services.authorizations.requests import storage as requests
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools


class LostSubjectView(BaseModel):
    """A subject that goes; with `becomes` it can still be read."""

    subject: str
    subject_name: str
    level: Level
    becomes: Level | None = None


class LostRelationView(BaseModel):
    """A relation to `organization_id`, the one acted for, and what goes with it, or of one that never `ends`, alone."""

    relation_id: UUID
    type: str
    type_name: str
    organization_id: UUID
    ends: bool
    subjects: list[LostSubjectView]


class LoserView(BaseModel):
    """What one person, or an organization that acts for this one, loses.

    `manages_no_more`: the person was one of those who manage. `unlinked`: an account is this contact no more.
    """

    holder_kind: Literal["contact", "organization"]
    holder_id: UUID
    holder_name: str
    manages_no_more: bool
    unlinked: bool
    relations: list[LostRelationView]


class EndedRequestView(BaseModel):
    """An open request that ends: an invitation, or the addition of a person that an agent was to look at."""

    request_id: UUID
    kind: RequestKind
    kind_name: str
    name: str


class LiftedBlockView(BaseModel):
    """A block that ends, and whom it kept out."""

    block_id: UUID
    contact_id: UUID | None
    account_id: UUID | None
    name: str


class ReplacementView(BaseModel):
    """What was, or with preview would be, withdrawn: first of whoever is replaced.

    `since` is when that person began to manage: whatever they granted from then on is here.
    """

    preview: bool
    since: datetime
    withdrawn: list[LoserView]
    requests_ended: list[EndedRequestView]
    blocks_lifted: list[LiftedBlockView]
    code_renewed: bool


@dataclass
class _Rows:
    """The rows that are spoken of, read after the act as they were before it."""

    relations: Mapping[UUID, Relation]
    subjects: Mapping[UUID, list[LostSubjectView]]
    requests: list[Request]
    blocks: list[LiftedBlockView]
    names: Mapping[UUID, Named]


async def replacement_view(call: Call[Tools], falling: Withdrawn, *, preview: bool) -> ReplacementView:
    """The same of what would fall and of what fell."""
    async with call.gateway.unit.pool.acquire() as connection:
        rows = await _rows(call, connection, falling)
    holders = dict.fromkeys(
        [
            *falling.managers,
            *(relation.holder_id for relation in rows.relations.values()),
            *(link.contact_id for link in falling.links),
        ]
    )
    agency = call.tools.agency
    return ReplacementView(
        preview=preview,
        since=falling.since,
        withdrawn=[_loser(call, falling, rows, holder_id) for holder_id in holders],
        requests_ended=[
            EndedRequestView(
                request_id=request.request_id,
                kind=request.kind,
                kind_name=agency.requests.kinds[request.kind].name.in_(call.language),
                name=_called(rows.names, request.request_id),
            )
            for request in rows.requests
        ],
        blocks_lifted=rows.blocks,
        code_renewed=falling.renews_code,
    )


async def _rows(call: Call[Tools], connection: Connection, falling: Withdrawn) -> _Rows:
    going_on = await relations.get(connection, {right.relation_id for right in falling.rights})
    subjects = dict[UUID, list[LostSubjectView]]()
    day = call.tools.moment(call.gateway.unit.origin.clock()).day
    for relation in falling.relations:
        held = await relations.rights_of(connection, relation.relation_id)
        subjects[relation.relation_id] = [
            _subject(call, right.subject, right.level) for right in held if not right.period.is_over(day)
        ]
    for lost in falling.rights:
        becomes: Level | None = "read" if lost.back else None
        subjects.setdefault(lost.relation_id, []).append(_subject(call, lost.subject, lost.level, becomes))
    open_requests = [await requests.get(connection, request_id) for request_id in falling.requests]
    lifted = await blocks.of_ids(connection, falling.blocks)
    spoken_of = sorted([*falling.relations, *going_on], key=lambda relation: relation.relation_id)
    persons = [
        *falling.managers, *falling.requests, *(relation.holder_id for relation in spoken_of),
        *(link.contact_id for link in falling.links), *(block.contact_id or block.account_id for block in lifted),
    ]  # fmt: skip
    called = await names(connection, [person for person in persons if person is not None])
    return _Rows(
        {relation.relation_id: relation for relation in spoken_of},
        subjects,
        [request for request in open_requests if request is not None],
        [
            LiftedBlockView(
                block_id=block.block_id,
                contact_id=block.contact_id,
                account_id=block.account_id,
                name=_called(called, block.contact_id or block.account_id),
            )
            for block in lifted
        ],
        called,
    )


def _loser(call: Call[Tools], falling: Withdrawn, rows: _Rows, holder_id: UUID) -> LoserView:
    mine = [relation for relation in rows.relations.values() if relation.holder_id == holder_id]
    ending = {relation.relation_id for relation in falling.relations}
    return LoserView(
        holder_kind="organization" if mine and mine[0].holder_kind == "organization" else "contact",
        holder_id=holder_id,
        holder_name=_called(rows.names, holder_id),
        manages_no_more=holder_id in falling.managers,
        unlinked=holder_id in {link.contact_id for link in falling.links},
        relations=[
            LostRelationView(
                relation_id=relation.relation_id,
                type=relation.type,
                type_name=call.tools.relation_type(relation.type).name.in_(call.language),
                organization_id=relation.organization_id,
                ends=relation.relation_id in ending,
                subjects=rows.subjects[relation.relation_id],
            )
            for relation in mine
        ],
    )


def _subject(call: Call[Tools], code: str, level: Level, becomes: Level | None = None) -> LostSubjectView:
    name = call.tools.agency.subjects[code].name.in_(call.language)
    return LostSubjectView(subject=code, subject_name=name, level=level, becomes=becomes)


def _called(called: Mapping[UUID, Named], owner_id: UUID | None) -> str:
    named = called.get(owner_id) if owner_id is not None else None
    return "" if named is None else named.legal_name or f"{named.given_name} {named.family_name}".strip()
