"""Help texts and answers to frequent questions are the agency's data, for everybody, in both languages."""

import pytest

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
