"""What every model of an agency's folder is made of: the base model, codes, dates and bilingual text."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, EmailStr, Field, StringConstraints

from contracts.events import Code, Language


class Policy(BaseModel):
    """Base of all models of an agency's data: never changed after loading, no field that code ignores."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _bare(text: str) -> str:
    if text != text.strip():
        raise ValueError("the text begins or ends with a space or a line break (in YAML, write >- instead of >)")
    return text


HumanText = Annotated[str, StringConstraints(min_length=1, max_length=4000), AfterValidator(_bare)]
"""Text for people, in one language: 1 to 4,000 characters, no space around it."""

EmailAddress = Annotated[EmailStr, Field(max_length=254)]
"""An e-mail address of at most 254 characters (RFC 5321 4.5.3.1.3, less the angle brackets)."""


class Text(Policy):
    """The same words in both languages that every deployment serves; neither may be missing or empty."""

    fr: HumanText
    en: HumanText

    def in_(self, language: Language) -> str:
        """The words in that language."""
        return self.fr if language == "fr" else self.en


class Coded(Policy):
    """An entry known by its code, which programs of others store: it is retired, never deleted or reused.

    `until` is its last day in force, inclusive like every planned date; absent means that no end is planned.
    A retired entry stays in the file, so that history and rights granted before can still be named.
    """

    code: Code
    until: date | None = None

    def in_force(self, day: date) -> bool:
        """Whether the entry may still be chosen on `day`, a day of the agency's time zone."""
        return self.until is None or day <= self.until
