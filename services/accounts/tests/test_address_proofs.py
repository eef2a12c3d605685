"""An address proved by whoever reads it: one answer and one mail for each, and a code that works once."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis import proofs
from chassis.outcomes import Refusal
from chassis.proofs import Proven
from chassis.tokens import NotAuthenticated
from contracts.notifications import AddressCodeMail, MailRequest
from services.accounts.address_proofs.handlers import forget
from services.accounts.tests.conftest import Accounts, wrong
from tests.fixtures.digits import holds

DELEGATE = "adjointe@cabinet.example"


async def ask(accounts: Accounts, email: str = DELEGATE, **more: str) -> httpx.Response:
    body = {"email": email, "purpose": "mandate_address", "language": "fr"}
    return await accounts.post("/v1/address-proofs", body | more)


async def asked(accounts: Accounts, email: str = DELEGATE) -> tuple[str, str]:
    """What is to be proved, and the code in its mail."""
    answer = await ask(accounts, email)
    assert answer.status_code == 202, answer.text
    return answer.json()["proof_id"], await accounts.last_code(AddressCodeMail)


async def complete(accounts: Accounts, proof_id: str, code: str) -> httpx.Response:
    return await accounts.post(f"/v1/address-proofs/{proof_id}/completion", {"code": code})


async def resend(accounts: Accounts, proof_id: str) -> httpx.Response:
    return await accounts.client.post(f"/v1/address-proofs/{proof_id}/resend")


def shape(response: httpx.Response) -> tuple[int, set[str], set[str]]:
    return response.status_code, set(response.json()), set(response.headers)


async def test_the_right_code_proves_the_address_to_another_service(proving: Accounts) -> None:
    accepted = await ask(proving, "Adjointe@Cabinet.example", language="en")
    [(mail, contents)] = await proving.mailed(AddressCodeMail)
    assert (contents.address, mail.language, mail.minutes) == ("Adjointe@cabinet.example", "en", 10)
    assert mail.handle == accepted.json()["delivery_handle"]
    code = await proving.last_code(AddressCodeMail)

    answer = await complete(proving, accepted.json()["proof_id"], f"{code[:3]} {code[3:]}")

    assert (answer.status_code, answer.json()["expires_in"]) == (200, 1800)
    proven = proofs.verify(proving.verifier, answer.json()["proof"], "mandate_address")
    assert isinstance(proven, Proven)
    assert (proven.method, proven.email) == ("email_code", "Adjointe@cabinet.example")
    assert (proven.account_id, proven.digest) == (None, None)


async def test_a_proved_address_opens_nothing_and_signs_nothing(proving: Accounts) -> None:
    proof = (await complete(proving, *await asked(proving))).json()["proof"]
    with pytest.raises(NotAuthenticated):
        await proving.verifier.verify(proof)
    assert isinstance(proofs.verify(proving.verifier, proof, "mandate_signature"), Refusal)


async def test_an_address_with_an_account_is_answered_like_any_other_and_gets_the_same_mail(proving: Accounts) -> None:
    await proving.opened(DELEGATE, given_name="Adjointe")
    before = len(await proving.events(MailRequest))
    answers, grown = [], []
    for email in (DELEGATE, "personne@cabinet.example", "info@cabinet.example"):
        tables = ("address_proofs", "people", "outbox", "audit")
        rows = {table: await proving.pool.fetchval(f"select count(*) from {table}") for table in tables}
        answers.append(await ask(proving, email))
        grown.append({t: await proving.pool.fetchval(f"select count(*) from {t}") - rows[t] for t in tables})
    assert len({str(shape(answer)) for answer in answers}) == 1
    assert grown == [{"address_proofs": 1, "people": 1, "outbox": 1, "audit": 1}] * 3
    mails = await proving.mailed(AddressCodeMail)
    assert len(mails) == len(await proving.events(MailRequest)) - before == 3
    assert {contents.given_name for _, contents in mails} == {""}
    assert all("mandat-after" not in answer.headers for answer in answers)


async def test_every_refused_code_reads_the_same(proving: Accounts) -> None:
    spent, spent_code = await asked(proving)
    assert (await complete(proving, spent, spent_code)).status_code == 200
    _, other_code = await asked(proving, "autre@cabinet.example")
    late, right = await asked(proving, "tard@cabinet.example")
    answers = [
        await complete(proving, spent, spent_code),
        await complete(proving, late, wrong(right)),
        await complete(proving, late, wrong(wrong(right)) if other_code == right else other_code),
        await complete(proving, str(uuid4()), right),
    ]
    proving.clock.advance(minutes=10)
    answers.append(await complete(proving, late, right))
    assert {(answer.status_code, answer.text) for answer in answers} == {(422, answers[0].text)}
    assert answers[0].json()["code"] == "code_refused"


async def test_a_code_proves_its_own_address_and_no_other_even_if_the_digits_agree(proving: Accounts) -> None:
    mine, _ = await asked(proving, "moi@ailleurs.example")
    yours, code = await asked(proving)
    digest = await proving.pool.fetchval("select code_digest from address_proofs where proof_id = $1::uuid", yours)
    await proving.pool.execute("update address_proofs set code_digest = $1 where proof_id = $2::uuid", digest, mine)
    assert (await complete(proving, mine, code)).json()["code"] == "code_refused"
    assert (await complete(proving, yours, code)).status_code == 200


async def test_of_twenty_right_codes_at_once_one_is_a_proof(proving: Accounts) -> None:
    proof_id, code = await asked(proving)
    answers = await asyncio.gather(*[complete(proving, proof_id, code) for _ in range(20)])
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 19


async def test_of_twenty_wrong_codes_at_once_five_are_compared_and_the_right_one_comes_too_late(
    proving: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof_id, code = await asked(proving)
    compared: list[str] = []
    matches = type(proving.unit.tools.keyring).matches

    def counting(self: Any, purpose: str, secret: str, digest: str) -> bool:
        compared.append(secret)
        return matches(self, purpose, secret, digest)

    monkeypatch.setattr(type(proving.unit.tools.keyring), "matches", counting)
    await asyncio.gather(*[complete(proving, proof_id, wrong(code)) for _ in range(20)])
    assert len(compared) == 5
    assert (await complete(proving, proof_id, code)).json()["code"] == "code_refused"
    proving.clock.advance(minutes=2)
    assert (await resend(proving, proof_id)).json()["code"] == "address_proof_exhausted"


async def test_tries_at_one_address_are_counted_over_all_its_proofs(proving: Accounts) -> None:
    proving.limit("address_proof_tries", 2)
    first, code = await asked(proving)
    for _ in range(2):
        await complete(proving, first, wrong(code))
    second, code = await asked(proving)
    third, third_code = await asked(proving)
    await complete(proving, second, wrong(code))
    assert (await complete(proving, second, code)).json()["code"] == "code_refused"
    assert (await complete(proving, third, third_code)).status_code == 200  # the first try of whoever reads the mail


async def test_another_code_kills_the_one_before_and_comes_after_a_while(proving: Accounts) -> None:
    proof_id, old = await asked(proving)
    too_soon = await resend(proving, proof_id)
    assert (too_soon.json()["code"], too_soon.headers["retry-after"]) == ("resend_too_soon", "60")
    proving.clock.advance(seconds=61)

    again = await resend(proving, proof_id)

    assert shape(again) == shape(await ask(proving, "autre@cabinet.example"))
    mails = [mail for mail, contents in await proving.mailed(AddressCodeMail) if contents.address == DELEGATE]
    assert len({mail.delivery_id for mail in mails}) == 2
    assert {mail.replaces for mail in mails} == {f"address_proof:{proof_id}"}
    codes = [c.code for _, c in await proving.mailed(AddressCodeMail) if c.address == DELEGATE]  # type: ignore[attr-defined]
    if codes[0] != codes[1]:
        assert (await complete(proving, proof_id, old)).json()["code"] == "code_refused"
    assert (await complete(proving, proof_id, codes[1])).status_code == 200
    assert (await resend(proving, proof_id)).status_code == 202
    assert (await resend(proving, str(uuid4()))).status_code == 202
    assert len(await proving.mailed(AddressCodeMail)) == 3


async def test_strangers_cannot_flood_a_mailbox_and_are_answered_all_the_same(proving: Accounts) -> None:
    answers = []
    for n in range(8):
        async with proving.elsewhere(f"198.51.100.{n}") as stranger:
            answers += [await ask(stranger, f"Adjointe+{n}@cabinet.example") for _ in range(2)]
    assert {str(shape(answer)) for answer in answers} == {str(shape(answers[0]))}
    most = proving.unit.tools.agency.limits.attempts["registration_per_address"].count
    assert len(await proving.mailed(AddressCodeMail)) == most
    assert (await proving.register(DELEGATE)).status_code == 202  # one budget for every code that comes to a mailbox
    assert len(await proving.events(MailRequest)) == most


async def test_one_network_spends_its_part_and_the_owner_elsewhere_still_gets_a_code(proving: Accounts) -> None:
    for _ in range(6):
        await ask(proving)
    budget = proving.unit.tools.agency.limits.attempts["registration_per_address"]
    assert len(await proving.mailed(AddressCodeMail)) == budget.from_one_network
    async with proving.elsewhere("198.51.100.9") as owner:
        assert (await complete(owner, *await asked(owner))).status_code == 200


async def test_resending_spends_the_mailboxs_budget_too(proving: Accounts) -> None:
    proof_id, _ = await asked(proving)
    for _ in range(5):
        proving.clock.advance(seconds=61)
        assert (await resend(proving, proof_id)).status_code == 202
    budget = proving.unit.tools.agency.limits.attempts["registration_per_address"]
    assert len(await proving.mailed(AddressCodeMail)) == budget.from_one_network


async def test_a_network_that_asks_and_tries_without_end_is_refused(proving: Accounts) -> None:
    proving.limit("calls_per_network", 3)
    proof_id, code = await asked(proving)
    answers = [await complete(proving, proof_id, wrong(code)), await resend(proving, proof_id), await ask(proving)]
    assert [answer.json().get("code") for answer in answers] == ["code_refused", "resend_too_soon", "too_many_attempts"]
    assert (await complete(proving, proof_id, code)).status_code == 429


async def test_no_code_and_no_address_rests_in_the_clear_and_all_is_forgotten_after_a_day(proving: Accounts) -> None:
    proof_id, code = await asked(proving)
    rows = await proving.everything(but=("outbox",))
    assert not [table for table, text in rows.items() if holds(text, code)]
    assert [table for table, text in rows.items() if DELEGATE in text] == ["people"]
    await complete(proving, proof_id, code)
    await proving.unit.run(forget, None, proving.unit.origin.itself)
    assert await proving.pool.fetchval("select count(*) from address_proofs") == 1
    proving.clock.advance(days=1, seconds=1)
    await proving.unit.run(forget, None, proving.unit.origin.itself)
    assert not [table for table, text in (await proving.everything(but=("outbox",))).items() if DELEGATE in text]
    assert await proving.pool.fetchval("select count(*) from address_proofs") == 0
