"""The gateway of linking methods."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from chassis.fields import line
from chassis.gateway import router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised, field_errors
from contracts.agency.linking import LinkingMethod
from contracts.events import Language
from contracts.problems import Wording
from services.linking.tools import LinkingCall

routes = router()

LONGEST_TYPED = 64
"""Characters of a number or code as typed, with whatever a person puts between them."""

LONGEST_USER_NAME = 200
LONGEST_PASSWORD = 512

Typed = Annotated[str, line(LONGEST_TYPED)]


class MethodField(BaseModel):
    """One field that the method asks for, under the name that POST /v1/links gives it."""

    name: str
    label: str
    max_length: int
    secret: bool = Field(description="Hide it from onlookers and from browser histories.")
    check: Literal["crockford_gf32"] | None = Field(
        default=None,
        description=(
            "The value ends with a check character that a portal can verify before sending: base32 of Crockford,"
            " weights a^12 … a^0 in GF(32) with x^5 + x^2 + 1, sum zero."
        ),
    )


@dataclass(frozen=True)
class Asked:
    """A field of POST /v1/links as a kind of method asks for it."""

    name: str
    label: Wording
    max_length: int
    secret: bool
    check: Literal["crockford_gf32"] | None = None


ASKED: Mapping[str, tuple[Asked, ...]] = {
    "linking_coordinates": (
        Asked("client_number", Wording(fr="Numéro de client", en="Client number"), LONGEST_TYPED, secret=False),
        Asked(
            "linking_code",
            Wording(fr="Code de liaison", en="Linking code"),
            LONGEST_TYPED,
            secret=True,
            check="crockford_gf32",
        ),
    ),
    "former_credential": (
        Asked("user_name", Wording(fr="Ancien nom d’utilisateur", en="Former user name"), LONGEST_USER_NAME, False),
        Asked("password", Wording(fr="Ancien mot de passe", en="Former password"), LONGEST_PASSWORD, secret=True),
    ),
}
"""What each kind of method asks for."""


class Method(BaseModel):
    """One way to link an account, in the caller's language."""

    code: str
    name: str
    help: str
    fields: list[MethodField]


class Methods(BaseModel):
    """Every way that the agency offers today, in its order."""

    items: list[Method]
    total: int


@routes.get("/v1/linking-methods", summary="How an account can be linked", tags=["links"])
async def linking_methods(call: LinkingCall) -> Methods:
    """The agency's linking methods in the caller's language. Open to everyone: a portal shows them before sign-in."""
    methods = _offered(call)
    return Methods(items=[_method(method, call.language) for method in methods], total=len(methods))


def method_of(body: BaseModel, call: LinkingCall) -> LinkingMethod:
    """The method that a body of POST /v1/links names, once the body has its fields and no others.

    Raises ProblemRaised invalid_request, which names what is missing, too many, or no method of today.
    """
    given = body.model_dump(exclude_none=True)
    offered = {method.code: method for method in _offered(call)}
    method = offered.get(given.pop("method"))
    faults: list[dict[str, Any]]
    if method is None:
        choices = ", ".join(f"'{code}'" for code in offered)
        faults = [{"type": "literal_error", "loc": ("body", "method"), "ctx": {"expected": choices}}]
    else:
        asked = [field.name for field in ASKED[method.kind]]
        faults = [{"type": "missing", "loc": ("body", name)} for name in asked if name not in given]
        faults += [{"type": "extra_forbidden", "loc": ("body", name)} for name in given if name not in asked]
    if faults or method is None:
        raise ProblemRaised(Refusal("invalid_request"), field_errors(faults, call.language))
    return method


def _offered(call: LinkingCall) -> list[LinkingMethod]:
    origin = call.gateway.unit.origin
    today = origin.clock().astimezone(origin.time_zone).date()
    return [method for method in call.tools.agency.linking_methods.values() if method.in_force(today)]


def _method(method: LinkingMethod, language: Language) -> Method:
    return Method(
        code=method.code,
        name=method.name.in_(language),
        help=method.help.in_(language),
        fields=[
            MethodField(
                name=asked.name,
                label=asked.label.in_(language),
                max_length=asked.max_length,
                secret=asked.secret,
                check=asked.check,
            )
            for asked in ASKED[method.kind]
        ],
    )
