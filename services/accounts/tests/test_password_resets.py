"""A new password: one answer for every address, one mail, and a code that works once and ends every session."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client import REGISTRY

from chassis.keys import Keyring
from chassis.tokens import NotAuthenticated
from contracts.accounts import PasswordReset, Person, SessionsRevoked
from contracts.notifications import MailRequest, NoAccountMail, PasswordChangedMail, PasswordResetCodeMail
from services.accounts.password_resets.handlers import forget
from services.accounts.tests.conftest import PASSWORD, Accounts, signed, wrong
from tests.fixtures.digits import holds

OWNER = "responsable@laforce.example"
STRANGER = "personne@laforce.example"
NEW = "une tout autre phrase de passe"


async def ask(accounts: Accounts, email: str = OWNER, **headers: str) -> httpx.Response:
    return await accounts.post("/v1/password-resets", {"email": email}, headers)


async def complete(accounts: Accounts, reset_id: str, code: str, password: str = NEW) -> httpx.Response:
    body = {"code": code, "new_password": password}
    return await accounts.post(f"/v1/password-resets/{reset_id}/completion", body)


async def asked(accounts: Accounts, email: str = OWNER) -> tuple[str, str]:
    """A reset of an account's password, and the code in its mail."""
    answer = await ask(accounts, email)
    assert answer.status_code == 202
    return answer.json()["reset_id"], await accounts.last_code(PasswordResetCodeMail)


def shape(response: Any) -> tuple[int, set[str], set[str]]:
    return response.status_code, set(response.json()), set(response.headers)


async def test_the_right_code_sets_the_password_and_the_owner_is_told(accounts: Accounts) -> None:
    person = await accounts.opened(OWNER, language="en")
    reset_id, code = await asked(accounts)
    done = await complete(accounts, reset_id, f"{code[:3]} {code[3:]}")
    assert (done.status_code, done.content) == (204, b"")
    assert (await accounts.sign_in(OWNER)).json()["code"] == "sign_in_refused"
    assert (await accounts.sign_in(OWNER, NEW)).status_code == 200
    [event] = await accounts.events(PasswordReset)
    assert event.account_id == person.account_id
    [(mail, contents)] = await accounts.mailed(PasswordChangedMail)
    assert (mail.language, contents.address, mail.recipient_id) == ("en", OWNER, person.account_id)


async def test_every_session_ends_here_at_once_and_elsewhere_by_the_epoch(accounts: Accounts) -> None:
    first = await accounts.opened(OWNER)
    second = signed(await accounts.sign_in(OWNER))
    assert (await complete(accounts, *await asked(accounts))).status_code == 204
    for person in (first, second):
        with pytest.raises(NotAuthenticated):
            await accounts.verifier.verify(person.access_token)
        assert (await accounts.refresh(person.refresh_token)).json()["code"] == "session_ended"
    [revoked] = await accounts.events(SessionsRevoked)
    assert (revoked.session_id, revoked.epoch, revoked.reason) == (None, 1, "password_reset")
    assert [state.epoch for state in await accounts.events(Person)] == [0, 1]
    fresh = signed(await accounts.sign_in(OWNER, NEW))
    assert (await accounts.client.get("/v1/account", headers=fresh.headers)).status_code == 200


