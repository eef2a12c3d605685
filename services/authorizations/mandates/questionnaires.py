"""The answers that lead to a mandate: walked again with every one that is asked for."""

from datetime import date

from chassis.outcomes import Refusal
from contracts.agency import Agency
from contracts.agency.questionnaires import Astray, LeadsToForm, Leaves, walk
from contracts.events import Language
from services.authorizations.mandates.domain import AnsweredQuestionnaire


def refuse_answers(agency: Agency, answered: AnsweredQuestionnaire, day: date, language: Language) -> Refusal | None:
    """The answers must lead to the form of a mandate: each question that one comes to, and no other."""
    questionnaire = agency.questionnaires.get(answered.id)
    asked = agency.mandates.questionnaire if agency.mandates else None
    if questionnaire is None or answered.id != asked or not questionnaire.in_force(day):
        return Refusal("questionnaire_unknown", {"questionnaire": answered.id}, ("questionnaire",))
    match walk(questionnaire, answered.answers, day):
        case LeadsToForm(form="mandate"):
            return None
        case Leaves(leaf=leaf):
            return Refusal("questionnaire_leaves", {"instead": leaf.text.in_(language)}, ("answers",))
        case Astray(question=question):
            return Refusal("questionnaire_astray", {"question": question}, ("answers",))
