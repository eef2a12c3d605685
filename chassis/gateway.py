"""What every gateway shares: who calls, in which language, and how a use case becomes a response."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar, overload
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import Counter
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis import after, described, proofs, refusals
from chassis.after import Waiters
from chassis.gate import BodyTooLarge, Gate, too_large
from chassis.idempotency import Once, Repeated
from chassis.languages import choose
from chassis.outcomes import Done, Made, Refusal
from chassis.problems import ProblemRaised, field_errors, respond
from chassis.proofs import Proven
from chassis.refusals import Refused
from chassis.tokens import Agent, Caller, GoodElsewhere, KeysUnavailable, Machine, NotAuthenticated, Person, Verifier
from chassis.work import Actor, Handler, Unit
from contracts.events import Language
from contracts.problems import PLATFORM, Texts, problems

T = TypeVar("T")
C = TypeVar("C")
R = TypeVar("R")
K = TypeVar("K", Person, Agent, Machine, Caller)

ANYBODY = Actor("anonymous", "")
NOTED = (403, 404)  # statuses of refusals that say that the caller may not
LONGEST_IDEMPOTENCY_KEY = 200  # characters
AFTER = "What an earlier change answered, in whichever service: this call sees that change."
KEY = f"At most {LONGEST_IDEMPOTENCY_KEY} characters. A request that is sent again gets the first one's answer."


PROBLEMS = Counter("mandat_problems", "Refusals answered to callers, by the problem's stable code", ["problem"])


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


class FieldFault(BaseModel):
    """What is wrong with one field: a JSON pointer into the body, or `query:` or `path:` and the parameter's name."""

    pointer: str
    code: str
    detail: str


class NextStep(BaseModel):
    """What the caller can do instead, in words, and where."""

    code: str
    detail: str
    href: str


class ProblemDetails(BaseModel):
    """A problem as every gateway answers it; `code` is stable, the words are in the caller's language."""

    type: str = Field(examples=["urn:mandat:problem:invalid_request"])
    code: str
    status: int
    title: str
    detail: str
    fields: list[str] = []
    errors: list[FieldFault] = []
    next: NextStep | None = None


@dataclass(frozen=True)
class Gateway(Generic[T]):
    """What a request needs of its process; stands at `app.state.gateway`."""

    unit: Unit[T]
    verifier: Verifier
    reads: Mapping[tuple[str, str], str]
    default_language: Language
    texts: Texts = PLATFORM

    @cached_property
    def waiters(self) -> Waiters:
        """Requests that wait for what Mandat-After names."""
        return Waiters(self.unit.pool)


