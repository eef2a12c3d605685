"""The paper door: an agent enters what both signed by hand, one file each; both confirm their address by a mail."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from chassis.audit.sealing import seal_all
from contracts.notifications import AddressNeededContents, MandateAddressContents
from services.authorizations.deciding.chores import lapse_overdue, remind_deciders
from services.authorizations.mandate_addresses.chores import ask_waiting
from services.authorizations.tests.practices import Practice, a_practice
from services.authorizations.tests.test_attachments import PDF
from tests.fixtures.gateway import OpenService


@pytest.fixture
async def practice(open_service: OpenService, keyring_folder: Path) -> Practice:
    return await a_practice(open_service, keyring_folder)


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


async def scan(practice: Practice, organization_id: UUID | None = None, content: bytes | None = None) -> str:
    """The file of a paper, uploaded by an agent; no two are the same document unless told so."""
    kept = await practice.client.post(
        "/v1/attachments", params={"organization_id": str(organization_id or practice.organization_id)},
        content=content or PDF + uuid4().bytes, headers=practice.at.agent | {"Content-Type": "application/pdf"},
    )  # fmt: skip
    assert kept.status_code == 201, kept.text
    return str(kept.json()["attachment_id"])


def today(practice: Practice) -> Any:
    return practice.at.opened.tools.moment(datetime.now(UTC)).day


async def enter(practice: Practice, **changes: Any) -> httpx.Response:
    """An agent enters a paper."""
    body = {
        "organization_id": str(practice.organization_id),
        "professional_id": str(practice.professional.contact_id),
        "professional_email": "praticienne@example.org",
        "delegate": {
            "family_name": "Papier", "given_name": "Démo", "email": "papier@example.org", "language": "fr",
        },
        "service": "online_billing", "role": "billing_clerk", "language": "fr",
        "received_on": (today(practice) - timedelta(days=5)).isoformat(),
    } | changes  # fmt: skip
    if "attachment_id" not in body:
        body["attachment_id"] = await scan(practice)
    headers = practice.at.agent | {"Accept-Language": "fr"}
    return await practice.client.post("/v1/paper-mandates", json=body, headers=headers)


async def tokens(practice: Practice) -> list[str]:
    """Those of the mails to the addresses, the professional's first."""
    mails = await practice.at.opened.published("MandateAddressMail")
    return [practice.sealer.open(mail["sealed"], MandateAddressContents).token for mail in mails]


async def confirm(practice: Practice, mandate_id: str, token: str) -> httpx.Response:
    return await practice.client.post(f"/v1/mandates/{mandate_id}/confirmation", json={"token": token})


async def decide(practice: Practice, mandate_id: str, **decision: Any) -> httpx.Response:
    seen = await practice.client.get(f"/v1/requests/{mandate_id}", headers=practice.at.agent)
    return await practice.client.post(
        f"/v1/requests/{mandate_id}/decision", json={"outcome": "approve"} | decision,
        headers=practice.at.agent | {"If-Match": seen.headers["etag"]},
    )  # fmt: skip


async def test_it_waits_until_both_confirm_and_then_stands_in_the_same_queue_by_the_day_of_its_receipt(
    practice: Practice,
) -> None:
    on_screen = await practice.mandate()
    await practice.sign(on_screen)
    [token] = await practice.tokens()
    assert (await practice.countersign(on_screen, token)).json()["state"] == "submitted"
    entered = await enter(practice)
    assert entered.status_code == 201, entered.text
    mandate_id = entered.json()["mandate_id"]
    professional, delegate = await tokens(practice)

    first = await confirm(practice, mandate_id, professional)
    again = await confirm(practice, mandate_id, professional)
    assert (first.status_code, first.json()["state"], again.json()["state"]) == (200, "signing", "signing")
    assert (await confirm(practice, mandate_id, delegate)).json()["state"] == "submitted"

    queue = await practice.client.get("/v1/requests?kind=mandate", headers=practice.at.agent)
    assert [row["request_id"] for row in queue.json()["items"]] == [mandate_id, str(on_screen)]
    date = await practice.client.get("/v1/processing-date")
    assert date.json()["date"] == (today(practice) - timedelta(days=5)).isoformat()


