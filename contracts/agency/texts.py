"""texts.yaml: what the platform says to everybody, in the agency's own words where its guide has others."""

from collections.abc import Mapping

from pydantic import Field

from contracts.agency.text import Policy, Text
from contracts.events import Code
from contracts.problems import PLATFORM, Problem, Texts, Wording

OWN_WORDS = frozenset(
    {
        "ask_agency",
        "ask_responsible",
        "ask_support",
        "audit_administrator_appointed",
        "audit_administrator_released",
        "audit_administrator_replaced",
        "claim_administrator",
        "claim_granted",
        "claim_waiting_agents",
        "claim_waiting_organization",
        "contact_was_added",
        "name_successor",
        "next_link",
        "next_manager",
        "next_unblock",
        "not_linked_not_active",
        "not_linked_unknown",
        "reason_blocked",
        "reason_binding",
        "reason_no_profile",
        "reason_no_relation",
    }
)
"""Texts of words.yaml that an agency may word itself: those that name people and things as its guide does."""


class OwnProblem(Policy):
    """A problem in the agency's words; what is absent is as everywhere. Code and status are never an agency's."""

    title: Text | None = None
    detail: Text | None = None


class OwnTexts(Policy):
    """The file as a whole; absent where the platform's own words do."""

    problems: Mapping[Code, OwnProblem] = Field(default_factory=dict[str, OwnProblem])
    words: Mapping[Code, Text] = Field(default_factory=dict[str, Text])

    def texts(self) -> Texts:
        """The platform's texts with these in their place."""
        own = {code: _own(PLATFORM.problem(code), said) for code, said in self.problems.items()}
        return Texts(own, {name: _wording(text) for name, text in self.words.items()})


def _own(problem: Problem, said: OwnProblem) -> Problem:
    changes = {name: _wording(text) for name, text in (("title", said.title), ("detail", said.detail)) if text}
    return problem.model_copy(update=changes)


def _wording(text: Text) -> Wording:
    return Wording(fr=text.fr, en=text.en)
