"""Problem details (RFC 9457): the one place where an outcome becomes an HTTP status and words."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse

from chassis.outcomes import Phrase, Refusal
from contracts.events import Language
from contracts.problems import PLATFORM, Texts, word

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 50  # fields named in one answer
LONGEST_NAME = 80  # characters of a field's name, which in an unknown field is the caller's

UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))
LEAST = 2  # of a unit: every language has one plural for two and more

# pydantic's kinds of fault → the word that says it, and which of the fault's context fills `{limit}` or `{choices}`.
FAULTS: Mapping[str, tuple[str, str | None]] = {
    "missing": ("field_missing", None),
    "extra_forbidden": ("field_unknown", None),
    "string_too_short": ("field_too_short", "min_length"),
    "string_too_long": ("field_too_long", "max_length"),
    "too_short": ("field_too_few", "min_length"),
    "too_long": ("field_too_many", "max_length"),
    "string_type": ("field_not_text", None),
    "string_unicode": ("field_not_text", None),
    "string_pattern_mismatch": ("field_wrong_form", None),
    "int_type": ("field_not_number", None),
    "int_parsing": ("field_not_number", None),
    "int_parsing_size": ("field_not_number", None),
    "int_from_float": ("field_not_number", None),
    "greater_than": ("field_not_number", None),
    "greater_than_equal": ("field_not_number", None),
    "less_than": ("field_not_number", None),
    "less_than_equal": ("field_not_number", None),
    "multiple_of": ("field_not_number", None),
    "finite_number": ("field_not_number", None),
    "bool_type": ("field_not_boolean", None),
    "bool_parsing": ("field_not_boolean", None),
    "date_type": ("field_not_date", None),
    "date_parsing": ("field_not_date", None),
    "date_from_datetime_parsing": ("field_not_date", None),
    "date_from_datetime_inexact": ("field_not_date", None),
    "datetime_type": ("field_not_instant", None),
    "datetime_parsing": ("field_not_instant", None),
    "datetime_from_date_parsing": ("field_not_instant", None),
    "timezone_aware": ("field_not_instant", None),
    "uuid_type": ("field_not_identifier", None),
    "uuid_parsing": ("field_not_identifier", None),
    "uuid_version": ("field_not_identifier", None),
    "enum": ("field_not_choice", "expected"),
    "literal_error": ("field_not_choice", "expected"),
    "union_tag_invalid": ("field_not_choice", "expected_tags"),
    "union_tag_not_found": ("field_missing", None),
    "model_type": ("field_not_object", None),
    "model_attributes_type": ("field_not_object", None),
    "dict_type": ("field_not_object", None),
    "list_type": ("field_not_list", None),
    "tuple_type": ("field_not_list", None),
    "set_type": ("field_not_list", None),
    "frozen_set_type": ("field_not_list", None),
    "email": ("field_not_email", None),
    "name": ("field_not_name", None),
    "value_error": ("field_invalid", None),
}


class ProblemRaised(Exception):
    """Ends a request with a problem."""

    def __init__(
        self, refusal: Refusal, errors: Sequence[Mapping[str, str]] = (), *, of_use_case: bool = False
    ) -> None:
        """`errors` name the faults of single fields. A refusal `of_use_case` has been seen to by its transaction."""
        super().__init__(refusal.code)
        self.refusal = refusal
        self.errors = errors
        self.of_use_case = of_use_case


def respond(
    refusal: Refusal, language: Language, errors: Sequence[Mapping[str, str]] = (), texts: Texts = PLATFORM
) -> JSONResponse:
    """The response for a refusal, in the caller's language."""
    problem = texts.problem(refusal.code)
    body = said(refusal, language, texts)
    if errors:
        body["errors"] = list(errors)
    headers: dict[str, str] = {"Content-Language": language}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, status_code=problem.status, headers=headers, media_type=MEDIA_TYPE)


def said(refusal: Refusal, language: Language, texts: Texts = PLATFORM) -> dict[str, Any]:
    """A refusal as a problem in one language, of a whole request or of one thing among several that were asked for."""
    problem = texts.problem(refusal.code)
    filling = {name: _said(value, language, texts) for name, value in refusal.parameters.items()}
    if refusal.retry_after is not None:
        filling["wait"] = said_wait(refusal.retry_after, language)
    body: dict[str, Any] = {
        "type": f"urn:mandat:problem:{refusal.code}",
        "code": refusal.code,
        "status": problem.status,
        "title": problem.title.in_(language),
        "detail": problem.detail.in_(language, **filling),
    }
    if refusal.fields:
        body["fields"] = list(refusal.fields)
    if following := refusal.next:
        body["next"] = {
            "code": following.code,
            "detail": texts.word(following.code, language),
            "href": following.href,
        }
    return body


def said_wait(seconds: int, language: Language) -> str:
    """How long to wait, in the unit in which people count it, and never too short."""
    unit, length = next((found for found in UNITS if seconds >= LEAST * found[1]), UNITS[-1])
    return word(f"wait_{unit}", language, count=max(LEAST, -(-seconds // length)))


def _said(value: Any, language: Language, texts: Texts) -> Any:
    return texts.word(value.word, language, **value.parameters) if isinstance(value, Phrase) else value


def field_errors(faults: Sequence[Mapping[str, Any]], language: Language) -> list[dict[str, str]]:
    """What is wrong with each field, in the caller's language; what the caller sent is not repeated."""
    errors = []
    for fault in faults[:MOST_ERRORS]:
        name, limit = FAULTS.get(fault["type"], ("field_invalid", None))
        filling = {"limit": "", "choices": ""}
        if limit is not None:
            filling["limit"] = filling["choices"] = str(fault.get("ctx", {}).get(limit, "")).replace(" or ", ", ")
        where, *path = fault["loc"]
        place = "".join(f"/{_escaped(part)}" for part in path)
        pointer = f"#{place}" if where == "body" else f"{where}:{place[1:]}"
        errors.append({"pointer": pointer, "code": name, "detail": word(name, language, **filling)})
    return errors


def _escaped(part: object) -> str:
    """One step of a JSON pointer (RFC 6901, section 3)."""
    return str(part)[:LONGEST_NAME].replace("~", "~0").replace("/", "~1")
