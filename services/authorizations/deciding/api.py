"""Requests over HTTP: what an organization asked and has to decide, the agents' queue, and what is done with one."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, Field

from chassis.fields import Body, Email, Reference
from chassis.gateway import AgentCaller, Call, PersonCaller, router
from chassis.outcomes import Pending
from chassis.versions import IfMatch, etag, stated_version
from contracts.agency.requests import Decider, Outcome, RequestKind
from services.authorizations.access.domain import AsAgent
from services.authorizations.answers import OrganizationView
from services.authorizations.bodies import GrantBody, GrantingBody, Grants, PersonBody, grants
from services.authorizations.deciding.accepting import Accept, Accepted, accept
from services.authorizations.deciding.ending import Withdraw, withdraw
from services.authorizations.deciding.handlers import (
    Decide,
    Hold,
    OpenRequest,
    QueueView,
    SubmitAgain,
    decide,
    hold,
    open_request,
    submit_again,
    view_queue,
)
from services.authorizations.deciding.views import RequestView, views
from services.authorizations.instants import today
from services.authorizations.paging import Cursor, Limit, PageView, page, paged
from services.authorizations.periods import FOREVER, Period
from services.authorizations.profile import Asking, AuthorizationsCall, Looking, Profile, Withdrawing, as_profile
from services.authorizations.relations.domain import Grant
from services.authorizations.requests import storage
from services.authorizations.requests.domain import Decision, GivenAccess, GivenSubject, Request, Side, State
from services.authorizations.requests.storage import RequestFilter
from services.authorizations.tools import Tools

routes = router()

KindFilter = Annotated[RequestKind | None, Query(description="Only requests of this kind.")]
StateFilter = Annotated[State | None, Query(description="Only requests in this state today.")]
QueueState = Annotated[
    State | Literal["any"], Query(description="Only requests in this state today; `any`: also those that have ended.")
]
QueueDecider = Annotated[
    Decider | Literal["any"] | None,
    Query(
        description="Only what these decide; `any`: whoever decides. Absent: agents; with `organization_id`, anybody."
    ),
]
OrganizationFilter = Annotated[
    UUID | None, Query(description="Only requests to act for this organization, and those that it made.")
]


class NewTextBody(GrantingBody):
    """The form again, corrected; `contact` where the request is about a new contact."""

    subjects: Grants
    contact: PersonBody | None = None


class DatedGrantBody(GrantBody):
    """A subject and a level, for a time within the function's: as long as that, where a day is not given."""

    starts_on: date | None = None
    ends_on: date | None = None

    def given(self, access: Period) -> GivenSubject:
        """The subject as the domain knows it, with days of its own where it has any."""
        grant = Grant(self.subject, self.level)
        if self.starts_on is None and self.ends_on is None:
            return GivenSubject(grant)
        last = access.ends_on if self.ends_on is None else self.ends_on
        return GivenSubject(grant, Period.of(self.starts_on or access.starts_on, last))


class AccessBody(Body):
    """What an access request is given: a function and subjects, each for a time."""

    type: Reference
    starts_on: date | None = Field(None, description="First day; the agency's today when absent.")
    ends_on: date = Field(FOREVER, description="Last day, included; 9999-12-31 when no end is planned.")
    subjects: Annotated[list[DatedGrantBody], Field(max_length=100)] = Field(default_factory=list[DatedGrantBody])

    def given(self, day: date) -> GivenAccess:
        """The same as the domain knows it; the last of two of one subject counts."""
        period = Period.of(self.starts_on or day, self.ends_on)
        subjects = {body.subject: body.given(period) for body in self.subjects}
        return GivenAccess(self.type, period, list(subjects.values()))


class AcceptanceBody(Body):
    """The token that an invitation's mail leads with."""

    token: Annotated[str, Field(repr=False, min_length=20, max_length=200, pattern=r"^[0-9A-Za-z_-]+$")]


class AcceptedView(BaseModel):
    """The contact that the account is from now on: its profile, once linking knows it."""

    contact_id: UUID
    organization: OrganizationView


class WaitingView(BaseModel):
    """The request that waits for those who manage the organization: whether the account is somebody there already."""

    request_id: UUID


class DecisionBody(Body):
    """A decision. `reason` is one of the agency's codes, needed to reject or return; `contact_id`, whom it is about.

    `managing_reason`, the code of a reason to appoint somebody, is needed where that person is to manage an
    organization for which nobody can act. `link_id`, needed to approve a contested link, is the one in its way that the
    request showed: it ends. `access` is what an access request is given, where that is not what the request showed.
    `email`, needed to approve that half of a credential goes out again, is where to.
    """

    outcome: Outcome
    reason: Reference | None = None
    contact_id: UUID | None = None
    link_id: UUID | None = None
    access: AccessBody | None = None
    managing_reason: Reference | None = None
    email: Email | None = Field(default=None, repr=False)

    def decision(self, day: date) -> Decision:
        """The decision as the domain knows it."""
        access = self.access.given(day) if self.access else None
        return Decision(
            self.outcome, self.reason, self.contact_id, self.link_id, access, self.managing_reason, self.email
        )