async def test_its_scan_and_both_signatures_by_hand_are_kept_and_read(practice: Practice) -> None:
    mandate_id = (await enter(practice, attachment_id=await scan(practice, content=PDF))).json()["mandate_id"]
    await seal_all(practice.at.opened.unit)
    document = await practice.client.get(f"/v1/mandates/{mandate_id}/document", headers=practice.at.agent)
    shown = document.json()
    assert shown["intact"] is True
    assert [(s["side"], s["method"], s["name"]) for s in shown["signatures"]] == [
        ("professional", "paper", "Démo Praticienne"), ("delegate", "paper", "Démo Papier"),
    ]  # fmt: skip
    listed = await practice.client.get(f"/v1/attachments?object_id={mandate_id}", headers=practice.at.agent)
    [kept] = listed.json()["items"]
    opened = await practice.client.get(f"/v1/attachments/{kept['attachment_id']}", headers=practice.at.agent)
    assert opened.content == PDF


async def test_a_file_of_another_form_is_refused_with_the_guides_reason(practice: Practice) -> None:
    file = await scan(practice)
    assert (await enter(practice, attachment_id=file)).status_code == 201
    other = {"family_name": "Autre", "given_name": "Démo", "email": "autre@example.org", "language": "fr"}
    twice = await enter(practice, attachment_id=file, delegate=other)
    assert code_of(twice) == (422, "document_of_another")
    assert "Créez un fichier pour chaque formulaire" in twice.json()["detail"]
    assert "Autrement, nous refuserons votre demande" in twice.json()["detail"]
    elsewhere = await scan(practice, await practice.pool.fetchval(
        "select organization_id from contacts where client_number = '1300001'"
    ))  # fmt: skip
    for unknown in (elsewhere, str(uuid4())):
        assert code_of(await enter(practice, attachment_id=unknown, delegate=other)) == (422, "unknown_attachment")
    assert await practice.pool.fetchval("select count(*) from mandates") == 1


async def test_a_scan_of_several_forms_is_refused_and_both_who_sent_it_are_told_why_and_what_to_do(
    practice: Practice,
) -> None:
    mandate_id = (await enter(practice)).json()["mandate_id"]
    for token in await tokens(practice):
        await confirm(practice, mandate_id, token)
    refused = await decide(practice, mandate_id, outcome="reject", reason="several_forms_in_one_document")
    assert refused.status_code == 200, refused.text
    assert {"praticienne@example.org", "papier@example.org"} <= set(await practice.told("reject"))
    told = [m for m in await practice.at.opened.published("MandateChangedMail") if m["mandate_change"] == "reject"]
    assert {mail["decision_reason"] for mail in told} == {"several_forms_in_one_document"}
    for language, said in (("fr", "Créez un fichier pour chaque formulaire"), ("en", "Create a file for each form")):
        headers = practice.professional.headers | {"Accept-Language": language}
        seen = (await practice.client.get(f"/v1/mandates/{mandate_id}", headers=headers)).json()
        assert (seen["outcome"], seen["given"]) == ("reject", None) and said in seen["decision_reason_name"]


async def test_what_is_not_eligible_or_received_on_an_impossible_day_is_refused(practice: Practice) -> None:
    for received_on in (today(practice) + timedelta(days=1), today(practice) - timedelta(days=400)):
        assert code_of(await enter(practice, received_on=received_on.isoformat())) == (422, "paper_date_refused")
    assert code_of(await enter(practice, role="clinical_staff"))[1] == "mandate_role_ineligible"
    assert code_of(await enter(practice, service="nothing"))[1] == "mandate_service_unknown"
    assert (await enter(practice, professional_id=str(uuid4()))).status_code == 404
    assert await tokens(practice) == []


async def test_agents_alone_enter_papers_and_name_the_organization_of_a_file(practice: Practice) -> None:
    refused = await practice.client.post("/v1/paper-mandates", json={}, headers=practice.professional.headers)
    assert code_of(refused) == (403, "wrong_kind_of_caller")
    headers = practice.at.agent | {"Content-Type": "application/pdf"}
    assert (await practice.client.post("/v1/attachments", content=PDF, headers=headers)).status_code == 422
    nowhere = await practice.client.post(f"/v1/attachments?organization_id={uuid4()}", content=PDF, headers=headers)
    assert nowhere.status_code == 404


async def test_one_address_for_both_is_refused_and_another_is_waited_for(practice: Practice) -> None:
    mandate_id = (await enter(practice, professional_email="Papier+pro@example.org")).json()["mandate_id"]
    professional, _ = await tokens(practice)
    assert code_of(await confirm(practice, mandate_id, professional)) == (422, "address_of_the_other_side")
    assert await practice.state(UUID(mandate_id)) == "signing"
    assert code_of(await confirm(practice, mandate_id, professional))[0] == 409


async def test_one_mailbox_that_both_confirm_at_once_is_neithers(practice: Practice) -> None:
    mandate_id = (await enter(practice, professional_email="Papier+pro@example.org")).json()["mandate_id"]
    answers = await asyncio.gather(*(confirm(practice, mandate_id, token) for token in await tokens(practice)))
    assert [answer.status_code for answer in answers] == [422, 422]
    assert await practice.state(UUID(mandate_id)) == "signing"


