"""Where HTTPRoutes send a request: what the trial's public door does with the release's."""

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.cluster.routes import Door, hosts_of, rules_of


def _route(service: str, *matches: tuple[str, str], hosts: tuple[str, ...] = ("mandat.example.org",)) -> Any:
    return {
        "spec": {
            "hostnames": list(hosts),
            "rules": [
                {
                    "matches": [{"path": {"type": kind, "value": path}} for kind, path in matches],
                    "backendRefs": [{"name": service, "port": 80}],
                }
            ],
        }
    }


ROUTES = [
    _route("accounts", ("PathPrefix", "/v1/account"), ("Exact", "/.well-known/jwks.json")),
    _route("linking", ("PathPrefix", "/v1/links"), ("PathPrefix", "/v1/accounts/linked")),
    _route("all", ("PathPrefix", "/v1/accounts")),
]


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/v1/account", "accounts"),
        ("/v1/account/email-changes", "accounts"),
        ("/v1/accounts", "all"),
        ("/v1/accounts/linked/to", "linking"),
        ("/.well-known/jwks.json", "accounts"),
        ("/.well-known/jwks.json/x", None),
        ("/v1/linksomething", None),
        ("/v2/links", None),
    ],
)
def test_a_path_goes_to_the_longest_prefix_of_whole_elements(path: str, service: str | None) -> None:
    found = Door(rules_of(ROUTES), "", lambda *_: "").service_of(path)
    assert (found and found.service) == service


def test_a_rule_that_redirects_leads_to_no_service() -> None:
    redirect = {"spec": {"hostnames": ["a.example"], "rules": [{"filters": [{"type": "RequestRedirect"}]}]}}
    assert rules_of([redirect]) == []
    assert hosts_of([redirect, *ROUTES]) == {"a.example", "mandat.example.org"}


async def _through(door: Door, method: str, path: str, behind: Starlette, **request: Any) -> httpx.Response:
    app = Starlette(routes=[Route("/{path:path}", door.forward, methods=[method])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(behind), base_url="http://behind") as app.state.http:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://door") as http:
            return await http.request(method, path, **request)


async def test_a_request_arrives_whole_and_its_answer_comes_back() -> None:
    async def echo(request: Request) -> Response:
        seen = {
            "path": request.scope["raw_path"].decode(),
            "query": request.url.query,
            "host": request.headers["host"],
            "token": request.headers.get("authorization"),
            "body": (await request.body()).decode(),
        }
        return JSONResponse(seen, 202, {"Mandat-After": "abc"})

    behind = Starlette(routes=[Route("/{path:path}", echo, methods=["POST"])])
    door = Door(rules_of(ROUTES), "mandat.example.org", lambda service, port: f"http://{service}:{port}")
    answer = await _through(
        door, "POST", "/v1/links/a%2Fb?x=1&y=2", behind, content="{}", headers={"Authorization": "Bearer t"}
    )
    assert (answer.status_code, answer.headers["mandat-after"]) == (202, "abc")
    assert answer.json() == {
        "path": "/v1/links/a%2Fb",
        "query": "x=1&y=2",
        "host": "mandat.example.org",
        "token": "Bearer t",
        "body": "{}",
    }
    assert door.asked == {"linking": 1}


async def test_what_no_route_takes_is_not_found() -> None:
    door = Door(rules_of(ROUTES), "", lambda service, port: "http://nowhere")
    answer = await _through(door, "GET", "/v1/nothing", Starlette())
    assert answer.status_code == 404
    assert door.asked == {}
