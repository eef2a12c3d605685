"""OpenID AuthZEN Authorization API 1.0: POST /access/v1/evaluation and /evaluations, with their errors and leniency.

Unknown fields are ignored; whatever is malformed is a 400 with a short text; a no is a 200.
"""

import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple, TypeVar
from uuid import UUID, uuid4

import structlog
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.database import is_outage
from chassis.gate import BodyTooLarge
from chassis.gateway import Gateway, actor_of
from chassis.refusals import Refused, note_at_the_door
from chassis.telemetry import described
from chassis.together import MOST, Together
from chassis.tokens import Caller, KeysUnavailable, Machine, NotAuthenticated, Person
from chassis.work import Unit
from chassis.writing import written_date
from contracts.events import LANGUAGES
from contracts.problems import word
from services.authorizations import metrics
from services.authorizations.access import domain
from services.authorizations.access.domain import Decision, Mandate
from services.authorizations.access.handlers import NO_CHAIN, Question, evaluate, mandate_of, why_no_chain
from services.authorizations.access.uses import Uses
from services.authorizations.answers import last_day
from services.authorizations.instants import PlausibleInstant
from services.authorizations.tools import Tools

log = structlog.get_logger()

M = TypeVar("M", bound=BaseModel)

SCOPE = "access:evaluate"

PLAIN = {allowed: JSONResponse({"decision": allowed}).body for allowed in (True, False)}
"""Answers that nobody wants explained."""

MOST_QUESTIONS = 1_000  # of one batch; a page of a portal asks fewer, and ten queries answer so many
MOST_EXPLAINED = 100  # of one batch: the reason of a no takes queries of its own, for each question

# What to do next, by the reason of a no; the agency's support where nothing else helps.
NEXT = {"no_profile": "next_link", "binding": "next_link", "no_subject": "next_manager", "level": "next_manager",
        "no_relation": "next_manager", "right": "next_manager", "relation": "next_manager",
        "membership": "next_manager", "blocked": "next_unblock"}  # fmt: skip


# No database text can hold a NUL.
Text = Annotated[StrictStr, Field(pattern=r"^[^\x00]*$")]


