"""The guide's "Un individu": one person with a number at the agency, for whom others act as for an organization."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from services.authorizations.deciding.chores import tell_waiting
from services.authorizations.tests.conftest import EXTRACT, Firm, Someone, bring_in

SUBJECTS = ["payments_statements", "profile", "competency_certificate"]


async def _worker(firm: Firm) -> Someone:
    """The individual, linked to her own file."""
    return await firm.link(await firm.contact("3000006"))


async def _entrust(firm: Firm, worker: Someone, *subjects: str) -> str:
    """The individual lets the firm act for her; the relation's id."""
    firm_number = {"kind": "firm", "number": "5000001"}
    answer = await firm.client.post(
        f"/v1/organizations/{firm.individual_id}/relations",
        json={
            "other": firm_number, "type": "accounting_firm",
            "subjects": [{"subject": subject, "level": "write"} for subject in subjects or SUBJECTS],
            "attestations": await firm.attestations("representation"),
        },
        headers=worker.headers,
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    return str(answer.json()["relation_id"])


async def _delegate(firm: Firm, member: Someone, **changes: Any) -> httpx.Response:
    return await firm.delegate(member.contact_id, firm.individual_id, **({"acted_for": "individual"} | changes))


async def _may(firm: Firm, who: Someone, subject: str = "competency_certificate") -> bool:
    return bool((await firm.check(who.account_id, subject, "individual:2000001"))["decision"])


async def test_an_individual_acts_for_herself_and_manages_her_own_file(firm: Firm) -> None:
    worker = await _worker(firm)
    assert [await _may(firm, worker, subject) for subject in SUBJECTS] == [True] * 3
    path = f"/v1/organizations/{firm.individual_id}/contacts"
    listed = await firm.client.get(path, headers=worker.headers)
    assert [row["contact_id"] for row in listed.json()["items"]] == [str(worker.contact_id)]


async def test_an_individuals_authorizations_are_delegated_like_an_organizations(firm: Firm) -> None:
    worker, member = await _worker(firm), await firm.member()
    await _entrust(firm, worker)
    assert not await _may(firm, member)
    made = await _delegate(firm, member)
    assert made.status_code == 201, made.text
    assert [await _may(firm, member, subject) for subject in SUBJECTS] == [True] * 3
    files = (await firm.client.get("/v1/authorized-files", headers=member.headers)).json()["items"]
    (file,) = [found for found in files if found["organization"]["kind"] == "individual"]
    assert file["organization"]["name"] == "Démo Travailleuse"
    assert [subject["subject"] for subject in file["subjects"]] == SUBJECTS
    assert file["subjects"][2]["link"] == "https://aide.ccq.example/fr/certificat-de-competence"


async def test_an_extract_brings_in_whoever_acts_for_an_individual(firm: Firm, tmp_path: Path) -> None:
    held = next(row for row in map(json.loads, EXTRACT.read_text("utf-8").splitlines()) if row["relations"])
    rights = [{"subject": "competency_certificate", "level": "write"}]
    client = {"organization": {"kind": "individual", "number": "2000001"}, "starts_on": "2025-10-27"}
    line = {
        "organization": held["organization"],
        "relations": [client | {"type": "accounting_firm", "subjects": rights}],
        "delegations": [client | {"client_number": "3000002", "through": "accounting_firm", "subjects": "all"}],
    }
    extract = tmp_path / "individual.ndjson"
    extract.write_text(json.dumps(line, ensure_ascii=False), encoding="utf-8")
    done = await bring_in(firm.opened.unit, extract)
    assert (done.rejected, await _may(firm, await firm.link(await firm.contact("3000002")))) == (0, True)


async def test_what_the_form_says_of_the_client_must_be_so(firm: Firm) -> None:
    worker, member = await _worker(firm), await firm.member()
    await _entrust(firm, worker)
    refusals = [
        await _delegate(firm, member, acted_for="other_organization"),
        await _delegate(firm, member, acted_for="own_organization"),
        await firm.delegate(member.contact_id, firm.clients["ENTREPRISE SHW INC."], acted_for="individual"),
    ]
    assert [(refused.status_code, refused.json()["code"]) for refused in refusals] == [(422, "another_acted_for")] * 3
    assert not await _may(firm, member)
    shw = firm.clients["ENTREPRISE SHW INC."]
    assert (await firm.delegate(member.contact_id, shw, acted_for="other_organization")).status_code == 201


async def test_a_firm_proposes_to_act_for_an_individual_who_decides(firm: Firm) -> None:
    worker = await _worker(firm)
    asked = await firm.client.post(
        f"/v1/organizations/{firm.firm_id}/relations",
        json={
            "other": {"kind": "individual", "number": "2000001"}, "type": "accounting_firm",
            "subjects": [{"subject": "profile", "level": "read"}],
            "attestations": await firm.attestations("representation"),
        },
        headers=firm.responsible.headers,
    )  # fmt: skip
    assert asked.status_code == 202, asked.text
    await tell_waiting(firm.opened.unit)
    path = f"/v1/requests/{asked.json()['request_id']}"
    version = (await firm.client.get(path, headers=worker.headers)).headers["etag"]
    headers = worker.headers | {"If-Match": version}
    decided = await firm.client.post(f"{path}/decision", json={"outcome": "approve"}, headers=headers)
    assert decided.status_code == 200, decided.text
    assert await firm.through(firm.individual_id)


async def test_a_subject_of_organizations_cannot_be_had_for_an_individual(firm: Firm) -> None:
    worker, member = await _worker(firm), await firm.member()
    await _entrust(firm, worker)
    refused = await _delegate(firm, member, subjects=[{"subject": "monthly_report", "level": "read"}])
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_subject")


async def test_the_lists_show_an_individual_and_find_her_by_kind(firm: Firm) -> None:
    worker, member = await _worker(firm), await firm.member()
    relation_id = await _entrust(firm, worker)
    await _delegate(firm, member, subjects=[{"subject": "profile", "level": "read"}])
    path = f"/v1/organizations/{firm.firm_id}"
    headers = firm.responsible.headers
    listed = (await firm.client.get(f"{path}/relations?kind=individual", headers=headers)).json()
    assert [(row["relation_id"], row["type_name"]) for row in listed["items"]] == [
        (relation_id, "a comme firme comptable ou serv. de paie")
    ]
    assert (await firm.client.get(f"{path}/relations?kind=employer", headers=headers)).json()["total"] == 2
    query = f"organization={firm.individual_id}&contact={member.contact_id}"
    held = (await firm.client.get(f"{path}/authorizations?{query}", headers=headers)).json()["items"]
    assert [(row["subject"], row["organization"]["name"], row["active"]) for row in held] == [
        ("profile", "Démo Travailleuse", True)
    ]


async def test_a_preview_names_what_is_lost_for_an_individual_and_the_removal_ends_it(firm: Firm) -> None:
    worker, member = await _worker(firm), await firm.member()
    await _entrust(firm, worker)
    relation_id = (await _delegate(firm, member)).json()["relation_id"]
    chosen = {"scope": "relations", "relations": [relation_id]}
    preview = (await firm.remove(member.contact_id, preview=True, **chosen)).json()
    assert {(lost["organization"]["name"], lost["subject"]) for lost in preview["lost"]["items"]} == {
        ("Démo Travailleuse", subject) for subject in SUBJECTS
    }
    assert await _may(firm, member)
    assert (await firm.remove(member.contact_id, **chosen)).status_code == 200
    assert not await _may(firm, member)


async def test_when_the_individual_ends_the_relation_every_member_loses_it(firm: Firm) -> None:
    worker, member = await _worker(firm), await firm.member()
    relation_id = await _entrust(firm, worker)
    await _delegate(firm, member)
    body = {"attestations": await firm.attestations("representation_end")}
    ended = await firm.client.post(f"/v1/relations/{relation_id}/end", json=body, headers=worker.headers)
    assert (ended.status_code, await _may(firm, member), await _may(firm, worker)) == (200, False, True)


async def test_an_individual_lets_another_person_act_for_her_directly(firm: Firm) -> None:
    worker = await _worker(firm)
    body = {
        "contact": firm.stranger(), "type": "authorized_individual",
        "subjects": [{"subject": "competency_certificate", "level": "write"}],
        "attestations": await firm.attestations("addition"),
    }  # fmt: skip
    path = f"/v1/organizations/{firm.individual_id}/contacts"
    added = await firm.client.post(path, json=body, headers=worker.headers)
    assert added.status_code == 201, added.text
    assert await _may(firm, await firm.link(UUID(added.json()["contact_id"])))
    staff = await firm.client.post(
        path, json=body | {"contact": firm.stranger(), "type": "staff_member"}, headers=worker.headers
    )
    assert (staff.status_code, staff.json()["code"]) == (422, "unknown_relation_type")
