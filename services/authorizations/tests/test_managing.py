"""Managing an organization begins and ends in one way, whatever brings it about: told alike, and kept in the audit."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.authorizations.reviews.chores import seek_managers
from services.authorizations.tests.conftest import Firm, Someone
from services.authorizations.tests.employers import Employer, an_employer
from tests.fixtures.gateway import OpenService

ADMINISTRATOR = "access_administrator"


@pytest.fixture
async def employer(open_service: OpenService, tmp_path: Path) -> Employer:
    return await an_employer(open_service, tmp_path)


async def _grant(employer: Employer, someone: Someone, **changes: Any) -> httpx.Response:
    """Make somebody an administrator by the form that grants any function."""
    body = {
        "organization_id": str(employer.organization_id), "type": ADMINISTRATOR,
        "subjects": [{"subject": "clearance_letter", "level": "write"}],
        "attestations": await employer.at.attestations("addition"),
    } | changes  # fmt: skip
    return await employer.at.client.post(
        f"/v1/contacts/{someone.contact_id}/relations", json=body, headers=employer.administrator.headers
    )


async def _audited(employer: Employer, action: str) -> list[dict[str, Any]]:
    rows = await employer.at.opened.unit.pool.fetch(
        "select object_id, detail from audit where action = $1 order by id", action
    )
    return [dict(row) for row in rows]


async def test_who_is_granted_the_function_like_any_other_is_told_of_as_who_is_appointed(employer: Employer) -> None:
    worker = employer.worker
    granted = await _grant(employer, worker)

    assert granted.status_code == 201, granted.text
    assert await employer.manages(worker)
    [event] = await employer.at.opened.published("AdministratorAppointed")
    assert (event["contact_id"], event["relation_id"]) == (str(worker.contact_id), granted.json()["relation_id"])
    assert event["claim_id"] is None
    assert await employer.mails("AdministratorStatusMail") == [(str(worker.contact_id), "appointed")]
    others = [(str(employer.administrator.contact_id), "appointed")]
    assert await employer.mails("AdministratorsChangedMail") == others
    assert [row["object_id"] for row in await _audited(employer, "administrator_appointed")] == [worker.contact_id]


async def test_who_is_to_manage_later_is_told_of_with_the_day_from_which_on(employer: Employer) -> None:
    today = employer.at.opened.tools.moment(datetime.now(UTC)).day
    later = today + timedelta(days=20)

    assert (await _grant(employer, employer.worker, starts_on=later.isoformat())).status_code == 201

    assert not await employer.manages(employer.worker)
    [mail] = await employer.at.opened.published("AdministratorsChangedMail")
    told = datetime.fromisoformat(mail["changed_at"]).astimezone(employer.at.opened.tools.time_zone)
    assert told.date() == later


async def test_an_administrator_who_is_removed_like_anybody_is_told_of_as_who_is_released(employer: Employer) -> None:
    worker = employer.worker
    granted = await _grant(employer, worker)
    removed = await employer.at.client.post(
        f"/v1/contacts/{worker.contact_id}/removals",
        json={
            "scope": "relations", "relations": [granted.json()["relation_id"]],
            "attestations": await employer.at.attestations("removal"),
        },
        headers=employer.administrator.headers,
    )  # fmt: skip

    assert removed.status_code == 200, removed.text
    assert not await employer.manages(worker) and await employer.says(worker, "payments")
    assert (await employer.mails("AdministratorStatusMail"))[-1] == (str(worker.contact_id), "released")
    others = (str(employer.administrator.contact_id), "released")
    assert (await employer.mails("AdministratorsChangedMail"))[-1] == others
    assert [row["object_id"] for row in await _audited(employer, "administrator_released")] == [worker.contact_id]


async def test_what_an_agent_does_reaches_the_address_on_file_and_earlier_administrators(employer: Employer) -> None:
    await employer.appoint(employer.worker)
    await employer.release(employer.worker)
    before = len(await employer.mails("AdministratorsChangedMail"))

    appointed = await employer.appoint(employer.representative, employer.agent, reason="employer_asked")

    assert appointed.status_code == 201, appointed.text
    told = [recipient for recipient, _ in (await employer.mails("AdministratorsChangedMail"))[before:]]
    everybody = (employer.administrator.contact_id, employer.worker.contact_id, employer.organization_id)
    assert sorted(told) == sorted(map(str, everybody))


@pytest.mark.parametrize(
    ("known", "is_told"), [("delete from statuses", True), ("update statuses set active = false", False)]
)
async def test_who_manages_is_told_though_only_the_link_has_arrived_and_not_after_closing_the_account(
    employer: Employer, known: str, is_told: bool
) -> None:
    colleague = employer.worker
    assert (await employer.appoint(colleague)).status_code == 201
    before = len(await employer.mails("AdministratorsChangedMail"))
    await employer.at.opened.unit.pool.execute(f"{known} where owner_id = $1", colleague.account_id)

    assert (await employer.appoint(employer.representative)).status_code == 201

    told = [recipient for recipient, _ in (await employer.mails("AdministratorsChangedMail"))[before:]]
    assert (str(colleague.contact_id) in told) is is_told


async def test_an_agent_who_finds_a_manager_for_an_organization_without_one_says_why_and_all_is_told(
    employer: Employer,
) -> None:
    await employer.at.opened.unit.pool.execute(
        "update relations set ended_at = now() - interval '1 minute' where holder_id = $1",
        employer.administrator.contact_id,
    )
    await seek_managers(employer.at.opened.unit)
    [waiting] = (await employer.at.client.get("/v1/requests", headers=employer.agent)).json()["items"]
    assert waiting["reason"] == "unmanaged"
    path, worker = f"/v1/requests/{waiting['request_id']}/decision", employer.worker
    body: dict[str, Any] = {"outcome": "approve", "contact_id": str(worker.contact_id)}
    headers = employer.agent | {"If-Match": '"1"'}

    silent = await employer.at.client.post(path, json=body, headers=headers)
    assert (silent.status_code, silent.json()["code"]) == (422, "reason_missing")
    assert silent.json()["fields"] == ["managing_reason"]
    other = await employer.at.client.post(path, json=body | {"managing_reason": "contested"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "unknown_reason")
    assert not await employer.manages(worker)
    body |= {"managing_reason": "employer_asked"}
    found = await employer.at.client.post(path, json=body, headers=headers)

    assert found.status_code == 200, found.text
    assert await employer.manages(worker)
    [event] = await employer.at.opened.published("AdministratorAppointed")
    assert event["contact_id"] == str(worker.contact_id)
    [status] = await employer.at.opened.published("AdministratorStatusMail")
    assert (status["recipient_id"], status["managing_reason"]) == (str(worker.contact_id), "employer_asked")
    told = {recipient for recipient, _ in await employer.mails("AdministratorsChangedMail")}
    assert told == {str(employer.administrator.contact_id), str(employer.organization_id)}
    [row] = await _audited(employer, "administrator_appointed")
    assert row["detail"] == {"reason": "employer_asked"}


async def test_where_the_agency_has_no_mails_about_administrators_subscribers_alone_are_told(firm: Firm) -> None:
    member = await firm.member()
    body = {
        "organization_id": str(firm.firm_id), "type": "responsible_person",
        "subjects": [{"subject": "profile", "level": "read"}],
        "attestations": await firm.attestations("addition"),
    }  # fmt: skip
    path = f"/v1/contacts/{member.contact_id}/relations"
    before = len(await firm.opened.published())
    granted = await firm.client.post(path, json=body, headers=firm.responsible.headers)

    assert granted.status_code == 201, granted.text
    names = [event["name"] for event in (await firm.opened.published())[before:]]
    assert names == ["RelationAdded", "RightAdded", "AdministratorAppointed", "Contact"]
    ended = await firm.remove(member.contact_id, scope="relations", relations=[granted.json()["relation_id"]])
    assert ended.status_code == 200, ended.text
    names = [event["name"] for event in (await firm.opened.published())[before + 4 :]]
    assert names == ["RelationEnded", "Contact"]


async def test_agents_and_administrators_see_who_manages_since_when_and_who_can_act_now(employer: Employer) -> None:
    today = employer.at.opened.tools.moment(datetime.now(UTC)).day
    later = today + timedelta(days=20)
    assert (await _grant(employer, employer.worker, starts_on=later.isoformat())).status_code == 201
    granted = await employer.appoint(employer.representative, employer.agent, reason="employer_asked")
    kept_out = await employer.post(
        "blocks", employer.administrator.headers, contact_id=str(employer.representative.contact_id)
    )
    assert kept_out.status_code == 201, kept_out.text
    path = f"/v1/organizations/{employer.organization_id}/administrators"

    seen = await employer.at.client.get(path, headers=employer.administrator.headers)

    assert seen.status_code == 200, seen.text
    rows = {row["contact_id"]: row for row in seen.json()["items"]}
    first, worker, other = (
        rows.pop(str(who.contact_id)) for who in (employer.administrator, employer.worker, employer.representative)
    )
    assert rows == {}
    assert (first["type"], first["starts_on"], first["ends_on"]) == (ADMINISTRATOR, "2026-01-05", "9999-12-31")
    assert (first["can_act"], first["linked"], first["blocked"]) == (True, True, False)
    assert "Démo" in first["name"] and first["function"]
    assert (worker["can_act"], worker["starts_on"]) == (False, later.isoformat())
    assert (other["can_act"], other["blocked"]) == (False, True)
    assert other["relation_id"] == granted.json()["relation_id"]
    appointed_at = datetime.fromisoformat(other["appointed_at"])
    days = employer.at.opened.tools.agency.managing.administrators
    assert days is not None
    assert {row["contestable_until"] for row in (first, worker, other)} == {None}  # how long is told to agents alone
    agents = (await employer.at.client.get(path, headers=employer.agent)).json()["items"]
    [contestable] = [row for row in agents if row["contact_id"] == other["contact_id"]]
    until = datetime.fromisoformat(contestable["contestable_until"])
    assert until == appointed_at + timedelta(days=days.contest_days)
    assert [row["relation_id"] for row in agents] == [row["relation_id"] for row in seen.json()["items"]]
    assert len(await _audited(employer, "file_viewed")) == 1


async def test_who_is_released_is_seen_no_more_and_nobody_else_sees_who_manages(employer: Employer) -> None:
    await employer.appoint(employer.worker)
    await employer.release(employer.worker)
    path = f"/v1/organizations/{employer.organization_id}/administrators"

    seen = (await employer.at.client.get(path, headers=employer.administrator.headers)).json()["items"]
    assert [row["contact_id"] for row in seen] == [str(employer.administrator.contact_id)]
    refused = await employer.at.client.get(path, headers=employer.worker.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
