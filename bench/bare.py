"""The floor of the access check: one SELECT through the services' own connection pool, behind a bare Starlette route.

`python -m bench.bare PORT`, with the database in BENCH_DATABASE_URL. No token, no body, no decision.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chassis.database import create_pool
from chassis.settings import Settings

CONNECTIONS: int = Settings.model_fields["database_connections"].default
SELECT = "select kind from organizations where number = $1 limit 1"
ORGANIZATION = "2001500"  # an employer of bench.population


def build(dsn: str) -> Starlette:
    """The application."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.pool = await create_pool(dsn, CONNECTIONS, "bench")
        yield
        await app.state.pool.close()

    async def one(request: Request) -> Response:
        return JSONResponse({"kind": await request.app.state.pool.fetchval(SELECT, ORGANIZATION)})

    return Starlette(routes=[Route("/", one)], lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(
        build(os.environ["BENCH_DATABASE_URL"]),
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
        server_header=False,
    )
