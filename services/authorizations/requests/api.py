"""Requests over HTTP: what an organization asked and has to decide, the agents' queue, and what is done with one."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel

from chassis.fields import Body, Reference
from chassis.gateway import AgentCaller, Call, router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from chassis.versions import IfMatch, etag, stated_version
from contracts.agency.matching import CONTACT_FIELDS
from contracts.agency.requests import Decider, Outcome, RequestKind, ReviewReason
from contracts.authorizations import Telephone
from contracts.events import Language, Level
from contracts.problems import word
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.api import PersonBody
from services.authorizations.contacts.storage import Personal
from services.authorizations.granting import GrantingBody, Grants, OrganizationView, grants, last_day
from services.authorizations.paging import Cursor, Limit, PageView, page, paged, today
from services.authorizations.profile import AuthorizationsCall, Profile, ProfileOrAgent, Viewing, as_profile
from services.authorizations.requests import storage
from services.authorizations.requests.domain import (
    AgreementCode,
    AskedContact,
    AskedEnd,
    AskedManager,
    Candidate,
    Decision,
    Request,
    Settled,
    Side,
    State,
)
from services.authorizations.requests.handlers import (
    Claim,
    Decide,
    SubmitAgain,
    View,
    Withdraw,
    claim,
    decide,
    note_view,
    submit_again,
    withdraw,
)
from services.authorizations.requests.storage import RequestFilter
from services.authorizations.tools import Tools

routes = router()

KindFilter = Annotated[RequestKind | None, Query(description="Only requests of this kind.")]
StateFilter = Annotated[State | None, Query(description="Only requests in this state today.")]


class PersonView(BaseModel):
    """A person as a form described one."""

    family_name: str
    given_name: str
    email: str | None
    telephones: list[Telephone]
    language: Language


class AskedSubjectView(BaseModel):
    """A subject that is asked for."""

    subject: str
    name: str
    level: Level


class AgreeingFieldView(BaseModel):
    """A field of two files that says the same, or nearly."""

    field: str
    name: str
    agreement: AgreementCode
    agreement_name: str


class CandidateView(BaseModel):
    """A contact who may be the person asked about: for agents alone. `score` is the evidence for it, in bits."""

    contact_id: UUID
    score: float
    agreeing: list[AgreeingFieldView]
    same_organization: bool


class AskedView(BaseModel):
    """What is to become true: a relation of a type, for a time, with subjects; or the end of `relation_id`.

    `person` is whom a new contact would be; it is erased some time after the request has ended.
    """

    relation_id: UUID | None = None
    type: str | None = None
    type_name: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    subjects: list[AskedSubjectView] = []
    client_number: str | None = None
    person: PersonView | None = None
    candidates: list[CandidateView] = []


class RequestView(BaseModel):
    """A request as one of its sides, or an agent, sees it.

    `organization` is the one acted for. Whoever gave its number alone sees `other_number` and learns no name, and who
    decides, before an approval. `claimed_until` is set for agents, while one of them has the request for itself.
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
    asked: AskedView
    submitted_at: datetime
    settled_at: datetime | None
    lapses_on: date
    mine_to_decide: bool
    claimed_by_me: bool | None
    claimed_until: datetime | None


class CorrectionBody(GrantingBody):
    """The form again, corrected; `contact` where the request is about a new contact."""

    subjects: Grants
    contact: PersonBody | None = None


class DecisionBody(Body):
    """A decision. `reason` is one of the agency's codes, needed to reject or return; `contact_id`, whom it is about."""

    outcome: Outcome
    reason: Reference | None = None
    contact_id: UUID | None = None


