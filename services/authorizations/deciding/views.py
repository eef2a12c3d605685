"""A request as it is shown over HTTP: to one of its sides, and to agents, who see more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from pydantic import BaseModel

from chassis.database import Connection
from chassis.gateway import Call
from contracts.agency.requests import Decider, RequestKind, ReviewReason
from services.authorizations.actors import ActorView, accounts_of, actor
from services.authorizations.answers import OrganizationView
from services.authorizations.deciding.asked import AskedView, Shown
from services.authorizations.deciding.kinds import kind_of
from services.authorizations.personal.domain import Named, PersonName
from services.authorizations.personal.storage import descriptions, names, person_names
from services.authorizations.requests.domain import OfPerson, Request, Settled, Side, State
from services.authorizations.tools import Tools


class RequestView(BaseModel):
    """A request as one of its sides, or an agent, sees it.

    `organization` is the one acted for. Whoever gave its number alone sees `other_number` and learns no name, and who
    decides, before an approval. Each side learns which of its own people acted, agents learn both: `asked_by_person`,
    and in `settled_by` who decided it, or withdrew it. `held_until` is set for agents, while one of them has the
    request for itself. Who asked for access shows to nobody else once the request ended longer ago than the agency
    keeps what one says of a person. `received_at` is when it came to those who decide, whose order it makes.
    """

    request_id: UUID
    kind: RequestKind
    kind_name: str
    reason: ReviewReason | None
    state: State
    outcome: Settled | None
    decision_reason: str | None
    decision_reason_name: str | None
    decider: Decider
    organization: OrganizationView | None
    other_kind: str | None
    other_number: str | None
    asked_by: OrganizationView | None
    asked_by_person: ActorView | None
    settled_by: ActorView | None
    asked: AskedView
    submitted_at: datetime
    received_at: datetime | None
    settled_at: datetime | None
    lapses_on: date
    mine_to_decide: bool
    held_by_me: bool | None
    held_until: datetime | None


@dataclass(frozen=True)
class Around:
    """What organizations are called, and the persons who acted, by account."""

    names: Mapping[UUID, Named]
    acted: Mapping[UUID, PersonName]


async def views(
    call: Call[Tools], connection: Connection, requests: Sequence[Request], side: Callable[[Request], Side]
) -> list[RequestView]:
    """Some requests, each for one of its sides, or an agent."""
    organizations = {r.organization_id for r in requests} | {r.asked_by_organization_id for r in requests}
    named = await names(connection, [i for i in organizations if i is not None])
    persons = await descriptions(connection, [_whom(request) for request in requests])
    acted = await person_names(
        connection, accounts_of([*(r.asked_by for r in requests), *(r.decided_by for r in requests)])
    )
    around, shown = Around(named, acted), []
    for request in requests:
        about = Shown(
            call, connection, persons.get(_whom(request)), _of_asker(call, request, side(request)),
            for_agents=side(request) == "agent", for_asker=side(request) == "asker",
        )  # fmt: skip
        asked = await kind_of(request).show(about, request)
        shown.append(_view(call, request, side(request), around, asked))
    return shown


def _whom(request: Request) -> UUID:
    """Under whose id the person stands whom a request is about: the account that asks, or the request itself."""
    return request.asked_by_account_id or request.request_id


def _of_asker(call: Call[Tools], request: Request, side: Side) -> OfPerson:
    now, kept = call.gateway.unit.origin.clock(), timedelta(days=call.tools.agency.requests.personal_days)
    return request.shows_asker(side, now, call.tools.moment(now).day, kept)


def _view(call: Call[Tools], request: Request, side: Side, around: Around, asked: AskedView) -> RequestView:
    agency, language, now = call.tools.agency, call.language, call.gateway.unit.origin.clock()
    day = call.tools.moment(now).day
    hidden = side == "asker" and request.is_blind and request.outcome != "approve"
    hides_decider = side == "asker" and request.asked_by_account_id is None
    reason = agency.decision_reasons[request.decision_reason] if request.decision_reason else None
    holder = request.holder(now) if side == "agent" else None
    forgotten = request.asked_by if _of_asker(call, request, side) == "nothing" else None

    def named(organization_id: UUID | None) -> OrganizationView | None:
        if organization_id is None:
            return None
        return OrganizationView(organization_id=organization_id, name=around.names[organization_id].legal_name)

    def acted(reference: str | None, own_side: Side) -> ActorView | None:
        if reference in (None, forgotten) or side not in ("agent", own_side):
            return None
        return actor(reference, around.acted, language, shows_ids=side == "agent")

    return RequestView(
        request_id=request.request_id,
        kind=request.kind,
        kind_name=agency.requests.kinds[request.kind].name.in_(language),
        reason=request.reason,
        state=request.state_on(day),
        outcome=request.outcome,
        decision_reason=request.decision_reason,
        decision_reason_name=reason.name.in_(language) if reason else None,
        decider=agency.requests.kinds[request.kind].decider if hides_decider else request.decider,
        organization=None if hidden else named(request.organization_id),
        other_kind=request.other.kind if request.other else None,
        other_number=request.other.number if request.other else None,
        asked_by=named(request.asked_by_organization_id),
        asked_by_person=acted(request.asked_by, "asker"),
        settled_by=acted(request.decided_by, "asker" if request.state == "withdrawn" else "decider"),
        asked=asked,
        submitted_at=request.submitted_at,
        received_at=None if request.state == "signing" else request.received_at,
        settled_at=request.settled_at,
        lapses_on=request.lapses_on,
        mine_to_decide=side != "asker" and request.state_on(day) == "submitted",
        held_by_me=None if holder is None else holder == call.actor.reference,
        held_until=request.held_until if holder is not None else None,
    )
