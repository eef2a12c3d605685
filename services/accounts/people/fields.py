"""What an agency asks of people beside name, address and language: its data say what, and what may stand there."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from chassis.fields import Reference, line
from contracts.agency.accounts import RegistrationField

LONGEST = 200  # characters of a line that a person types

Told = Annotated[dict[Reference, Annotated[str, line(LONGEST)] | None], Field(max_length=20, repr=False)]
"""Values by the codes of fields; null, and what is absent, says nothing."""

BETWEEN_DIGITS = re.compile("[ \u00a0\u202f().-]")  # as people group a number
TELEPHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164

Fault = Mapping[str, Any]
"""As pydantic tells of one: type, loc, ctx."""


def normalized(fields: Sequence[RegistrationField], told: Mapping[str, str | None]) -> dict[str, str | None]:
    """What was told, a telephone number without what groups its digits."""
    telephones = {field.code for field in fields if field.kind == "telephone"}
    return {
        code: BETWEEN_DIGITS.sub("", value) if value is not None and code in telephones else value
        for code, value in told.items()
    }


def faults(fields: Sequence[RegistrationField], told: Mapping[str, str | None]) -> Iterator[Fault]:
    """What is wrong with what was told of fields, each fault with its place in the body.

    A required field may not be null; whether it may be absent is for the caller to say.
    """
    known = {field.code: field for field in fields}
    for code, value in told.items():
        field = known.get(code)
        if field is None:
            yield _fault("extra_forbidden", code)
        elif value is None:
            if field.required:
                yield _fault("missing", code)
        elif field.kind == "telephone" and not TELEPHONE.fullmatch(value):
            yield _fault("string_pattern_mismatch", code)
        elif field.kind == "choice" and value not in (options := [option.code for option in field.options]):
            yield _fault("literal_error", code, expected=", ".join(options))


def absent(fields: Sequence[RegistrationField], told: Mapping[str, str | None]) -> dict[str, None]:
    """The required fields that nothing was told of, as null."""
    return {field.code: None for field in fields if field.required and field.code not in told}


def kept(before: Mapping[str, str], told: Mapping[str, str | None]) -> dict[str, str]:
    """What stands there once something was told: null empties a field, what is absent stays."""
    return {code: value for code, value in {**before, **told}.items() if value is not None}


def _fault(kind: str, code: str, **context: str) -> Fault:
    return {"type": kind, "loc": ("body", "fields", code), "ctx": context}
