"""What an agency does without is refused in the words for what is not there, and nothing of it happens by itself."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from contracts.accounts import Person
from contracts.linking import ProfileLinked
from local import ROOT
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.app import service
from services.authorizations.bindings.handlers import follow_link
from services.authorizations.notices.handlers import begin_round
from services.authorizations.tests.conftest import TEST, bring_in
from services.authorizations.tools import Tools
from tests.fixtures.gateway import Opened, OpenService

EMPLOYER = {"kind": "employer", "number": "410001"}
CONTACT: dict[str, Any] = {
    "client_number": "3000001",
    "family_name": "Administrator",
    "given_name": "Demo",
    "email": "administrator@aurora.example",
    "language": "en",
    "relations": [{"type": "access_administrator", "starts_on": "2025-10-27", "subjects": "all"}],
}
LINES: list[dict[str, Any]] = [
    {
        "organization": {**EMPLOYER, "legal_name": "AURORA DRILLING LTD.", "status": "active", "language": "en"},
        "contacts": [CONTACT],
    },
    {
        "record": "delegation", **EMPLOYER, "holder_kind": "employer", "holder_number": "410002",
        "client_number": "3000001", "through": "accounting_firm", "starts_on": "2025-10-27", "subjects": "all",
    },
]  # fmt: skip


@pytest.fixture
async def wsscc(open_service: OpenService, tmp_path: Path) -> Opened[Tools]:
    """An employer whose access administrator was imported, at an agency where no organization acts for another."""
    opened: Opened[Tools] = await open_service(service, agency=ROOT / "agencies" / "wsscc")
    extract = tmp_path / "extract.ndjson"
    extract.write_text("\n".join(map(json.dumps, LINES[:1])) + "\n", encoding="utf-8")
    assert (await bring_in(opened.unit, extract)).rejected == 0
    return opened


async def administrator(wsscc: Opened[Tools]) -> tuple[dict[str, str], str]:
    """The headers of the employer's access administrator, and the employer's id."""
    row = await wsscc.unit.pool.fetchrow("select contact_id, organization_id from contacts")
    assert row is not None
    account_id, since = uuid7(), datetime.now(UTC) - timedelta(days=1)
    person = Person(
        account_id=account_id, version=1, status="active", status_since=since, epoch=0,
        email="administrator@aurora.example", given_name="Demo", family_name="Administrator", language="en",
    )  # fmt: skip
    linked = ProfileLinked(
        link_id=uuid7(), account_id=account_id, contact_id=row["contact_id"],
        organization_id=row["organization_id"], method="organization_code", linked_at=since,
    )  # fmt: skip
    await wsscc.unit.run(follow_account, person, TEST)
    await wsscc.unit.run(follow_link, linked, TEST)
    token = wsscc.issuer.person(account_id)
    return {"Authorization": f"Bearer {token}", "Mandat-Profile": str(row["contact_id"])}, str(row["organization_id"])


async def test_no_coordinates_are_sent_where_no_method_has_any(wsscc: Opened[Tools]) -> None:
    headers, organization_id = await administrator(wsscc)
    agent = {"Authorization": f"Bearer {wsscc.issuer.agent()}"}
    for by, body in (
        (headers, {"never_linked": True}),
        (agent, {"organization_ids": [organization_id], "never_linked": True}),
    ):
        answer = await wsscc.client.post("/v1/linking-code-batches", json=body, headers=by)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_no_list_is_ever_to_be_confirmed_where_the_data_do_not_say_when(wsscc: Opened[Tools]) -> None:
    headers, organization_id = await administrator(wsscc)
    await wsscc.unit.run(begin_round, None, TEST)
    assert await wsscc.unit.pool.fetchval("select count(*) from recertifications") == 0
    route = f"/v1/organizations/{organization_id}/recertification"
    shown = await wsscc.client.get(route, headers=headers)
    assert (shown.json()["due_on"], shown.json()["overdue"]) == (None, False)
    confirmed = await wsscc.client.post(
        route, json={"attestations": []}, headers=headers | {"If-Match": shown.headers["ETag"]}
    )
    assert (confirmed.status_code, confirmed.json()["code"]) == (404, "not_found")


async def test_a_delegation_cannot_be_brought_in_where_no_organization_acts_for_another(
    wsscc: Opened[Tools], tmp_path: Path
) -> None:
    other = {"organization": {**LINES[0]["organization"], "number": "410002"}, "contacts": [CONTACT]}
    extract = tmp_path / "delegations.ndjson"
    extract.write_text("\n".join(map(json.dumps, [other, LINES[1]])) + "\n", encoding="utf-8")
    done = await bring_in(wsscc.unit, extract)
    assert done.rejected == 1
    codes = [row["code"] for row in await wsscc.unit.pool.fetch("select code from import_defects")]
    assert "unknown_relation_type" in codes
