"""The password entered again, as a signed proof for one act elsewhere."""

from dataclasses import replace

import httpx
import pytest

from chassis import proofs
from chassis.outcomes import Refusal
from chassis.proofs import Proven
from chassis.tokens import LEEWAY, NotAuthenticated
from services.accounts.tests.conftest import PASSWORD, Accounts, Signed, signed

DIGEST = "5f" * 32
OWNER = "omnipraticienne@cabinet.example"


async def prove(accounts: Accounts, person: Signed, password: str = PASSWORD, **more: object) -> httpx.Response:
    body = {"password": password, "purpose": "mandate_signature", "digest": DIGEST}
    return await accounts.post("/v1/proofs", body | more, person.headers)


async def test_a_password_entered_again_becomes_a_proof_of_the_account_and_of_what_it_is_for(proving: Accounts) -> None:
    person = await proving.opened(OWNER)

    answer = await prove(proving, person)

    assert (answer.status_code, answer.json()["expires_in"]) == (200, 120)
    proven = proofs.verify(proving.verifier, answer.json()["proof"], "mandate_signature")
    assert isinstance(proven, Proven)
    assert (proven.method, proven.account_id, proven.digest) == ("password", person.account_id, DIGEST)
    assert proven.email is None
    [entry] = await proving.pool.fetch("select * from audit where action = 'proof_given'")
    assert (entry["object_id"], entry["detail"]["proof_id"]) == (person.account_id, str(proven.jti))


async def test_two_proofs_of_one_act_are_two(proving: Accounts) -> None:
    person = await proving.opened(OWNER)
    found = [
        proofs.verify(proving.verifier, (await prove(proving, person)).json()["proof"], "mandate_signature")
        for _ in range(2)
    ]
    assert len({proven.jti for proven in found if isinstance(proven, Proven)}) == 2


async def test_nothing_that_rests_here_tells_what_was_signed(proving: Accounts) -> None:
    person = await proving.opened(OWNER)
    proof = (await prove(proving, person)).json()["proof"]
    rows = await proving.everything()
    assert not [table for table, text in rows.items() if DIGEST in text or proof in text]


async def test_a_wrong_password_proves_nothing_and_is_counted_before_it_is_compared(
    proving: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    proving.limit("sign_in", 3)
    person = await proving.opened(OWNER)
    compared: list[str] = []
    verify = proving.unit.tools.hasher.verify

    async def counting(password_hash: str, password: str) -> bool:
        compared.append(password)
        return await verify(password_hash, password)

    monkeypatch.setattr(proving.unit.tools.hasher, "verify", counting)
    answers = [await prove(proving, person, "une autre phrase de passe") for _ in range(4)]
    assert [answer.json().get("code") for answer in answers] == ["password_wrong"] * 3 + ["too_many_attempts"]
    assert len(compared) == 3
    assert await proving.pool.fetchval("select count(*) from audit where action = 'proof_given'") == 0


async def test_a_password_that_has_just_changed_proves_nothing(
    proving: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await proving.opened(OWNER)
    verify = proving.unit.tools.hasher.verify

    async def then_it_changes(password_hash: str, password: str) -> bool:
        right = await verify(password_hash, password)
        await proving.pool.execute("update accounts set password_hash = $1", proving.unit.tools.hasher.dummy)
        return right

    monkeypatch.setattr(proving.unit.tools.hasher, "verify", then_it_changes)
    assert (await prove(proving, person)).json()["code"] == "password_wrong"


async def test_a_proof_opens_nothing_and_a_token_proves_nothing(proving: Accounts) -> None:
    person = await proving.opened(OWNER)
    proof = (await prove(proving, person)).json()["proof"]

    with pytest.raises(NotAuthenticated):
        await proving.verifier.verify(proof)
    shown = replace(person, access_token=proof)
    assert (await proving.client.get("/v1/account", headers=shown.headers)).status_code == 401
    refused = proofs.verify(proving.verifier, person.access_token, "mandate_signature")
    assert refused == Refusal("proof_refused", fields=("proof",))


async def test_a_proof_lives_two_minutes(proving: Accounts) -> None:
    person = await proving.opened(OWNER)
    started = proving.clock.ahead
    proving.clock.advance(seconds=-(120 + LEEWAY + 5))
    old = (await prove(proving, signed(await proving.sign_in(OWNER)))).json()["proof"]
    proving.clock.ahead = started
    fresh = (await prove(proving, person)).json()["proof"]
    assert isinstance(proofs.verify(proving.verifier, old, "mandate_signature"), Refusal)
    assert isinstance(proofs.verify(proving.verifier, fresh, "mandate_signature"), Proven)


@pytest.mark.parametrize(
    "wrong",
    [{"purpose": "mandate_address"}, {"purpose": "anything"}, {"digest": DIGEST[:-1]}, {"digest": DIGEST.upper()}],
)
async def test_a_purpose_is_one_of_the_list_and_a_digest_is_one(proving: Accounts, wrong: dict[str, str]) -> None:
    person = await proving.opened(OWNER)
    answer = await prove(proving, person, **wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_an_agency_without_mandates_proves_nothing_for_them(accounts: Accounts) -> None:
    person = await accounts.opened(OWNER)
    answer = await prove(accounts, person)
    assert (answer.status_code, answer.json()["fields"]) == (422, ["purpose"])
    body = {"email": OWNER, "purpose": "mandate_address", "language": "fr"}
    assert (await accounts.post("/v1/address-proofs", body)).json()["fields"] == ["purpose"]


async def test_who_is_not_signed_in_proves_nothing(proving: Accounts) -> None:
    body = {"password": PASSWORD, "purpose": "mandate_signature", "digest": DIGEST}
    assert (await proving.post("/v1/proofs", body)).json()["code"] == "not_authenticated"
