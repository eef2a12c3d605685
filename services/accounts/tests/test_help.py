"""Help texts and answers to frequent questions are the agency's data, for everybody, in both languages."""

import pytest

from contracts.agency import load
from local import ROOT
from services.accounts.tests.conftest import Accounts


@pytest.mark.parametrize(
    ("language", "question", "title"),
    [
        ("fr", "Que dois-je faire si j’oublie mon mot de passe?", "Vous avez oublié votre mot de passe?"),
        ("en", "What should I do if I forget my password?", "Forgot your password?"),
    ],
)
async def test_the_guides_questions_are_answered_without_signing_in(
    wsscc: Accounts, language: str, question: str, title: str
) -> None:
    answer = await wsscc.client.get("/v1/help", headers={"Accept-Language": language})
    assert (answer.status_code, answer.headers["Content-Language"]) == (200, language)
    questions = {one["code"]: one for one in answer.json()["questions"]}
    assert list(questions) == [
        "connect_code", "where_is_my_code", "employer_number", "several_administrators", "estimated_payroll",
        "password",
    ]  # fmt: skip
    assert questions["password"]["question"] == question
    assert title in questions["password"]["answer"]
    assert title in [text["title"] for text in answer.json()["texts"]]


async def test_the_sign_in_page_has_the_steps_for_a_forgotten_password_alone(wsscc: Accounts) -> None:
    answer = (await wsscc.client.get("/v1/help", params={"place": "sign_in"})).json()
    assert [text["code"] for text in answer["texts"]] == ["forgotten_password"]
    assert len(answer["texts"][0]["steps"]) == 3 and answer["questions"] == []


async def test_an_agency_without_the_file_has_no_help_here(accounts: Accounts) -> None:
    answer = (await accounts.client.get("/v1/help")).json()
    assert (answer["texts"], answer["questions"]) == ([], [])


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_each_entry_of_the_administrators_menu_has_its_help_with_a_link_to_more(
    wsscc: Accounts, language: str
) -> None:
    query, headers = {"place": "managing"}, {"Accept-Language": language}
    texts = (await wsscc.client.get("/v1/help", params=query, headers=headers)).json()["texts"]
    menu, entries = texts[0], texts[1:]
    assert menu["code"] == "access_administrators" and len(menu["steps"]) == 5
    assert [entry["code"] for entry in entries] == [
        "access_requests", "functions", "invitations", "blocks", "connect_code_of_employer", "other_administrators",
    ]  # fmt: skip
    for entry in entries:
        assert entry["text"] and entry["link"].startswith(f"https://aide.connect.example/{language}/"), entry["code"]


async def test_what_the_answers_say_is_what_the_agencys_data_do(wsscc: Accounts) -> None:
    agency = load(ROOT / "agencies" / "wsscc")
    answered = (await wsscc.client.get("/v1/help", headers={"Accept-Language": "en"})).json()
    answers = {one["code"]: one["answer"] for one in answered["questions"]}
    helped = {one["code"]: " ".join((one["text"] or "", *one["steps"])) for one in answered["texts"]}
    [method] = (found for found in agency.linking_methods.values() if found.kind == "organization_code")
    assert method.digits == 6 and "six-digit" in answers["connect_code"]
    assert method.payroll.before_report == 0 and "$00" in answers["estimated_payroll"]
    assert len(agency.requests.kinds["invitation"].reminders) == 1 and "reminded once" in helped["invitations"]
    assert agency.requests.kinds["access_request"].reminders and "You are reminded" in helped["access_requests"]
