"""Calls at the gateway of the tests' library, and what its problems must be."""

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from chassis.gateway import Gateway
from contracts.problems import problems
from tests.fixtures.gateway import Issuer

if TYPE_CHECKING:
    from chassis.tests.conftest import Bench

ACCOUNT = uuid4()
ANNE = {"title": "Anne of Green Gables"}


@dataclass
class Library:
    """The gateway under test, and what stands behind it."""

    http: httpx.AsyncClient
    bench: "Bench"
    issuer: Issuer
    gateway: Gateway[None]

    async def post(
        self, body: Any = ANNE, *, token: str | None = None, path: str = "/v1/books", **headers: str
    ) -> httpx.Response:
        """Add a book as a person, with a good token unless another is given."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        usual = {"authorization": f"Bearer {token or self.issuer.person(ACCOUNT)}", "content-type": "application/json"}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        encoded = {name.encode(): value.encode() for name, value in (usual | given).items()}
        return await self.http.post(path, content=content, headers=encoded)

    async def refused(self, code: str, *arguments: Any, **more: Any) -> httpx.Response:
        """Post, and see that it is answered with this problem in both languages."""
        for language in ("fr", "en"):
            response = await self.post(*arguments, accept_language=language, **more)
            check(response, code, language)
        return response


def check(response: httpx.Response, code: str, language: str = "fr") -> None:
    """See that a response is this problem, whole and in these words."""
    problem = problems()[code]
    body = response.json()
    assert (body["code"], response.status_code) == (code, problem.status)
    assert response.headers["content-type"] == "application/problem+json"
    assert (body["type"], body["status"]) == (f"urn:mandat:problem:{code}", problem.status)
    assert body["title"] == problem.title.in_("en" if language == "en" else "fr")
    assert response.headers["content-language"] == language
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "{" not in body["detail"]
    assert "Traceback" not in response.text


def encoded(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
