"""Both sides sign a mandate: what is needed of each, what is refused, what a token's holder learns, what is printed."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from chassis.audit.sealing import seal_all
from chassis.work import Work
from services.authorizations.deciding.chores import remind_deciders
from services.authorizations.mandates.text import list_digest, read_all
from services.authorizations.personal.domain import Personal
from services.authorizations.signatures.domain import text_digest
from services.authorizations.tests.conftest import TEST
from services.authorizations.tests.practices import Practice, a_practice
from services.authorizations.tools import Tools
from tests.fixtures.gateway import OpenService


@pytest.fixture
async def practice(open_service: OpenService, keyring_folder: Path) -> Practice:
    return await a_practice(open_service, keyring_folder)


def code_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


async def test_the_professional_signs_then_the_delegate_without_an_account_and_agents_have_it(
    practice: Practice,
) -> None:
    mandate_id = await practice.mandate()
    signed = await practice.sign(mandate_id)
    assert signed.status_code == 201, signed.text
    assert signed.json()["waits_for"] == ["delegate", "delegate_address"]
    [token] = await practice.tokens()

    page = await practice.client.post(f"/v1/mandates/{mandate_id}/page", json={"token": token})
    assert page.status_code == 200, page.text
    assert page.json()["digest"] == text_digest(page.json()["text"]) and not page.json()["signed"]
    countersigned = await practice.countersign(mandate_id, token)

    assert countersigned.status_code == 201, countersigned.text
    assert (countersigned.json()["state"], countersigned.json()["waits_for"]) == ("submitted", [])
    assert await practice.state(mandate_id) == "submitted"
    assert [event["side"] for event in await practice.at.opened.published("RequestSigned")] == [
        "professional", "delegate",
    ]  # fmt: skip
    assert len(await practice.at.opened.published("RequestSubmitted")) == 1


async def test_a_password_counts_for_the_text_it_was_given_for_once_and_by_its_account(practice: Practice) -> None:
    mandate_id, other_id = await practice.mandate(), await practice.mandate()
    english = await practice.mandate(Personal("Déléguée", "Démo", "deleguee@example.org", [], "en"))
    bad = [
        await practice.proof(other_id),
        await practice.proof(mandate_id, account_id=uuid7()),
        await practice.proof(mandate_id, digest="0" * 64),
        await practice.proof(mandate_id, digest=text_digest(await practice.text(mandate_id, "delegate"))),
        await practice.proof(mandate_id, digest=text_digest(await practice.text(english, "delegate"))),
        practice.address_proof(),
        practice.at.opened.issuer.person(practice.professional.account_id),
    ]
    for proof in bad:
        assert code_of(await practice.sign(mandate_id, proof=proof)) == (422, "proof_refused")
    assert await practice.pool.fetchval("select count(*) from signatures") == 0
    proof = await practice.proof(mandate_id)
    assert (await practice.sign(mandate_id, proof=proof)).status_code == 201
    await practice.pool.execute("update signatures set voided_at = now()")
    await practice.pool.execute("update mandate_sides set signed_version = null, signed_at = null")
    assert code_of(await practice.sign(mandate_id, proof=proof)) == (422, "proof_refused")


async def test_one_password_signs_each_mandate_of_a_list_once(practice: Practice) -> None:
    list_id = uuid7()
    await practice.pool.execute(
        "insert into mandate_lists (list_id, organization_id, contact_id, items) values ($1, $2, $3, '[]')",
        list_id, practice.organization_id, practice.professional.contact_id,
    )  # fmt: skip
    listed = [await practice.mandate(list_id=list_id, subject=s) for s in ("online_billing", "account_statements")]
    digests = [text_digest(await practice.text(mandate_id)) for mandate_id in listed]
    proof = await practice.proof(listed[0], digest=list_digest(digests))
    for mandate_id in listed:
        assert (await practice.sign(mandate_id, proof=proof)).status_code == 201
    alone = await practice.mandate()
    assert code_of(await practice.sign(alone, proof=proof)) == (422, "proof_refused")


async def test_the_texts_of_a_list_are_read_in_its_order_and_in_as_many_queries_as_one(practice: Practice) -> None:
    made = [await practice.mandate(subject=s) for s in ("online_billing", "account_statements", "online_billing")]
    written = [await practice.text(mandate_id) for mandate_id in made]

    async def read(work: Work[Tools], ids: Sequence[UUID]) -> tuple[Sequence[str], int]:
        queries: list[str] = []
        with work.connection.query_logger(lambda record: queries.append(record.query)):
            texts = await read_all(work.connection, work.tools.agency, ids, "professional")
        return texts, len(queries)

    async def compare(work: Work[Tools], _: None) -> None:
        await read(work, made)  # the connection asks about types the first time
        (one, by_one), (all_of_them, by_all) = await read(work, made[:1]), await read(work, made[::-1])
        assert (one, all_of_them) == (written[:1], written[::-1])
        assert by_one == by_all > 0

    await practice.at.opened.unit.run(compare, None, TEST)


async def test_statements_are_ticked_one_by_one_by_both(practice: Practice) -> None:
    mandate_id = await practice.mandate()
    some = practice.ticked("professional")[1:]
    assert code_of(await practice.sign(mandate_id, attestations=some)) == (422, "attestation_missing")
    await practice.sign(mandate_id)
    [token] = await practice.tokens()
    lacking = await practice.countersign(mandate_id, token, attestations=practice.ticked("professional"))
    assert code_of(lacking) == (422, "attestation_missing")


async def test_the_same_person_signs_one_side_only(practice: Practice) -> None:
    account = practice.professional.account_id
    own = await practice.pool.fetchval("select email from personal_fields where owner_id = $1", account)
    mandate_id = await practice.mandate()
    await practice.sign(mandate_id)
    [token] = await practice.tokens()
    local, _, host = own.partition("@")
    for address in (own, f"{local.upper()}+mandat@{host}"):
        refused = await practice.countersign(mandate_id, token, address_proof=practice.address_proof(address))
        assert refused.status_code in (403, 422) and refused.json()["code"] in (
            "mandate_same_person", "address_of_the_other_side",
        )  # fmt: skip
    signed_in = {"Authorization": practice.professional.headers["Authorization"]}
    assert code_of(await practice.countersign(mandate_id, token, signed_in)) == (403, "mandate_same_person")
    assert (await practice.countersign(mandate_id, token)).status_code == 201


async def test_a_shared_address_is_refused_while_signing_nothing_is_kept_of_it_and_another_one_signs(
    practice: Practice,
) -> None:
    mandate_id = await practice.mandate()
    shared = practice.address_proof("info@cabinet.example")
    proof = await practice.proof(mandate_id)
    refused = await practice.sign(mandate_id, proof=proof, address_proof=shared)
    assert code_of(refused) == (422, "address_of_a_function")
    assert await practice.pool.fetchval("select count(*) from signatures") == 0
    assert (await practice.sign(mandate_id, proof=proof)).status_code == 201  # the password still counts
    [token] = await practice.tokens()
    shared = practice.address_proof("secretariat@cabinet.example")
    refused = await practice.countersign(mandate_id, token, address_proof=shared)
    assert code_of(refused) == (422, "address_of_a_function")
    assert await practice.state(mandate_id) == "signing"

    assert (await practice.countersign(mandate_id, token)).json()["state"] == "submitted"
    kept = await practice.pool.fetchrow(
        "select family_name, email, address_state from mandate_sides join personal_fields on owner_id = side_id"
        " where request_id = $1 and side = 'delegate'",
        mandate_id,
    )
    assert tuple(kept) == ("Déléguée", "deleguee@example.org", "verified")


async def test_the_professionals_address_is_the_accounts_or_another_that_was_proved(practice: Practice) -> None:
    verified = (
        "select email from mandate_sides join personal_fields on owner_id = side_id"
        " where request_id = $1 and side = 'professional'"
    )
    account = await practice.pool.fetchval(
        "select email from personal_fields where owner_id = $1", practice.professional.account_id
    )
    proved, known = await practice.mandate(), await practice.mandate(subject="account_statements")
    proof = practice.address_proof("dre@ailleurs.example")
    assert (await practice.sign(proved, address_proof=proof)).status_code == 201
    assert (await practice.sign(known)).status_code == 201
    assert await practice.pool.fetchval(verified, proved) == "dre@ailleurs.example"
    assert await practice.pool.fetchval(verified, known) == account
    document = await practice.client.get(f"/v1/mandates/{proved}/document", headers=practice.at.agent)
    assert [s["email"] for s in document.json()["signatures"]] == ["dre@ailleurs.example"]
    third = await practice.mandate(subject="patient_registration")
    assert (await practice.sign(third, address_proof=proof)).status_code == 201  # a proof is good once for each mandate
    await practice.pool.execute("update signatures set voided_at = now() where request_id = $1", third)
    await practice.pool.execute(
        "update mandate_sides set signed_version = null, signed_at = null where request_id = $1", third
    )
    assert code_of(await practice.sign(third, address_proof=proof)) == (422, "proof_refused")


async def test_of_two_at_once_one_signature_is_kept(practice: Practice) -> None:
    mandate_id = await practice.mandate()
    proofs = [await practice.proof(mandate_id) for _ in range(4)]
    answers = await asyncio.gather(*(practice.sign(mandate_id, proof=proof) for proof in proofs))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    [token] = await practice.tokens()
    answers = await asyncio.gather(*(practice.countersign(mandate_id, token) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert await practice.pool.fetchval("select count(*) from signatures") == 2


async def test_a_signature_that_is_sent_again_is_answered_as_the_first_was(practice: Practice) -> None:
    mandate_id = await practice.mandate()
    body = {"proof": await practice.proof(mandate_id)}
    key = practice.professional.headers | {"Idempotency-Key": "once"}
    first, again = [await practice.sign(mandate_id, key, **body) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201) and first.json() == again.json()
    assert len(await practice.tokens()) == 1


async def test_what_leads_nowhere_is_refused_alike_and_by_the_same_words(practice: Practice) -> None:
    mandate_id, other_id = await practice.mandate(), await practice.mandate(subject="account_statements")
    await practice.sign(mandate_id)
    await practice.sign(other_id)
    token, of_other = await practice.tokens()
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    refused = []
    for where, shown in [(mandate_id, of_other), (mandate_id, flipped), (uuid4(), token), (uuid4(), flipped)]:
        for path, body in (("page", {}), ("document", {}), ("signatures", None)):
            if body is None:
                answer = await practice.countersign(where, shown, digest="0" * 64)
            else:
                answer = await practice.client.post(
                    f"/v1/mandates/{where}/{path}", json={"token": shown}, headers={"Accept-Language": "fr"}
                )
            refused.append(answer)
    assert {answer.content for answer in refused} == {refused[0].content}
    assert code_of(refused[0]) == (409, "mandate_link_over")
    assert (await practice.countersign(mandate_id, token)).status_code == 201


async def test_opening_the_page_or_the_document_consumes_nothing_and_a_get_does_not_open_it(practice: Practice) -> None:
    mandate_id = await practice.mandate()
    await practice.sign(mandate_id)
    [token] = await practice.tokens()
    before = await practice.pool.fetchval("select count(*) from audit")
    for _ in range(3):
        for path in ("page", "document"):
            opened = await practice.client.post(f"/v1/mandates/{mandate_id}/{path}", json={"token": token})
            assert opened.status_code == 200
    assert await practice.pool.fetchval("select count(*) from audit") == before
    assert (await practice.client.get(f"/v1/mandates/{mandate_id}/page?token={token}")).status_code == 405
    assert (await practice.countersign(mandate_id, token)).status_code == 201


async def test_a_tokens_holder_learns_the_names_in_the_text_and_no_address(practice: Practice) -> None:
    mandate_id = await practice.mandate()
    await practice.sign(mandate_id)
    [token] = await practice.tokens()
    persons = await practice.pool.fetch("select email from personal_fields where email is not null")
    for path in ("page", "document"):
        shown = await practice.client.post(f"/v1/mandates/{mandate_id}/{path}", json={"token": token})
        assert "Praticienne" in shown.text
        for hidden in [*(row["email"] for row in persons), "127.0.0.1", str(practice.professional.account_id),
                       str(practice.professional.contact_id), "1200001"]:  # fmt: skip
            assert hidden not in shown.text


@pytest.mark.parametrize("end", ["withdrawn", "lapsed", "returned"])
async def test_nothing_is_signed_once_it_is_over_or_has_come_back(practice: Practice, end: str) -> None:
    mandate_id = await practice.mandate()
    await practice.sign(mandate_id)
    [token] = await practice.tokens()
    change = {
        "withdrawn": "state = 'withdrawn', settled_at = now()",
        "lapsed": "lapses_on = current_date - 2",
        "returned": "state = 'returned'",
    }[end]
    await practice.pool.execute(f"update requests set {change} where request_id = $1", mandate_id)
    assert code_of(await practice.countersign(mandate_id, token)) == (409, "mandate_not_signable")
    assert code_of(await practice.sign(mandate_id)) == (409, "mandate_not_signable")
    page = await practice.client.post(f"/v1/mandates/{mandate_id}/page", json={"token": token})
    assert page.status_code == (200 if end == "returned" else 409)


async def test_the_delegate_signs_after_the_professional_and_as_whom_the_mandate_names(practice: Practice) -> None:
    mandate_id = await practice.mandate()
    assert await practice.tokens() == []
    await practice.sign(mandate_id)
    [token] = await practice.tokens()
    other = await practice.countersign(mandate_id, token, person={"family_name": "Autre", "given_name": "Démo"})
    assert code_of(other) == (422, "mandate_names_another")
    unsigned = "update mandate_sides set signed_version = $1, signed_at = now() where side = 'professional'"
    await practice.pool.execute(unsigned, 0)  # an older text
    assert code_of(await practice.countersign(mandate_id, token)) == (409, "mandate_not_signable")
    await practice.pool.execute(unsigned, 1)
    written = {"family_name": "DELEGUEE", "given_name": "demo"}
    assert (await practice.countersign(mandate_id, token, person=written)).status_code == 201


async def test_only_the_professional_whom_it_names_signs_for_that_side(practice: Practice) -> None:
    mandate_id = await practice.mandate()
    other = await practice.at.link(await practice.at.contact("1300001"))
    refused = await practice.sign(mandate_id, other.headers, proof=await practice.proof(mandate_id))
    assert refused.status_code == 404
    path = f"/v1/mandates/{mandate_id}/document"
    assert (await practice.client.get(path, headers=other.headers)).status_code == 404
    body = {"proof": await practice.proof(mandate_id), "attestations": practice.ticked("professional")}
    anonymous = await practice.client.post(f"/v1/mandates/{mandate_id}/signatures", json=body)
    assert code_of(anonymous) == (401, "not_authenticated")
    await practice.pool.execute(
        "update relations set type = 'optometrist' where holder_id = $1", practice.professional.contact_id
    )
    assert code_of(await practice.sign(mandate_id)) == (403, "not_permitted")  # no physician there any more


async def test_both_sides_and_agents_read_and_print_what_was_signed(practice: Practice) -> None:
    name = Personal("<img src=x onerror=alert(1)>", 'O\'Neil & "Cie"', "deleguee@example.org", [], "en")
    mandate_id = await practice.mandate(name)
    await practice.sign(mandate_id)
    [token] = await practice.tokens()
    person = {"family_name": name.family_name, "given_name": name.given_name}
    assert (await practice.countersign(mandate_id, token, person=person)).status_code == 201
    await seal_all(practice.at.opened.unit)
    path = f"/v1/mandates/{mandate_id}/document"
    seen = {
        "professional": await practice.client.get(path, headers=practice.professional.headers),
        "agent": await practice.client.get(path, headers=practice.at.agent),
        "delegate": await practice.client.post(path, json={"token": token}),
    }
    for who, answer in seen.items():
        assert answer.status_code == 200, answer.text
        document = answer.json()
        assert document["intact"] is True and [s["side"] for s in document["signatures"]] == [
            "professional", "delegate",
        ]  # fmt: skip
        assert [s["text"] for s in document["signatures"]] == [
            await practice.text(mandate_id), await practice.text(mandate_id, "delegate"),
        ]  # fmt: skip
        shows = {s["network_address"] is not None and s["email"] is not None for s in document["signatures"]}
        assert shows == {who == "agent"}
        if who == "agent":
            assert {s["network_address"] for s in document["signatures"]} == {"127.0.0.1"}
    viewed = await practice.pool.fetchval("select count(*) from audit where action = 'request_viewed'")
    assert viewed == 1
    for language, title in (("fr", "Mandat signé"), ("en", "Signed mandate")):
        headers = practice.professional.headers | {"Accept": "text/html", "Accept-Language": language}
        printed = await practice.client.get(path, headers=headers)
        assert printed.headers["content-type"].startswith("text/html") and f"<h1>{title}</h1>" in printed.text
        assert "default-src 'none'" in printed.headers["content-security-policy"]
        assert "<img" not in printed.text and "&lt;img src=x" in printed.text
        assert not [tag for tag in ("<script", "<link", "href=", "url(", "@import") if tag in printed.text]


async def test_a_changed_character_shows_to_whoever_reads_or_prints(practice: Practice) -> None:
    mandate_id = await practice.mandate()
    await practice.sign(mandate_id)
    await seal_all(practice.at.opened.unit)
    await practice.pool.execute("update signatures set signed_at = signed_at + interval '1 microsecond'")
    path = f"/v1/mandates/{mandate_id}/document"
    document = await practice.client.get(path, headers=practice.professional.headers)
    assert document.json()["intact"] is False
    printed = await practice.client.get(path, headers=practice.professional.headers | {"Accept": "text/html"})
    assert "n’est pas ce qui a été signé" in printed.text


async def test_whoever_has_not_signed_is_reminded_and_the_older_mail_leads_nowhere(practice: Practice) -> None:
    unsigned, half = await practice.mandate(), await practice.mandate(subject="account_statements")
    await practice.sign(half)
    [older] = await practice.tokens()
    unit = practice.at.opened.unit
    day = unit.tools.moment(datetime.now(UTC)).day
    await practice.pool.execute("update requests set lapses_on = $1 where kind = 'mandate'", day + timedelta(days=3))
    for _ in range(2):
        await remind_deciders(unit)
    [_, newer] = await practice.tokens()
    told = await practice.at.opened.published("MandateUnsignedMail")
    assert sorted(mail["service"] for mail in told) == ["account_statements", "online_billing"]
    assert {mail["recipient_id"] for mail in told} == {str(practice.professional.contact_id)}
    assert code_of(await practice.countersign(half, older)) == (409, "mandate_link_over")
    assert (await practice.countersign(half, newer)).status_code == 201
    assert await practice.state(unsigned) == "signing"


async def test_the_delegate_reads_what_was_signed_by_the_profile_that_the_approval_made(practice: Practice) -> None:
    mandate_id = await practice.mandate()
    await practice.sign(mandate_id)
    someone = await practice.at.link(await practice.at.contact("1300001"))
    path = f"/v1/mandates/{mandate_id}/document"
    assert (await practice.client.get(path, headers=someone.headers)).status_code == 404
    await practice.pool.execute(
        "update mandates set contact_id = $2, relation_id = $3, right_id = $3 where request_id = $1",
        mandate_id, someone.contact_id, uuid4(),
    )  # fmt: skip
    read = await practice.client.get(path, headers=someone.headers)
    assert read.status_code == 200 and read.json()["intact"] is True


async def test_nothing_of_a_signature_stands_in_events_or_audit(practice: Practice) -> None:
    mandate_id = await practice.mandate()
    await practice.sign(mandate_id)
    [token] = await practice.tokens()
    await practice.countersign(mandate_id, token)
    told = [e for e in await practice.at.opened.published() if e["name"].startswith("Request")]
    audited = [dict(row) for row in await practice.pool.fetch("select action, detail from audit")]
    for secret in ("Déléguée", "deleguee@example.org", token, text_digest(await practice.text(mandate_id))):
        assert secret not in json.dumps(told, ensure_ascii=False) + repr(audited)


async def test_the_delegate_signs_what_was_read_and_nothing_where_the_text_has_changed_since(
    practice: Practice,
) -> None:
    mandate_id = await practice.mandate()
    await practice.sign(mandate_id)
    [token] = await practice.tokens()
    opened = await practice.client.post(f"/v1/mandates/{mandate_id}/page", json={"token": token})
    await practice.pool.execute(
        "update personal_fields set legal_name = 'AUTRE NOM DÉMO' where owner_id = $1", practice.organization_id
    )
    for digest in (opened.json()["digest"], text_digest(await practice.text(mandate_id, "professional"))):
        refused = await practice.countersign(mandate_id, token, digest=digest)
        assert code_of(refused) == (409, "mandate_text_changed")
        assert refused.json()["next"]["href"] == f"/v1/mandates/{mandate_id}/page"
    assert await practice.pool.fetchval("select count(*) from signatures") == 1

    anew = await practice.client.post(f"/v1/mandates/{mandate_id}/page", json={"token": token})
    assert "AUTRE NOM DÉMO" in anew.json()["text"]
    signed = await practice.countersign(mandate_id, token, digest=anew.json()["digest"])
    assert signed.json()["state"] == "submitted"


async def test_what_lacks_in_a_delegates_signature_is_named_although_the_address_was_verified(
    practice: Practice,
) -> None:
    mandate_id = await practice.mandate()
    await practice.sign(mandate_id)
    [token] = await practice.tokens()
    given = await practice.client.post(
        f"/v1/mandates/{mandate_id}/address", json={"token": token, "address_proof": practice.address_proof()}
    )
    assert given.status_code in (200, 204), given.text
    for lacking in ("address_proof", "digest", "person"):
        refused = await practice.countersign(mandate_id, token, **{lacking: None})
        [error] = refused.json()["errors"]
        assert (refused.status_code, error["pointer"], error["code"]) == (422, f"#/{lacking}", "field_missing")
    assert (await practice.countersign(mandate_id, token)).json()["state"] == "submitted"


async def test_a_professional_who_gives_another_address_is_told_at_the_accounts_too_and_agents_see_both(
    practice: Practice,
) -> None:
    account = practice.professional.account_id
    own = await practice.pool.fetchval("select email from personal_fields where owner_id = $1", account)
    mandate_id = await practice.mandate()
    given = practice.address_proof("autre.part@example.org")
    assert (await practice.sign(mandate_id, address_proof=given)).status_code == 201
    [token] = await practice.tokens()
    assert (await practice.countersign(mandate_id, token)).json()["state"] == "submitted"
    assert await practice.told("receive") == sorted(["autre.part@example.org", "deleguee@example.org", own])

    agent = practice.at.agent | {"Accept-Language": "fr"}
    seen = await practice.client.get(f"/v1/requests/{mandate_id}", headers=agent)
    shown = await practice.client.get(f"/v1/mandates/{mandate_id}", headers=agent)
    for sides in (seen.json()["asked"]["mandate"]["sides"], shown.json()["sides"]):
        [side] = [side for side in sides if side["side"] == "professional"]
        assert (side["email"], side["on_file"]["email"], side["on_file"]["of"]) == (
            "autre.part@example.org", own, "account",
        )  # fmt: skip
        assert side["on_file"]["differs"] is True and "avant d’approuver" in side["on_file"]["note"]
    ours = await practice.client.get(f"/v1/mandates/{mandate_id}", headers=practice.professional.headers)
    assert [side["on_file"] for side in ours.json()["sides"]] == [None, None]


async def test_a_professional_with_the_accounts_address_is_told_once(practice: Practice) -> None:
    own = await practice.pool.fetchval(
        "select email from personal_fields where owner_id = $1", practice.professional.account_id
    )
    mandate_id = await practice.mandate()
    await practice.sign(mandate_id)
    [token] = await practice.tokens()
    await practice.countersign(mandate_id, token)
    assert await practice.told("receive") == sorted([own, "deleguee@example.org"])


async def test_the_delegate_withdraws_by_the_mails_token_before_it_is_decided_and_both_are_told(
    practice: Practice,
) -> None:
    own = await practice.pool.fetchval(
        "select email from personal_fields where owner_id = $1", practice.professional.account_id
    )
    signed, complete = await practice.mandate(), await practice.mandate(subject="account_statements", level="read")
    await practice.sign(signed)
    await practice.sign(complete)
    tokens = await practice.tokens()
    assert (await practice.countersign(complete, tokens[1])).json()["state"] == "submitted"

    async def withdraw(mandate_id: UUID, **body: Any) -> Any:
        return await practice.client.post(f"/v1/mandates/{mandate_id}/withdrawal", json=body)

    assert code_of(await withdraw(signed)) == (422, "invalid_request")
    assert code_of(await withdraw(signed, token=tokens[1])) == (409, "mandate_link_over")
    for mandate_id, token in zip((signed, complete), tokens, strict=True):
        withdrawn = await withdraw(mandate_id, token=token)
        assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "withdrawn")
        assert await practice.state(mandate_id) == "withdrawn"
        assert code_of(await withdraw(mandate_id, token=token)) == (409, "mandate_link_over")
        seen = await practice.client.get(f"/v1/requests/{mandate_id}", headers=practice.at.agent)
        assert seen.json()["state"] == "withdrawn"
    assert await practice.told("withdraw") == sorted([own, "deleguee@example.org"] * 2)


async def test_the_text_calls_the_organization_as_the_agency_does(practice: Practice) -> None:
    mandate_id = await practice.mandate(Personal("Déléguée", "Démo", "deleguee@example.org", [], "en"))
    french, english = await practice.text(mandate_id), await practice.text(mandate_id, "delegate")
    assert "\nCabinet\u00a0: " in french and "Organisation" not in french
    assert "\nPractice: " in english and "Organization" not in english
