"""Who manages an organization, of whom the last goes by an agent alone; and a first linker who is a stranger."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.authorizations.reviews.chores import seek_managers
from services.authorizations.tests.conftest import Someone
from services.authorizations.tests.employers import Employer, an_employer
from tests.fixtures.gateway import OpenService


@pytest.fixture
async def employer(open_service: OpenService, tmp_path: Path) -> Employer:
    return await an_employer(open_service, tmp_path)


async def test_any_number_of_people_are_appointed_and_the_others_are_told(employer: Employer) -> None:
    """The guide's FAQ: may an employer have more than one access administrator? Yes."""
    answer = await employer.appoint(employer.worker, subjects=[{"subject": "clearance_letter", "level": "write"}])

    assert answer.status_code == 201, answer.text
    assert await employer.manages(employer.worker)
    assert await employer.says(employer.worker, "clearance_letter") and await employer.says(employer.worker, "payments")
    assert (await employer.appoint(employer.representative, employer.worker.headers)).status_code == 201
    assert await employer.manages(employer.representative)
    [event, _] = await employer.at.opened.published("AdministratorAppointed")
    assert (event["contact_id"], event["relation_id"]) == (
        str(employer.worker.contact_id), answer.json()["relation_id"],
    )  # fmt: skip
    assert await employer.mails("AdministratorStatusMail") == [
        (str(employer.worker.contact_id), "appointed"), (str(employer.representative.contact_id), "appointed"),
    ]  # fmt: skip
    told = await employer.mails("AdministratorsChangedMail")
    both = {str(employer.administrator.contact_id), str(employer.worker.contact_id)}
    assert told[0] == (str(employer.administrator.contact_id), "appointed")
    assert {recipient for recipient, _ in told[1:]} == both
    again = await employer.appoint(employer.worker)
    assert (again.status_code, again.json()["code"]) == (409, "already_held")


async def test_only_those_who_manage_and_agents_with_a_reason_appoint_and_nobody_who_is_kept_out(
    employer: Employer,
) -> None:
    refused = await employer.appoint(employer.worker, employer.worker.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    silent = await employer.appoint(employer.worker, employer.agent)
    assert (silent.status_code, silent.json()["code"]) == (422, "reason_missing")
    blocked = await employer.post("blocks", employer.administrator.headers, contact_id=str(employer.worker.contact_id))
    assert blocked.status_code == 201
    kept_out = await employer.appoint(employer.worker)
    assert (kept_out.status_code, kept_out.json()["code"]) == (409, "contact_blocked")
    assert (await employer.appoint(employer.representative, employer.agent, reason="employer_asked")).status_code == 201


async def test_who_is_released_keeps_every_other_function(employer: Employer) -> None:
    await employer.appoint(employer.worker)

    released = await employer.release(employer.worker, reason="role_changed")

    assert released.status_code == 204, released.text
    assert not await employer.manages(employer.worker)
    assert await employer.says(employer.worker, "payments")
    assert (str(employer.worker.contact_id), "released") in await employer.mails("AdministratorStatusMail")
    assert (str(employer.administrator.contact_id), "released") in await employer.mails("AdministratorsChangedMail")
    nothing = await employer.release(employer.worker)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "manages_nothing")


async def test_the_last_one_is_never_released_nor_by_a_race_of_two(employer: Employer) -> None:
    alone = await employer.release(employer.administrator)
    assert (alone.status_code, alone.json()["code"]) == (409, "last_manager")
    await employer.appoint(employer.worker)

    answers = await asyncio.gather(
        employer.release(employer.worker, employer.administrator.headers),
        employer.release(employer.administrator, employer.worker.headers),
    )

    assert sorted(answer.status_code for answer in answers) in ([204, 403], [204, 409])
    assert [await employer.manages(employer.administrator), await employer.manages(employer.worker)].count(True) == 1


async def test_an_agent_with_a_reason_releases_or_blocks_the_last_one_and_agents_are_asked_for_another(
    employer: Employer,
) -> None:
    silent = await employer.release(employer.administrator, employer.agent)
    assert silent.json()["code"] == "reason_missing"
    released = await employer.release(employer.administrator, employer.agent, reason="employer_asked")
    assert released.status_code == 204, released.text
    assert not await employer.manages(employer.administrator)
    assert await employer.says(employer.administrator, "payments") is False  # its one membership was the office
    again = await employer.appoint(employer.worker, employer.agent, reason="employer_asked")
    assert again.status_code == 201
    itself = await employer.post("blocks", employer.worker.headers, contact_id=str(employer.worker.contact_id))
    assert itself.status_code == 409
    blocked = await employer.post(
        "blocks", employer.agent, contact_id=str(employer.worker.contact_id), reason="misuse_suspected"
    )
    assert blocked.status_code == 201, blocked.text
    assert not await employer.manages(employer.worker) and not await employer.says(employer.worker, "payments")
    await seek_managers(employer.at.opened.unit)
    asked = (await employer.at.opened.published("RequestSubmitted"))[-1]
    assert (asked["reason"], asked["decider"]) == ("unmanaged", "agents")


