"""The questions before a form, as a portal shows them: in both languages, to everyone, of this agency alone."""

from datetime import date
from typing import Any

import pytest

from contracts.agency import load
from contracts.agency.questionnaires import LeadsToForm, Leaves, walk
from local import ROOT
from services.authorizations.app import service
from services.authorizations.tools import Tools
from tests.fixtures.gateway import Opened, OpenService

RAMQ = ROOT / "agencies" / "ramq"
QUESTIONS = "/v1/questionnaires/delegate_access"


@pytest.fixture
async def ramq(open_service: OpenService) -> Opened[Tools]:
    opened: Opened[Tools] = await open_service(service, agency=RAMQ)
    return opened


async def test_the_questions_are_shown_to_everyone_in_both_languages(ramq: Opened[Tools]) -> None:
    for language, title, question, answer in (
        ("fr", "Je veux déléguer l’accès à un service en ligne", "Qui effectuera des tâches en votre nom?",
         "Un membre de mon personnel"),
        ("en", "I want to delegate access to an online service", "Who will perform tasks on your behalf?",
         "A member of my staff"),
    ):  # fmt: skip
        shown = await ramq.client.get(QUESTIONS, headers={"Accept-Language": language})
        assert shown.status_code == 200 and shown.headers["Content-Language"] == language
        body: dict[str, Any] = shown.json()
        assert (body["title"], body["language"]) == (title, language)
        second = body["questions"][1]
        assert (second["code"], second["text"], second["answers"][0]["label"]) == ("who_acts", question, answer)


async def test_whoever_follows_what_is_shown_comes_to_the_form_or_to_what_to_do_instead(ramq: Opened[Tools]) -> None:
    """Every path of the table, as a portal would walk it; the platform, asked with the same answers, says the same."""
    shown: dict[str, Any] = (await ramq.client.get(QUESTIONS, headers={"Accept-Language": "en"})).json()
    questions = {question["code"]: question for question in shown["questions"]}
    leaves = {leaf["code"]: leaf["text"] for leaf in shown["leaves"]}
    table, day = load(RAMQ).questionnaires["delegate_access"], date(2026, 11, 28)
    ends: list[str] = []
    paths: list[tuple[str, dict[str, str]]] = [(shown["questions"][0]["code"], {})]
    while paths:
        code, before = paths.pop()
        for answer in questions[code]["answers"]:
            answers = before | {code: answer["code"]}
            if answer["question"] is not None:
                paths.append((answer["question"], answers))
                continue
            end = walk(table, answers, day)
            if answer["form"] is not None:
                assert end == LeadsToForm(answer["form"])
            else:
                assert isinstance(end, Leaves) and end.leaf.text.en == leaves[answer["leaves"]]
            ends.append(answer["form"] or answer["leaves"])
    assert ends.count("mandate") == 2 and set(leaves) < set(ends)


async def test_an_agency_has_its_own_questionnaires_and_no_others(open_service: OpenService) -> None:
    opened: Opened[Tools] = await open_service(service, agency=ROOT / "agencies" / "wsscc")
    refused = await opened.client.get(QUESTIONS)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
