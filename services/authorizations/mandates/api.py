"""Mandates over HTTP: a list is asked for, each is looked at, and what its sides do with it besides signing."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, Field, StringConstraints

from chassis.fields import Body, Email, Name, Reference
from chassis.gateway import ONCE, router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from chassis.versions import IfMatch, etag, stated_version
from contracts.events import Language
from services.authorizations.access.domain import Acting, AsAgent
from services.authorizations.deciding.ending import Withdraw, WithdrawByToken, withdraw, withdraw_by_token
from services.authorizations.deciding.handlers import QueueView, view_queue
from services.authorizations.instants import today
from services.authorizations.mandates import storage
from services.authorizations.mandates.domain import AnsweredQuestionnaire
from services.authorizations.mandates.eligibility import Wanted
from services.authorizations.mandates.ending import Revoke, revoke
from services.authorizations.mandates.looking import OpenedMandate, OpenMandate, open_mandate
from services.authorizations.mandates.renewing import Correct, Renew, correct, renew
from services.authorizations.mandates.storage import MandateFilter
from services.authorizations.mandates.submitting import SubmitMandates, submit_mandates
from services.authorizations.mandates.views import ListView, MandateView, list_view, views
from services.authorizations.paging import Cursor, Limit, PageView, page, paged
from services.authorizations.personal.domain import Personal
from services.authorizations.profile import (
    ActingIfAny,
    Asking,
    AuthorizationsCall,
    Looking,
    Profile,
    SignedIn,
    as_profile,
)
from services.authorizations.requests.domain import State
from services.authorizations.requests.storage import request

routes = router()

MOST_ANSWERS = 100

AnswerCode = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern="^[a-z0-9_]+$")]


class DelegateBody(Body):
    """Whom somebody mandates; the address is where the invitation to sign goes."""

    family_name: Name
    given_name: Name
    email: Email
    language: Language

    def personal(self) -> Personal:
        """The same as a row keeps it."""
        return Personal(self.family_name, self.given_name, self.email, [], self.language)


class MandateBody(Body):
    """One person, one service. `language` is that of the text that the professional signs."""

    delegate: DelegateBody
    service: Reference
    role: Reference
    starts_on: date | None = Field(None, description="First day; the agency's today when absent.")
    ends_on: date | None = Field(
        None, description="Last day, included; as long as the service allows when absent; 9999-12-31: no end."
    )
    language: Language

    def wanted(self) -> Wanted:
        """The same as the domain knows it."""
        return Wanted(
            self.delegate.personal(), self.service, self.role, self.starts_on, self.ends_on, self.language
        )  # fmt: skip


class MandatesBody(Body):
    """The answers that led here, and whom they are to be mandated."""

    questionnaire: Reference
    answers: Annotated[Mapping[AnswerCode, AnswerCode], Field(max_length=MOST_ANSWERS)]
    mandates: Annotated[list[MandateBody], Field(min_length=1, max_length=200)]


@routes.post("/v1/mandates", status_code=201, summary="Mandate persons, each for one service", dependencies=[ONCE])
async def post_mandates(body: MandatesBody, acting: Profile, call: AuthorizationsCall, response: Response) -> ListView:
    """By a professional. Each is accepted or refused on its own; then both sides have to sign.

    The same Idempotency-Key answers the same list, with its texts as they read now.
    """
    command = SubmitMandates(
        by=as_profile(acting),
        answered=AnsweredQuestionnaire(id=body.questionnaire, answers=body.answers),
        wanted=[one.wanted() for one in body.mandates],
        language=call.language,
    )
    list_id = await call.create(submit_mandates, command)
    async with call.gateway.unit.pool.acquire() as connection:
        return await list_view(call, connection, list_id)


@routes.get("/v1/mandates", summary="Mandates of a profile, or for agents all")
async def list_mandates(
    asker: Asking,
    call: AuthorizationsCall,
    state: Annotated[State | None, Query(description="Only those in this state today.")] = None,
    organization_id: Annotated[UUID | None, Query(description="Agents: only those of this organization.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageView[MandateView]:
    """Of its organization for those who manage it, what it asked itself for others, and those that mandate it.

    Agents see all, in the order in which they were asked for, and their look is audited with the mandates that it
    showed; GET /v1/requests?kind=mandate is their queue.
    """
    looker = asker.acting
    if isinstance(looker, AsAgent):
        narrow = MandateFilter(state, organization_id)
    else:
        only = None if asker.manages else looker.contact_id
        narrow = MandateFilter(state, looker.organization_id, only, looker.contact_id)
    found = await page(call, storage.listing(today(call), narrow), cursor, limit)
    asked = [request(row) for row in found.rows]
    async with call.gateway.unit.pool.acquire() as connection:
        mandates = await storage.get_all(connection, [one.request_id for one in asked])
        opened = []
        for one in asked:
            mandate = mandates[one.request_id]
            reader = mandate.read_by(looker, one, manages=asker.manages)
            assert reader is not None  # the list has only those
            opened.append(OpenedMandate(one, mandate, reader))
        items = await views(call, connection, opened)
    if isinstance(looker, AsAgent):
        await call.run(view_queue, QueueView(organization_id, [one.request_id for one in asked]))
    return PageView[MandateView](**paged(found, items, call.language))


@routes.get("/v1/mandates/{mandate_id}", summary="One mandate")
async def get_mandate(mandate_id: UUID, looker: Looking, call: AuthorizationsCall, response: Response) -> MandateView:
    """For both sides, those who manage the organization, and agents, whose look is audited. The ETag is its version."""
    return await shown(call, looker, mandate_id, response)


async def shown(call: AuthorizationsCall, looker: Looking, mandate_id: UUID, response: Response) -> MandateView:
    """A mandate as it stands now, for whoever looks or has just done something with it."""
    opened = await call.run(open_mandate, OpenMandate(looker, mandate_id))
    async with call.gateway.unit.pool.acquire() as connection:
        (view,) = await views(call, connection, [opened])
    response.headers["ETag"] = etag(opened.request.version)
    return view


class WithdrawalBody(Body):
    """The token of a mail's link, of whoever has no account, as it stands after the #."""

    token: Annotated[str | None, Field(repr=False, min_length=20, max_length=200, pattern=r"^[0-9A-Za-z._-]+$")] = None


