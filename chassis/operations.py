"""What operators and Kubernetes ask, on a port of its own that is never on the public host."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from chassis.database import Pool

Probe = Callable[[], Awaitable[bool]]


def build(gateway: FastAPI, pool: Pool, probes: dict[str, Probe], agents: FastAPI | None = None) -> Starlette:
    """The operations application: /livez, /readyz, /metrics, /openapi.json.

    `agents` serves every other path; /operations/openapi.json describes it.
    """

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        answers = {name: await _ask(probe) for name, probe in probes.items()}
        ready = all(answers.values())
        return JSONResponse({"status": "ready" if ready else "not ready", **answers}, 200 if ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def openapi(_: Request) -> Response:
        return JSONResponse(gateway.openapi())

    routes: list[BaseRoute] = [
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/openapi.json", openapi),
    ]
    if agents is not None:
        document = JSONResponse(agents.openapi())

        async def agents_openapi(_: Request) -> Response:
            return document

        routes += [Route("/operations/openapi.json", agents_openapi), Mount("/", agents)]
    return Starlette(routes=routes)


async def _ask(probe: Probe) -> bool:
    try:
        async with asyncio.timeout(2):
            return await probe()
    except Exception:
        return False


async def database_answers(pool: Pool) -> bool:
    """Whether our own database answers."""
    return await pool.fetchval("select true") is True
