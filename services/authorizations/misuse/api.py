"""POST /v1/reports: another person uses an account."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from chassis.fields import Body, Reference
from chassis.gateway import ONCE, router
from services.authorizations.misuse import handlers
from services.authorizations.misuse.domain import LONGEST_WORDS
from services.authorizations.misuse.handlers import Report
from services.authorizations.profile import AuthorizationsCall, Looking, as_reporter

routes = router()

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_WORDS)]


class ReportBody(Body):
    """Whose account it is, named by one of three; why, as the agency's data have it; and what happened, in words."""

    mandate_id: UUID | None = None
    account_id: UUID | None = None
    contact_id: UUID | None = None
    reason: Reference
    words: Words | None = Field(None, repr=False, description="For agents alone; erased some time after the review.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if [self.mandate_id, self.account_id, self.contact_id].count(None) != 2:
            raise ValueError("one of mandate_id, account_id and contact_id")
        return self


class ReportView(BaseModel):
    """That the report has arrived. The same whether it is the first about the account or the tenth."""

    report_id: UUID


class MisuseReasonView(BaseModel):
    """A reason for which one may report."""

    code: str
    name: str


class MisuseReasonsView(BaseModel):
    """In the order of the agency's data; empty where nobody reports."""

    items: list[MisuseReasonView]
    total: int


@routes.get("/v1/report-reasons", summary="For which reasons misuse is reported")
async def get_reasons(call: AuthorizationsCall, _: Looking) -> MisuseReasonsView:
    """For those who may report: anybody who is signed in, and agents."""
    found = call.tools.agency.misuse.reasons_on(call.tools.day(call.gateway.unit.origin.clock()))
    items = [MisuseReasonView(code=reason.code, name=reason.name.in_(call.language)) for reason in found]
    return MisuseReasonsView(items=items, total=len(items))


@routes.post("/v1/reports", status_code=201, summary="Report that another person uses an account", dependencies=[ONCE])
async def post_report(body: ReportBody, looker: Looking, call: AuthorizationsCall) -> ReportView:
    """By whose account it is, with or without a profile; by those who manage an organization, about its contacts; and
    by agents. Agents look at it, close the account where they have to, and decide; nothing ends by a report alone.

    Problems: not_found (404; also whatever one may not report about), unknown_misuse_reason (422), not_offered (409),
    too_many_attempts (429).
    """
    command = Report(
        as_reporter(looker), body.account_id, body.contact_id, body.mandate_id, body.reason, body.words, call.language
    )
    return ReportView(report_id=await call.create(handlers.report, command))
