"""The outermost layer of a gateway: bounds a body, counts and times a request, and lets no stack trace out."""

import time
from functools import cache
from typing import Any
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import tracing
from chassis.database import COLLISIONS, is_outage
from chassis.languages import choose
from chassis.outcomes import CommitUnknown, Refusal
from chassis.problems import respond
from chassis.telemetry import described
from contracts.events import Language

log = structlog.get_logger()

LARGEST_BODY = 64 * 1024  # bytes; the largest form we have is far smaller
LIMIT = "mandat.largest_body"  # in a request's scope: another limit, of a route that reads its body as it comes
REQUESTS = Counter("mandat_requests", "Requests by route and exact HTTP status", ["method", "route", "code"])
SECONDS = Histogram(
    "mandat_request_seconds",
    "From a request's first byte to its response's last, by route and class of status (2xx to 5xx)",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
UNMATCHED = "none"  # the route of what no route takes: a caller may invent paths without end

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}  # a caller may invent others without end


class BodyTooLarge(Exception):
    """The body went past the limit, in bytes, whatever its Content-Length said."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class Gate:
    """ASGI middleware around a whole gateway, or around an application at one path."""

    def __init__(self, app: ASGIApp, default_language: Language, route: str | None = None) -> None:
        """`default_language` is the agency's. `route` names every request; else each is named by the route it took."""
        self._app = app
        self._default = default_language
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status, begun, read = 500, False, 0

        async def counted_receive() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            limit = scope.get(LIMIT, LARGEST_BODY)
            if read > limit:
                raise BodyTooLarge(limit)
            return message

        async def noted_send(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                kept = [] if any(name == b"cache-control" for name, _ in message["headers"]) else [NO_STORE]
                message["headers"] = [*message["headers"], *kept, *FIXED]
            await send(message)

        headers = Headers(scope=scope)
        method = scope["method"] if scope["method"] in METHODS else "other"
        with tracing.serving(method, headers.get(tracing.FIELD)) as span:
            try:
                await self._app(scope, counted_receive, noted_send)
            except Exception as error:
                if begun:
                    raise
                refusal = _refusal_of(error, method, self._route_of(scope))
                response = respond(refusal, choose(headers.get("accept-language", ""), self._default))
                await response(scope, receive, noted_send)
            finally:
                route = self._route_of(scope)
                tracing.served(span, method, route, status)
                requests, seconds = _measures(method, route, status)
                requests.inc()
                seconds.observe(time.perf_counter() - started)

    def _route_of(self, scope: Scope) -> str:
        return self._route or str(getattr(scope.get("route"), "path", UNMATCHED))


@cache
def _measures(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Kept, because a look-up by labels costs as much as counting; there are as many as routes and their statuses."""
    return REQUESTS.labels(method, route, status), SECONDS.labels(method, route, f"{status // 100}xx")


NO_STORE = (b"cache-control", b"no-store")
FIXED: list[tuple[bytes, bytes]] = [(b"x-content-type-options", b"nosniff")]


def too_large(error: BodyTooLarge) -> Refusal:
    """What a body past the limit is answered."""
    return Refusal("body_too_large", {"limit": error.limit})


def _refusal_of(error: Exception, method: str, route: str) -> Refusal:
    if isinstance(error, BodyTooLarge):
        return too_large(error)
    if isinstance(error, CommitUnknown):
        log.warning("commit unknown", method=method, route=route, error=repr(error.__cause__))
        return Refusal("outcome_unknown", retry_after=2)
    if is_outage(error) or isinstance(error, COLLISIONS):
        log.warning("database failed", method=method, route=route, error=described(error))
        return Refusal("unavailable", retry_after=2)
    reference = str(uuid4())
    log.error("request failed", method=method, route=route, reference=reference, exc_info=error)
    parameters: dict[str, Any] = {"reference": reference}
    return Refusal("internal_error", parameters)
