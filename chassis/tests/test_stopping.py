"""A gateway that stops loses no request of those who keep their connections."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from chassis import service
from chassis.service import Serving, serving
from chassis.tests.conftest import eventually
from local.ports import free_ports
from tests.fixtures.patience import PATIENCE


async def _hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


async def _listening(port: int) -> Serving:
    app = Starlette(routes=[Route("/", _hello)])
    found = Serving(serving(app, "127.0.0.1", port, ""), asyncio.Event())

    async def listens() -> bool:
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            try:
                return (await http.get(f"http://127.0.0.1:{port}/")).status_code == 200
            except httpx.TransportError:
                return False

    await eventually(listens)
    return found


@pytest.fixture(autouse=True)
def _lets_go_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LETS_GO", 3600.0)


async def test_who_keeps_a_connection_is_told_to_go_before_it_is_closed() -> None:
    [port] = free_ports(1)
    found = await _listening(port)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as http:
        assert "connection" not in (await http.get("/")).headers
        stopping = asyncio.create_task(found.stop())
        await asyncio.sleep(0.1)
        assert (await http.get("/")).headers["connection"] == "close"
        await stopping


async def test_without_callers_it_stops_at_once() -> None:
    [port] = free_ports(1)
    found = await _listening(port)
    async with asyncio.timeout(PATIENCE):
        await found.stop()
