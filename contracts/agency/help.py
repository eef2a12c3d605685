"""help.yaml: what the agency's portal says to whoever needs help, and the answers to frequent questions."""

from typing import Literal

from pydantic import Field

from contracts.agency.links import Link
from contracts.agency.text import Coded, Policy, Text

HelpPlace = Literal["start", "registration", "sign_in", "linking", "managing"]
"""Where the portal shows a text. start: the page that one comes to first. registration, sign_in: the forms of these
names. linking: where an organization is added to an account. managing: where those who manage one look after it."""


class HelpText(Coded):
    """Instructions: paragraphs, or steps in order. `link` leads to an article that says more."""

    place: HelpPlace
    title: Text
    text: Text | None = None
    steps: tuple[Text, ...] = Field(default=(), max_length=20)
    link: Link | None = None


class FrequentQuestion(Coded):
    """A question that people ask, and what the agency answers."""

    question: Text
    answer: Text


class Help(Policy):
    """The file as a whole; absent where the agency's portal has its help elsewhere."""

    texts: tuple[HelpText, ...] = Field(default=(), max_length=200)
    questions: tuple[FrequentQuestion, ...] = Field(default=(), max_length=200)
