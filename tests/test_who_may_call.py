"""What the OpenAPI documents say of who may call, and with which headers, is what the gateways do."""

import json
from typing import Any
from uuid import uuid4

import pytest

from chassis.service import Service, openapi
from services.accounts.app import service as accounts
from services.authorizations.app import service as authorizations
from services.linking.app import service as linking
from services.notifications.app import service as notifications
from tests.fixtures.gateway import OpenService

SETTINGS = {"notifications": {"smtp_hosts": "127.0.0.1:1"}}
SERVICES = pytest.mark.parametrize(
    "service", [accounts, authorizations, linking, notifications], ids=lambda service: service.name
)
FORMS = {"/oauth2/token": {"grant_type": "client_credentials"}}
"""What a route must be sent before it asks who calls."""


class NoOnes(dict[str, str]):
    """An id that nothing has, whatever a path calls it."""

    def __missing__(self, name: str) -> str:
        return str(uuid4())


def routes(service: Service[Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """What the service's document says of each route, by method and path."""
    paths = json.loads(openapi(service))["paths"]
    return {(method, path): said for path, methods in paths.items() for method, said in methods.items()}


@SERVICES
async def test_who_calls_without_a_token_is_sent_away_where_the_document_says_security_and_nowhere_else(
    service: Service[Any], open_service: OpenService
) -> None:
    client = (await open_service(service, **SETTINGS.get(service.name, {}))).client

    refused = set()
    for method, path in routes(service):
        answer = await client.request(method, path.format_map(NoOnes()), data=FORMS.get(path))
        assert answer.status_code < 500, (path, answer.text)
        refused |= {(method, path)} if answer.status_code == 401 else set()

    assert refused == {route for route, said in routes(service).items() if said.get("security")}
    assert refused


@SERVICES
def test_each_token_that_a_route_takes_is_described_in_the_document(service: Service[Any]) -> None:
    schemes = json.loads(openapi(service))["components"]["securitySchemes"]
    taken = {name for said in routes(service).values() for one in said.get("security", ()) for name in one}

    assert taken == set(schemes)
    for name in taken - {"client"}:
        assert (schemes[name]["scheme"], schemes[name]["bearerFormat"]) == ("bearer", "JWT")


async def test_mandat_profile_is_required_in_the_document_where_no_caller_may_leave_it_out(
    open_service: OpenService,
) -> None:
    opened = await open_service(authorizations)
    tokens = {
        "person": opened.issuer.person(uuid4()), "agent": opened.issuer.agent(),
        "machine": opened.issuer.machine("access:evaluate"),
    }  # fmt: skip

    for (method, path), said in routes(authorizations).items():
        codes = set()
        for [kind] in said.get("security", ()):  # none where nobody need be signed in
            headers = {"Authorization": f"Bearer {tokens[kind]}"}
            answer = await opened.client.request(method, path.format_map(NoOnes()), headers=headers)
            problem = answer.json()
            codes.add(problem.get("code") if isinstance(problem, dict) else problem)
        required = {one["name"] for one in said.get("parameters", ()) if one["required"]}
        assert ("Mandat-Profile" in required) == (codes == {"profile_required"}), (method, path)