class Lenient(BaseModel):
    """Whatever else the caller sends is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Entity(Lenient):
    """A subject or a resource."""

    type: Text
    id: Text


class Action(Lenient):
    """An action."""

    name: Text


class Context(Lenient):
    """What a question may say besides: the instant, by what was known when, what must have been applied, explain."""

    at: PlausibleInstant | None = None
    recorded_at: PlausibleInstant | None = None
    after: StrictStr | None = None
    explain: StrictBool = False


class Evaluation(Lenient):
    """One question."""

    subject: Entity
    action: Action
    resource: Entity
    context: Context = Context()


class Options(Lenient):
    """How a batch goes on after a decision: through all of it, or to the first no, or to the first yes."""

    evaluations_semantic: Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"] = "execute_all"


class Batch(Lenient):
    """Several questions. What an item leaves out is what the batch says beside them; each item is read by itself."""

    evaluations: Annotated[Sequence[Any], Field(max_length=MOST_QUESTIONS)] = ()
    options: Options = Options()


class Malformed(NamedTuple):
    """An item of a batch that is no question, and the paths of what is wrong in it."""

    fields: Sequence[str]


UNTIL = {"execute_all": None, "deny_on_first_deny": False, "permit_on_first_permit": True}
"""The decision after which nothing more is answered."""


def build(gateway: Gateway[Tools]) -> dict[str, ASGIApp]:
    """The application at each of its paths."""
    unit = gateway.unit
    decisions, noting = Together(partial(evaluate, unit.pool, unit.tools)), partial(_noting, unit, Uses())

    async def evaluation(request: Request) -> Response:
        begun = time.perf_counter()
        caller, body = await _asked(request, gateway)
        question = _read(body, Evaluation)
        waited = await _admit(gateway, caller, [question], "POST /access/v1/evaluation")
        response = await one(caller, question)
        metrics.CHECK_SECONDS.observe(time.perf_counter() - begun - waited)
        return response

    async def evaluations(request: Request) -> Response:
        caller, body = await _asked(request, gateway)
        batch = _read(body, Batch)
        defaults = {name: value for name, value in json.loads(body).items() if name in Evaluation.model_fields}
        if not batch.evaluations:
            question = _read(json.dumps(defaults).encode(), Evaluation)
            await _admit(gateway, caller, [question], "POST /access/v1/evaluations")
            return await one(caller, question)
        items = [_item(defaults, item, place) for place, item in enumerate(batch.evaluations)]
        questions = [item for item in items if isinstance(item, Evaluation)]
        if sum(question.context.explain for question in questions) > MOST_EXPLAINED:
            raise HTTPException(400, f"at most {MOST_EXPLAINED} of the evaluations can be explained")
        await _admit(gateway, caller, questions, "POST /access/v1/evaluations")
        now = unit.origin.clock()
        answers = iter(await several([_question(question, question.context.at or now) for question in questions]))
        said, given = [], list[tuple[Evaluation, Question, Decision]]()
        for item in items:
            if isinstance(item, Malformed):
                said.append({"decision": False, "context": _malformed(item)})
            else:
                asked, decision = next(answers)
                given.append((item, asked, decision))
                said.append(await answer(caller, item, asked, decision))
            if said[-1]["decision"] is UNTIL[batch.options.evaluations_semantic]:
                break
        return JSONResponse({"evaluations": said}, background=noting(caller, given))

    async def one(caller: Caller, question: Evaluation) -> Response:
        asked = _question(question, question.context.at or unit.origin.clock())
        decision = await decisions.ask(asked)
        said, noted = await answer(caller, question, asked, decision), noting(caller, [(question, asked, decision)])
        if len(said) > 1:
            return JSONResponse(said, background=noted)
        return Response(PLAIN[said["decision"]], media_type="application/json", background=noted)

    async def several(asked: Sequence[Question]) -> list[tuple[Question, Decision]]:
        """Beside the queries that single questions share, so that none of those waits behind a batch."""
        found: list[Decision] = []
        for start in range(0, len(asked), MOST):
            found += await evaluate(unit.pool, unit.tools, asked[start : start + MOST])
        return list(zip(asked, found, strict=True))

    async def answer(caller: Caller, question: Evaluation, asked: Question, decision: Decision) -> dict[str, Any]:
        if not question.context.explain:
            return {"decision": decision.allowed}
        if decision is NO_CHAIN:
            # A number that no organization has is to a person like one that it has nothing to do with.
            tells_unknown = not isinstance(caller, Person)
            decision = await why_no_chain(unit.pool, unit.tools, asked, tells_unknown=tells_unknown)
        if isinstance(caller, Person) and decision.reason == "unknown":
            decision = domain.NO_RELATION
        mandate = await mandate_of(unit.pool, unit.tools, asked, decision)
        return {"decision": decision.allowed, "context": explain(decision, question.resource.type, unit.tools, mandate)}

    return {
        "/access/v1/evaluation": partial(_answered, evaluation),
        "/access/v1/evaluations": partial(_answered, evaluations),
    }


def _noting(
    unit: Unit[Tools], uses: Uses, caller: Caller, given: Sequence[tuple[Evaluation, Question, Decision]]
) -> BackgroundTask | None:
    """What is left to do once the answer is sent: the yeses to a service about now, of which one is new today."""
    if not isinstance(caller, Machine) or "mandates" not in unit.tools.agency.features:
        return None
    yeses = {
        (decision.relation_id, asked.subject)
        for question, asked, decision in given
        if decision.allowed and decision.relation_id is not None
        and question.context.at is None and question.context.recorded_at is None
    }  # fmt: skip
    moment = unit.tools.moment(unit.origin.clock())
    fresh = uses.fresh(yeses, moment.day)
    return BackgroundTask(uses.note, unit, actor_of(caller), fresh, moment) if fresh else None


async def _answered(
    answer: Callable[[Request], Awaitable[Response]], scope: Scope, receive: Receive, send: Send
) -> None:
    request = Request(scope, receive)
    try:
        response = await answer(request)
    except Exception as error:
        refused = _http(error)
        response = JSONResponse(refused.detail, refused.status_code, refused.headers)
    if identity := request.headers.get("x-request-id"):
        response.headers["X-Request-ID"] = identity[:200]
    await response(scope, receive, send)


async def _asked(request: Request, gateway: Gateway[Tools]) -> tuple[Caller, bytes]:
    """Who asks, and the body, which is said to be JSON."""
    if request.method != "POST":
        raise HTTPException(405, "only POST is answered here", {"Allow": "POST"})
    caller = await _caller(request, gateway)
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise HTTPException(400, "Content-Type must be application/json")
    return caller, await request.body()


async def _caller(request: Request, gateway: Gateway[Tools]) -> Caller:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise HTTPException(401, "a bearer token is required", {"WWW-Authenticate": "Bearer"})
    try:
        return await gateway.verifier.verify(token.strip())
    except NotAuthenticated:
        raise HTTPException(401, "the token is not valid", {"WWW-Authenticate": "Bearer"}) from None
    except KeysUnavailable:
        raise HTTPException(503, "the issuer's keys are not known yet", {"Retry-After": "1"}) from None


def _read(body: bytes, form: type[M]) -> M:
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        if any(fault["type"] == "json_invalid" for fault in error.errors(include_input=False, include_url=False)):
            raise HTTPException(400, "the body is not valid JSON") from None
        where = "; ".join(f"{path}: {message}" for path, message in _faults(error))
        raise HTTPException(400, where) from None


def _item(defaults: Mapping[str, Any], item: Any, place: int) -> Evaluation | Malformed:
    if not isinstance(item, Mapping):
        return Malformed([f"evaluations.{place}"])
    try:
        return Evaluation.model_validate({**defaults, **item})
    except ValidationError as error:
        return Malformed([path for path, _ in _faults(error)])


def _faults(error: ValidationError) -> Iterable[tuple[str, str]]:
    for fault in error.errors(include_input=False, include_url=False):
        yield ".".join(map(str, fault["loc"])), fault["msg"]


def _malformed(item: Malformed) -> dict[str, Any]:
    """Why an item of a batch is answered no without having been asked."""
    fields = ", ".join(item.fields)
    said = {to: word("reason_malformed", to, fields=fields) for to in LANGUAGES}
    return {"reason": {"code": "malformed", "fields": list(item.fields), **said}}


async def _admit(gateway: Gateway[Tools], caller: Caller, questions: Sequence[Evaluation], route: str) -> float:
    """Whether the caller may ask all of it, and for how many seconds it had to be waited."""
    if not _may_ask(caller, questions):
        code = "missing_scope" if isinstance(caller, Machine) else "not_permitted"
        await gateway.unit.run(note_at_the_door, Refused(route, code), actor_of(caller))
        raise HTTPException(403, "this token may ask about its own account only")
    afters = {question.context.after for question in questions if question.context.after is not None}
    begun = time.perf_counter()
    for after in afters:
        await _wait(gateway, after)
    return time.perf_counter() - begun if afters else 0.0


def _may_ask(caller: Caller, questions: Sequence[Evaluation]) -> bool:
    if isinstance(caller, Machine):
        return SCOPE in caller.scopes
    return isinstance(caller, Person) and all(one.subject.id == str(caller.account_id) for one in questions)


async def _wait(gateway: Gateway[Tools], after: str) -> None:
    refusal = await gateway.waiters.wait(after, gateway.reads, gateway.unit.origin.clock())
    if refusal is not None and refusal.code == "not_yet_applied":
        raise HTTPException(409, "not_yet_applied", {"Retry-After": "1"})
    if refusal is not None:
        raise HTTPException(400, "context.after is not a Mandat-After value")


def _question(evaluation: Evaluation, at: Any) -> Question:
    account_id = None
    if evaluation.subject.type == "account":
        try:
            account_id = UUID(evaluation.subject.id)
        except ValueError:
            account_id = None
    name = evaluation.action.name
    return Question(
        account_id=account_id,
        level="read" if name == "read" else "write" if name == "write" else None,
        subject=evaluation.resource.type,
        organization=evaluation.resource.id,
        at=at,
        recorded_at=evaluation.context.recorded_at,
    )


def explain(decision: Decision, subject: str, tools: Tools, mandate: Mandate | None = None) -> dict[str, Any]:
    """The chain link by link, the mandate it rests on, the first that fails, and what to do next, in both languages."""
    found = tools.agency.subjects.get(subject)
    support, texts = tools.agency.profile.support_email, tools.agency.texts
    content: dict[str, Any] = {
        "chain": [
            {"link": link.name, "holds": link.holds, **{to: texts.word(f"link_{link.name}", to) for to in LANGUAGES}}
            for link in decision.links
        ]
    }
    if decision.relation_id is not None:
        content["relation_id"] = str(decision.relation_id)
    if mandate is not None:
        content["mandate_id"] = str(mandate.mandate_id)
        content["mandate"] = _mandate(mandate)
    if decision.reason is None:
        return content
    following = NEXT.get(decision.reason, "next_agency")
    content["reason"] = {"code": decision.reason}
    content["next"] = {"code": following}
    for to in LANGUAGES:
        name = found.name.in_(to) if found else subject
        content["reason"][to] = texts.word(f"reason_{decision.reason}", to, subject=name)
        content["next"][to] = texts.word(following, to, support=support)
    if decision.reason == "delegable" and found is not None and found.why_not_delegable is not None:
        content["next"] = {"code": "why_not_delegable", **{to: found.why_not_delegable.in_(to) for to in LANGUAGES}}
        if found.link is not None:
            content["next"]["link"] = {to: found.link.in_(to) for to in LANGUAGES}
    return content


def _mandate(mandate: Mandate) -> dict[str, Any]:
    """A mandate by its id and its days: who signed it is for its own page, which knows who asks."""
    period = mandate.period
    days = {"signed_on": mandate.signed_on, "starts_on": period.starts_on, "ends_on": last_day(period)}
    text = "by_mandate" if period.ends_on else "by_mandate_without_end"
    said: dict[str, str] = {name: day.isoformat() for name, day in days.items()}
    for to in LANGUAGES:
        written = {name: written_date(day, to) for name, day in days.items()}
        said[to] = word(text, to, mandate_id=mandate.mandate_id, **written)
    return said


def _http(error: Exception) -> HTTPException:
    """What an error is to the caller: a status and a short text, never a trace."""
    if isinstance(error, BodyTooLarge):
        return HTTPException(400, "the body is too large")
    if isinstance(error, HTTPException):
        return error
    if is_outage(error):
        log.warning("database failed", error=described(error))
        return HTTPException(503, "unavailable", {"Retry-After": "2"})
    reference = str(uuid4())
    log.error("evaluation failed", reference=reference, exc_info=error)
    return HTTPException(500, f"an error on our side, {reference}")
