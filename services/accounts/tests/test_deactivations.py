"""Closing an account and opening it again: who may, what ends, what stays, who is told."""

from uuid import uuid4

import pytest

from chassis.tokens import NotAuthenticated
from contracts.accounts import AccountDeactivated, AccountReactivated, EmailChanged, Person, SessionsRevoked
from contracts.notifications import (
    AccountClosedMail,
    AccountReopenedMail,
    MailRequest,
    NoAccountMail,
    PasswordResetCodeMail,
    TemporaryPasswordMail,
)
from services.accounts.registrations.handlers import forget_unverified
from services.accounts.tests.conftest import PASSWORD, Accounts, Signed, signed
from services.accounts.tests.credentials import (
    CHOSEN,
    DELEGATE,
    Ordered,
    credential,
    first_sign_in,
    give,
    issued,
    mandating,
    temporary_passwords,
)
from services.accounts.tests.test_email_changes import change, undo

OWN = "membre@laforce.example"


async def close(accounts: Accounts, person: Signed, password: str = PASSWORD) -> int:
    return (await accounts.post("/v1/account/deactivation", {"password": password}, person.headers)).status_code


async def test_a_person_closes_their_account_and_may_register_again(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    assert await close(accounts, person, "ce n’est pas le bon, hélas") == 403
    assert await close(accounts, person) == 204
    with pytest.raises(NotAuthenticated):
        await accounts.verifier.verify(person.access_token)
    assert (await accounts.sign_in(OWN)).json()["code"] == "sign_in_refused"
    [closed] = await accounts.events(AccountDeactivated)
    assert (closed.account_id, closed.because) == (person.account_id, "closed")
    [revoked] = await accounts.events(SessionsRevoked)
    assert (revoked.epoch, revoked.reason) == (1, "account_deactivated")
    state = (await accounts.events(Person))[-1]
    assert (state.status, state.epoch) == ("deactivated", 1)
    [(_, contents)] = await accounts.mailed(AccountClosedMail)
    assert contents.address == OWN

    again = await accounts.opened(OWN)
    assert again.account_id != person.account_id
    assert (await accounts.sign_in(OWN)).json()["account_id"] == str(again.account_id)


async def test_an_account_closed_on_its_first_day_keeps_its_person_for_who_must_know(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    await close(accounts, person)
    accounts.clock.advance(hours=25)
    await accounts.unit.run(forget_unverified, None, accounts.unit.origin.itself)
    reopened = await accounts.post(
        f"/v1/accounts/{person.account_id}/reactivation", {"reason": "asked_by_person"}, accounts.agent
    )
    assert reopened.status_code == 200


async def test_an_agent_closes_an_account_whose_address_stays_taken_and_opens_it_again(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    path = f"/v1/accounts/{person.account_id}"
    closed = await accounts.post(f"{path}/deactivation", {"reason": "compromised"}, accounts.agent)
    assert (closed.status_code, closed.json()["deactivated_because"]) == (200, "by_agent")
    assert OWN not in closed.text
    assert (await accounts.sign_in(OWN)).json()["code"] == "sign_in_refused"
    registration = (await accounts.register(OWN)).json()["registration_id"]
    [(mail, _)] = await accounts.mails(registration)
    assert mail.mail == "already_registered"
    await accounts.post("/v1/password-resets", {"email": OWN})
    assert len(await accounts.mailed(NoAccountMail)) == 1
    assert await accounts.mailed(PasswordResetCodeMail) == []

    opened = await accounts.post(f"{path}/reactivation", {"reason": "settled"}, accounts.agent)
    assert (opened.json()["status"], opened.json()["deactivated_because"]) == ("active", None)
    [event] = await accounts.events(AccountReactivated)
    assert event.account_id == person.account_id
    assert [state.status for state in await accounts.events(Person)] == ["active", "deactivated", "active"]
    assert len(await accounts.mailed(AccountReopenedMail)) == 1
    noted = await accounts.pool.fetch(
        "select actor_kind, action, detail ->> 'reason' as reason from audit where actor_kind = 'agent' order by id"
    )
    assert [tuple(row) for row in noted if row["action"].startswith("account_")] == [
        ("agent", "account_deactivated", "compromised"),
        ("agent", "account_reactivated", "settled"),
    ]


async def test_repeating_changes_nothing_and_unknown_accounts_are_not_found(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    for _ in range(2):
        path = f"/v1/accounts/{person.account_id}/deactivation"
        assert (await accounts.post(path, {"reason": "misuse"}, accounts.agent)).status_code == 200
    assert len(await accounts.events(AccountDeactivated)) == 1
    missing = await accounts.post(f"/v1/accounts/{uuid4()}/deactivation", {"reason": "misuse"}, accounts.agent)
    assert missing.json()["code"] == "not_found"


async def test_an_account_is_not_opened_again_over_another_with_its_address(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    await close(accounts, person)
    await accounts.opened(OWN)
    path = f"/v1/accounts/{person.account_id}/reactivation"
    refused = await accounts.post(path, {"reason": "asked_by_person"}, accounts.agent)
    assert (refused.status_code, refused.json()["code"]) == (409, "address_in_use")


async def test_agents_alone_close_the_accounts_of_others(accounts: Accounts) -> None:
    person, other = await accounts.opened(OWN), await accounts.opened("nouvelle@laforce.example")
    for verb, reason in (("deactivation", "misuse"), ("reactivation", "settled")):
        path = f"/v1/accounts/{other.account_id}/{verb}"
        refused = await accounts.post(path, {"reason": reason}, person.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "wrong_kind_of_caller")
        assert (await accounts.post(path, {"reason": "parce que"}, accounts.agent)).status_code == 422


async def test_signing_out_everywhere_ends_every_session_and_the_account_stays_open(accounts: Accounts) -> None:
    first = await accounts.opened(OWN)
    await accounts.sign_in(OWN)
    answer = await accounts.client.delete("/v1/sessions", headers=first.headers)
    assert answer.status_code == 204
    with pytest.raises(NotAuthenticated):
        await accounts.verifier.verify(first.access_token)
    assert await accounts.pool.fetchval("select count(*) from sessions where ended_at is null") == 0
    assert (await accounts.sign_in(OWN)).status_code == 200


@pytest.mark.parametrize(("reason", "works"), [("misuse", False), ("compromised", False), ("asked_by_person", True)])
async def test_a_password_that_somebody_else_may_know_works_no_more_when_the_account_is_opened_again(
    accounts: Accounts, reason: str, works: bool
) -> None:
    person = await accounts.opened(OWN)
    path = f"/v1/accounts/{person.account_id}"
    assert (await accounts.post(f"{path}/deactivation", {"reason": reason}, accounts.agent)).status_code == 200
    assert (await accounts.post(f"{path}/reactivation", {"reason": "settled"}, accounts.agent)).status_code == 200
    assert (await accounts.sign_in(OWN)).status_code == (200 if works else 401)
    asked = await accounts.post("/v1/password-resets", {"email": OWN})
    code, another = await accounts.last_code(PasswordResetCodeMail), "une tout autre phrase de passe"
    done = await accounts.post(
        f"/v1/password-resets/{asked.json()['reset_id']}/completion", {"code": code, "new_password": another}
    )
    assert done.status_code < 300, done.text
    assert (await accounts.sign_in(OWN, another)).status_code == 200


@pytest.mark.parametrize("reason", ["misuse", "asked_by_person"])
async def test_an_account_with_a_user_name_is_opened_again_with_a_new_temporary_password_for_its_person_alone(
    accounts: Accounts, reason: str
) -> None:
    mandating(accounts)
    await give(accounts, Ordered())
    user_name, first = await credential(accounts)
    assert (await first_sign_in(accounts, user_name, first)).status_code == 201
    [one] = await issued(accounts)
    path, before = f"/v1/accounts/{one.account_id}", len(await accounts.events(MailRequest))
    assert (await accounts.post(f"{path}/deactivation", {"reason": reason}, accounts.agent)).status_code == 200
    assert (await accounts.sign_in(user_name, CHOSEN)).status_code == 401
    assert (await accounts.post(f"{path}/reactivation", {"reason": "settled"}, accounts.agent)).status_code == 200
    assert (await accounts.sign_in(user_name, CHOSEN)).status_code == 401
    mails = (await accounts.events(MailRequest))[before:]
    assert [type(mail) for mail in mails] == [AccountClosedMail, TemporaryPasswordMail]
    assert {mail.recipient_id for mail in mails} == {one.account_id}
    _, contents = (await temporary_passwords(accounts))[-1]
    assert contents.address == DELEGATE.email
    again = await accounts.sign_in(user_name, contents.temporary_password)
    assert (again.status_code, again.json()["code"]) == (403, "password_to_change")


@pytest.mark.parametrize("closed_first", [False, True])
async def test_closing_an_account_that_another_person_had_in_hand_gives_it_back_to_its_owners_address(
    accounts: Accounts, closed_first: bool
) -> None:
    mandating(accounts)
    await give(accounts, Ordered())
    user_name, first = await credential(accounts)
    thief = signed(await first_sign_in(accounts, user_name, first))
    token = await change(accounts, thief, "voleur@ailleurs.example", CHOSEN)
    await change(accounts, thief, "cachette@ailleurs.example", CHOSEN)
    if closed_first:
        assert await close(accounts, thief, CHOSEN) == 204
    path = f"/v1/accounts/{thief.account_id}"
    assert (await accounts.post(f"{path}/deactivation", {"reason": "misuse"}, accounts.agent)).status_code == 200
    assert (await accounts.events(Person))[-1].email == DELEGATE.email
    assert [event.undone for event in await accounts.events(EmailChanged)] == [False, False, True]
    assert (await undo(accounts, token, CHOSEN)).json()["code"] == "undo_refused"  # nothing is left to undo
    assert (await accounts.post(f"{path}/reactivation", {"reason": "settled"}, accounts.agent)).status_code == 200
    assert [contents.address for _, contents in await temporary_passwords(accounts)] == [DELEGATE.email] * 2
    assert (await accounts.sign_in(user_name, CHOSEN)).status_code == 401


async def test_an_account_whose_owners_address_has_another_by_now_is_not_opened_again(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    await change(accounts, person, "voleur@ailleurs.example")
    await accounts.opened(OWN)
    path = f"/v1/accounts/{person.account_id}"
    assert (await accounts.post(f"{path}/deactivation", {"reason": "misuse"}, accounts.agent)).status_code == 200
    refused = await accounts.post(f"{path}/reactivation", {"reason": "settled"}, accounts.agent)
    assert (refused.status_code, refused.json()["code"]) == (409, "address_in_use")