@routes.get("/v1/requests", summary="The agents' queue")
async def list_queue(
    agent: AgentCaller,
    call: AuthorizationsCall,
    decider: Annotated[Decider | None, Query(description="Only what these decide.")] = "agents",
    kind: KindFilter = None,
    state: StateFilter = "submitted",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageView[RequestView]:
    """In the order in which they came; those that wait for agents, unless other filters are given."""
    listing = storage.of_everybody(today(call), RequestFilter(kind, state, decider))
    return await _page(call, listing, cursor, limit, lambda _: None)


@routes.get("/v1/organizations/{organization_id}/requests", summary="What an organization asked and has to decide")
async def list_requests(
    organization_id: UUID,
    viewer: Viewing,
    call: AuthorizationsCall,
    kind: KindFilter = None,
    state: StateFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageView[RequestView]:
    """Those who manage it see all, others what they asked themselves."""
    only = viewer.own_rows(organization_id)
    listing = storage.of_organization(today(call), organization_id, RequestFilter(kind, state, only=only))

    def side(request: Request) -> Side | None:
        if viewer.acting is None:
            return None
        return "asker" if request.asked_by_organization_id == organization_id else "decider"

    return await _page(call, listing, cursor, limit, side)


@routes.get("/v1/requests/{request_id}", summary="One request")
async def get_request(
    request_id: UUID, acting: ProfileOrAgent, call: AuthorizationsCall, response: Response
) -> RequestView:
    """For whoever asked, those who decide, and agents, whose look is audited. The ETag is what a decision must name."""
    async with call.gateway.unit.pool.acquire() as connection:
        request = await storage.get(connection, request_id)
    side = request.side_of(acting, manages=call.tools.manages(acting)) if request and acting else None
    if request is None or (acting is not None and side is None):
        raise ProblemRaised(Refusal("not_found"))
    if acting is None:
        await call.run(note_view, View(request_id))
    return await _shown(call, request, side, response)


@routes.post("/v1/requests/{request_id}/claim", summary="Take a request from the queue (agents)")
async def post_claim(request_id: UUID, agent: AgentCaller, call: AuthorizationsCall, response: Response) -> RequestView:
    """Until `claimed_until` no other agent can decide it. Claiming again begins the time anew."""
    claimed = await call.run(claim, Claim(request_id))
    return await _shown(call, claimed, None, response)


@routes.post("/v1/requests/{request_id}/decision", summary="Decide a request")
async def post_decision(
    request_id: UUID,
    body: DecisionBody,
    acting: ProfileOrAgent,
    call: AuthorizationsCall,
    response: Response,
    if_match: IfMatch = None,
) -> RequestView:
    """By those who manage the organization that decides, or by an agent. What is approved is in force at once."""
    await call.run(
        decide,
        Decide(
            by=as_profile(acting) if acting else None,
            request_id=request_id,
            version=stated_version(if_match),
            decision=Decision(body.outcome, body.reason, body.contact_id),
        ),
    )
    return await _again(call, request_id, "decider" if acting else None, response)


@routes.post("/v1/requests/{request_id}/submission", summary="Submit a request again, corrected")
async def post_submission(
    request_id: UUID,
    body: CorrectionBody,
    acting: Profile,
    call: AuthorizationsCall,
    response: Response,
    if_match: IfMatch = None,
) -> RequestView:
    """By whoever asked, after it was returned. It waits for a decision as long as a new one."""
    await call.run(
        submit_again,
        SubmitAgain(
            by=as_profile(acting),
            request_id=request_id,
            version=stated_version(if_match),
            period=body.period(today(call)),
            grants=grants(body.subjects),
            personal=body.contact.personal() if body.contact else None,
            ticked=body.ticked(call.language),
            language=call.language,
        ),
    )
    return await _again(call, request_id, "asker", response)


@routes.post("/v1/requests/{request_id}/withdrawal", summary="Withdraw a request")
async def post_withdrawal(
    request_id: UUID, acting: Profile, call: AuthorizationsCall, response: Response
) -> RequestView:
    """By whoever asked, or by those who manage the organization that asked."""
    await call.run(withdraw, Withdraw(as_profile(acting), request_id))
    return await _again(call, request_id, "asker", response)


async def _page(call: Call[Tools], listing: Any, cursor: str | None, limit: int, side: Any) -> PageView[RequestView]:
    found = await page(call, listing, cursor, limit)
    requests = [storage.request(row) for row in found.rows]
    async with call.gateway.unit.pool.acquire() as connection:
        names = await storage.names(connection, requests)
        persons = await contacts.descriptions(connection, [request.request_id for request in requests])
    items = [_view(call, request, side(request), names, persons) for request in requests]
    return PageView[RequestView](**paged(found, items, call.language))


async def _again(call: Call[Tools], request_id: UUID, side: Side | None, response: Response) -> RequestView:
    async with call.gateway.unit.pool.acquire() as connection:
        request = await storage.get(connection, request_id)
    assert request is not None
    return await _shown(call, request, side, response)


async def _shown(call: Call[Tools], request: Request, side: Side | None, response: Response) -> RequestView:
    async with call.gateway.unit.pool.acquire() as connection:
        names = await storage.names(connection, [request])
        persons = await contacts.descriptions(connection, [request.request_id])
    response.headers["ETag"] = etag(request.version)
    return _view(call, request, side, names, persons)


def _view(
    call: Call[Tools], request: Request, side: Side | None, names: dict[UUID, str], persons: dict[UUID, Personal]
) -> RequestView:
    agency, language, now = call.tools.agency, call.language, call.gateway.unit.origin.clock()
    day = call.tools.moment(now).day
    hidden = side == "asker" and request.is_blind and request.outcome != "approve"
    reason = agency.decision_reasons[request.decision_reason] if request.decision_reason else None
    claimant = request.claimant(now) if side is None else None

    def named(organization_id: UUID | None) -> OrganizationView | None:
        if organization_id is None:
            return None
        return OrganizationView(organization_id=organization_id, name=names[organization_id])

    return RequestView(
        request_id=request.request_id,
        kind=request.kind,
        kind_name=agency.requests.kinds[request.kind].name.in_(language),
        reason=request.reason,
        state=request.state_on(day),
        outcome=request.outcome,
        decision_reason=request.decision_reason,
        decision_reason_name=reason.name.in_(language) if reason else None,
        decider=agency.requests.kinds[request.kind].decider if side == "asker" else request.decider,
        organization=None if hidden else named(request.organization_id),
        other_kind=request.other.kind if request.other else None,
        other_number=request.other.number if request.other else None,
        asked_by=named(request.asked_by_organization_id),
        asked=_asked(call, request, persons.get(request.request_id), for_agents=side is None),
        submitted_at=request.submitted_at,
        settled_at=request.settled_at,
        lapses_on=request.lapses_on,
        mine_to_decide=side != "asker" and request.state_on(day) == "submitted",
        claimed_by_me=None if claimant is None else claimant == f"{call.actor.kind}:{call.actor.id}",
        claimed_until=request.claimed_until if claimant is not None else None,
    )


def _asked(call: Call[Tools], request: Request, person: Personal | None, *, for_agents: bool) -> AskedView:
    match request.kind, request.reason:
        case "proposed_end", _:
            return AskedView(relation_id=AskedEnd.model_validate(request.asked).relation_id)
        case _, "unmanaged":
            return _asked_type(call, AskedManager.model_validate(request.asked).type)
    asked = AskedContact.model_validate(request.asked)
    return _asked_type(call, asked.type).model_copy(
        update={
            "starts_on": asked.starts_on,
            "ends_on": last_day(asked.period),
            "subjects": [
                AskedSubjectView(
                    subject=grant.subject,
                    name=call.tools.agency.subjects[grant.subject].name.in_(call.language),
                    level=grant.level,
                )
                for grant in asked.grants
            ],
            "client_number": asked.client_number,
            "person": PersonView.model_validate(person, from_attributes=True) if person else None,
            "candidates": [
                _candidate(candidate, call.language) for candidate in (asked.candidates if for_agents else ())
            ],
        }
    )


def _candidate(candidate: Candidate, language: Language) -> CandidateView:
    agreeing = [
        AgreeingFieldView(
            field=field,
            name=word(f"column_{field}", language),
            agreement=agreement,
            agreement_name=word(f"agreement_{agreement}", language),
        )
        for field in ("client_number", *CONTACT_FIELDS)
        if (agreement := candidate.agreeing.get(field)) is not None
    ]
    return CandidateView(
        contact_id=candidate.contact_id,
        score=candidate.score,
        agreeing=agreeing,
        same_organization=candidate.same_organization,
    )


def _asked_type(call: Call[Tools], type: str) -> AskedView:
    return AskedView(type=type, type_name=call.tools.relation_type(type).name.in_(call.language))
