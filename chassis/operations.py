"""What operators and Kubernetes ask, on a port of its own that is never on the public host."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from chassis.database import Pool, neighbour_failed
from chassis.dead_letters import metrics as dead_letters

OUTBOX_DEPTH = Gauge(
    "mandat_outbox_depth",
    "Rows in the outbox that Kafka has not acknowledged, counted to 100,000; bulk work waits while it is deep",
)
OUTBOX_AGE = Gauge(
    "mandat_outbox_age_seconds",
    "Age of the oldest row in the outbox: how late others learn of a change. Above seconds, no relay is at work, Kafka"
    " does not answer, or a topic is missing",
)
INBOX_ROWS = Gauge(
    "mandat_inbox_rows",
    "Messages that the inbox remembers so that none is applied twice, as PostgreSQL estimates; pruned every hour",
)
LOOP_LAG = Gauge("mandat_loop_lag_seconds", "How late the event loop woke a task, at the last look")
LOOK_EVERY = 1.0  # seconds
COUNT_TO = 100_000  # rows of the outbox; deeper than that is one alert, and counting would slow it further

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


async def observe(pool: Pool) -> None:
    """Keep the gauges of the tables and of the loop up to date."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(LOOK_EVERY)
        LOOP_LAG.set(max(0.0, time.monotonic() - before - LOOK_EVERY))
        try:
            row = await pool.fetchrow(
                "select (select count(*) from (select from outbox limit $1) counted) as depth,"
                " coalesce((select extract(epoch from clock_timestamp() - created_at)::float from outbox"
                " order by id limit 1), 0) as age,"
                " (select greatest(reltuples, 0) from pg_class where oid = 'inbox'::regclass) as remembered",
                COUNT_TO,
            )
            await dead_letters.look(pool)
        except Exception as error:
            if not neighbour_failed(error):
                raise
            continue
        assert row is not None
        OUTBOX_DEPTH.set(row["depth"])
        OUTBOX_AGE.set(row["age"])
        INBOX_ROWS.set(row["remembered"])
