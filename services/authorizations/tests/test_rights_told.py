"""Functions with dates of their own on a user's membership, and the mails that tell of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.authorizations.tests.conftest import Firm
from services.authorizations.tests.employers import Employer, an_employer
from tests.fixtures.gateway import OpenService

LETTER = [{"subject": "clearance_letter", "level": "write"}]


@pytest.fixture
async def employer(open_service: OpenService, tmp_path: Path) -> Employer:
    return await an_employer(open_service, tmp_path)


async def membership_of_worker(employer: Employer) -> str:
    found = await employer.at.opened.unit.pool.fetchval(
        "select relation_id from relations where holder_id = $1", employer.worker.contact_id
    )
    return str(found)


async def test_a_function_has_dates_of_its_own_and_the_person_is_told_what_was_given_and_withdrawn(
    employer: Employer,
) -> None:
    relation_id, client = await membership_of_worker(employer), employer.at.client
    today = employer.at.opened.tools.moment(datetime.now(UTC)).day
    starts_on, ends_on = (today + timedelta(days=10)).isoformat(), (today + timedelta(days=20)).isoformat()
    given = await client.post(
        f"/v1/relations/{relation_id}/rights",
        json={
            "subjects": LETTER, "starts_on": starts_on, "ends_on": ends_on,
            "attestations": await employer.at.attestations("addition"),
        },
        headers=employer.administrator.headers,
    )  # fmt: skip
    assert given.status_code == 201, given.text

    for days, allowed in ((8, False), (11, True), (19, True), (22, False)):  # the clocks may change between
        at = (datetime.now(UTC) + timedelta(days=days)).isoformat()
        answer = await employer.at.check(
            employer.worker.account_id, "clearance_letter", employer.organization_id, at=at
        )  # fmt: skip
        assert answer["decision"] is allowed, days
    withdrawn = await client.post(
        f"/v1/contacts/{employer.worker.contact_id}/removals",
        json={
            "scope": "subjects", "subjects": [{"relation_id": relation_id, "subject": "clearance_letter"}],
            "attestations": await employer.at.attestations("removal"),
        },
        headers=employer.administrator.headers,
    )  # fmt: skip
    assert withdrawn.status_code == 200, withdrawn.text

    first, second = await told(employer.at)
    assert first["recipient_id"] == second["recipient_id"] == str(employer.worker.contact_id)
    assert (first["given"], first["starts_on"], first["ends_on"]) == (["clearance_letter"], starts_on, ends_on)
    assert (second["given"], second["withdrawn"]) == ([], ["clearance_letter"])


async def told(at: Firm) -> list[dict[str, Any]]:
    return await at.opened.published("RightsChangedMail")


async def test_who_loses_a_membership_is_told_of_every_function_that_went_with_it(employer: Employer) -> None:
    removed = await employer.at.client.post(
        f"/v1/contacts/{employer.worker.contact_id}/removals",
        json={"scope": "all", "attestations": await employer.at.attestations("removal")},
        headers=employer.administrator.headers,
    )
    assert removed.status_code == 200, removed.text
    [mail] = await told(employer.at)
    assert mail["withdrawn"] == ["payments"]


async def test_who_is_released_is_told_in_one_mail_of_the_role_why_and_what_functions_went_with_it(
    employer: Employer,
) -> None:
    appointed = await employer.appoint(employer.worker, subjects=LETTER)
    assert appointed.status_code == 201, appointed.text
    before = len(await told(employer.at))

    released = await employer.release(employer.worker, reason="role_changed")

    assert released.status_code == 204, released.text
    mails = await employer.at.opened.published("AdministratorStatusMail")
    [mail] = [one for one in mails if one["change"] == "released"]
    assert (mail["recipient_id"], mail["managing_reason"]) == (str(employer.worker.contact_id), "role_changed")
    assert mail["withdrawn"] == ["clearance_letter"]  # and not what hangs on the membership that stays
    assert len(await told(employer.at)) == before


async def test_an_administrator_from_whom_everything_is_withdrawn_reads_it_in_one_mail(employer: Employer) -> None:
    await employer.appoint(employer.worker, subjects=LETTER)
    before = len(await told(employer.at))

    removed = await employer.at.client.post(
        f"/v1/contacts/{employer.worker.contact_id}/removals",
        json={"scope": "all", "attestations": await employer.at.attestations("removal")},
        headers=employer.administrator.headers,
    )

    assert removed.status_code == 200, removed.text
    mails = await employer.at.opened.published("AdministratorStatusMail")
    [mail] = [one for one in mails if one["change"] == "released"]
    assert mail["withdrawn"] == ["clearance_letter", "payments"]
    assert len(await told(employer.at)) == before


async def test_an_agency_whose_data_do_not_say_so_sends_no_such_mail(firm: Firm) -> None:
    member = await firm.member()
    assert (await firm.remove(member.contact_id)).status_code == 200
    assert await told(firm) == []
