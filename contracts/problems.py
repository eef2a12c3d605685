"""The problems that gateways answer with (RFC 9457), and other short texts of the platform, in both languages.

`problems.yaml` gives each stable code its HTTP status, title and detail; `defects.yaml` says what is wrong with a row
of an extract; `words.yaml` gives words that are no problem, for example the names of the two levels. A text may hold
`{placeholders}`, filled from the refusal's or the defect's parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from contracts.events import Language

FOLDER = Path(__file__).parent / "texts"


class Wording(BaseModel):
    """One text in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fr: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_(self, language: Language, **parameters: Any) -> str:
        """The text in one language, its placeholders filled. A missing parameter is a KeyError: the caller's fault."""
        return (self.fr if language == "fr" else self.en).format(**parameters)


class Problem(BaseModel):
    """A code's HTTP status and what a person reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: int = Field(ge=400, le=599)
    title: Wording
    detail: Wording


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return content


@cache
def problems() -> dict[str, Problem]:
    """Every problem by its code."""
    return {code: Problem.model_validate(entry) for code, entry in _read("problems.yaml").items()}


@cache
def defects() -> dict[str, Wording]:
    """What may be wrong with a row of an extract, by its code."""
    return {code: Wording.model_validate(entry) for code, entry in _read("defects.yaml").items()}


@cache
def words() -> dict[str, Wording]:
    """Every other text by its name."""
    return {name: Wording.model_validate(entry) for name, entry in _read("words.yaml").items()}


def word(name: str, language: Language, **parameters: Any) -> str:
    """One text of words.yaml in one language."""
    return words()[name].in_(language, **parameters)


@dataclass(frozen=True)
class Texts:
    """The platform's texts, some of them in an agency's own words (texts.yaml of its folder)."""

    own_problems: Mapping[str, Problem] = field(default_factory=dict[str, Problem])
    own_words: Mapping[str, Wording] = field(default_factory=dict[str, Wording])

    def problem(self, code: str) -> Problem:
        """A problem by its code."""
        return self.own_problems.get(code) or problems()[code]

    def wording(self, name: str) -> Wording | None:
        """A text of words.yaml in both languages; None where there is none of that name."""
        return self.own_words.get(name) or words().get(name)

    def word(self, name: str, language: Language, **parameters: Any) -> str:
        """A text of words.yaml in one language."""
        return (self.own_words.get(name) or words()[name]).in_(language, **parameters)


PLATFORM = Texts()
"""The texts as they stand for an agency that words none itself."""
