"""Every fault has words, in both languages."""

import json
import string
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import pytest
from pydantic import AwareDatetime, Field, ValidationError
from pydantic_core._pydantic_core import list_all_errors

from chassis.fields import Body, Email, Name, Reference, Secret
from chassis.outcomes import Refusal
from chassis.problems import FAULTS, field_errors, respond
from contracts.events import LANGUAGES, Language
from contracts.problems import problems, words


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Cat(Body):
    kind: Literal["cat"]


class Dog(Body):
    kind: Literal["dog"]


class Form(Body):
    """A field of every kind that bodies of this platform have."""

    name: Name = "x"
    email: Email = "a@example.com"
    secret: Secret = "x"
    reference: Reference = "x"
    identity: UUID | None = None
    day: date | None = None
    instant: AwareDatetime | None = None
    number: Annotated[int, Field(gt=0, lt=10)] = 1
    bounded: Annotated[int, Field(ge=0, le=10)] = 1
    flag: bool = False
    choice: Literal["read", "write"] = "read"
    colour: Colour = Colour.RED
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    code: Annotated[str, Field(pattern="^[0-9]{6}$")] = "000000"
    names: Annotated[tuple[Name, ...], Field(min_length=1, max_length=2)] = ("x",)
    listed: list[int] = Field([])
    unique: set[str] = Field(set())
    frozen: frozenset[str] = frozenset()
    mapping: dict[str, str] = Field({})
    nested: Cat | None = None


STRANGE: list[Any] = [
    None, True, 0, -1, 11, 1.5, float("nan"), 10**30, "", " ", "x", "x" * 600, "\ud800", "\0", "2026-02-30",
    "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z", [], ["x", "y", "z"], [None], {}, {"kind": "cow"},
    {"kind": "cat", "more": 1}, {"a": 1}, str(UUID(int=0)),
]  # fmt: skip


def test_whatever_stands_in_whatever_field_the_caller_reads_which_fault_it_is() -> None:
    generic = set()
    for field in (*Form.model_fields, "unknown"):
        for value in STRANGE:
            try:
                Form.model_validate({field: value})
            except ValidationError as error:
                faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
                generic |= {fault["type"] for fault in faults} - FAULTS.keys()
                for language in LANGUAGES:
                    for shown in field_errors(faults, language):
                        assert shown["detail"] == shown["detail"].strip()
                        assert "{" not in shown["detail"]
                        assert shown["pointer"].startswith(f"#/{field}")

    assert generic == set()


OWN = {"email", "name"}  # kinds of fault that chassis/fields.py raises itself


def test_each_fault_of_the_table_exists_has_words_and_fills_them() -> None:
    known = {str(error["type"]): error for error in list_all_errors()}
    for kind, (name, filling) in FAULTS.items():
        assert kind in known or kind in OWN, kind
        wording = words()[name]
        for text in (wording.fr, wording.en):
            asks = {part[1] for part in string.Formatter().parse(text) if part[1]}
            assert asks == ({"limit"} if filling in ("min_length", "max_length") else {"choices"} if filling else set())
        if filling is not None:
            assert filling in (known[kind]["example_context"] or {}), kind


def test_a_choice_names_the_choices() -> None:
    faults = [{"type": "literal_error", "loc": ("body", "level"), "ctx": {"expected": "'read' or 'write'"}}]

    [shown] = field_errors(faults, "en")

    assert shown["detail"] == "Choose one of the permitted values: 'read', 'write'."


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_can_be_said_when_its_parameters_are_given(language: Language) -> None:
    for code, problem in problems().items():
        text = problem.detail.fr if language == "fr" else problem.detail.en
        asks = {part[1]: "7" for part in string.Formatter().parse(text) if part[1]}
        response = respond(Refusal(code, asks, fields=("a",), retry_after=3), language)
        assert response.status_code == problem.status
        assert response.headers["retry-after"] == "3"
        assert response.media_type == "application/problem+json"


def test_both_languages_of_a_problem_ask_for_the_same_parameters() -> None:
    for code, problem in problems().items():
        fr, en = (
            {part[1] for part in string.Formatter().parse(text)} for text in (problem.detail.fr, problem.detail.en)
        )
        assert fr - {None} == en - {None}, code


@pytest.mark.parametrize(
    ("seconds", "fr", "en"),
    [
        (1, "2 secondes", "2 seconds"),
        (119, "119 secondes", "119 seconds"),
        (121, "3 minutes", "3 minutes"),
        (7199, "120 minutes", "120 minutes"),
        (21_601, "7 heures", "7 hours"),
    ],
)
def test_how_long_to_wait_is_said_as_people_count_it_and_never_too_short(seconds: int, fr: str, en: str) -> None:
    for language, said in (("fr", f"Attendez {fr}, puis réessayez."), ("en", f"Wait {en}, then try again.")):
        answer = respond(Refusal("too_many_attempts", retry_after=seconds), cast(Language, language))
        assert json.loads(bytes(answer.body))["detail"] == said
        assert answer.headers["Retry-After"] == str(seconds)
