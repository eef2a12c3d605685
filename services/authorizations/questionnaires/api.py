"""GET /v1/questionnaires/{id}: questions whose answers lead to a form, or to what to do instead."""

from typing import Annotated

from fastapi import Path, Response
from pydantic import BaseModel, Field

from chassis.gateway import router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from contracts.agency.questionnaires import Answer, Leaf, LedTo, Question
from contracts.agency.text import Text
from contracts.events import Language
from services.authorizations.instants import today
from services.authorizations.profile import AuthorizationsCall

routes = router()


class AnswerView(BaseModel):
    """An answer, and the one place where it leads."""

    code: str
    label: str
    help: str | None
    question: str | None = Field(description="The code of the question that comes next.")
    form: LedTo | None = Field(description="The kind of form that it leads to: GET /v1/forms?kind= has it.")
    leaves: str | None = Field(description="The code of the text that says what to do instead.")


class AskedView(BaseModel):
    """A question, of whose answers one is chosen."""

    code: str
    text: str
    help: str | None
    answers: list[AnswerView]


class LeafView(BaseModel):
    """What to do where no form is of use; `link` leads to an article that says more."""

    code: str
    text: str
    link: str | None


class QuestionnaireView(BaseModel):
    """A table of questions in the caller's language; one begins with the first."""

    code: str
    language: Language
    title: str
    help: str | None
    questions: list[AskedView]
    leaves: list[LeafView]


@routes.get("/v1/questionnaires/{questionnaire_id}", summary="Questions that lead to the right form", tags=["forms"])
async def questionnaire(
    call: AuthorizationsCall,
    response: Response,
    questionnaire_id: Annotated[str, Path(max_length=64, description="Its code in the agency’s data.")],
) -> QuestionnaireView:
    """What is offered today. Open to everyone: some answers say that no account is needed.

    The form's own route takes the answers, from each question's code to that of its answer, and follows them anew.
    """
    found, day, language = call.tools.agency.questionnaires.get(questionnaire_id), today(call), call.language
    if found is None or not found.in_force(day):
        raise ProblemRaised(Refusal("not_found"))
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language"
    return QuestionnaireView(
        code=found.code,
        language=language,
        title=found.title.in_(language),
        help=_said(found.help, language),
        questions=[
            _question(question, [answer for answer in question.answers if answer.in_force(day)], language)
            for question in found.questions
            if question.in_force(day)
        ],
        leaves=[_leaf(leaf, language) for leaf in found.leaves if leaf.in_force(day)],
    )


def _question(question: Question, answers: list[Answer], language: Language) -> AskedView:
    return AskedView(
        code=question.code,
        text=question.text.in_(language),
        help=_said(question.help, language),
        answers=[
            AnswerView(
                code=answer.code,
                label=answer.label.in_(language),
                help=_said(answer.help, language),
                question=answer.question,
                form=answer.form,
                leaves=answer.leaves,
            )
            for answer in answers
        ],
    )


def _leaf(leaf: Leaf, language: Language) -> LeafView:
    link = leaf.link.in_(language) if leaf.link else None
    return LeafView(code=leaf.code, text=leaf.text.in_(language), link=link)


def _said(text: Text | None, language: Language) -> str | None:
    return text.in_(language) if text is not None else None
