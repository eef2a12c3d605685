"""What each kind of method asks for, and whether a request brings it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel

from chassis.fields import line
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised, field_errors
from contracts.agency.linking import LinkingMethod
from contracts.agency.text import Text
from services.linking.tools import LinkingCall

LONGEST_TYPED = 64
"""Characters of a number or code as typed, with whatever a person puts between them."""

LONGEST_ORGANIZATION_NAME = 200

OF_THE_FIRST_PERSON = ("organization_code", "payroll")
"""What only the first person of an organization needs to type."""

LONGEST_USER_NAME = 200
LONGEST_PASSWORD = 512

Typed = Annotated[str, line(LONGEST_TYPED)]


@dataclass(frozen=True)
class Asked:
    """A field of POST /v1/links as a method asks for it; one that is not required may be left out."""

    name: str
    label: Text
    max_length: int
    secret: bool
    check: Literal["crockford_gf32"] | None = None
    required: bool = True
    help: Text | None = None
    choices: Mapping[str, Text] | None = None


LENGTHS: Mapping[str, int] = {
    "organization_name": LONGEST_ORGANIZATION_NAME,
    "user_name": LONGEST_USER_NAME,
    "password": LONGEST_PASSWORD,
}
"""The most characters of a field; LONGEST_TYPED of every other."""

SECRET = frozenset({"linking_code", "password", "organization_code"})
"""Fields that onlookers and browser histories have no business with."""


def asked_by(method: LinkingMethod, today: date) -> tuple[Asked, ...]:
    """What a method asks for on a day."""
    choices: dict[str, Mapping[str, Text]] = {}
    if method.kind == "organization_code":
        choices["capacity"] = {capacity.code: capacity.name for capacity in method.capacities_on(today)}
    return tuple(
        Asked(
            name,
            field.label,
            LENGTHS.get(name, LONGEST_TYPED),
            secret=name in SECRET,
            check="crockford_gf32" if name == "linking_code" else None,
            required=name not in OF_THE_FIRST_PERSON,
            help=field.help,
            choices=choices.get(name),
        )
        for name, field in method.fields
    )


def method_of(body: BaseModel, call: LinkingCall) -> LinkingMethod:
    """The method that a body of POST /v1/links names, once the body has its fields and no others.

    Raises ProblemRaised invalid_request, which names what is missing, too many, or no method of today.
    """
    given = body.model_dump(exclude_none=True)
    known = {method.code: method for method in offered(call)}
    method = known.get(given.pop("method"))
    faults: list[dict[str, Any]]
    if method is None:
        faults = [_not_a_choice("method", known)]
    else:
        asked = {field.name: field for field in asked_by(method, today(call))}
        missing = [name for name, field in asked.items() if field.required and name not in given]
        faults = [{"type": "missing", "loc": ("body", name)} for name in missing]
        faults += [{"type": "extra_forbidden", "loc": ("body", name)} for name in given if name not in asked]
        faults += [
            _not_a_choice(name, field.choices)
            for name, field in asked.items()
            if field.choices is not None and name in given and given[name] not in field.choices
        ]
    if faults or method is None:
        raise ProblemRaised(Refusal("invalid_request"), field_errors(faults, call.language))
    return method


def offered(call: LinkingCall) -> list[LinkingMethod]:
    """The linking methods of today, in the agency's order."""
    return [method for method in call.tools.agency.linking_methods.values() if method.in_force(today(call))]


def today(call: LinkingCall) -> date:
    """The agency's legal day."""
    origin = call.gateway.unit.origin
    return origin.clock().astimezone(origin.time_zone).date()


def _not_a_choice(field: str, choices: Iterable[str]) -> dict[str, Any]:
    expected = ", ".join(f"'{code}'" for code in choices)
    return {"type": "literal_error", "loc": ("body", field), "ctx": {"expected": expected}}
