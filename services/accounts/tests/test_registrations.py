"""Registering: one answer for every address, one mail, and a code that works once."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from chassis.keys import Keyring
from contracts.accounts import AccountOpened, EmailVerified, Person, VerificationRequested
from contracts.notifications import AlreadyRegisteredMail, MailRequest, VerificationCodeMail
from services.accounts import codes
from services.accounts.registrations.handlers import forget_unverified
from services.accounts.tests.conftest import PASSWORD, Accounts, wrong
from tests.fixtures.digits import holds

OWNER = "responsable@laforce.example"
FAULTY: list[tuple[dict[str, str], str]] = [
    ({"terms_version": "2025-09"}, "terms_not_current"),
    ({"password": "trop court"}, "password_refused"),
    ({"password": "Démo Membre 1979"}, "password_refused"),
    ({"password": "a" * 129}, "password_refused"),
    ({"email": "pas une adresse"}, "invalid_request"),
    ({"language": "de"}, "invalid_request"),
    ({"nickname": "x"}, "invalid_request"),
    ({"given_name": "x" * 81}, "invalid_request"),
]


async def count(accounts: Accounts, table: str) -> int:
    number: int = await accounts.pool.fetchval(f"select count(*) from {table}")
    return number


def shape(response: Any) -> tuple[int, set[str], set[str]]:
    return response.status_code, set(response.json()), set(response.headers)


@pytest.mark.parametrize("between", ["", " ", "\u00a0", "\u202f", "-"])
async def test_a_code_may_be_copied_as_the_mail_groups_it(accounts: Accounts, between: str) -> None:
    registered = (await accounts.register("nouvelle@laforce.example")).json()["registration_id"]
    code = await accounts.code(registered)
    assert (await accounts.verify(registered, f"{code[:3]}{between}{code[3:]}")).status_code == 201


async def test_the_right_code_opens_the_account_and_a_first_session(accounts: Accounts) -> None:
    accepted = await accounts.register()
    assert accepted.status_code == 202
    registration_id = accepted.json()["registration_id"]
    [(mail, contents)] = await accounts.mails(registration_id)
    assert isinstance(mail, VerificationCodeMail)
    assert (mail.priority, mail.language, mail.minutes) == ("urgent", "fr", 10)
    assert (mail.handle, mail.deduplication_id) == (accepted.json()["delivery_handle"], str(mail.delivery_id))
    assert contents.address == "membre@laforce.example"

    verified = await accounts.verify(registration_id, await accounts.code(registration_id))
    assert verified.status_code == 201
    fields = {"account_id", "access_token", "refresh_token", "expires_in", "terms_current"}
    assert verified.json().keys() == fields
    assert verified.headers["mandat-after"]

    account_id = verified.json()["account_id"]
    requested, proved, opened, person = [
        (await accounts.events(kind))[0] for kind in (VerificationRequested, EmailVerified, AccountOpened, Person)
    ]
    assert {event.key for event in (mail, requested, proved, opened, person)} == {account_id}
    assert isinstance(person, Person)
    assert (person.status, person.email) == ("active", "membre@laforce.example")
    own = await accounts.client.get(
        "/v1/account", headers={"Authorization": f"Bearer {verified.json()['access_token']}"}
    )
    assert own.json()["email"] == "membre@laforce.example"
    assert own.headers["etag"] == f'"{person.version}"'


async def test_a_known_address_is_answered_like_an_unknown_one(accounts: Accounts) -> None:
    await accounts.opened(OWNER, language="en")
    unknown = await accounts.register("nouvelle@laforce.example")
    known = await accounts.register("Responsable@LaForce.example", given_name="Somebody", language="fr")
    assert shape(known) == shape(unknown)
    assert known.headers.keys() == unknown.headers.keys()
    assert "mandat-after" not in known.headers

    [(mail, contents)] = await accounts.mails(known.json()["registration_id"])
    assert isinstance(mail, AlreadyRegisteredMail)
    assert (mail.language, contents.address, contents.given_name) == ("en", OWNER, "Démo")
    assert len(await accounts.mails(unknown.json()["registration_id"])) == 1
    assert len(await accounts.events(VerificationRequested)) == 3  # the owner's own, and one for each of the two


async def test_both_kinds_of_address_leave_the_same_rows_and_hash_a_password(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accounts.opened(OWNER)
    hashed: list[str] = []
    hash_one = accounts.unit.tools.hasher.hash

    async def counting(password: str) -> str:
        hashed.append(password)
        return await hash_one(password)

    monkeypatch.setattr(accounts.unit.tools.hasher, "hash", counting)
    grown = []
    for email in ("nouvelle@laforce.example", OWNER):
        before = {table: await count(accounts, table) for table in ("registrations", "people", "outbox", "audit")}
        await accounts.register(email)
        grown.append({table: await count(accounts, table) - rows for table, rows in before.items()})
    assert grown == [{"registrations": 1, "people": 1, "outbox": 2, "audit": 1}] * 2
    assert hashed == [PASSWORD] * 2


async def test_every_refused_code_reads_the_same(accounts: Accounts) -> None:
    await accounts.opened(OWNER)
    first = (await accounts.register()).json()["registration_id"]
    known = (await accounts.register(OWNER)).json()["registration_id"]
    spent = (await accounts.register("nouvelle@laforce.example")).json()["registration_id"]
    right, spent_code = await accounts.code(first), await accounts.code(spent)
    assert (await accounts.verify(spent, spent_code)).status_code == 201

    answers = [
        await accounts.verify(first, wrong(right)),
        await accounts.verify(known, right),
        await accounts.verify(spent, spent_code),
        await accounts.verify(str(uuid4()), right),
    ]
    accounts.clock.advance(minutes=10)
    answers.append(await accounts.verify(first, right))
    assert {(answer.status_code, answer.text) for answer in answers} == {(422, answers[0].text)}
    assert answers[0].json()["code"] == "code_refused"


def test_what_rests_for_a_known_address_is_nothing_that_can_be_submitted() -> None:
    assert not codes.no_code().isdigit()
    assert all(len(codes.new_code()) == 6 and codes.new_code().isdigit() for _ in range(1000))


async def test_of_fifty_wrong_codes_at_once_the_budget_is_compared_and_then_none(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    registration_id = (await accounts.register()).json()["registration_id"]
    right = await accounts.code(registration_id)
    compared: list[str] = []
    matches = Keyring.matches

    def counting(self: Keyring, purpose: str, value: str, kept: str) -> bool:
        compared.append(value)
        return matches(self, purpose, value, kept)

    monkeypatch.setattr(Keyring, "matches", counting)
    answers = await asyncio.gather(*[accounts.verify(registration_id, wrong(right)) for _ in range(50)])
    assert {answer.json()["code"] for answer in answers} == {"code_refused"}
    assert len(compared) == accounts.unit.tools.agency.limits.one_time_code.tries
    assert (await accounts.verify(registration_id, right)).json()["code"] == "code_refused"
    assert right not in compared


async def test_of_twenty_right_codes_at_once_one_opens_the_account(accounts: Accounts) -> None:
    registration_id = (await accounts.register()).json()["registration_id"]
    right = await accounts.code(registration_id)
    answers = await asyncio.gather(*[accounts.verify(registration_id, right) for _ in range(20)])
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 19
    assert [await count(accounts, table) for table in ("accounts", "sessions")] == [1, 1]


async def test_of_two_registrations_of_one_address_the_first_verified_wins(accounts: Accounts) -> None:
    first, second = [(await accounts.register(email)).json() for email in (OWNER, OWNER.upper())]
    codes = [(one["registration_id"], await accounts.code(one["registration_id"])) for one in (first, second)]
    answers = await asyncio.gather(*[accounts.verify(*pair) for pair in codes])
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    [loser] = [answer for answer in answers if answer.status_code == 422]
    assert loser.json()["code"] == "code_refused"
    assert await count(accounts, "accounts") == 1
    assert await accounts.pool.fetchval("select max(tries) from registrations") == 1


async def test_a_new_code_kills_the_old_one_and_resets_no_budget(accounts: Accounts) -> None:
    registration_id = (await accounts.register()).json()["registration_id"]
    old = await accounts.code(registration_id)
    for _ in range(2):
        await accounts.verify(registration_id, wrong(old))
    accounts.clock.advance(seconds=61)
    again = await accounts.resend(registration_id)
    assert again.status_code == 202
    assert again.json()["registration_id"] == registration_id
    new = await accounts.code(registration_id)
    assert await accounts.pool.fetchval("select tries from registrations") == 2
    assert new == old or (await accounts.verify(registration_id, old)).json()["code"] == "code_refused"
    assert (await accounts.verify(registration_id, new)).status_code == 201


async def test_another_code_must_be_waited_for(accounts: Accounts) -> None:
    registration_id = (await accounts.register()).json()["registration_id"]
    early = await accounts.resend(registration_id)
    assert (early.status_code, early.json()["code"]) == (429, "resend_too_soon")
    assert 0 < int(early.headers["retry-after"]) <= 60


async def test_after_the_last_wrong_code_no_useless_code_is_sent(accounts: Accounts) -> None:
    registration_id = (await accounts.register()).json()["registration_id"]
    right = await accounts.code(registration_id)
    for _ in range(5):
        await accounts.verify(registration_id, wrong(right))
    accounts.clock.advance(seconds=61)
    refused = await accounts.resend(registration_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "registration_exhausted")
    assert len(await accounts.mails(registration_id)) == 1


async def test_sending_again_looks_the_same_for_known_addresses_and_unknown_registrations(accounts: Accounts) -> None:
    await accounts.opened(OWNER)
    ids = [(await accounts.register(email)).json()["registration_id"] for email in ("nouvelle@laforce.example", OWNER)]
    accounts.clock.advance(seconds=61)
    answers = [await accounts.resend(one) for one in [*ids, str(uuid4())]]
    # Mandat-After names events; a registration that nobody made writes none, and hides nothing about an address.
    assert shape(answers[0]) == shape(answers[1])
    assert shape(answers[2])[:2] == shape(answers[0])[:2]
    assert [len(await accounts.mails(one)) for one in ids] == [2, 2]


async def test_over_an_addresss_limit_the_answer_is_the_same_and_no_mail_goes_out(accounts: Accounts) -> None:
    accounts.limit("registration_per_address", 2)
    within, _, over = [await accounts.register() for _ in range(3)]
    assert shape(over)[:2] == shape(within)[:2]
    assert len(await accounts.events(MailRequest)) == 2

    accounts.clock.advance(seconds=61)
    again = await accounts.resend(within.json()["registration_id"])
    assert again.status_code == 202
    assert again.json()["expires_at"] == within.json()["expires_at"]
    assert len(await accounts.events(MailRequest)) == 2
    registration_id = within.json()["registration_id"]
    assert (await accounts.verify(registration_id, await accounts.code(registration_id))).status_code == 201


async def test_over_the_networks_limit_nothing_is_hashed(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts.limit("calls_per_network", 1)
    await accounts.register()
    monkeypatch.setattr(accounts.unit.tools.hasher, "hash", None)
    refused = await accounts.register("nouvelle@laforce.example")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert int(refused.headers["retry-after"]) > 0


async def test_what_is_wrong_is_said_and_nothing_is_kept(accounts: Accounts) -> None:
    for fields, code in FAULTY:
        refused = await accounts.register(**fields)
        assert (refused.status_code, refused.json()["code"]) == (422, code), fields
    assert await count(accounts, "registrations") == 0


async def test_no_secret_rests_or_is_logged_and_personal_fields_stand_in_one_table(
    accounts: Accounts, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    accepted = (await accounts.register()).json()
    code = await accounts.code(accepted["registration_id"])
    await accounts.verify(accepted["registration_id"], wrong(code))
    first = (await accounts.verify(accepted["registration_id"], code)).json()
    await accounts.sign_in(password="ce n’est pas le bon, hélas")
    second = (await accounts.refresh(first["refresh_token"])).json()
    headers = {"Authorization": f"Bearer {first['access_token']}"}
    await accounts.client.delete(f"/v1/sessions/{uuid4()}", headers=headers)

    payloads = [bytes(row["payload"]).decode() for row in await accounts.pool.fetch("select payload from outbox")]
    output = capsys.readouterr()
    said = "\n".join([*payloads, caplog.text, output.out, output.err, *(await accounts.everything()).values()])
    for secret in (PASSWORD, first["access_token"], first["refresh_token"], second["refresh_token"], "hélas"):
        assert secret not in said
    assert not holds(said, code)

    state = [event.model_dump_json() for event in await accounts.events(Person)]
    elsewhere = [payload for payload in payloads if payload not in state]
    rows = await accounts.everything(but=("people", "outbox"))
    for personal in ("membre@laforce.example", "Démo", "Membre"):
        assert personal not in "\n".join([*elsewhere, caplog.text, output.err, *rows.values()])


async def test_a_spent_registration_keeps_no_password(accounts: Accounts) -> None:
    await accounts.opened()
    assert await accounts.pool.fetchval("select password_hash from registrations") is None


async def test_who_never_verified_is_forgotten_after_a_day(accounts: Accounts) -> None:
    await accounts.opened(OWNER)
    await accounts.register()
    accounts.clock.advance(hours=25)
    await accounts.unit.run(forget_unverified, None, accounts.unit.origin.itself)
    assert await count(accounts, "registrations") == 0
    assert [row["email"] for row in await accounts.pool.fetch("select email from people")] == [OWNER]
