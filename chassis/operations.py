"""What operators and Kubernetes ask, on a port of its own that is never on the public host."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.database import Pool

Probe = Callable[[], Awaitable[bool]]

OF_WORK_ALONE = frozenset({"relay", "doors"})
"""Probes that say nothing of the gateway: it needs no Kafka."""


class Front:
    """The application that a process serves from its first moment: alive, and not ready until it has opened."""

    def __init__(self) -> None:
        """Before anything else is made."""
        self._app = build({"schema": _not_yet})

    def open(self, app: ASGIApp) -> None:
        """Serve this one from now on."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await self._app(scope, receive, send)


async def _not_yet() -> bool:
    return False


def build(probes: Mapping[str, Probe], gateway: FastAPI | None = None, agents: FastAPI | None = None) -> ASGIApp:
    """The operations application: /livez, /readyz, /metrics; /openapi.json describes the gateway.

    /readyz/gateway asks what the gateway needs, whatever else the process does. `agents` serves every other path;
    /operations/openapi.json describes it.
    """

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        return await _answer(probes)

    async def gateway_readyz(_: Request) -> Response:
        return await _answer({name: probe for name, probe in probes.items() if name not in OF_WORK_ALONE})

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    routes: list[BaseRoute] = [
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/readyz/gateway", gateway_readyz),
        Route("/metrics", metrics),
    ]
    if gateway is not None:
        described = gateway

        async def openapi(_: Request) -> Response:
            return JSONResponse(described.openapi())

        routes.append(Route("/openapi.json", openapi))
    if agents is not None:
        document = JSONResponse(agents.openapi())

        async def agents_openapi(_: Request) -> Response:
            return document

        routes += [Route("/operations/openapi.json", agents_openapi), Mount("/", agents)]
    return Starlette(routes=routes)


async def _answer(probes: Mapping[str, Probe]) -> Response:
    answers = {name: await _ask(probe) for name, probe in probes.items()}
    ready = all(answers.values())
    return JSONResponse({"status": "ready" if ready else "not ready", **answers}, 200 if ready else 503)


async def _ask(probe: Probe) -> bool:
    try:
        async with asyncio.timeout(2):
            return await probe()
    except Exception:
        return False


async def database_answers(pool: Pool) -> bool:
    """Whether our own database answers."""
    return await pool.fetchval("select true") is True