class Call(Generic[T]):
    """One request on its way through a service."""

    def __init__(self, request: Request, response: Response) -> None:
        """FastAPI makes it, once per request: `Annotated[Call[Tools], Depends(Call)]`."""
        self.gateway: Gateway[T] = request.app.state.gateway
        self.language = language_of(request)
        self.texts = self.gateway.texts
        self.tools: T = self.gateway.unit.tools
        self._request = request
        self._response = response

    @property
    def actor(self) -> Actor:
        """Who acts, with the chosen profile if there is one."""
        return actor_of(getattr(self._request.state, "caller", None), getattr(self._request.state, "profile_id", None))

    async def run(self, handler: Handler[T, C, R | Refusal], command: C, *, opens: bool = False) -> R:
        """Run a use case. Its refusal ends the request as a problem; what it wrote is named in Mandat-After.

        A stranger is told nothing of what was written, because that may differ with what it must not learn; unless the
        use case `opens` something to it, as the verification of a code does.
        """
        committed = await self.gateway.unit.run(handler, command, self.actor)
        if opens or self.actor != ANYBODY:
            self._tell(after.name(committed.written))
        if isinstance(committed.outcome, Refusal):
            raise ProblemRaised(committed.outcome, of_use_case=True)
        return committed.outcome

    @overload
    async def create(
        self, handler: Handler[T, C, UUID | Refusal], command: C, *, digest: Callable[[bytes], bytes] = ...
    ) -> UUID: ...

    @overload
    async def create(
        self,
        handler: Handler[T, C, R | Refusal],
        command: C,
        resource: Callable[[R], UUID],
        digest: Callable[[bytes], bytes] = ...,
    ) -> UUID: ...

    async def create(
        self,
        handler: Handler[T, C, Any],
        command: C,
        resource: Callable[[Any], UUID] = lambda made: made,
        digest: Callable[[bytes], bytes] = _digest,
    ) -> UUID:
        """Run a use case that makes a resource, once per Idempotency-Key. Returns the resource's id.

        The route has the dependency ONCE. `resource` says the id of what the use case returned, where that is not the
        id itself.

        The key is kept with a digest of the body: `digest` is a keyed one where the body holds what can be guessed. A
        stranger is told nothing of what was written, as by `run`.
        """
        once = await self._once(handler, command, lambda outcome: Done(resource(outcome)), digest)
        return once.resource_id

    def proven(self, proof: str, purpose: str, name: str = "proof") -> Proven:
        """What a proof in the field of this name says. Raises ProblemRaised: proof_refused, unavailable."""
        found = proofs.verify(self.gateway.verifier, proof, purpose, name)
        if isinstance(found, Refusal):
            raise ProblemRaised(found)
        return found

    async def make(self, handler: Handler[T, C, Made | Refusal], command: C) -> Made:
        """The same for a use case that says itself whether it took effect, or waits for others."""
        return await self._once(handler, command, lambda made: made, _digest)

    async def _once(
        self, handler: Handler[T, C, Any], command: C, made: Callable[[Any], Made], digest: Callable[[bytes], bytes]
    ) -> Made:
        key: str | None = self._request.state.idempotency_key
        if key is None:
            return made(await self.run(handler, command))
        if not 0 < len(key) <= LONGEST_IDEMPOTENCY_KEY or not (key.isascii() and key.isprintable()):
            raise ProblemRaised(Refusal("invalid_request", fields=("Idempotency-Key",)))
        once = Once(
            f"{self.actor.reference}:{self.actor.profile_id or ''}",
            f"{self._request.method} {self._request.url.path}",
            key,
            digest(await self._request.body()),
        )
        committed = await self.gateway.unit.run_once(handler, command, self.actor, once, made)
        outcome = committed.outcome
        if self.actor != ANYBODY:
            self._tell(outcome.mandat_after if isinstance(outcome, Repeated) else after.name(committed.written))
        if isinstance(outcome, Refusal):
            raise ProblemRaised(outcome, of_use_case=True)
        return outcome.made if isinstance(outcome, Repeated) else made(outcome)

    def _tell(self, mandat_after: str | None) -> None:
        if mandat_after is not None:
            self._response.headers[after.HEADER] = mandat_after


def actor_of(caller: Caller | None, profile_id: UUID | None = None) -> Actor:
    """The audit's name for a caller."""
    match caller:
        case Person():
            return Actor("account", str(caller.account_id), profile_id)
        case Agent():
            return Actor("agent", f"{caller.issuer}#{caller.subject}")
        case Machine():
            return Actor("machine", caller.client_id)
        case None:
            return ANYBODY


async def _note(request: Request, error: ProblemRaised) -> None:
    """Note what was refused to a known caller before a use case began: it may not, or there is nothing there for it.

    It stands in the file of the organization for which it acts. Raises what a failing database raises: nothing is
    refused in silence.
    """
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None or error.of_use_case or problems()[error.refusal.code].status not in NOTED:
        return
    state, route = request.state, getattr(request.scope.get("route"), "path", "")
    refused = Refused(
        f"{request.method} {route}", error.refusal.code, getattr(state, "organization_id", None), _ids_of(request)
    )
    await request.app.state.gateway.unit.run(
        refusals.note_at_the_door, refused, actor_of(caller, getattr(state, "profile_id", None))
    )


def _ids_of(request: Request) -> Mapping[str, str]:
    """The ids that a request names, in its path or as the profile through which it is made."""
    named = {**request.path_params, "profile_id": request.headers.get("mandat-profile", "")}
    return {name: str(found) for name, value in named.items() if (found := _id(value)) is not None}


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def language_of(request: Request) -> Language:
    """The language the caller reads."""
    return choose(request.headers.get("accept-language", ""), request.app.state.gateway.default_language)


