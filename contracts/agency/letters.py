"""letters/KIND.yaml: what the agency sends on paper, printed here or by a mailing house."""

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from contracts.agency import placeholders
from contracts.agency.text import HumanText, Policy
from contracts.events import Language

LetterKind = Literal["welcome"]
LETTER_KINDS: tuple[LetterKind, ...] = get_args(LetterKind)
"""welcome: to an organization, with its code."""

OFFERED = frozenset({"organization", "number", "date", "portal_url", "support_email"})
"""What a text of a letter may hold. The code stands by itself, so that nobody overlooks it."""


def _offered(text: str) -> str:
    for fault in placeholders.faults(text, set(OFFERED), "{name}"):
        raise ValueError(fault)
    return text


LetterLine = Annotated[HumanText, AfterValidator(_offered)]
Millimetres = Annotated[float, Field(ge=0, le=400)]


class Window(Policy):
    """Where an envelope shows the address: from the sheet's left and upper edges, and how large."""

    left: Millimetres
    top: Millimetres
    width: Millimetres
    height: Millimetres


class LetterText(Policy):
    """A letter in one language, from top to bottom."""

    sender: tuple[LetterLine, ...] = Field(min_length=1, max_length=8)
    date: LetterLine
    subject: LetterLine
    greeting: LetterLine
    before_code: tuple[LetterLine, ...] = Field(min_length=1, max_length=10)
    code: LetterLine
    after_code: tuple[LetterLine, ...] = Field(min_length=1, max_length=20)
    closing: LetterLine
    signature: tuple[LetterLine, ...] = Field(min_length=1, max_length=5)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every text with its place in the letter."""
        for name in type(self).model_fields:
            found: str | tuple[str, ...] = getattr(self, name)
            for index, text in enumerate((found,) if isinstance(found, str) else found):
                yield f"{name}[{index}]", text


class Letter(Policy):
    """The file as a whole; `code` of a text is what stands before the code itself."""

    paper: Literal["letter", "A4"]
    window: Window
    fr: LetterText
    en: LetterText

    def in_(self, language: Language) -> LetterText:
        """The letter in that language."""
        return self.fr if language == "fr" else self.en
