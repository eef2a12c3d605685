"""Imports over HTTP, and the report that each organization is shown."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chassis import gate
from services.authorizations.imports import api
from services.authorizations.tests.conftest import Firm, bring_in, carry_on
from services.authorizations.tests.test_imports import contact, delegation, extract_of, membership, organization

ROWS = [organization(), contact(email=None), membership(type="no_such"), delegation(client_number="3888888")]
CODES = ["no_email", "unknown_relation_type", "orphaned_relation"]


async def post(firm: Firm, content: bytes, *, dry_run: bool | None = None, headers: Any = None) -> Any:
    asked = {} if dry_run is None else {"dry_run": dry_run}
    told = (headers or firm.agent) | {"Content-Type": "application/x-ndjson"}
    return await firm.client.post("/v1/imports", params=asked, content=content, headers=told)


async def carried_out(firm: Firm, import_id: str) -> dict[str, Any]:
    """What a worker does, then what an agent sees."""
    while await carry_on(firm.opened.unit) is not None:
        pass
    found: dict[str, Any] = (await firm.client.get(f"/v1/imports/{import_id}", headers=firm.agent)).json()
    return found


def body(*rows: dict[str, Any]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


async def test_an_agent_rehearses_an_extract_and_then_brings_it_in(firm: Firm) -> None:
    posted = await post(firm, body(*ROWS))
    assert (posted.status_code, posted.json()["state"], posted.json()["dry_run"]) == (202, "waiting", True)
    rehearsed = await carried_out(firm, posted.json()["import_id"])
    assert [rehearsed[count] for count in ("read", "created", "rejected", "noted")] == [4, 2, 2, 1]
    report = await firm.client.get(f"/v1/organizations/{firm.firm_id}/migration-report", headers=firm.agent)
    assert report.json()["total"] == 0  # nobody is asked about what was only rehearsed
    posted = await post(firm, body(*ROWS), dry_run=False)
    done = await carried_out(firm, posted.json()["import_id"])
    assert done["state"] == "done" and done["portions"] == done["portions_done"]
    assert [done[count] for count in ("read", "created", "rejected", "noted")] == [4, 2, 2, 1]
    listed = await firm.client.get(
        f"/v1/imports/{done['import_id']}/defects?limit=2", headers=firm.agent | {"Accept-Language": "fr"}
    )
    [first, second] = listed.json()["items"]
    assert [first["code"], second["code"]] == CODES[:2] and listed.json()["next_cursor"]
    assert (first["line"], first["rejected"], first["row"]["client_number"]) == (2, False, "3999999")
    following = await firm.client.get(
        f"/v1/imports/{done['import_id']}/defects",
        params={"cursor": listed.json()["next_cursor"]},
        headers=firm.agent | {"Accept-Language": "fr"},
    )
    assert [item["detail"] for item in following.json()["items"]] == [
        "La relation dépend d’un élément qui n’est pas au dossier\u00a0: le contact."
    ]


async def test_an_extract_is_taken_only_from_agents_and_only_if_it_is_one(firm: Firm) -> None:
    refused = await post(firm, body(*ROWS), headers=firm.responsible.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_kind_of_caller")
    refused = await post(firm, "record;kind\n\xe9".encode("latin-1"))
    assert (refused.status_code, refused.json()["code"]) == (422, "extract_not_utf8")
    refused = await post(firm, b"record;surname\n")
    assert refused.json()["code"] == "extract_columns" and "surname" in refused.json()["detail"]
    assert (await post(firm, b"")).json()["code"] == "extract_empty"
    assert await firm.opened.unit.pool.fetchval("select count(*) from import_rows") == 0
    missing = await firm.client.get(f"/v1/imports/{uuid4()}", headers=firm.agent)
    assert missing.status_code == 404


async def test_an_extract_may_be_larger_than_a_form_up_to_its_own_limit(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [contact(client_number=str(4_000_000 + number)) for number in range(600)]
    assert len(body(*rows)) > gate.LARGEST_BODY
    assert (await post(firm, body(*rows))).status_code == 202
    monkeypatch.setattr(api, "LARGEST_EXTRACT", gate.LARGEST_BODY)
    refused = await post(firm, body(*rows))
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


async def test_a_manager_sees_what_could_not_be_brought_in_and_settles_it(firm: Firm, tmp_path: Path) -> None:
    await bring_in(firm.opened.unit, extract_of(tmp_path, *ROWS))
    path, headers = f"/v1/organizations/{firm.firm_id}/migration-report", firm.responsible.headers
    listed = (await firm.client.get(path, headers=headers)).json()
    assert sorted(item["code"] for item in listed["items"]) == sorted(CODES)
    noted = next(item for item in listed["items"] if item["code"] == "no_email")
    assert (noted["name"], noted["rejected"], noted["settled"]) == ("Démo Exemple", False, None)
    settling = f"{path}/{noted['item_id']}/settlement"
    assert (await firm.client.post(settling, json={"outcome": "corrected"}, headers=headers)).status_code == 204
    waiting = (await firm.client.get(f"{path}?settled=false", headers=headers)).json()
    assert waiting["total"] == 2
    settled = (await firm.client.get(f"{path}?settled=true", headers=firm.agent)).json()["items"]
    assert [item["settled"] for item in settled] == ["corrected"]
    audited = await firm.opened.unit.pool.fetchrow("select * from audit where action = 'migration_item_settled'")
    assert audited is not None and audited["actor_id"] == str(firm.responsible.account_id)


async def test_an_extract_that_comes_again_adds_nothing_to_the_report_and_unsettles_nothing(
    firm: Firm, tmp_path: Path
) -> None:
    await bring_in(firm.opened.unit, extract_of(tmp_path, *ROWS))
    path = f"/v1/organizations/{firm.firm_id}/migration-report"
    before = (await firm.client.get(path, headers=firm.agent)).json()["items"]
    item = next(item for item in before if item["rejected"])
    await firm.client.post(f"{path}/{item['item_id']}/settlement", json={"outcome": "confirmed"}, headers=firm.agent)
    await bring_in(firm.opened.unit, extract_of(tmp_path, *ROWS))
    after = (await firm.client.get(path, headers=firm.agent)).json()["items"]
    assert [one["item_id"] for one in after] == [one["item_id"] for one in before]
    assert next(one for one in after if one["item_id"] == item["item_id"])["settled"] == "confirmed"


async def test_a_delegation_is_in_the_report_of_the_firm_and_of_its_client(firm: Firm, tmp_path: Path) -> None:
    await bring_in(firm.opened.unit, extract_of(tmp_path, delegation(client_number="3888888")))
    client = firm.clients["ENTREPRISE SHW INC."]
    for organization_id in (firm.firm_id, client):
        path = f"/v1/organizations/{organization_id}/migration-report"
        assert (await firm.client.get(path, headers=firm.agent)).json()["total"] == 1


async def test_a_client_is_not_shown_the_client_number_of_a_firms_member(firm: Firm, tmp_path: Path) -> None:
    nameless = {name: value for name, value in delegation(client_number="3888888").items() if name != "holder_number"}
    rows = [delegation(client_number="3888888"), delegation(client_number="3777777"), nameless]
    await bring_in(firm.opened.unit, extract_of(tmp_path, *rows))
    client = firm.clients["ENTREPRISE SHW INC."]
    shown = await firm.client.get(f"/v1/organizations/{client}/migration-report", headers=firm.agent)
    assert shown.json()["total"] == 3 and "3888888" not in shown.text and "3777777" not in shown.text
    own = await firm.client.get(f"/v1/organizations/{firm.firm_id}/migration-report", headers=firm.responsible.headers)
    assert {item["row"]["client_number"] for item in own.json()["items"]} == {"3888888", "3777777"}


async def test_the_report_is_for_those_who_manage_the_organization(firm: Firm, tmp_path: Path) -> None:
    await bring_in(firm.opened.unit, extract_of(tmp_path, *ROWS))
    path = f"/v1/organizations/{firm.firm_id}/migration-report"
    item = (await firm.client.get(path, headers=firm.agent)).json()["items"][0]["item_id"]
    member = await firm.member()
    refused = await firm.client.get(path, headers=member.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    client = firm.clients["ENTREPRISE SHW INC."]
    assert (await firm.client.get(path.replace(str(firm.firm_id), str(client)), headers=firm.responsible.headers)
            ).status_code == 404  # fmt: skip
    answers = [
        (await firm.client.post(f"{at}/settlement", json={"outcome": "confirmed"}, headers=headers)).status_code
        for at, headers in (
            (f"{path}/{item}", member.headers),
            (f"{path}/{uuid4()}", firm.responsible.headers),
            (f"{path.replace(str(firm.firm_id), str(client))}/{item}", firm.responsible.headers),
        )
    ]
    assert answers == [403, 404, 404]