def admits(*kinds: type[Caller]) -> Callable[..., Awaitable[Any]]:
    """A dependency that lets in these kinds of callers only, and waits for what Mandat-After names."""

    async def caller_of(
        request: Request,
        _: Annotated[None, Depends(described.taking(kinds))],
        mandat_after: Annotated[str | None, Header(alias=after.HEADER, description=AFTER)] = None,
    ) -> Caller:
        gateway: Gateway[Any] = request.app.state.gateway
        caller = await authenticate(request, gateway.verifier)
        request.state.caller = caller
        if not isinstance(caller, kinds):
            raise ProblemRaised(Refusal("wrong_kind_of_caller"))
        if mandat_after:
            refusal = await gateway.waiters.wait(mandat_after, gateway.reads, gateway.unit.origin.clock())
            if refusal is not None:
                raise ProblemRaised(refusal)
        return caller

    return caller_of


async def _once(
    request: Request, key: Annotated[str | None, Header(alias="Idempotency-Key", description=KEY)] = None
) -> None:
    request.state.idempotency_key = key


ONCE = Depends(_once)
"""What a route that creates has among its `dependencies`: it takes an Idempotency-Key."""


async def authenticate(request: Request, verifier: Verifier) -> Caller:
    """The caller of a request's bearer token. Raises ProblemRaised."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ProblemRaised(Refusal("not_authenticated"))
    try:
        return await verifier.verify(token.strip())
    except GoodElsewhere as error:
        raise ProblemRaised(Refusal(error.code)) from None
    except NotAuthenticated:
        raise ProblemRaised(Refusal("not_authenticated")) from None
    except KeysUnavailable:
        raise ProblemRaised(Refusal("unavailable", retry_after=1)) from None


async def _json_only(request: Request) -> None:
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if has_body and kind != "application/json":
        raise ProblemRaised(Refusal("unsupported_content_type"))


def router(*, json_only: bool = True) -> APIRouter:
    """A router for a gateway's paths; bodies are JSON and nothing else."""
    return APIRouter(dependencies=[Depends(_json_only)] if json_only else [])


class _Gateway(FastAPI):
    """FastAPI, and applications of their own, each at a path: nothing of FastAPI's stands before those."""

    apart: Mapping[str, ASGIApp] = {}

    def openapi(self) -> dict[str, Any]:
        """The document of the gateway."""
        return described.require(super().openapi())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        app = self.apart.get(scope["path"]) if scope["type"] == "http" else None
        if app is not None:
            await app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def build(
    title: str,
    description: str,
    routers: Sequence[APIRouter],
    default_language: Language,
    apart: Mapping[str, ASGIApp] = {},
) -> FastAPI:
    """A gateway. Its documentation is served on the operations port, not here.

    `apart` are applications of their own, each at one path; the Gate is all that stands before them.
    """
    app = _Gateway(
        responses={"4XX": {"model": ProblemDetails, "description": "A problem (RFC 9457)"}},
        title=title,
        description=description,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[Middleware(Gate, default_language=default_language)],
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
        },  # chassis/tracing.py and the Gate say what we keep
    )
    app.apart = {path: Gate(found, default_language, path) for path, found in apart.items()}
    for found in routers:
        app.include_router(found)

    @app.exception_handler(ProblemRaised)
    async def problem(request: Request, error: ProblemRaised) -> JSONResponse:
        PROBLEMS.labels(error.refusal.code).inc()
        await _note(request, error)
        return respond(error.refusal, language_of(request), error.errors, request.app.state.gateway.texts)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = error.errors()
        if any(fault["type"] == "json_invalid" for fault in faults):
            return respond(Refusal("malformed_json"), language_of(request))
        language = language_of(request)
        return respond(Refusal("invalid_request"), language, field_errors(faults, language))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, BodyTooLarge):  # FastAPI, which reads the body, takes it for one it cannot parse
            return respond(too_large(error.__cause__), language_of(request))
        codes = {404: "not_found", 405: "method_not_allowed", 400: "malformed_json"}
        response = respond(Refusal(codes.get(error.status_code, "invalid_request")), language_of(request))
        response.headers.update(error.headers or {})  # Allow, of a 405
        return response

    return app


PersonCaller = Annotated[Person, Depends(admits(Person))]
AgentCaller = Annotated[Agent, Depends(admits(Agent))]
