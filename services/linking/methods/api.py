"""The gateway of linking methods."""

from typing import Literal

from pydantic import BaseModel, Field

from chassis.gateway import router
from contracts.agency.linking import LinkingMethod
from services.linking.methods.asked import asked_by, offered, today
from services.linking.tools import LinkingCall

routes = router()


class ChoiceView(BaseModel):
    """A code that a field takes, and what it means."""

    code: str
    name: str


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
    required: bool = Field(default=True, description="Whether POST /v1/links refuses to go without it.")
    help: str | None = Field(default=None, description="What the agency says beside the field.")
    choices: list[ChoiceView] | None = Field(
        default=None, description="The codes that the field takes; none: any text."
    )


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
    methods = offered(call)
    return Methods(items=[_method(method, call) for method in methods], total=len(methods))


def _method(method: LinkingMethod, call: LinkingCall) -> Method:
    language = call.language
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
                required=asked.required,
                help=asked.help.in_(language) if asked.help else None,
                choices=asked.choices
                and [ChoiceView(code=code, name=name.in_(language)) for code, name in asked.choices.items()],
            )
            for asked in asked_by(method, today(call))
        ],
    )
