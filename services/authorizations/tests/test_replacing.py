"""An administrator who turns out to be a stranger is replaced, and whatever came of that person is undone at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.authorizations.administrators import domain
from services.authorizations.administrators.domain import Office
from services.authorizations.tests.conftest import Someone
from services.authorizations.tests.employers import Employer, an_employer
from services.authorizations.tests.test_administrators import recently
from services.authorizations.tests.test_invitations import Tokens, accept, an_account, invite, tokens
from tests.fixtures.gateway import OpenService

__all__ = ["tokens"]  # a fixture of the tests of invitations


@pytest.fixture
async def employer(open_service: OpenService, tmp_path: Path) -> Employer:
    """Its administrator, who is the stranger of these tests, began to manage yesterday."""
    employer = await an_employer(open_service, tmp_path)
    await recently(employer, employer.administrator)
    return employer


async def add(employer: Employer, by: Someone, type: str = "worker", *subjects: str) -> Someone:
    """Somebody new, added by one who manages, and linked."""
    body = {
        "contact": employer.at.stranger(), "type": type,
        "subjects": [{"subject": subject, "level": "write"} for subject in subjects or ("payments",)],
        "attestations": await employer.at.attestations("addition"),
    }  # fmt: skip
    added = await employer.at.client.post(
        f"/v1/organizations/{employer.organization_id}/contacts", json=body, headers=by.headers
    )
    assert added.status_code == 201, added.text
    return await employer.at.link(UUID(added.json()["contact_id"]))


async def give(
    employer: Employer, by: Someone, someone: Someone, subject: str = "clearance_letter", level: str = "write"
) -> httpx.Response:
    """Let one who manages give somebody a subject, on the membership that somebody has had longest."""
    membership = await employer.at.opened.unit.pool.fetchval(
        "select relation_id from relations where holder_id = $1 order by relation_id limit 1", someone.contact_id
    )
    ticked = await employer.at.attestations("addition")
    return await employer.at.client.post(
        f"/v1/relations/{membership}/rights",
        json={"subjects": [{"subject": subject, "level": level}], "attestations": ticked},
        headers=by.headers,
    )


async def explained(employer: Employer, someone: Someone, subject: str) -> dict[str, Any]:
    answer = await employer.at.check(someone.account_id, subject, employer.organization_id, explain=True)
    assert not answer["decision"]
    found: dict[str, Any] = answer["context"]
    return found


async def ended(employer: Employer, event: str, field: str) -> set[str]:
    return {row[field] for row in await employer.at.opened.published(event)}


async def test_a_chain_of_three_falls_with_the_first_and_nothing_that_any_of_them_granted_is_left(
    employer: Employer,
) -> None:
    """The stranger appoints an accomplice, who appoints another; each of them grants, the last after the first left."""
    stranger, first, second = employer.administrator, employer.worker, employer.representative
    true_one = await add(employer, stranger, "worker", "payments")
    assert (await employer.appoint(first, stranger.headers)).status_code == 201
    assert (await employer.appoint(second, first.headers)).status_code == 201
    people = [await add(employer, by, "worker", "payments", "clearance_letter") for by in (stranger, first, second)]
    assert (await give(employer, second, first)).status_code == 201
    assert (await employer.release(first, second.headers)).status_code == 204

    previewed = await employer.replace(stranger, true_one, preview=True)
    assert previewed.status_code == 200, previewed.text
    assert await employer.manages(stranger) and await employer.says(people[2], "clearance_letter")
    done = await employer.replace(stranger, true_one)

    assert done.status_code == 200, done.text
    assert done.json() == previewed.json() | {"preview": False}
    assert await employer.manages(true_one)
    for manager in (stranger, first, second):
        assert not await employer.manages(manager)
    for person in people:
        assert not await employer.says(person, "payments") and not await employer.says(person, "clearance_letter")
        assert (await explained(employer, person, "payments"))["reason"] is not None
    assert not await employer.says(first, "clearance_letter")
    assert await employer.says(first, "payments") and await employer.says(second, "payments")  # of the import
    assert await employer.says(true_one, "payments")  # the successor's own, though the stranger granted it
    kept_out = await employer.post("blocks", second.headers, contact_id=str(true_one.contact_id))
    assert kept_out.status_code == 403


async def test_the_preview_is_what_happened(employer: Employer, tokens: Tokens) -> None:
    stranger, other, true_one = employer.administrator, employer.representative, employer.worker
    await employer.at.opened.unit.pool.execute("update organizations set code_generation = 1")
    assert (await give(employer, stranger, other)).status_code == 201
    made = await add(employer, stranger, "worker", "payments", "clearance_letter")
    assert (await employer.appoint(other, stranger.headers)).status_code == 201
    invited = await invite(employer, other.headers)
    kept_out = await employer.post("blocks", stranger.headers, contact_id=str(true_one.contact_id))
    pool = employer.at.opened.unit.pool
    before = {event: await ended(employer, event, "sequence") for event in ("RelationEnded", "RightEnded")}
    language = employer.agent | {"Accept-Language": "en"}
    path = f"administrators/{stranger.contact_id}/replacement"
    body = {"successor_id": str(true_one.contact_id), "reason": "contested"}

    previewed = (await employer.post(path, language, **body, preview=True)).json()
    french = (await employer.post(path, employer.agent | {"Accept-Language": "fr"}, **body, preview=True)).json()

    assert "Travailleur" in str(french) and "Lettre de soumissions" in str(french) and "Invitation" in str(french)
    assert {event: await ended(employer, event, "sequence") for event in before} == before
    done = (await employer.post(path, language, **body)).json()
    assert done == previewed | {"preview": False}
    rows = [(loser, relation) for loser in done["withdrawn"] for relation in loser["relations"]]
    whole = {relation["relation_id"] for _, relation in rows if relation["ends"]}
    assert whole == await ended(employer, "RelationEnded", "relation_id")
    parts = {(r["relation_id"], s["subject"]) for _, r in rows if not r["ends"] for s in r["subjects"]}
    assert parts == {(row["relation_id"], row["subject"]) for row in await employer.at.opened.published("RightEnded")}
    assert {b["block_id"] for b in done["blocks_lifted"]} == {kept_out.json()["block_id"]}
    assert await ended(employer, "ContactUnblocked", "block_id") == {kept_out.json()["block_id"]}
    assert [r["request_id"] for r in done["requests_ended"]] == [invited.json()["request_id"]]
    assert await ended(employer, "RequestWithdrawn", "request_id") == {invited.json()["request_id"]}
    assert done["code_renewed"] and await pool.fetchval("select code_generation from organizations") == 2
    assert (await employer.at.opened.published("Organization"))[-1]["code_generation"] == 2
    by_name = {loser["holder_id"]: loser for loser in done["withdrawn"]}
    assert by_name.keys() == {str(one.contact_id) for one in (stranger, other, made)}
    assert by_name[str(other.contact_id)]["manages_no_more"] and not by_name[str(made.contact_id)]["manages_no_more"]
    [worker] = by_name[str(made.contact_id)]["relations"]
    assert (worker["type_name"], {s["subject_name"] for s in worker["subjects"]}) == (
        "Worker", {"Payments", "Clearance letter"}
    )  # fmt: skip
    [token] = await tokens()
    refused = await accept(employer, await an_account(employer), token)
    assert (refused.status_code, refused.json()["code"]) == (409, "invitation_over")


async def test_who_has_stepped_down_is_undone_within_the_window_and_an_office_that_was_taken_up_again_hides_nothing(
    employer: Employer,
) -> None:
    stranger, accomplice, true_one = employer.administrator, employer.worker, employer.representative
    made = await add(employer, stranger)
    assert (await employer.appoint(accomplice, stranger.headers)).status_code == 201
    assert (await employer.release(stranger, stranger.headers)).status_code == 204
    again = await employer.appoint(stranger, accomplice.headers)
    assert again.status_code == 201, again.text
    assert (await employer.release(stranger, accomplice.headers)).status_code == 204

    done = await employer.replace(stranger, true_one)

    assert done.status_code == 200, done.text
    assert await employer.manages(true_one) and not await employer.manages(accomplice)
    assert not await employer.says(made, "payments")


async def test_an_office_that_ended_before_the_window_is_forgotten_and_one_that_began_before_it_is_safe(
    employer: Employer,
) -> None:
    rule = employer.at.opened.tools.agency.managing.administrators
    assert rule is not None
    stranger, true_one = employer.administrator, employer.worker
    await recently(employer, stranger, timedelta(days=rule.contest_days + 5))
    await employer.appoint(employer.representative, stranger.headers)
    assert (await employer.release(stranger, employer.representative.headers)).status_code == 204
    late = await employer.replace(stranger, true_one)
    assert (late.status_code, late.json()["code"]) == (409, "contest_over")
    await employer.at.opened.unit.pool.execute(
        "update relations set ended_at = $2 where holder_id = $1 and ended_at is not null",
        stranger.contact_id, datetime.now(UTC) - timedelta(days=rule.contest_days + 1),
    )  # fmt: skip
    nothing = await employer.replace(stranger, true_one)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "manages_nothing")


async def test_what_the_stranger_raised_to_writing_can_be_read_again_as_before(employer: Employer) -> None:
    stranger, other, true_one = employer.administrator, employer.worker, employer.representative
    assert (await give(employer, stranger, other, "clearance_letter", "read")).status_code == 201
    pool = employer.at.opened.unit.pool
    await pool.execute(
        "update rights set recorded = tstzrange(lower(recorded) - interval '9 days', null), granted_by = 'agent:known'"
        " where subject = 'clearance_letter'"
    )
    assert (await give(employer, stranger, other, "clearance_letter", "write")).status_code == 201
    assert await employer.says(other, "clearance_letter")

    previewed = await employer.replace(stranger, true_one, preview=True)
    done = await employer.replace(stranger, true_one)

    [loser] = [row for row in done.json()["withdrawn"] if row["holder_id"] == str(other.contact_id)]
    [subject] = loser["relations"][0]["subjects"]
    assert (subject["level"], subject["becomes"], loser["relations"][0]["ends"]) == ("write", "read", False)
    assert done.json()["withdrawn"] == previewed.json()["withdrawn"]
    assert not await employer.says(other, "clearance_letter")
    read = await employer.at.check(other.account_id, "clearance_letter", employer.organization_id, level="read")
    assert read["decision"]
    added = (await employer.at.opened.published("RightAdded"))[-1]
    assert (added["subject"], added["level"]) == ("clearance_letter", "read")
    assert await pool.fetchval("select granted_by from rights where right_id = $1", UUID(added["right_id"])) == (
        "agent:known"
    )
    [mail] = [m for m in await employer.at.opened.published("AccessWithdrawnMail") if m["lowered"]]
    assert (mail["recipient_id"], mail["lowered"], mail["withdrawn"]) == (
        str(other.contact_id), ["clearance_letter"], []
    )  # fmt: skip


async def test_what_the_stranger_gave_for_reading_and_then_raised_is_gone_altogether(employer: Employer) -> None:
    stranger, other = employer.administrator, employer.worker
    assert (await give(employer, stranger, other, "clearance_letter", "read")).status_code == 201
    assert (await give(employer, stranger, other, "clearance_letter", "write")).status_code == 201
    assert (await employer.replace(stranger, employer.representative)).status_code == 200
    read = await employer.at.check(other.account_id, "clearance_letter", employer.organization_id, level="read")
    assert not read["decision"]


async def test_each_person_is_told_once_of_everything_and_no_fallen_one_of_the_others(employer: Employer) -> None:
    stranger, accomplice, true_one = employer.administrator, employer.worker, employer.representative
    made = await add(employer, stranger, "worker", "payments", "clearance_letter")
    assert (await employer.appoint(accomplice, stranger.headers)).status_code == 201
    for subject in ("clearance_letter", "payroll_report"):
        await give(employer, stranger, accomplice, subject)
    mails = employer.at.opened.published
    before = len(await mails("AdministratorsChangedMail")), len(await mails("RightsChangedMail"))

    assert (await employer.replace(stranger, true_one)).status_code == 200

    lost = {mail["recipient_id"]: mail for mail in await mails("AccessWithdrawnMail")}
    assert len(lost) == len(await mails("AccessWithdrawnMail")) == 3
    assert lost.keys() == {str(one.contact_id) for one in (stranger, accomplice, made)}
    assert lost[str(made.contact_id)]["functions"] == ["worker"]
    assert lost[str(made.contact_id)]["withdrawn"] == ["clearance_letter", "payments"]
    assert lost[str(accomplice.contact_id)]["functions"] == ["access_administrator"]
    assert "clearance_letter" in lost[str(accomplice.contact_id)]["withdrawn"]
    assert {mail["managing_reason"] for mail in lost.values()} == {"contested"}
    changed = (await mails("AdministratorsChangedMail"))[before[0] :]
    assert sorted((mail["recipient_id"], mail["change"]) for mail in changed) == sorted(
        [(str(employer.organization_id), change) for change in ("appointed", "released")]
        + [(str(true_one.contact_id), "released")]
    )
    assert len(await mails("RightsChangedMail")) == before[1]
    appointed = (await mails("AdministratorStatusMail"))[-1]
    assert (appointed["recipient_id"], appointed["change"]) == (str(true_one.contact_id), "appointed")


async def test_a_successor_keeps_what_it_has_and_what_it_granted_though_the_stranger_made_it_an_administrator(
    employer: Employer,
) -> None:
    stranger, true_one = employer.administrator, employer.worker
    assert (await employer.appoint(true_one, stranger.headers)).status_code == 201
    made = await add(employer, true_one)
    assert (await give(employer, stranger, true_one)).status_code == 201

    done = await employer.replace(stranger, true_one)

    assert [loser["holder_id"] for loser in done.json()["withdrawn"]] == [str(stranger.contact_id)]
    assert await employer.manages(true_one) and await employer.says(true_one, "clearance_letter")
    assert await employer.says(made, "payments")


async def test_exactly_one_successor_is_named(employer: Employer) -> None:
    path = f"administrators/{employer.administrator.contact_id}/replacement"
    both = {"successor_id": str(employer.worker.contact_id), "request_id": str(employer.worker.contact_id)}
    for body in ({}, both):
        refused = await employer.post(path, employer.agent, reason="contested", **body)
        assert (refused.status_code, refused.json()["code"]) == (422, "one_successor")
    unknown = await employer.post(path, employer.agent, reason="contested", request_id=both["request_id"])
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("replacing_first", [True, False])
async def test_nothing_survives_that_the_replaced_one_grants_at_the_same_moment(
    employer: Employer, replacing_first: bool
) -> None:
    """Either comes first; nobody who is granted something beside the replacement has it afterwards."""
    stranger, true_one, accomplice = employer.administrator, employer.representative, employer.worker
    granting = [
        give(employer, stranger, accomplice),
        employer.appoint(accomplice, stranger.headers),
        invite(employer, stranger.headers),
        employer.post("blocks", stranger.headers, contact_id=str(true_one.contact_id)),
    ]
    replacing = [employer.replace(stranger, true_one)]

    answers = await asyncio.gather(*(replacing + granting if replacing_first else granting + replacing))

    done = answers[0 if replacing_first else -1]
    assert done.status_code == 200, done.text
    assert await employer.manages(true_one)
    assert not await employer.manages(accomplice) and not await employer.manages(stranger)
    assert not await employer.says(accomplice, "clearance_letter") and await employer.says(accomplice, "payments")
    open_ones = "select count(*) from requests where state = 'submitted' and kind = 'invitation'"
    assert await employer.at.opened.unit.pool.fetchval(open_ones) == 0


NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def an_office(number: int, holder: int, by: int | None, *, day: int = 0, until: int | None = None) -> Office:
    at = NOW - timedelta(days=20 - day)
    end = None if until is None else NOW - timedelta(days=20 - until)
    made_by = frozenset() if by is None else frozenset({f"account:{by}"})
    return Office(UUID(int=number), UUID(int=holder), at, at, end, made_by)


def fallen(offices: list[Office], spared: int | None = None) -> set[int]:
    actors = {office.contact_id: [f"account:{office.contact_id.int}"] for office in offices}
    found = domain.falling(
        offices, UUID(int=1), offices[0].since, None if spared is None else UUID(int=spared), actors, NOW
    )
    return {contact_id.int for contact_id in found}


def test_who_manages_by_somebody_elses_appointment_too_does_not_fall() -> None:
    chain = [an_office(1, 1, None), an_office(2, 2, 1, day=1), an_office(3, 3, 2, day=2)]
    assert fallen(chain) == {1, 2, 3}
    assert fallen([*chain, an_office(4, 2, 9)]) == {1}
    assert fallen([*chain, an_office(4, 2, 9, until=5)]) == {1, 2, 3}
    assert fallen([*chain, an_office(4, 2, 3, day=5)]) == {1, 2, 3}  # whoever it made an administrator, in turn


def test_who_was_appointed_before_the_other_managed_does_not_fall_and_nor_does_the_successor() -> None:
    offices = [an_office(1, 1, None, day=5), an_office(2, 2, 1, day=1), an_office(3, 3, 1, day=6)]
    assert fallen(offices) == {1, 3}
    assert fallen(offices, spared=3) == {1}
    assert fallen([*offices, an_office(4, 4, 3, day=7)], spared=3) == {1}


@given(st.permutations(range(2, 9)))
def test_a_chain_falls_to_its_end_in_whatever_order_its_offices_are_read(order: list[int]) -> None:
    chain = [an_office(holder, holder, holder - 1, day=holder) for holder in range(2, 9)]
    assert fallen([an_office(1, 1, None), *[chain[number - 2] for number in order]]) == set(range(1, 9))
