"""Another address: proved by a code, no hint whose it is, told to the former one, which can take the account back."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.tokens import NotAuthenticated
from contracts.accounts import EmailChanged, Person, SessionsRevoked
from contracts.notifications import (
    AccountReopenedMail,
    AddressTakenMail,
    EmailChangeCodeMail,
    EmailChangedMail,
    MailRequest,
    PasswordResetCodeMail,
    UndoContents,
)
from services.accounts.email_changes.handlers import forget
from services.accounts.tests.conftest import PASSWORD, Accounts, Signed, signed, wrong
from tests.fixtures.digits import holds

OLD = "membre@laforce.example"
NEW = "nouvelle@laforce.example"
TAKEN = "responsable@laforce.example"


async def ask(accounts: Accounts, person: Signed, email: str = NEW, password: str = PASSWORD) -> httpx.Response:
    body = {"password": password, "new_email": email}
    return await accounts.post("/v1/account/email-changes", body, person.headers)


async def verify(accounts: Accounts, person: Signed, change_id: str, code: str) -> httpx.Response:
    return await accounts.post(f"/v1/account/email-changes/{change_id}/verification", {"code": code}, person.headers)


async def change(accounts: Accounts, person: Signed, email: str = NEW, password: str = PASSWORD) -> str:
    """Change the address. Returns the token that undoes it."""
    answer = await ask(accounts, person, email, password)
    assert answer.status_code == 202, answer.text
    code = await accounts.last_code(EmailChangeCodeMail)
    changed = await verify(accounts, person, answer.json()["change_id"], code)
    assert (changed.status_code, changed.json()["email"]) == (200, email)
    _, contents = (await accounts.mailed(EmailChangedMail))[-1]
    assert isinstance(contents, UndoContents)
    return contents.token


async def undo(accounts: Accounts, token: str, password: str = PASSWORD) -> httpx.Response:
    return await accounts.post("/v1/email-change-undos", {"token": token, "password": password})


def shape(response: Any) -> tuple[int, set[str], set[str]]:
    return response.status_code, set(response.json()), set(response.headers)


async def test_the_code_from_the_new_address_changes_it_and_the_old_one_is_told(accounts: Accounts) -> None:
    person = await accounts.opened(OLD)
    answer = await ask(accounts, person)
    [(mail, contents)] = await accounts.mailed(EmailChangeCodeMail)
    assert (contents.address, mail.handle) == (NEW, answer.json()["delivery_handle"])
    assert (await accounts.sign_in(OLD)).status_code == 200  # until the code comes back

    code = await accounts.last_code(EmailChangeCodeMail)
    changed = await verify(accounts, person, answer.json()["change_id"], f"{code[:3]} {code[3:]}")
    assert changed.status_code == 200, changed.text
    assert (await accounts.sign_in(NEW)).status_code == 200
    assert (await accounts.sign_in(OLD)).json()["code"] == "sign_in_refused"
    [event] = await accounts.events(EmailChanged)
    assert (event.account_id, event.undone) == (person.account_id, False)
    assert [state.email for state in await accounts.events(Person)] == [OLD, NEW]
    [(_, contents)] = await accounts.mailed(EmailChangedMail)
    assert contents.address == OLD


async def test_without_the_password_nothing_is_asked_for(accounts: Accounts) -> None:
    person = await accounts.opened(OLD)
    refused = await ask(accounts, person, password="ce n’est pas le bon, hélas")
    assert (refused.status_code, refused.json()["code"]) == (403, "password_wrong")
    assert await accounts.mailed(EmailChangeCodeMail) == []


async def test_a_stolen_token_guesses_no_more_passwords_than_a_stranger_and_locks_nobody_out(
    accounts: Accounts,
) -> None:
    person = await accounts.opened(OLD)
    accounts.limit("sign_in", 2)
    answers = [await ask(accounts, person, password=f"ce n’est pas le bon, {n}") for n in range(3)]
    assert [answer.status_code for answer in answers] == [403, 403, 429]
    assert (await accounts.sign_in(OLD)).status_code == 200


async def test_an_address_that_is_taken_is_answered_like_a_free_one(accounts: Accounts) -> None:
    await accounts.opened(TAKEN, language="en")
    person = await accounts.opened(OLD)
    grown, answers = [], []
    for email in (NEW, TAKEN):
        tables = ("email_changes", "people", "outbox", "audit")
        rows = {table: await accounts.pool.fetchval(f"select count(*) from {table}") for table in tables}
        answers.append(await ask(accounts, person, email))
        grown.append({t: await accounts.pool.fetchval(f"select count(*) from {t}") - rows[t] for t in tables})
    assert shape(answers[0]) == shape(answers[1])
    assert grown == [{"email_changes": 1, "people": 1, "outbox": 1, "audit": 1}] * 2
    [(mail, contents)] = await accounts.mailed(AddressTakenMail)
    assert (contents.address, mail.language, mail.handle) == (TAKEN, "en", answers[1].json()["delivery_handle"])
    code = await accounts.last_code(EmailChangeCodeMail)
    refused = await verify(accounts, person, answers[1].json()["change_id"], code)
    assert (refused.status_code, refused.json()["code"]) == (422, "code_refused")


async def test_every_refused_code_reads_the_same(accounts: Accounts) -> None:
    person = await accounts.opened(OLD)
    other = await accounts.opened(TAKEN)
    answer = await ask(accounts, person)
    change_id, right = answer.json()["change_id"], await accounts.last_code(EmailChangeCodeMail)
    answers = [
        await verify(accounts, person, change_id, wrong(right)),
        await verify(accounts, other, change_id, right),
        await verify(accounts, person, str(uuid4()), right),
    ]
    accounts.clock.advance(minutes=10)
    answers.append(await verify(accounts, person, change_id, right))
    assert {(answer.status_code, answer.text) for answer in answers} == {(422, answers[0].text)}


async def test_after_the_last_try_not_even_the_right_code_changes_the_address(accounts: Accounts) -> None:
    person = await accounts.opened(OLD)
    change_id = (await ask(accounts, person)).json()["change_id"]
    right = await accounts.last_code(EmailChangeCodeMail)
    answers = await asyncio.gather(*[verify(accounts, person, change_id, wrong(right)) for _ in range(20)])
    assert {answer.status_code for answer in answers} == {422}
    assert (await verify(accounts, person, change_id, right)).json()["code"] == "code_refused"


async def test_a_newer_change_takes_the_place_of_one_that_was_not_verified(accounts: Accounts) -> None:
    person = await accounts.opened(OLD)
    first = (await ask(accounts, person)).json()["change_id"]
    code = await accounts.last_code(EmailChangeCodeMail)
    await change(accounts, person, "troisieme@laforce.example")
    assert (await verify(accounts, person, first, code)).json()["code"] == "code_refused"


async def test_of_two_accounts_that_want_one_address_the_first_verified_has_it(accounts: Accounts) -> None:
    people = [await accounts.opened(OLD), await accounts.opened(TAKEN)]
    submissions = []
    for person in people:
        change_id = (await ask(accounts, person)).json()["change_id"]
        submissions.append((person, change_id, await accounts.last_code(EmailChangeCodeMail)))
    answers = await asyncio.gather(*[verify(accounts, *one) for one in submissions])
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    assert await accounts.pool.fetchval("select count(*) from people where email = $1 and opened", NEW) == 1


async def test_an_account_asks_for_so_many_changes_and_no_more(accounts: Accounts) -> None:
    person = await accounts.opened(OLD)
    accounts.limit("email_change_per_account", 1)
    assert [(await ask(accounts, person, f"{n}@laforce.example")).status_code for n in range(2)] == [202, 429]


async def test_over_the_new_addresss_limit_the_answer_is_the_same_and_no_mail_goes_out(accounts: Accounts) -> None:
    person = await accounts.opened(OLD)
    accounts.limit("registration_per_address", 1)
    within, over = [await ask(accounts, person) for _ in range(2)]
    assert shape(within)[:2] == shape(over)[:2]
    assert len(await accounts.mailed(EmailChangeCodeMail)) == 1


async def test_undoing_gives_the_account_back_ends_every_session_and_kills_the_password(accounts: Accounts) -> None:
    person = await accounts.opened(OLD)
    token = await change(accounts, person)
    thief = signed(await accounts.sign_in(NEW))
    assert (await undo(accounts, token)).status_code == 204
    for one in (person, thief):
        with pytest.raises(NotAuthenticated):
            await accounts.verifier.verify(one.access_token)
    [revoked] = await accounts.events(SessionsRevoked)
    assert (revoked.session_id, revoked.reason) == (None, "email_change_undone")
    assert [event.undone for event in await accounts.events(EmailChanged)] == [False, True]
    assert (await accounts.events(Person))[-1].email == OLD
    for login in (OLD, NEW):
        assert (await accounts.sign_in(login)).json()["code"] == "sign_in_refused"

    reset = (await accounts.post("/v1/password-resets", {"email": OLD})).json()["reset_id"]
    body = {"code": await accounts.last_code(PasswordResetCodeMail), "new_password": "une tout autre phrase de passe"}
    assert (await accounts.post(f"/v1/password-resets/{reset}/completion", body)).status_code == 204
    assert (await accounts.sign_in(OLD, "une tout autre phrase de passe")).status_code == 200


async def test_the_former_mailbox_alone_takes_nothing_back(accounts: Accounts) -> None:
    """A firm reads the mailbox of whoever has left it: without the password its link is like a dead one."""
    token = await change(accounts, await accounts.opened(OLD))
    refused = await undo(accounts, token, "ce n’est pas le bon, hélas")
    assert (refused.status_code, refused.json()["code"]) == (422, "undo_refused")
    assert (await undo(accounts, "nobody-ever-drew-this")).text == refused.text
    assert (await accounts.sign_in(NEW)).status_code == 200
    assert (await undo(accounts, token)).status_code == 204


async def test_the_password_of_before_counts_whatever_it_is_now(accounts: Accounts) -> None:
    token = await change(accounts, await accounts.opened(OLD))
    reset = (await accounts.post("/v1/password-resets", {"email": NEW})).json()["reset_id"]
    body = {"code": await accounts.last_code(PasswordResetCodeMail), "new_password": "une tout autre phrase de passe"}
    assert (await accounts.post(f"/v1/password-resets/{reset}/completion", body)).status_code == 204
    assert (await undo(accounts, token, "une tout autre phrase de passe")).status_code == 422
    assert (await undo(accounts, token)).status_code == 204


async def test_fifty_passwords_at_once_are_compared_no_more_often_than_the_tries(accounts: Accounts) -> None:
    token = await change(accounts, await accounts.opened(OLD))
    answers = await asyncio.gather(*[undo(accounts, token, f"ce n’est pas le bon, {n}") for n in range(50)])
    assert {answer.status_code for answer in answers} == {422}
    tries = accounts.unit.tools.agency.limits.one_time_code.tries
    assert await accounts.pool.fetchval("select undo_tries from email_changes") == tries
    assert (await undo(accounts, token)).json()["code"] == "undo_refused"


async def test_an_unknown_link_costs_a_comparison_too(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    verify_one = accounts.unit.tools.hasher.verify

    async def counting(encoded: str, password: str) -> bool:
        compared.append(password)
        return await verify_one(encoded, password)

    monkeypatch.setattr(accounts.unit.tools.hasher, "verify", counting)
    assert (await undo(accounts, "nobody-ever-drew-this")).status_code == 422
    assert compared == [PASSWORD]


async def test_a_program_that_opens_the_link_consumes_nothing_and_a_click_works_once(accounts: Accounts) -> None:
    token = await change(accounts, await accounts.opened(OLD))
    for method in ("GET", "HEAD", "OPTIONS"):
        opened = await accounts.client.request(method, "/v1/email-change-undos", params={"token": token})
        assert opened.status_code == 405
    answers = await asyncio.gather(*[undo(accounts, token) for _ in range(10)])
    assert sorted(answer.status_code for answer in answers) == [204] + [422] * 9


async def test_undoing_reaches_through_later_changes_and_voids_them(accounts: Accounts) -> None:
    person = await accounts.opened(OLD)
    first = await change(accounts, person)
    second = await change(accounts, person, "troisieme@laforce.example")
    assert (await undo(accounts, first)).status_code == 204
    assert (await accounts.events(Person))[-1].email == OLD
    assert (await undo(accounts, second)).json()["code"] == "undo_refused"


async def test_the_link_gives_the_address_back_also_of_an_account_that_is_closed(accounts: Accounts) -> None:
    person = await accounts.opened(OLD)
    token = await change(accounts, person)
    closed = await accounts.post("/v1/account/deactivation", {"password": PASSWORD}, person.headers)
    assert closed.status_code == 204
    assert (await undo(accounts, token)).status_code == 204
    state = (await accounts.events(Person))[-1]
    assert (state.email, state.status) == (OLD, "deactivated")
    path = f"/v1/accounts/{person.account_id}/reactivation"
    assert (await accounts.post(path, {"reason": "asked_by_person"}, accounts.agent)).status_code == 200
    [(_, contents)] = await accounts.mailed(AccountReopenedMail)
    assert contents.address == OLD
    assert (await accounts.sign_in(OLD)).status_code == 401


async def test_a_code_on_its_way_to_the_address_that_is_undone_is_dead(accounts: Accounts) -> None:
    token = await change(accounts, await accounts.opened(OLD))
    reset = (await accounts.post("/v1/password-resets", {"email": NEW})).json()["reset_id"]
    code = await accounts.last_code(PasswordResetCodeMail)
    assert (await undo(accounts, token)).status_code == 204
    body = {"code": code, "new_password": "une tout autre phrase de passe"}
    refused = await accounts.post(f"/v1/password-resets/{reset}/completion", body)
    assert refused.json()["code"] == "code_refused"


async def test_after_its_time_a_change_stays(accounts: Accounts) -> None:
    token = await change(accounts, await accounts.opened(OLD))
    accounts.clock.advance(days=accounts.unit.tools.agency.accounts.email_changes.undo_days)
    refused = await undo(accounts, token)
    assert (refused.status_code, refused.json()["code"]) == (422, "undo_refused")
    assert "firmecomptable@ccq.org" in refused.json()["detail"]
    assert (await undo(accounts, "nobody-ever-drew-this")).text == refused.text


async def test_an_address_that_has_another_account_by_now_is_not_given_back(accounts: Accounts) -> None:
    token = await change(accounts, await accounts.opened(OLD))
    await accounts.opened(OLD)
    assert (await undo(accounts, token)).json()["code"] == "undo_refused"


async def test_the_old_address_is_free_to_register_at_once(accounts: Accounts) -> None:
    person = await accounts.opened(OLD)
    await change(accounts, person)
    assert (await accounts.opened(OLD)).account_id != person.account_id


async def test_no_code_or_token_rests_and_no_address_leaves_its_table(
    accounts: Accounts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    person = await accounts.opened(OLD)
    token = await change(accounts, person)
    code = await accounts.last_code(EmailChangeCodeMail)
    await undo(accounts, token)
    said = "\n".join([*(await accounts.everything()).values(), caplog.text])
    assert token not in said
    assert not holds(said, code)
    rows = await accounts.everything(but=("people", "outbox", "state_echoes"))
    assert not [name for name, row in rows.items() for address in (OLD, NEW) if address in row]
    for mail in await accounts.events(MailRequest):
        assert NEW not in mail.model_dump_json()
    assert NEW not in caplog.text


async def test_addresses_are_forgotten_when_nothing_can_be_verified_or_undone(accounts: Accounts) -> None:
    person = await accounts.opened(OLD)
    await change(accounts, person)
    await ask(accounts, person, "jamais@laforce.example")
    accounts.clock.advance(hours=25)
    await accounts.unit.run(forget, None, accounts.unit.origin.itself)
    known = {row["email"] for row in await accounts.pool.fetch("select email from people")}
    assert known == {OLD, NEW}
    accounts.clock.advance(days=16)
    await accounts.unit.run(forget, None, accounts.unit.origin.itself)
    assert {row["email"] for row in await accounts.pool.fetch("select email from people")} == {NEW}
    assert await accounts.pool.fetchval("select count(*) from email_changes") == 0
