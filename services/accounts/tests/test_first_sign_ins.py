"""A temporary password works once, for a time, and for nothing but choosing a lasting one."""

import asyncio

import pytest

from contracts.accounts import NO_TERMS, AccountOpened, TermsAccepted
from contracts.notifications import PasswordResetCodeMail
from services.accounts.tests.conftest import PASSWORD, Accounts, signed, wrong
from services.accounts.tests.credentials import (
    CHOSEN,
    DELEGATE,
    RULES,
    Ordered,
    credential,
    first_sign_in,
    give,
    mandating,
)


@pytest.fixture
async def given(accounts: Accounts) -> tuple[str, str]:
    """A user name and a temporary password."""
    mandating(accounts)
    await give(accounts, Ordered())
    return await credential(accounts)


async def test_it_opens_no_session_and_says_where_a_password_is_chosen(
    accounts: Accounts, given: tuple[str, str]
) -> None:
    answer = await accounts.sign_in(*given)
    assert (answer.status_code, answer.json()["code"]) == (403, "password_to_change")
    assert answer.json()["next"]["href"] == "/v1/first-sign-ins"
    assert not (await accounts.everything())["sessions"]


async def test_the_first_sign_in_chooses_a_password_accepts_the_terms_and_uses_the_temporary_one_up(
    accounts: Accounts, given: tuple[str, str]
) -> None:
    user_name, password = given
    assert [opened.terms_version for opened in await accounts.events(AccountOpened)] == [NO_TERMS]
    answer = await first_sign_in(accounts, user_name, password)
    assert answer.status_code == 201 and answer.json()["terms_current"] is True
    own = (await accounts.client.get("/v1/account", headers=signed(answer).headers)).json()
    assert (own["email"], own["terms_version"], own["terms_current"]) == (DELEGATE.email, "2026-01", True)
    assert [accepted.terms_version for accepted in await accounts.events(TermsAccepted)] == ["2026-01"]
    assert (await first_sign_in(accounts, user_name, password)).json()["code"] == "sign_in_refused"
    assert (await accounts.sign_in(user_name, password)).json()["code"] == "sign_in_refused"
    assert (await accounts.sign_in(user_name, CHOSEN)).status_code == 200


async def test_two_first_sign_ins_at_once_let_one_in(accounts: Accounts, given: tuple[str, str]) -> None:
    answers = await asyncio.gather(*(first_sign_in(accounts, *given) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 401]


@pytest.mark.parametrize(
    ("new_password", "terms_version", "code"),
    [
        ("trop court", "2026-01", "password_refused"),
        ("Odile Fictive odile", "2026-01", "password_refused"),
        (None, "2026-01", "password_refused"),
        (CHOSEN, "2020-01", "terms_not_current"),
    ],
    ids=["too_short", "own_words", "the_temporary_one", "old_terms"],
)
async def test_what_may_not_be_chosen_uses_nothing_up(
    accounts: Accounts, given: tuple[str, str], new_password: str | None, terms_version: str, code: str
) -> None:
    refused = await first_sign_in(accounts, *given, new_password or f" {given[1].upper()}", terms_version)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert (await first_sign_in(accounts, *given)).status_code == 201


async def test_once_it_has_expired_it_says_so_to_who_has_it_and_how_to_come_by_another(
    accounts: Accounts, given: tuple[str, str]
) -> None:
    user_name, password = given
    accounts.clock.advance(hours=RULES.password_hours)
    for answer in (await accounts.sign_in(*given), await first_sign_in(accounts, *given)):
        assert (answer.status_code, answer.json()["code"]) == (403, "temporary_password_expired")
        assert answer.json()["next"]["href"] == "/v1/password-resets"
    assert (await accounts.sign_in(user_name, password + "x")).json()["code"] == "sign_in_refused"
    assert (await first_sign_in(accounts, user_name, password + "x")).json()["code"] == "sign_in_refused"


async def test_a_forgotten_password_is_asked_for_by_address_and_ends_the_temporary_one(
    accounts: Accounts, given: tuple[str, str]
) -> None:
    user_name, password = given
    reset = (await accounts.post("/v1/password-resets", {"email": DELEGATE.email})).json()["reset_id"]
    body = {"code": await accounts.last_code(PasswordResetCodeMail), "new_password": CHOSEN}
    assert (await accounts.post(f"/v1/password-resets/{reset}/completion", body)).status_code == 204
    assert (await first_sign_in(accounts, user_name, password)).status_code == 401
    assert (await accounts.sign_in(DELEGATE.email, CHOSEN)).status_code == 401
    answer = await accounts.sign_in(user_name, CHOSEN)
    assert answer.status_code == 200 and answer.json()["terms_current"] is False


async def test_who_has_a_user_name_signs_in_by_that_alone(accounts: Accounts, given: tuple[str, str]) -> None:
    user_name, password = given
    for login, tried in ((DELEGATE.email, password), (user_name, PASSWORD), (wrong(user_name[1:]), password)):
        answer, first = await accounts.sign_in(login, tried), await first_sign_in(accounts, login, tried)
        assert answer.status_code == first.status_code == 401
        assert answer.json() == first.json() == (await accounts.sign_in("x0000000000", "never chosen")).json()
    assert (await first_sign_in(accounts, user_name, password)).status_code == 201
    assert (await accounts.sign_in(DELEGATE.email, CHOSEN)).status_code == 401
    assert (await accounts.sign_in(f" {user_name.upper()} ", CHOSEN)).status_code == 200


async def test_it_is_taken_however_its_groups_were_copied(accounts: Accounts, given: tuple[str, str]) -> None:
    user_name, password = given
    assert (await first_sign_in(accounts, user_name, password.upper().replace("-", " "))).status_code == 201


async def test_tries_are_counted_by_user_name_as_those_of_any_sign_in(
    accounts: Accounts, given: tuple[str, str]
) -> None:
    for _ in range(30):
        refused = await first_sign_in(accounts, given[0], "abcd-efgh-jkmn-pqrs")
        if refused.status_code == 429:
            break
    assert refused.json()["code"] == "too_many_attempts"
    assert (await first_sign_in(accounts, *given)).status_code == 429
    assert (await accounts.sign_in(*given)).status_code == 429


async def test_an_account_that_an_agent_closed_lets_nobody_in_with_it(
    accounts: Accounts, given: tuple[str, str]
) -> None:
    [opened] = await accounts.events(AccountOpened)
    await accounts.post(f"/v1/accounts/{opened.account_id}/deactivation", {"reason": "misuse"}, accounts.agent)
    assert (await first_sign_in(accounts, *given)).json()["code"] == "sign_in_refused"
    assert (await accounts.sign_in(*given)).json()["code"] == "sign_in_refused"
