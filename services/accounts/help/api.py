"""GET /v1/help: the agency's instructions, and its answers to frequent questions."""

from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, Field

from chassis.gateway import router
from contracts.agency.help import HelpPlace
from contracts.events import Language
from services.accounts.tools import AccountsCall

routes = router()


class HelpTextView(BaseModel):
    """Instructions: a text, or steps in order, or both."""

    code: str = Field(examples=["forgotten_password"])
    place: HelpPlace = Field(description="Where the portal shows it.")
    title: str
    text: str | None
    steps: list[str]
    link: str | None = Field(description="An article that says more.")


class QuestionView(BaseModel):
    """A question that people ask, and what the agency answers."""

    code: str
    question: str
    answer: str


class HelpView(BaseModel):
    """In the caller's language (Accept-Language), in the agency's order."""

    language: Language
    texts: list[HelpTextView]
    questions: list[QuestionView]


@routes.get("/v1/help", summary="Instructions and frequent questions", tags=["help"])
async def show(
    call: AccountsCall,
    response: Response,
    place: Annotated[
        HelpPlace | None, Query(description="Instructions for this place alone, and no questions.")
    ] = None,
) -> HelpView:
    """Open to everyone: whoever cannot sign in needs it most."""
    found, language = call.tools.agency.help, call.language
    today = call.gateway.unit.origin.clock().astimezone(call.tools.agency.profile.zone).date()
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language"
    return HelpView(
        language=language,
        texts=[
            HelpTextView(
                code=text.code,
                place=text.place,
                title=text.title.in_(language),
                text=text.text.in_(language) if text.text else None,
                steps=[step.in_(language) for step in text.steps],
                link=text.link.in_(language) if text.link else None,
            )
            for text in found.texts
            if text.in_force(today) and place in (None, text.place)
        ],
        questions=[
            QuestionView(
                code=question.code, question=question.question.in_(language), answer=question.answer.in_(language)
            )
            for question in found.questions
            if question.in_force(today) and place is None
        ],
    )
