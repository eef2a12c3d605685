"""“Remplir le questionnaire de notre arbre décisionnel pour accéder au bon formulaire”."""

from typing import Any

from local.journeys.portal import Someone
from local.journeys.ramq.stage import TO_THE_FORM, Journey

QUESTIONS = "/v1/questionnaires/delegate_access"


async def answer_the_questions(journey: Journey, who: Someone) -> None:
    """Question by question, as a portal shows them: to the form, and elsewhere to what to do instead."""
    told, portal = journey.told, journey.portal
    told.step(
        "En répondant à quelques questions, vous aurez accès au formulaire approprié",
        "The portal shows one question after the other; it needs no account for that.",
    )
    table = await portal.call(who, "authorizations", "GET", QUESTIONS, expect=200)
    questions = {question["code"]: question for question in table["questions"]}
    here: Any = table["questions"][0]
    while True:
        chosen = next(answer for answer in here["answers"] if answer["code"] == TO_THE_FORM[here["code"]])
        told.shows(f"{here['text']} – {chosen['label']}")
        if chosen["question"] is None:
            break
        here = questions[chosen["question"]]
    told.holds(chosen["form"] == "mandate", "the answers lead to the form of a mandate")
    leaves = {leaf["code"]: leaf["text"] for leaf in table["leaves"]}
    ends = [answer["leaves"] for question in questions.values() for answer in question["answers"] if answer["leaves"]]
    told.shows(*(leaves[end] for end in ("not_staff", "shared_address")))
    told.holds(set(ends) == set(leaves), "whatever else is answered leads to a text that says what to do instead")
