"""What an OpenAPI document says besides what FastAPI sees: whose token a route takes, which headers it must have."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Annotated, Any

from fastapi import Security
from fastapi.openapi.models import HTTPBase, HTTPBearer
from fastapi.security.base import SecurityBase

from chassis.tokens import Agent, Caller, Machine, Person

MARK = "x-refused-without"  # for `require`, which takes it out again
REFUSED_WITHOUT = {MARK: True}
"""The `json_schema_extra` of a parameter that FastAPI lets be absent, and whose absence we refuse with our own code."""


class Scheme(SecurityBase):
    """A way to authenticate. As a dependency it describes, and does nothing: who lets in is another."""

    def __init__(self, name: str, model: HTTPBase) -> None:
        """`name` is the document's for it."""
        self.scheme_name, self.model = name, model

    async def __call__(self) -> None:
        """Nothing."""


def _bearer(name: str, description: str) -> Scheme:
    return Scheme(name, HTTPBearer(bearerFormat="JWT", description=description))


SCHEMES: dict[type[Caller], Scheme] = {
    Person: _bearer("person", "A person's access token, as POST /v1/sessions of accounts answers it."),
    Agent: _bearer("agent", "A token of one of the agency's issuers."),
    Machine: _bearer("machine", "Another system's access token, as POST /oauth2/token of accounts answers it."),
}


def taking(kinds: Sequence[type[Caller]]) -> Callable[..., Any]:
    """A dependency that describes: a token of one of these kinds of callers."""
    schemes: list[Callable[..., Any]] = [SCHEMES[kind] for kind in kinds]
    return reduce(_either, schemes)


def _either(one: Callable[..., Any], other: Callable[..., Any]) -> Callable[..., Any]:
    async def described(_one: Annotated[None, Security(one)], _other: Annotated[None, Security(other)]) -> None:
        pass

    return described


def require(document: dict[str, Any]) -> dict[str, Any]:
    """The document, in which each parameter that is REFUSED_WITHOUT is required."""
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["schema"].pop(MARK, False):
                    parameter["required"] = True
                    [present] = [kind for kind in parameter["schema"].pop("anyOf") if kind != {"type": "null"}]
                    parameter["schema"] |= present
    return document