async def test_the_professionals_token_signs_nothing_for_the_delegate(practice: Practice) -> None:
    mandate_id = UUID((await enter(practice)).json()["mandate_id"])
    professional, delegate = await tokens(practice)
    person = {"family_name": "Papier", "given_name": "Démo"}
    assert code_of(await practice.countersign(mandate_id, professional, person=person)) == (409, "mandate_link_over")
    signed = await practice.countersign(mandate_id, delegate, person=person)
    assert code_of(signed) == (409, "mandate_signed_already")  # by hand


async def test_a_token_confirms_its_own_address_alone(practice: Practice) -> None:
    mandate_id = (await enter(practice)).json()["mandate_id"]
    professional, delegate = await tokens(practice)
    assert code_of(await confirm(practice, str(uuid4()), professional)) == (409, "mandate_link_over")
    guessed = await confirm(practice, mandate_id, f"{mandate_id}.{'A' * 43}")
    assert code_of(guessed) == (409, "mandate_link_over")
    await confirm(practice, mandate_id, delegate)
    states = await practice.pool.fetch("select side, address_state from mandate_sides order by side")
    assert [tuple(row) for row in states] == [("delegate", "verified"), ("professional", "none")]


async def test_whoever_has_not_confirmed_is_reminded_and_then_it_lapses_and_no_mail_leads_there(
    practice: Practice,
) -> None:
    mandate_id = UUID((await enter(practice)).json()["mandate_id"])
    professional, delegate = await tokens(practice)
    await confirm(practice, str(mandate_id), professional)
    unit = practice.at.opened.unit
    await practice.pool.execute(
        "update requests set lapses_on = $2 where request_id = $1", mandate_id, today(practice) + timedelta(days=2)
    )
    await remind_deciders(unit)
    *_, newest = await tokens(practice)
    assert len(await tokens(practice)) == 3
    assert code_of(await confirm(practice, str(mandate_id), delegate)) == (409, "mandate_link_over")
    await practice.pool.execute(
        "update requests set lapses_on = $2 where request_id = $1", mandate_id, today(practice) - timedelta(days=1)
    )
    await lapse_overdue(unit)
    assert code_of(await confirm(practice, str(mandate_id), newest)) == (409, "mandate_link_over")
    assert await practice.pool.fetchval("select count(*) from request_tokens") == 0


async def test_a_paper_that_came_back_is_signed_on_screen_and_its_reminder_asks_for_that(practice: Practice) -> None:
    mandate_id = (await enter(practice)).json()["mandate_id"]
    for token in await tokens(practice):
        await confirm(practice, mandate_id, token)
    assert (await decide(practice, mandate_id, outcome="return", reason="mandate_to_correct")).status_code == 200
    path, own = f"/v1/mandates/{mandate_id}", practice.professional.headers
    seen = await practice.client.get(path, headers=own)
    assert (seen.json()["state"], seen.json()["origin"]) == ("returned", "paper")
    body = {
        "delegate": {
            "family_name": "Papier", "given_name": "Démo", "email": "papier@example.org", "language": "fr",
        },
        "service": "online_billing", "role": "billing_clerk", "language": "fr",
    }  # fmt: skip
    corrected = await practice.client.post(
        f"{path}/correction", json=body, headers=own | {"If-Match": seen.headers["etag"]}
    )
    assert (corrected.status_code, corrected.json()["origin"]) == (200, "screen"), corrected.text
    asked = len(await tokens(practice))
    await practice.pool.execute(
        "update requests set lapses_on = $2 where request_id = $1",
        UUID(mandate_id),
        today(practice) + timedelta(days=2),
    )
    await remind_deciders(practice.at.opened.unit)
    assert len(await practice.at.opened.published("MandateUnsignedMail")) == 1
    assert len(await tokens(practice)) == asked


async def test_of_a_forged_paper_the_professional_hears_at_the_accounts_address_of_receipt_approval_and_revocation(
    practice: Practice,
) -> None:
    own = await practice.pool.fetchval(
        "select email from personal_fields where owner_id = $1", practice.professional.account_id
    )
    mandate_id = (await enter(practice, professional_email="faux@example.org")).json()["mandate_id"]
    for token in await tokens(practice):
        await confirm(practice, mandate_id, token)
    approved = await decide(practice, mandate_id)
    assert approved.status_code == 200, approved.text
    revoked = await practice.client.post(f"/v1/mandates/{mandate_id}/revocation", headers=practice.at.agent)
    assert revoked.status_code == 200, revoked.text
    for change in ("receive", "approve", "revoke"):
        assert await practice.told(change) == sorted(["faux@example.org", "papier@example.org", own])