async def test_an_unknown_address_is_answered_like_a_known_one_and_one_mail_goes_out_either_way(
    accounts: Accounts,
) -> None:
    await accounts.opened(OWNER)
    before = len(await accounts.events(MailRequest))
    grown = []
    answers = []
    for email in (OWNER, STRANGER):
        tables = ("password_resets", "people", "outbox", "audit", "limits")
        rows = {table: await accounts.pool.fetchval(f"select count(*) from {table}") for table in tables}
        answers.append(await ask(accounts, email, **{"Accept-Language": "en"}))
        grown.append({t: await accounts.pool.fetchval(f"select count(*) from {t}") - rows[t] for t in tables})
    assert shape(answers[0]) == shape(answers[1])
    assert (
        {**grown[0], "limits": 0}
        == {**grown[1], "limits": 0}
        == {
            "password_resets": 1,
            "people": 0,
            "outbox": 1,
            "audit": 1,
            "limits": 0,
        }
    )
    assert len(await accounts.events(MailRequest)) == before + 2
    [(news, contents)] = await accounts.mailed(NoAccountMail)
    assert (contents.address, news.language) == (STRANGER, "en")
    assert news.handle == answers[1].json()["delivery_handle"]
    [(code, contents)] = await accounts.mailed(PasswordResetCodeMail)
    assert (contents.address, code.language, code.minutes) == (OWNER, "fr", 10)
    assert code.expires_at.isoformat() == answers[0].json()["expires_at"].replace("Z", "+00:00")


async def test_past_the_whole_deployments_budget_everybody_is_served_a_little_later_and_nobody_refused(
    accounts: Accounts,
) -> None:
    accounts.limit("password_resets_in_all", 2)
    before = _slowed()
    answers = [await ask(accounts, f"{n}@laforce.example") for n in range(4)]
    assert [answer.status_code for answer in answers] == [202] * 4
    assert _slowed() - before == 2
    assert len(await accounts.mailed(NoAccountMail)) == 4


def _slowed() -> float:
    return REGISTRY.get_sample_value("mandat_attempts_slowed_total", {"budget": "password_resets_in_all"}) or 0.0


