"""Where the agency's data say so, the mail has a link: it opens the account for whoever knows the chosen password."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from contracts.accounts import AccountOpened
from contracts.notifications import AlreadyRegisteredMail, VerificationCodeMail, VerificationLinkMail
from services.accounts.hashing import Hasher
from services.accounts.registrations.handlers import forget_unverified
from services.accounts.tests.conftest import PASSWORD, Accounts

OWN = "worker@aurora.example"
OTHER_PASSWORD = "eine ganz andere Losung als jene"


async def registered(wsscc: Accounts, email: str = OWN) -> str:
    answer = await wsscc.register(email)
    assert answer.status_code == 202, answer.text
    found: str = answer.json()["registration_id"]
    return found


async def test_the_link_and_the_chosen_password_open_the_account_and_a_first_session(wsscc: Accounts) -> None:
    notice = (await wsscc.client.get("/v1/registration-notice")).json()
    assert notice["confirmation"] == "link"
    registration_id = await registered(wsscc)
    [(mail, _)] = await wsscc.mailed(VerificationLinkMail)
    assert mail.page == "registration_confirmation" and mail.valid_until == mail.expires_at
    assert timedelta(hours=11.9) < mail.valid_until - wsscc.clock() <= timedelta(hours=12)
    assert await wsscc.mailed(VerificationCodeMail) == []
    in_link, token = await wsscc.link(registration_id)
    answer = await wsscc.confirm(in_link, token)
    assert answer.status_code == 201, answer.text
    account = await wsscc.client.get(
        "/v1/account", headers={"Authorization": f"Bearer {answer.json()['access_token']}"}
    )
    assert account.json()["email"] == OWN
    assert len(await wsscc.events(AccountOpened)) == 1


async def test_the_link_may_be_opened_in_another_browser_because_it_names_the_registration(wsscc: Accounts) -> None:
    registration_id = await registered(wsscc)
    in_link, token = await wsscc.link(registration_id)
    assert in_link == registration_id
    async with wsscc.elsewhere("198.51.100.20") as elsewhere:
        assert (await elsewhere.confirm(in_link, token)).status_code == 201


async def test_the_link_alone_does_not_confirm_somebody_elses_password(wsscc: Accounts) -> None:
    """Somebody registers another's address with a password of their own; the owner opens the link."""
    in_link, token = await wsscc.link(await registered(wsscc))
    refused = await wsscc.confirm(in_link, token, OTHER_PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (422, "confirmation_refused")
    assert await wsscc.events(AccountOpened) == []


async def test_every_refused_confirmation_reads_the_same(wsscc: Accounts) -> None:
    await wsscc.opened("known@aurora.example")
    known = await registered(wsscc, "known@aurora.example")
    assert len(await wsscc.mailed(AlreadyRegisteredMail)) == 1
    spent, token = await wsscc.link(await registered(wsscc, "spent@aurora.example"))
    assert (await wsscc.confirm(spent, token)).status_code == 201
    pending, its_token = await wsscc.link(await registered(wsscc))
    late, late_token = await wsscc.link(await registered(wsscc, "late@aurora.example"))
    answers = [
        await wsscc.confirm(spent, token),
        await wsscc.confirm(pending, token),
        await wsscc.confirm(pending, its_token, OTHER_PASSWORD),
        await wsscc.confirm(known, token),
        await wsscc.confirm(str(uuid4()), token),
    ]
    wsscc.clock.advance(hours=12.1)
    answers.append(await wsscc.confirm(late, late_token))
    assert {answer.status_code for answer in answers} == {422}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["code"] == "confirmation_refused"


async def test_each_confirmation_costs_one_password_whatever_it_names(
    wsscc: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending, token = await wsscc.link(await registered(wsscc))
    verified: list[str] = []
    verify = Hasher.verify

    async def counted(self: Hasher, encoded: str, password: str) -> bool:
        verified.append(encoded)
        return await verify(self, encoded, password)

    monkeypatch.setattr(Hasher, "verify", counted)
    await wsscc.confirm(str(uuid4()), token)
    await wsscc.confirm(pending, "A" * 22)
    assert verified == [wsscc.unit.tools.hasher.dummy] * 2


async def test_of_fifty_wrong_passwords_at_once_the_budget_is_compared_and_then_none(wsscc: Accounts) -> None:
    pending, token = await wsscc.link(await registered(wsscc))
    answers = await asyncio.gather(*(wsscc.confirm(pending, token, OTHER_PASSWORD) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {422}
    tries = await wsscc.pool.fetchval("select tries from registrations where registration_id = $1::uuid", pending)
    assert tries == wsscc.unit.tools.agency.confirmation.tries
    assert (await wsscc.confirm(pending, token)).status_code == 422


async def test_of_twenty_right_confirmations_at_once_one_opens_the_account(wsscc: Accounts) -> None:
    pending, token = await wsscc.link(await registered(wsscc))
    answers = await asyncio.gather(*(wsscc.confirm(pending, token) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 19
    assert len(await wsscc.events(AccountOpened)) == 1


async def test_of_two_registrations_of_one_address_the_first_confirmed_wins(wsscc: Accounts) -> None:
    first, second = await wsscc.link(await registered(wsscc)), await wsscc.link(await registered(wsscc))
    answers = await asyncio.gather(wsscc.confirm(*first), wsscc.confirm(*second))
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert len(await wsscc.events(AccountOpened)) == 1


async def test_a_new_link_kills_the_old_one_and_gives_no_new_tries(wsscc: Accounts) -> None:
    pending, old = await wsscc.link(await registered(wsscc))
    await wsscc.confirm(pending, old, OTHER_PASSWORD)
    wsscc.clock.advance(seconds=61)
    assert (await wsscc.resend(pending)).status_code == 202
    _, new = await wsscc.link(pending)
    assert (await wsscc.confirm(pending, old)).status_code == 422
    tries = await wsscc.pool.fetchval("select tries from registrations where registration_id = $1::uuid", pending)
    assert tries == 2
    assert (await wsscc.confirm(pending, new)).status_code == 201


async def test_a_link_that_was_sent_again_late_outlives_the_day_after_which_registrations_are_forgotten(
    wsscc: Accounts,
) -> None:
    pending = await registered(wsscc)
    wsscc.clock.advance(hours=23)
    assert (await wsscc.resend(pending)).status_code == 202
    wsscc.clock.advance(hours=2)
    await forget(wsscc)
    assert (await wsscc.confirm(*await wsscc.link(pending))).status_code == 201


async def test_no_token_rests_or_travels_in_clear(wsscc: Accounts) -> None:
    _, token = await wsscc.link(await registered(wsscc))
    assert [name for name, rows in (await wsscc.everything()).items() if token in rows] == []
    assert [
        row for row in await wsscc.pool.fetch("select payload from outbox") if token.encode() in row["payload"]
    ] == []


@pytest.mark.parametrize(
    "body", [{}, {"token": "A" * 22}, {"password": PASSWORD}, {"code": "123456", "token": "A" * 22}]
)
async def test_a_confirmation_is_a_code_or_a_token_with_the_password(wsscc: Accounts, body: dict[str, str]) -> None:
    answer = await wsscc.post(f"/v1/registrations/{uuid4()}/verification", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["fields"] == ["code", "token", "password"]


async def forget(wsscc: Accounts) -> None:
    """What a worker does every hour."""
    await wsscc.unit.run(forget_unverified, None, wsscc.unit.origin.itself)