async def test_agents_are_told_before_they_approve_where_nothing_is_known_of_the_professional_but_the_paper(
    practice: Practice,
) -> None:
    contact_id = await practice.at.contact("1300001")
    organization_id = await practice.pool.fetchval(
        "select organization_id from contacts where contact_id = $1", contact_id
    )
    file = await practice.pool.fetchval(
        "update personal_fields set email = null where owner_id = $1 returning owner_id", contact_id
    )
    assert file == contact_id
    entered = await enter(
        practice, organization_id=str(organization_id), professional_id=str(contact_id),
        attachment_id=await scan(practice, organization_id),
    )  # fmt: skip
    assert entered.status_code == 201, entered.text
    for known, differs in ((None, False), ("au.dossier@example.org", True)):
        await practice.pool.execute("update personal_fields set email = $2 where owner_id = $1", contact_id, known)
        headers = practice.at.agent | {"Accept-Language": "fr"}
        seen = await practice.client.get(f"/v1/requests/{entered.json()['mandate_id']}", headers=headers)
        [side] = [s for s in seen.json()["asked"]["mandate"]["sides"] if s["side"] == "professional"]
        on_file = side["on_file"]
        assert (on_file["of"], on_file["email"]) == ("file" if known else "none", known)
        assert on_file["differs"] is differs and "avant d’approuver" in on_file["note"]
        assert ("Ni compte ni adresse" in on_file["note"]) is (known is None)


async def test_a_professional_whose_paper_has_a_shared_address_is_asked_at_the_accounts(practice: Practice) -> None:
    mandate_id = (await enter(practice, professional_email="info@cabinet.example")).json()["mandate_id"]
    professional, _ = await tokens(practice)
    assert code_of(await confirm(practice, mandate_id, professional)) == (422, "address_of_a_function")
    account = await practice.pool.fetchval(
        "select email from personal_fields where owner_id = $1", practice.professional.account_id
    )
    unit = practice.at.opened.unit
    clock = unit.origin.clock
    await ask_waiting(replace(unit, origin=replace(unit.origin, clock=lambda: clock() + timedelta(hours=2))))
    [mail] = await practice.at.opened.published("AddressNeededMail")
    assert practice.sealer.open(mail["sealed"], AddressNeededContents).address == account


async def test_no_token_goes_back_to_the_shared_address_of_a_paper_that_is_the_accounts_too(practice: Practice) -> None:
    await practice.pool.execute(
        "update personal_fields set email = 'info@cabinet.example' where owner_id = any($1::uuid[])",
        [practice.professional.account_id, practice.professional.contact_id],
    )
    mandate_id = (await enter(practice, professional_email="info@cabinet.example")).json()["mandate_id"]
    professional, _ = await tokens(practice)
    assert code_of(await confirm(practice, mandate_id, professional)) == (422, "address_of_a_function")
    unit = practice.at.opened.unit
    clock = unit.origin.clock
    await ask_waiting(replace(unit, origin=replace(unit.origin, clock=lambda: clock() + timedelta(hours=2))))
    assert await practice.at.opened.published("AddressNeededMail") == []
    assert len(await practice.at.opened.published("OwnAddressNeededMail")) == 1


async def test_the_same_document_uploaded_again_serves_no_second_mandate_while_the_first_stands(
    practice: Practice,
) -> None:
    first, again = [await scan(practice, content=PDF) for _ in range(2)]
    mandate_id = (await enter(practice, attachment_id=first)).json()["mandate_id"]
    other = {"family_name": "Autre", "given_name": "Démo", "email": "autre@example.org", "language": "fr"}
    refused = await enter(practice, attachment_id=again, delegate=other)
    assert code_of(refused) == (422, "document_of_another")
    _, token = await tokens(practice)
    await practice.client.post(f"/v1/mandates/{mandate_id}/withdrawal", json={"token": token})
    assert await practice.state(UUID(mandate_id)) == "withdrawn"
    assert (await enter(practice, attachment_id=again, delegate=other)).status_code == 201


async def test_one_document_entered_twice_at_once_serves_one_mandate(practice: Practice) -> None:
    files = [await scan(practice, content=PDF) for _ in range(4)]
    names = [{"family_name": f"Autre{n}", "given_name": "Démo", "email": f"autre{n}@example.org", "language": "fr"}
             for n in range(4)]  # fmt: skip
    answers = await asyncio.gather(
        *(enter(practice, attachment_id=file, delegate=name) for file, name in zip(files, names, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