async def test_every_refused_code_reads_the_same_and_costs_a_hash(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accounts.opened(OWNER)
    hashed: list[str] = []
    hash_one = accounts.unit.tools.hasher.hash

    async def counting(password: str) -> str:
        hashed.append(password)
        return await hash_one(password)

    monkeypatch.setattr(accounts.unit.tools.hasher, "hash", counting)
    nobodys = (await ask(accounts, STRANGER)).json()["reset_id"]
    spent, spent_code = await asked(accounts)
    await complete(accounts, spent, spent_code)
    late, right = await asked(accounts)
    answers = [
        await complete(accounts, late, wrong(right)),
        await complete(accounts, nobodys, right),
        await complete(accounts, spent, spent_code),
        await complete(accounts, str(uuid4()), right),
    ]
    accounts.clock.advance(minutes=10)
    answers.append(await complete(accounts, late, right))
    assert {(answer.status_code, answer.text) for answer in answers} == {(422, answers[0].text)}
    assert answers[0].json()["code"] == "code_refused"
    assert len(hashed) == 6


async def test_of_fifty_wrong_codes_at_once_the_budget_is_compared_and_then_none(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accounts.opened(OWNER)
    reset_id, right = await asked(accounts)
    compared: list[str] = []
    matches = Keyring.matches

    def counting(self: Keyring, purpose: str, value: str, kept: str) -> bool:
        compared.append(value)
        return matches(self, purpose, value, kept)

    async def cheap(password: str) -> str:
        return "not a hash"

    monkeypatch.setattr(Keyring, "matches", counting)
    monkeypatch.setattr(accounts.unit.tools.hasher, "hash", cheap)
    answers = await asyncio.gather(*[complete(accounts, reset_id, wrong(right)) for _ in range(50)])
    assert {answer.json()["code"] for answer in answers} == {"code_refused"}
    assert len(compared) == accounts.unit.tools.agency.limits.one_time_code.tries
    assert (await complete(accounts, reset_id, right)).json()["code"] == "code_refused"
    assert right not in compared


async def test_of_twenty_right_codes_at_once_one_sets_the_password(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accounts.opened(OWNER)
    reset_id, right = await asked(accounts)
    answers = await asyncio.gather(*[complete(accounts, reset_id, right) for _ in range(20)])
    assert sorted(answer.status_code for answer in answers) == [204] + [422] * 19
    assert len(await accounts.events(PasswordReset)) == 1


async def test_beyond_an_addresss_budget_a_new_reset_has_one_try_and_the_right_code_takes_it(
    accounts: Accounts,
) -> None:
    await accounts.opened(OWNER)
    accounts.limit("password_reset_tries", 2)
    accounts.limit("password_reset_per_address", 10)
    for _ in range(2):
        reset_id, right = await asked(accounts)
        await complete(accounts, reset_id, wrong(right))
    reset_id, right = await asked(accounts)
    assert (await complete(accounts, reset_id, wrong(right))).json()["code"] == "code_refused"
    assert (await complete(accounts, reset_id, right)).json()["code"] == "code_refused"
    assert (await complete(accounts, *await asked(accounts))).status_code == 204


async def test_a_completed_reset_kills_the_codes_of_the_others(accounts: Accounts) -> None:
    await accounts.opened(OWNER)
    first, first_code = await asked(accounts)
    assert (await complete(accounts, *await asked(accounts))).status_code == 204
    assert (await complete(accounts, first, first_code)).json()["code"] == "code_refused"


async def test_a_password_of_the_persons_own_words_is_refused_to_who_has_the_code_alone(accounts: Accounts) -> None:
    await accounts.opened(OWNER)
    reset_id, right = await asked(accounts)
    own_words = "Démo Membre 1979"
    assert (await complete(accounts, reset_id, wrong(right), own_words)).json()["code"] == "code_refused"
    refused = await complete(accounts, reset_id, right, own_words)
    assert (refused.status_code, refused.json()["code"]) == (422, "password_refused")
    assert (await complete(accounts, reset_id, right)).status_code == 204
    common = await complete(accounts, reset_id, right, "motdepassemotdepasse")
    assert common.json()["code"] == "password_refused"


async def test_over_an_addresss_limit_the_answer_is_the_same_and_no_mail_goes_out(accounts: Accounts) -> None:
    await accounts.opened(OWNER)
    accounts.limit("password_reset_per_address", 1)
    for email in (OWNER, STRANGER):
        within, over = [await ask(accounts, email) for _ in range(2)]
        assert shape(within)[:2] == shape(over)[:2]
    assert len(await accounts.mailed(PasswordResetCodeMail)) == len(await accounts.mailed(NoAccountMail)) == 1


async def test_over_the_networks_limit_nothing_is_hashed(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    await accounts.opened(OWNER)
    reset_id, right = await asked(accounts)
    accounts.limit("calls_per_network", 1)
    monkeypatch.setattr(accounts.unit.tools.hasher, "hash", None)
    for answer in (await ask(accounts), await complete(accounts, reset_id, right)):
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")


async def test_a_new_password_forgives_the_failures_of_the_forgotten_one(accounts: Accounts) -> None:
    await accounts.opened(OWNER)
    accounts.limit("sign_in", 2)
    for _ in range(3):
        await accounts.sign_in(OWNER, "ce n’est pas le bon, hélas")
    assert (await complete(accounts, *await asked(accounts))).status_code == 204
    assert (await accounts.sign_in(OWNER, NEW)).status_code == 200


async def test_no_code_or_password_rests_and_no_address_leaves_its_table(
    accounts: Accounts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await accounts.opened(OWNER)
    await ask(accounts, STRANGER)
    reset_id, code = await asked(accounts)
    await complete(accounts, reset_id, wrong(code))
    await complete(accounts, reset_id, code)
    said = "\n".join([*(await accounts.everything()).values(), caplog.text])
    assert NEW not in said
    assert PASSWORD not in said
    assert not holds(said, code)
    elsewhere = "\n".join(
        [*(await accounts.everything(but=("people", "outbox", "state_echoes"))).values(), caplog.text]
    )
    assert OWNER not in elsewhere
    assert STRANGER not in elsewhere


async def test_dead_resets_are_forgotten_after_a_day(accounts: Accounts) -> None:
    await ask(accounts, STRANGER)
    accounts.clock.advance(hours=25)
    await accounts.unit.run(forget, None, accounts.unit.origin.itself)
    assert await accounts.pool.fetchval("select count(*) from password_resets") == 0