class WithdrawnView(BaseModel):
    """A mandate that a mail's reader has withdrawn: no mail leads to it any more."""

    mandate_id: UUID
    state: Literal["withdrawn"] = "withdrawn"


@routes.post("/v1/mandates/{mandate_id}/withdrawal", summary="Withdraw a mandate that was not decided")
async def post_withdrawal(
    mandate_id: UUID,
    signer: SignedIn,
    acting: ActingIfAny,
    call: AuthorizationsCall,
    response: Response,
    body: WithdrawalBody | None = None,
) -> MandateView | WithdrawnView:
    """By whoever asked for it, or who manages the organization; or by a side with the token of a mail.

    Both sides are told. One that is in force is revoked. Problems: mandate_link_over (409).
    """
    if body is not None and body.token is not None:
        await call.run(withdraw_by_token, WithdrawByToken(mandate_id, body.token))
        return WithdrawnView(mandate_id=mandate_id)
    if signer[0] is None:
        raise ProblemRaised(Refusal("invalid_request", fields=("token",)))
    if acting is None:
        raise ProblemRaised(Refusal("profile_required", fields=("Mandat-Profile",)))
    await call.run(withdraw, Withdraw(as_profile(acting), mandate_id))
    return await shown(call, acting, mandate_id, response)


class CorrectionBody(MandateBody):
    """The form again, corrected: both sides sign the new text."""


class RenewalBody(Body):
    """For which other days the same person keeps the same service; `language` is that of the text to sign."""

    starts_on: date | None = Field(None, description="First day; when absent, the one after the present mandate.")
    ends_on: date | None = Field(None, description="Last day, included; as long as the service allows when absent.")
    language: Language


class ProcessingDateView(BaseModel):
    """The day of receipt of the oldest mandate that waits for agents; today, where none waits."""

    date: date
    as_of: datetime


@routes.post("/v1/mandates/{mandate_id}/correction", summary="Correct a mandate that agents returned")
async def post_correction(
    mandate_id: UUID,
    body: CorrectionBody,
    acting: Profile,
    call: AuthorizationsCall,
    response: Response,
    if_match: IfMatch = None,
) -> MandateView:
    """By whoever asked for it, or who manages the organization. What was signed is void: there is a new text."""
    command = Correct(as_profile(acting), mandate_id, stated_version(if_match), body.wanted(), call.language)
    await call.run(correct, command)
    return await shown(call, acting, mandate_id, response)


@routes.post(
    "/v1/mandates/{mandate_id}/renewal", status_code=201, summary="Renew a mandate in force", dependencies=[ONCE]
)
async def post_renewal(
    mandate_id: UUID, body: RenewalBody, acting: Profile, call: AuthorizationsCall, response: Response
) -> MandateView:
    """By whoever asked for it, or who manages the organization: a new mandate, which both sides sign.

    An approval needs no new credential; where the days overlap, the new one takes the place of the other.
    """
    command = Renew(as_profile(acting), mandate_id, body.starts_on, body.ends_on, body.language, call.language)
    renewal_id = await call.create(renew, command)
    response.headers["Location"] = f"/v1/mandates/{renewal_id}"
    return await shown(call, acting, renewal_id, response)


@routes.post("/v1/mandates/{mandate_id}/revocation", summary="Revoke a mandate in force")
async def post_revocation(
    mandate_id: UUID, looker: Looking, call: AuthorizationsCall, response: Response
) -> MandateView:
    """By either side, those who manage the organization, or an agent. The access that it gave ends at once."""
    await call.run(revoke, Revoke(looker if not isinstance(looker, Acting) else as_profile(looker), mandate_id))
    return await shown(call, looker, mandate_id, response)


@routes.get("/v1/processing-date", summary="The day of receipt of the mandates that are processed now")
async def get_processing_date(call: AuthorizationsCall) -> ProcessingDateView:
    """For everybody, without a token."""
    if call.tools.agency.mandates is None:
        raise ProblemRaised(Refusal("not_offered"))
    now = call.gateway.unit.origin.clock()
    oldest = await storage.oldest_waiting(call.gateway.unit.pool, today(call))
    return ProcessingDateView(date=call.tools.moment(oldest or now).day, as_of=now)