@routes.get("/v1/requests", summary="The agents' queue")
async def list_queue(
    agent: AgentCaller,
    call: AuthorizationsCall,
    decider: QueueDecider = None,
    organization_id: OrganizationFilter = None,
    kind: KindFilter = None,
    state: QueueState = "submitted",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageView[RequestView]:
    """In the order in which they came: what waits for agents; of one organization, whatever waits for anybody.

    Agents may decide what waits with an organization too: `decider=organization` lists it. The look is audited, with
    the requests that it showed; of one organization, in its file.
    """
    wanted = decider or ("agents" if organization_id is None else "any")
    narrow = RequestFilter(
        kind=kind,
        state=None if state == "any" else state,
        decider=None if wanted == "any" else wanted,
        organization_id=organization_id,
    )
    listing = storage.of_everybody(today(call), narrow)
    shown = await _page(call, listing, cursor, limit, lambda _: "agent")
    await call.run(view_queue, QueueView(organization_id, [request.request_id for request in shown.items]))
    return shown


@routes.get("/v1/organizations/{organization_id}/requests", summary="What an organization asked and has to decide")
async def list_requests(
    organization_id: UUID,
    asker: Asking,
    call: AuthorizationsCall,
    kind: KindFilter = None,
    state: StateFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageView[RequestView]:
    """Those who manage it see all, others what they asked themselves."""
    only = await asker.open_file(call, organization_id)
    listing = storage.of_organization(today(call), organization_id, RequestFilter(kind, state, only=only))

    def side(request: Request) -> Side:
        if isinstance(asker.acting, AsAgent):
            return "agent"
        return "asker" if request.asked_by_organization_id == organization_id else "decider"

    return await _page(call, listing, cursor, limit, side)


@routes.post(
    "/v1/invitations/acceptance",
    summary="Accept an invitation",
    responses={202: {"model": WaitingView, "description": "Somebody there looks like the person: others decide."}},
)
async def post_acceptance(
    body: AcceptanceBody, caller: PersonCaller, call: AuthorizationsCall, response: Response
) -> AcceptedView | WaitingView:
    """By the account whose verified address was invited; any other is refused, and the invitation stays."""
    accepted: Accepted | Pending = await call.run(accept, Accept(caller.account_id, body.token))
    if isinstance(accepted, Accepted):
        organization = OrganizationView(organization_id=accepted.organization_id, name=accepted.organization_name)
        return AcceptedView(contact_id=accepted.contact_id, organization=organization)
    response.status_code = 202
    response.headers["Location"] = f"/v1/requests/{accepted.resource_id}"
    return WaitingView(request_id=accepted.resource_id)


@routes.get("/v1/requests/{request_id}", summary="One request")
async def get_request(request_id: UUID, looker: Looking, call: AuthorizationsCall, response: Response) -> RequestView:
    """For whoever asked, those who decide, and agents, whose look is audited. The ETag is what a decision must name.

    Without a profile an account sees what it asked itself, by a claim.
    """
    opened = await call.run(open_request, OpenRequest(looker, request_id))
    return await _shown(call, opened.request, opened.side, response)


@routes.post("/v1/requests/{request_id}/claim", summary="Take a request from the queue (agents)")
async def post_claim(request_id: UUID, agent: AgentCaller, call: AuthorizationsCall, response: Response) -> RequestView:
    """Until `held_until` no other agent can decide it. Holding it again begins the time anew."""
    held = await call.run(hold, Hold(request_id))
    return await _shown(call, held, "agent", response)


@routes.post("/v1/requests/{request_id}/decision", summary="Decide a request")
async def post_decision(
    request_id: UUID,
    body: DecisionBody,
    asker: Asking,
    call: AuthorizationsCall,
    response: Response,
    if_match: IfMatch = None,
) -> RequestView:
    """By those who manage the organization that decides, or by an agent. What is approved is in force at once."""
    await call.run(
        decide,
        Decide(
            by=asker.by,
            request_id=request_id,
            version=stated_version(if_match),
            decision=body.decision(today(call)),
        ),
    )
    return await _again(call, request_id, "agent" if isinstance(asker.acting, AsAgent) else "decider", response)


@routes.post("/v1/requests/{request_id}/submission", summary="Submit a request again, corrected")
async def post_submission(
    request_id: UUID,
    body: NewTextBody,
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
    request_id: UUID, asker: Withdrawing, call: AuthorizationsCall, response: Response
) -> RequestView:
    """By whoever asked, or by those who manage the organization that asked; of a claim, without a profile."""
    await call.run(withdraw, Withdraw(asker, request_id))
    return await _again(call, request_id, "asker", response)


async def _page(call: Call[Tools], listing: Any, cursor: str | None, limit: int, side: Any) -> PageView[RequestView]:
    found = await page(call, listing, cursor, limit)
    requests = [storage.request(row) for row in found.rows]
    async with call.gateway.unit.pool.acquire() as connection:
        items = await views(call, connection, requests, side)
    return PageView[RequestView](**paged(found, items, call.language))


async def _again(call: Call[Tools], request_id: UUID, side: Side, response: Response) -> RequestView:
    async with call.gateway.unit.pool.acquire() as connection:
        request = await storage.get(connection, request_id)
    assert request is not None
    return await _shown(call, request, side, response)


async def _shown(call: Call[Tools], request: Request, side: Side, response: Response) -> RequestView:
    async with call.gateway.unit.pool.acquire() as connection:
        (view,) = await views(call, connection, [request], lambda _: side)
    response.headers["ETag"] = etag(request.version)
    return view