async def recently(employer: Employer, someone: Someone, ago: timedelta = timedelta(days=1)) -> None:
    """As if somebody's membership had been recorded only lately."""
    since = datetime.now(UTC) - ago
    await employer.at.opened.unit.pool.execute(
        "update relations set recorded = tstzrange($2, null) where holder_id = $1", someone.contact_id, since
    )


async def test_an_agent_replaces_a_stranger_and_takes_back_with_one_act_what_the_stranger_granted(
    employer: Employer,
) -> None:
    stranger, true_one, other = employer.administrator, employer.worker, employer.representative
    await recently(employer, stranger)
    membership = await employer.at.opened.unit.pool.fetchval(
        "select relation_id from relations where holder_id = $1", other.contact_id
    )
    ticked = await employer.at.attestations("addition")
    added = await employer.at.client.post(
        f"/v1/relations/{membership}/rights",
        json={"subjects": [{"subject": "clearance_letter", "level": "write"}], "attestations": ticked},
        headers=stranger.headers,
    )
    assert added.status_code == 201, added.text
    assert (await employer.appoint(other, stranger.headers)).status_code == 201
    kept_out = await employer.post("blocks", stranger.headers, contact_id=str(true_one.contact_id))
    assert kept_out.status_code == 201

    previewed = await employer.replace(stranger, true_one, preview=True)

    assert previewed.status_code == 200, previewed.text
    assert await employer.manages(stranger) and await employer.says(other, "clearance_letter")
    done = await employer.replace(stranger, true_one)
    assert done.status_code == 200, done.text
    assert done.json() == previewed.json() | {"preview": False}
    assert [block["block_id"] for block in done.json()["blocks_lifted"]] == [kept_out.json()["block_id"]]
    lost = {row["holder_id"]: row["relations"] for row in done.json()["withdrawn"]}
    assert lost.keys() == {str(stranger.contact_id), str(other.contact_id)}
    assert [relation["ends"] for relation in lost[str(other.contact_id)]] == [False, True]
    assert [subject["subject"] for subject in lost[str(other.contact_id)][0]["subjects"]] == ["clearance_letter"]
    assert await employer.manages(true_one)
    assert not await employer.manages(stranger) and not await employer.manages(other)
    assert not await employer.says(stranger, "payments") and not await employer.says(other, "clearance_letter")
    assert await employer.says(other, "payments")  # which the stranger had not granted
    told = {recipient for recipient, _ in await employer.mails("AdministratorsChangedMail")}
    assert str(employer.organization_id) in told  # the address on file
    states = [s for s in await employer.at.opened.published("Contact") if s["contact_id"] == str(stranger.contact_id)]
    assert states[-1]["manages"] == []
    [row] = await employer.at.opened.unit.pool.fetch("select rule from audit where action = 'administrator_replaced'")
    assert row["rule"] == "agent"


async def test_after_the_window_the_agent_appoints_and_withdraws_like_anybody(employer: Employer) -> None:
    days = employer.at.opened.tools.agency.managing.administrators
    assert days is not None
    await recently(employer, employer.administrator, timedelta(days=days.contest_days, minutes=1))

    late = await employer.replace(employer.administrator, employer.worker)

    assert (late.status_code, late.json()["code"]) == (409, "contest_over")
    assert await employer.manages(employer.administrator)
    assert (await employer.appoint(employer.worker, employer.agent, reason="employer_asked")).status_code == 201
    assert (await employer.release(employer.administrator, employer.agent, reason="employer_asked")).status_code == 204


async def test_a_replacement_is_an_agents_and_names_a_reason_and_a_contact_of_the_organization(
    employer: Employer,
) -> None:
    await recently(employer, employer.administrator)
    path = f"administrators/{employer.administrator.contact_id}/replacement"
    body = {"successor_id": str(employer.worker.contact_id), "reason": "contested"}
    assert (await employer.post(path, employer.worker.headers, **body)).status_code == 403
    assert (await employer.post(path, employer.agent, successor_id=body["successor_id"])).json()["code"] == (
        "reason_missing"
    )
    nobody = await employer.post(path, employer.agent, successor_id=str(UUID(int=0)), reason="contested")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "not_found")
    itself = await employer.post(
        path, employer.agent, successor_id=str(employer.administrator.contact_id), reason="contested"
    )
    assert (itself.status_code, itself.json()["code"]) == (404, "not_found")
