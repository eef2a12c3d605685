"""Signing in, staying signed in, signing out."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from chassis import rotation
from chassis.tokens import NotAuthenticated, Person
from chassis.work import Actor
from contracts.accounts import SessionsRevoked
from services.accounts.hashing import Hasher
from services.accounts.sessions import handlers
from services.accounts.tests.conftest import Accounts, signed
from services.accounts.tools import Client


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The encoded hashes that Argon2 has verified a password against."""
    seen: list[str] = []
    verifies = Hasher._verifies

    def noting(self: Hasher, encoded: str, password: str) -> bool:
        seen.append(encoded)
        return verifies(self, encoded, password)

    monkeypatch.setattr(Hasher, "_verifies", noting)
    return seen


async def test_signing_in_takes_the_address_in_any_case(accounts: Accounts) -> None:
    person = await accounts.opened()
    answer = await accounts.sign_in("MEMBRE@laforce.example")
    assert answer.status_code == 200
    assert answer.json()["account_id"] == str(person.account_id)
    assert answer.json()["expires_in"] == 300
    assert answer.headers["cache-control"] == "no-store"


async def test_the_password_counts_as_typed_on_any_keyboard(accounts: Accounts) -> None:
    await accounts.opened(password="le café était déjà fermé")
    decomposed = await accounts.sign_in(password="le cafe\u0301 e\u0301tait de\u0301ja\u0300\u00a0ferme\u0301")
    assert decomposed.status_code == 200


async def test_a_wrong_password_and_an_unknown_login_read_and_cost_the_same(
    accounts: Accounts, verifications: list[str]
) -> None:
    await accounts.opened()
    wrong = await accounts.sign_in(password="une autre phrase de passe")
    unknown = await accounts.sign_in("personne@laforce.example")
    assert (wrong.status_code, wrong.text) == (unknown.status_code, unknown.text)
    assert wrong.json()["code"] == "sign_in_refused"
    assert wrong.status_code == 401
    parameters = [encoded.rsplit("$", 2)[0] for encoded in verifications]
    assert parameters == ["$argon2id$v=19$m=19456,t=2,p=1"] * 2


async def test_a_pending_registration_does_not_sign_in(accounts: Accounts) -> None:
    await accounts.register()
    assert (await accounts.sign_in()).json()["code"] == "sign_in_refused"


@pytest.mark.parametrize("login", ["membre@laforce.example", "personne@laforce.example"])
async def test_beyond_the_budget_no_password_is_compared(
    accounts: Accounts, verifications: list[str], login: str
) -> None:
    await accounts.opened()
    accounts.limit("sign_in", 3)
    answers = await asyncio.gather(*[accounts.sign_in(login, "une autre phrase de passe") for _ in range(12)])
    assert sorted(answer.status_code for answer in answers) == [401] * 3 + [429] * 9
    assert len(verifications) == 3
    assert (await accounts.sign_in(login)).json()["code"] == "too_many_attempts"


async def test_a_network_has_a_budget_too(accounts: Accounts) -> None:
    await accounts.opened()
    accounts.limit("calls_per_network", 2)
    answers = [await accounts.sign_in(f"{number}@laforce.example") for number in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]


async def test_signing_in_forgives_the_failures_before_it(accounts: Accounts) -> None:
    await accounts.opened()
    accounts.limit("sign_in", 2)
    for _ in range(3):
        assert (await accounts.sign_in(password="une autre phrase de passe")).status_code == 401
        assert (await accounts.sign_in()).status_code == 200


async def test_an_access_token_names_the_account_and_its_session(accounts: Accounts) -> None:
    person = await accounts.opened()
    caller = await accounts.verifier.verify(person.access_token)
    assert isinstance(caller, Person)
    assert (caller.account_id, caller.epoch) == (person.account_id, 0)


async def test_a_refresh_token_is_exchanged_for_the_next_pair(accounts: Accounts) -> None:
    person = await accounts.opened()
    second = signed(await accounts.refresh(person.refresh_token))
    assert second.refresh_token != person.refresh_token
    third = signed(await accounts.refresh(second.refresh_token))
    before, after = [await accounts.verifier.verify(token.access_token) for token in (person, third)]
    assert before == after


async def test_a_retry_within_seconds_gets_the_same_refresh_token(accounts: Accounts) -> None:
    person = await accounts.opened()
    answers = await asyncio.gather(*[accounts.refresh(person.refresh_token) for _ in range(10)])
    assert {answer.status_code for answer in answers} == {200}
    [following] = {answer.json()["refresh_token"] for answer in answers}
    assert (await accounts.refresh(following)).status_code == 200


