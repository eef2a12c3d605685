"""The public door that a trial's cluster lacks: one address on this machine that sends each request where the release's
HTTPRoutes say (Gateway API, HTTPRoute v1), to the Service named there."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local.child import answers
from local.ports import free_ports
from tests.cluster.kube import Object

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host", "content-length"}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
UP_AT = "/-/up"
STARTS_WITHIN = 10.0
CONNECTS_WITHIN = 30.0
"""Seconds in which a connection is tried again, as gateways do, for nothing was sent: a busy node's pods may not be
ready for a moment."""


@dataclass(frozen=True)
class Rule:
    """One match of one rule: `exact` or by path elements; `service` and port of the Service that is asked."""

    path: str
    exact: bool
    service: str
    port: int

    def takes(self, path: str) -> bool:
        """Whether a path is its."""
        if self.exact or path == self.path:
            return path == self.path
        return path.startswith(self.path.rstrip("/") + "/")


def rules_of(routes: Collection[Object]) -> list[Rule]:
    """The matches of HTTPRoutes that name a Service, the one that counts first before others: exact ones, then the
    longest. A rule that redirects names none."""
    found = [
        Rule(match["path"]["value"], match["path"].get("type") == "Exact", backend["name"], backend["port"])
        for route in routes
        for rule in route["spec"]["rules"]
        for backend in rule.get("backendRefs", ())
        for match in rule["matches"]
    ]
    return sorted(found, key=lambda rule: (not rule.exact, -len(rule.path)))


def hosts_of(routes: Collection[Object]) -> set[str]:
    """The public hosts that HTTPRoutes answer for."""
    return {host for route in routes for host in route["spec"].get("hostnames", ())}


async def _sent(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """What the Service answers. Raises httpx.ConnectError when it has no pod for longer than patience."""
    deadline = time.monotonic() + CONNECTS_WITHIN
    while True:
        try:
            return await http.send(request)
        except httpx.ConnectError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


@dataclass
class Door:
    """Forwards by the first rule that takes the path; `address` says where a Service is. What no rule takes is 404.

    `asked` counts, by Service, the requests that came through.
    """

    rules: Sequence[Rule]
    host: str
    address: Callable[[str, int], str]
    asked: dict[str, int] = field(default_factory=dict)

    def service_of(self, path: str) -> Rule | None:
        """Where a path leads."""
        return next((rule for rule in self.rules if rule.takes(path)), None)

    async def forward(self, request: Request) -> Response:
        """One request, and what its Service answers."""
        if (rule := self.service_of(request.url.path)) is None:
            return PlainTextResponse("no HTTPRoute takes this path", 404)
        self.asked[rule.service] = self.asked.get(rule.service, 0) + 1
        query = f"?{request.url.query}" if request.url.query else ""
        headers = [(name, value) for name, value in request.headers.items() if name not in HOP_BY_HOP]
        http: httpx.AsyncClient = request.app.state.http
        forwarded = http.build_request(
            request.method,
            self.address(rule.service, rule.port) + request.scope["raw_path"].decode() + query,
            headers=[*headers, ("host", self.host), ("x-forwarded-proto", "https")],
            content=await request.body(),
        )
        answer = await _sent(http, forwarded)
        kept = {name: value for name, value in answer.headers.items() if name not in HOP_BY_HOP | {"content-encoding"}}
        return Response(answer.content, answer.status_code, kept)

    @contextlib.contextmanager
    def open(self) -> Iterator[str]:
        """Serves on this machine while the block lasts. Its base URL."""
        [port] = free_ports(1)

        @contextlib.asynccontextmanager
        async def lifespan(app: Starlette) -> Any:
            async with httpx.AsyncClient(timeout=60, trust_env=False) as app.state.http:
                yield

        async def up(_request: Request) -> Response:
            return PlainTextResponse("up")

        routes = [Route(UP_AT, up), Route("/{path:path}", self.forward, methods=METHODS)]
        config = uvicorn.Config(
            Starlette(routes=routes, lifespan=lifespan), host="127.0.0.1", port=port, log_level="warning"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        base = f"http://127.0.0.1:{port}"
        with contextlib.suppress(KeyboardInterrupt):
            for _ in range(int(STARTS_WITHIN / 0.05)):
                if answers(base + UP_AT):
                    break
                threading.Event().wait(0.05)
        try:
            yield base
        finally:
            server.should_exit = True
            thread.join(STARTS_WITHIN)
