"""What an agency's data offer to the load: nothing here knows which agency it is."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from contracts.agency import Agency, load
from contracts.agency.linking import LinkingCoordinates, OrganizationCode
from contracts.agency.managing import Act
from contracts.agency.mandates import MandatedService
from contracts.agency.requests import Outcome, RequestKind
from local import ROOT

AGENCIES = ROOT / "agencies"
TELEPHONE, WORDS = "+1 867 555-0100", "Démo"
"""What people of the load answer where the agency asks more than a name."""


@dataclass(frozen=True)
class Offers:
    """One agency's data, as people and agents of the load find them on a day."""

    agency: Agency
    day: date

    @property
    def has_firms(self) -> bool:
        """Whether firms and their clients are sent coordinates by mail, to link with."""
        return "linking_coordinates" in self.agency.features and self.agency.mandates is None

    @cached_property
    def coordinates(self) -> str:
        """The code of the method by which coordinates are redeemed; empty where none is."""
        methods = self.agency.linking_methods.values()
        return next((method.code for method in methods if isinstance(method, LinkingCoordinates)), "")

    @cached_property
    def method(self) -> OrganizationCode | None:
        """How organizations are claimed with the code on their letter; None where they are not."""
        methods = self.agency.linking_methods.values()
        return next((method for method in methods if isinstance(method, OrganizationCode)), None)

    @cached_property
    def kind(self) -> str:
        """A kind of organizations: one with codes where there is one, else the first."""
        kinds = self.agency.organization_kinds.values()
        return next((kind.code for kind in kinds if kind.has_code), next(iter(kinds)).code)

    @cached_property
    def subjects(self) -> list[str]:
        """What such an organization's own file has."""
        return [subject.code for subject in self.agency.ceiling(self.kind, self.day)]

    def mandated(self, profession: str) -> list[MandatedService]:
        """For which services somebody of a profession may mandate others."""
        rule = self.agency.mandates
        return [one for one in rule.services if profession in one.professions] if rule is not None else []

    @property
    def profession(self) -> str | None:
        """Of whoever mandates others; None where nobody does."""
        rule = self.agency.mandates
        return rule.services[0].professions[0] if rule is not None else None

    def answered(self) -> dict[str, Any]:
        """A questionnaire and the answers that lead to the form of a mandate, as parts of a body."""
        assert self.agency.mandates is not None
        questionnaire = self.agency.questionnaires[self.agency.mandates.questionnaire]
        questions = {question.code: question for question in questionnaire.questions}

        def led(code: str) -> dict[str, str] | None:
            for answer in questions[code].answers:
                further = {} if answer.form else led(answer.question) if answer.question else None
                if further is not None:
                    return {code: answer.code, **further}
            return None

        answers = led(questionnaire.questions[0].code)
        return {"questionnaire": questionnaire.code, "answers": answers}

    def functions(self, *, manages: bool) -> list[str]:
        """Memberships of such organizations, which manage or do not."""
        return [
            one.code
            for one in self.agency.relation_types.values()
            if one.shape == "membership" and self.kind in one.of_kinds and one.manages == manages
        ]

    def reason(self, act: Act) -> dict[str, str]:
        """Why something was done to somebody, as a part of a body; empty where nobody gives a reason."""
        codes = [one.code for one in self.agency.managing_reasons.values() if act in one.acts]
        return {"reason": codes[0]} if codes else {}

    def against(self, kind: RequestKind, outcome: Outcome = "reject") -> dict[str, str]:
        """A no to a request of a kind, as a body."""
        reasons = self.agency.decision_reasons.values()
        fitting = [one.code for one in reasons if kind in one.kinds and outcome in one.outcomes]
        return {"outcome": outcome, "reason": fitting[0]}

    def registration(self) -> dict[str, Any]:
        """What the agency asks of who registers more than a name, as parts of a body."""
        answers = {
            field.code: field.options[0].code if field.options else TELEPHONE if field.kind == "telephone" else WORDS
            for field in self.agency.accounts.fields_on(self.day)
        }
        portals = self.agency.profile.portals
        return {"fields": answers, "portal": portals[0].code if len(portals) > 1 else None}


def of(folder: Path, day: date) -> Offers:
    """What the data in a folder offer."""
    return Offers(load(folder), day)


def agencies() -> list[str]:
    """Those that the load can play."""
    return sorted(folder.name for folder in AGENCIES.iterdir() if (folder / "agency.yaml").exists())