async def test_a_retry_gets_the_same_refresh_token_also_from_a_process_with_a_newer_key(accounts: Accounts) -> None:
    person, tools = await accounts.opened(), accounts.unit.tools
    added = rotation.with_another(tools.keyring, "digests")  # what every process knows by then
    promoted = rotation.with_newest_first(added, "digests", accounts.clock())
    asked = handlers.Refresh(person.refresh_token, Client(host="192.0.2.1", device="test"))

    actor = Actor("person", str(person.account_id))

    first, again = [
        await replace(accounts.unit, tools=replace(tools, keyring=ring)).run(handlers.refresh, asked, actor)
        for ring in (added, promoted)
    ]

    assert isinstance(first.outcome, handlers.Tokens)
    assert isinstance(again.outcome, handlers.Tokens)
    assert again.outcome.refresh_token == first.outcome.refresh_token
    assert (await accounts.refresh(first.outcome.refresh_token)).status_code == 200


@pytest.mark.parametrize("late", [True, False])
async def test_a_copy_of_a_used_token_ends_the_session_for_both(accounts: Accounts, late: bool) -> None:
    person = await accounts.opened()
    second = signed(await accounts.refresh(person.refresh_token))
    if late:
        accounts.clock.advance(seconds=11)
    else:
        second = signed(await accounts.refresh(second.refresh_token))
    reused = await accounts.refresh(person.refresh_token)
    assert (reused.status_code, reused.json()["code"]) == (401, "session_ended")
    assert (await accounts.refresh(second.refresh_token)).json()["code"] == "session_ended"
    with pytest.raises(NotAuthenticated):
        await accounts.verifier.verify(second.access_token)
    [revoked] = await accounts.events(SessionsRevoked)
    assert (revoked.reason, revoked.account_id) == ("refresh_token_reused", person.account_id)


async def test_a_session_ends_when_nobody_uses_it_and_at_the_end_of_the_day(accounts: Accounts) -> None:
    idle = await accounts.opened()
    busy = signed(await accounts.sign_in())
    for _ in range(15):
        accounts.clock.advance(minutes=45)
        busy = signed(await accounts.refresh(busy.refresh_token))
    assert (await accounts.refresh(idle.refresh_token)).json()["code"] == "session_ended"
    accounts.clock.advance(minutes=46)
    assert (await accounts.refresh(busy.refresh_token)).json()["code"] == "session_ended"
    assert await accounts.events(SessionsRevoked) == []


async def test_an_unknown_refresh_token_is_refused(accounts: Accounts) -> None:
    assert (await accounts.refresh("nobody-ever-drew-this")).json()["code"] == "session_ended"


async def test_a_session_that_was_signed_out_is_refused_at_once(accounts: Accounts) -> None:
    first = await accounts.opened()
    second = signed(await accounts.sign_in())
    listed = (await accounts.client.get("/v1/sessions", headers=second.headers)).json()["items"]
    assert [session["current"] for session in listed] == [True, False]

    signed_out = await accounts.client.delete(f"/v1/sessions/{listed[1]['session_id']}", headers=second.headers)
    assert signed_out.status_code == 204
    assert signed_out.headers["mandat-after"]
    refused = await accounts.client.get("/v1/account", headers=first.headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
    assert (await accounts.refresh(first.refresh_token)).json()["code"] == "session_ended"
    assert (await accounts.client.get("/v1/account", headers=second.headers)).status_code == 200
    [left] = (await accounts.client.get("/v1/sessions", headers=second.headers)).json()["items"]
    assert left["current"]
    [revoked] = await accounts.events(SessionsRevoked)
    assert (revoked.reason, revoked.session_id) == ("signed_out", UUID(listed[1]["session_id"]))


async def test_signing_out_twice_changes_nothing_more(accounts: Accounts) -> None:
    first = await accounts.opened()
    second = signed(await accounts.sign_in())
    caller = await accounts.verifier.verify(first.access_token)
    assert isinstance(caller, Person)
    path = f"/v1/sessions/{caller.session_id}"
    assert [(await accounts.client.delete(path, headers=second.headers)).status_code for _ in range(2)] == [204, 204]
    assert len(await accounts.events(SessionsRevoked)) == 1


async def test_nobody_ends_or_sees_the_session_of_another(accounts: Accounts) -> None:
    one = await accounts.opened()
    other = await accounts.opened("nouvelle@laforce.example")
    caller = await accounts.verifier.verify(other.access_token)
    assert isinstance(caller, Person)
    answers = [
        await accounts.client.delete(f"/v1/sessions/{session_id}", headers=one.headers)
        for session_id in (caller.session_id, uuid4())
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert len((await accounts.client.get("/v1/sessions", headers=one.headers)).json()["items"]) == 1
    assert (await accounts.client.get("/v1/account", headers=other.headers)).status_code == 200


async def test_without_a_token_nothing_is_shown(accounts: Accounts) -> None:
    for path in ("/v1/account", "/v1/sessions"):
        answer = await accounts.client.get(path, headers={"Authorization": "Bearer not.a.token"})
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
