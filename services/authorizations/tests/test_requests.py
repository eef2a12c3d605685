"""Requests: proposed and decided, by whom, until when, and what each side learns of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.authorizations.deciding.chores import lapse_overdue, tell_waiting
from services.authorizations.tests.asking import NEWCOMER, NOBODY, Sides, sides
from services.authorizations.tests.conftest import Firm
from tests.fixtures.patience import PATIENCE


@pytest.fixture
async def two(firm: Firm, tmp_path: Path) -> Sides:
    return await sides(firm, tmp_path)


async def names(two: Sides) -> list[str]:
    return [str(event["name"]) for event in await two.firm.opened.published()]


async def test_a_proposed_relation_is_in_force_once_the_employer_approves(two: Sides) -> None:
    request_id = await two.proposed()
    assert not [row for row in await _relations(two) if row["organization"]["name"] == "CHARPENTES DÉMO INC."]

    approved = await two.decide(request_id, two.employer.headers)

    assert (approved.status_code, approved.json()["state"], approved.json()["outcome"]) == (200, "decided", "approve")
    (row,) = [row for row in await _relations(two) if row["organization"]["name"] == "CHARPENTES DÉMO INC."]
    assert row["active"]
    assert (await names(two))[-6:-2] == ["RelationAdded", "RightAdded", "RightAdded", "RequestDecided"]
    member = await two.firm.member()
    await two.firm.delegate(member.contact_id, two.employer_id)
    assert (await two.firm.check(member.account_id, "monthly_report", two.employer_id))["decision"]


async def test_those_who_decide_are_asked_and_both_sides_are_told(two: Sides) -> None:
    request_id = await two.proposed()
    (asked,) = await two.mails("RequestReceivedMail")
    assert asked["recipient_id"] == str(two.employer.contact_id)
    assert (asked["concerning"], asked["language"]) == ("LAFORCE COMPTABLE INC.", "en")

    await two.decide(request_id, two.employer.headers, "reject", reason="not_our_provider")

    told = {mail["recipient_id"]: mail for mail in await two.mails("RequestDecidedMail")}
    assert told.keys() == {str(two.firm.responsible.contact_id), str(two.employer.contact_id)}
    ours = told[str(two.firm.responsible.contact_id)]
    assert (ours["outcome"], ours["decision_reason"], ours["concerning"]) == ("reject", "not_our_provider", NEWCOMER)


async def test_a_number_that_is_nobodys_gets_the_same_answer_as_one_that_is_somebodys(two: Sides) -> None:
    answers = [await two.propose(number) for number in (NEWCOMER, NOBODY)]
    assert [answer.status_code for answer in answers] == [202, 202]
    known, unknown = (
        {name: value for name, value in answer.headers.items() if name != "location"} for answer in answers
    )
    assert known == unknown and "mandat-after" not in known
    assert answers[0].json().keys() == answers[1].json().keys()
    rows = await two.firm.opened.unit.pool.fetch("select organization_id, decider, to_tell from requests")
    assert [dict(row) for row in rows] == [
        {"organization_id": None, "decider": "organization", "to_tell": "submitted"}
    ] * 2
    assert "RequestSubmitted" not in await names(two)


async def test_who_proposed_sees_no_difference_afterwards_either(two: Sides) -> None:
    known, unknown = await two.proposed(NEWCOMER), await two.proposed(NOBODY)
    headers = two.firm.responsible.headers
    shown = []
    for request_id in (known, unknown):
        answer = await two.show(request_id, headers)
        withdrawn = await two.withdraw(request_id, headers)
        assert withdrawn.status_code == 200 and "mandat-after" not in withdrawn.headers
        shown.append([_without_identity(answer.json()), _without_identity(withdrawn.json()), answer.headers["etag"]])
    assert shown[0] == shown[1]


def _without_identity(view: dict[str, Any]) -> dict[str, Any]:
    own = {"request_id", "other_number", "submitted_at", "settled_at"}
    return {name: value for name, value in view.items() if name not in own}


async def test_a_rejection_names_nobody_whose_number_was_only_guessed(two: Sides) -> None:
    request_id = await two.proposed()
    await two.decide(request_id, two.employer.headers, "reject", reason="not_our_provider")
    assert "CHARPENTES" not in (await two.show(request_id, two.firm.responsible.headers)).text
    listed = await two.firm.client.get(
        f"/v1/organizations/{two.firm.firm_id}/requests", headers=two.firm.responsible.headers
    )
    assert request_id in listed.text and "CHARPENTES" not in listed.text


async def test_a_number_that_is_nobodys_goes_to_an_agent_who_can_only_reject_it(two: Sides) -> None:
    request_id = await two.proposed(NOBODY)
    queue = (await two.firm.client.get("/v1/requests?decider=agents", headers=two.firm.agent)).json()
    assert [row["request_id"] for row in queue["items"]] == [request_id]
    approved = await two.decide(request_id, two.firm.agent)
    assert (approved.status_code, approved.json()["code"]) == (422, "unknown_organization")
    rejected = await two.decide(request_id, two.firm.agent, "reject", reason="not_confirmed")
    assert rejected.json()["state"] == "decided"
    (told,) = await two.mails("RequestDecidedMail")
    assert told["recipient_id"] == str(two.firm.responsible.contact_id)


async def test_an_agent_decides_what_is_an_employers_to_decide_as_well(two: Sides) -> None:
    request_id = await two.proposed()
    assert (await two.decide(request_id, two.firm.agent)).status_code == 200
    told = {mail["recipient_id"] for mail in await two.mails("RequestDecidedMail")}
    assert told == {str(two.firm.responsible.contact_id), str(two.employer.contact_id)}


async def test_an_organization_that_nobody_manages_has_its_requests_decided_by_agents(two: Sides) -> None:
    await two.firm.opened.unit.pool.execute(
        "update relations set ended_at = now() where holder_id = $1", two.employer.contact_id
    )
    request_id = await two.proposed()
    queue = (await two.firm.client.get("/v1/requests", headers=two.firm.agent)).json()
    assert [row["request_id"] for row in queue["items"]] == [request_id]


async def test_whoever_asked_cannot_decide(two: Sides) -> None:
    request_id = await two.proposed()
    refused = await two.decide(request_id, two.firm.responsible.headers)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_strangers_and_those_who_do_not_manage_do_not_see_a_request(two: Sides) -> None:
    request_id = await two.proposed()
    member = await two.firm.member()
    stranger = await two.firm.link(await two.firm.contact("3000003"))
    for someone in (member, stranger):
        assert (await two.show(request_id, someone.headers)).status_code == 404
        assert (await two.decide(request_id, someone.headers)).status_code in (403, 404)
        assert (await two.withdraw(request_id, someone.headers)).status_code == 404


async def test_a_decision_about_what_has_changed_since_it_was_read_is_refused(two: Sides) -> None:
    request_id = await two.proposed()
    stale = await two.decide(request_id, two.employer.headers, etag='"7"')
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    without = await two.firm.client.post(
        f"/v1/requests/{request_id}/decision", json={"outcome": "approve"}, headers=two.employer.headers
    )
    assert (without.status_code, without.json()["code"]) == (428, "precondition_required")


async def test_of_two_decisions_at_once_one_counts(two: Sides) -> None:
    request_id = await two.proposed()
    etag = (await two.show(request_id, two.employer.headers)).headers["etag"]
    answers = await asyncio.gather(
        two.decide(request_id, two.employer.headers, etag=etag),
        two.decide(request_id, two.firm.agent, etag=etag),
        two.decide(request_id, two.employer.headers, "reject", etag=etag, reason="not_our_provider"),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert (await names(two)).count("RequestDecided") == 1


async def test_a_no_needs_a_reason_that_is_one_of_the_agencys(two: Sides) -> None:
    request_id = await two.proposed()
    for more, code in (
        ({}, "decision_reason_missing"),
        ({"reason": "because"}, "unknown_decision_reason"),
        ({"reason": "subjects_to_correct"}, "unknown_decision_reason"),
    ):
        refused = await two.decide(request_id, two.employer.headers, "reject", **more)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    merged = await two.decide(request_id, two.employer.headers, "merge")
    assert (merged.status_code, merged.json()["code"]) == (422, "outcome_not_possible")


async def test_past_its_last_day_a_request_has_lapsed_before_anybody_says_so(two: Sides) -> None:
    request_id = await two.proposed()
    etag = (await two.show(request_id, two.employer.headers)).headers["etag"]
    await _let_lapse(two, request_id)

    refused = await two.decide(request_id, two.employer.headers, etag=etag)
    assert (refused.status_code, refused.json()["code"]) == (409, "request_not_pending")
    assert (await two.show(request_id, two.firm.responsible.headers)).json()["state"] == "lapsed"
    assert "RequestLapsed" not in await names(two)

    await lapse_overdue(two.firm.opened.unit)
    await lapse_overdue(two.firm.opened.unit)
    assert (await names(two)).count("RequestLapsed") == 1
    told = {mail["recipient_id"] for mail in await two.mails("RequestDecidedMail")}
    assert told == {str(two.firm.responsible.contact_id), str(two.employer.contact_id)}


async def test_on_its_last_day_a_request_can_still_be_decided(two: Sides) -> None:
    request_id = await two.proposed()
    today = two.firm.opened.tools.moment(datetime.now(UTC)).day
    await two.firm.opened.unit.pool.execute(
        "update requests set lapses_on = $2 where request_id = $1", UUID(request_id), today
    )
    await lapse_overdue(two.firm.opened.unit)
    assert (await two.decide(request_id, two.employer.headers)).status_code == 200


async def test_a_proposal_that_lapsed_can_be_made_again(two: Sides) -> None:
    request_id = await two.proposed()
    again = await two.propose()
    assert (again.status_code, again.json()["code"]) == (409, "request_pending")
    await _let_lapse(two, request_id)
    assert (await two.propose()).status_code == 202


async def test_a_withdrawn_request_is_decided_no_more_and_both_sides_are_told(two: Sides) -> None:
    request_id = await two.proposed()
    assert (await two.withdraw(request_id, two.firm.responsible.headers)).json()["state"] == "withdrawn"
    assert (await two.decide(request_id, two.employer.headers)).json()["code"] == "request_not_pending"
    await tell_waiting(two.firm.opened.unit)
    await tell_waiting(two.firm.opened.unit)
    assert (await names(two)).count("RequestWithdrawn") == 1
    assert {mail["outcome"] for mail in await two.mails("RequestDecidedMail")} == {"withdraw"}


async def test_what_was_withdrawn_before_anybody_was_told_is_told_to_nobody(two: Sides) -> None:
    request_id = (await two.propose()).json()["request_id"]
    await two.withdraw(request_id, two.firm.responsible.headers)
    await tell_waiting(two.firm.opened.unit)
    assert not {"RequestSubmitted", "RequestWithdrawn", "RequestReceivedMail"} & set(await names(two))


async def test_a_request_that_an_agent_claimed_is_no_other_agents_for_a_time(two: Sides) -> None:
    request_id = await two.proposed(NOBODY)
    other = two.firm.opened.issuer
    headers = {
        "Authorization": "Bearer " + other.sign({"iss": "https://agents.test", "sub": "agent-2", "name": "Deux"})
    }
    path = f"/v1/requests/{request_id}/claim"
    claimed = await two.firm.client.post(path, headers=two.firm.agent)
    assert claimed.json()["claimed_by_me"]
    assert (await two.firm.client.post(path, headers=two.firm.agent)).status_code == 200

    for refused in (
        await two.firm.client.post(path, headers=headers),
        await two.decide(request_id, headers, "reject", reason="not_confirmed"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "request_claimed")
        assert 0 < int(refused.headers["retry-after"]) <= 30 * 60 + 1

    await two.firm.opened.unit.pool.execute(
        "update requests set claimed_until = now() where request_id = $1", UUID(request_id)
    )
    assert (await two.decide(request_id, headers, "reject", reason="not_confirmed")).status_code == 200


async def test_people_cannot_claim_nor_read_the_queue(two: Sides) -> None:
    request_id = await two.proposed()
    for refused in (
        await two.firm.client.post(f"/v1/requests/{request_id}/claim", headers=two.employer.headers),
        await two.firm.client.get("/v1/requests", headers=two.employer.headers),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "wrong_kind_of_caller")


async def test_an_organizations_list_holds_what_it_asked_and_what_it_decides(two: Sides) -> None:
    request_id = await two.proposed()
    for organization_id, headers, mine in (
        (two.firm.firm_id, two.firm.responsible.headers, False),
        (two.employer_id, two.employer.headers, True),
    ):
        path = f"/v1/organizations/{organization_id}/requests"
        (row,) = (await two.firm.client.get(path, headers=headers)).json()["items"]
        assert (row["request_id"], row["state"], row["mine_to_decide"]) == (request_id, "submitted", mine)
        for query, total in (("state=decided", 0), ("state=submitted", 1), ("kind=review", 0)):
            assert (await two.firm.client.get(f"{path}?{query}", headers=headers)).json()["total"] == total


async def test_a_manager_removed_meanwhile_decides_nothing(two: Sides) -> None:
    request_id = await two.proposed()
    etag = (await two.show(request_id, two.employer.headers)).headers["etag"]
    async with two.firm.opened.unit.pool.acquire() as connection, connection.transaction():
        await connection.execute("select from organizations where organization_id = $1 for update", two.employer_id)
        deciding = asyncio.create_task(two.decide(request_id, two.employer.headers, etag=etag))
        await _until_waiting_for_a_lock(two)
        await connection.execute(
            "update relations set ended_at = clock_timestamp() where holder_id = $1", two.employer.contact_id
        )
    refused = await deciding
    assert (refused.status_code, refused.json()["code"]) == (403, "profile_not_yours")
    assert "RelationAdded" not in (await names(two))[-1:] and (await names(two)).count("RequestDecided") == 0


async def test_who_asked_is_refused_the_decision_without_waiting_for_whoever_has_the_number(two: Sides) -> None:
    """A wait while the other organization is locked would tell that the number is somebody's."""
    asker = two.firm.responsible.headers
    for number in (NEWCOMER, NOBODY):
        request_id = await two.proposed(number)
        async with two.firm.opened.unit.pool.acquire() as connection, connection.transaction():
            await connection.execute("select from organizations where organization_id = $1 for update", two.employer_id)
            async with asyncio.timeout(PATIENCE):
                refused = await two.decide(request_id, asker, etag='"1"')
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_what_is_no_longer_possible_cannot_be_approved(two: Sides) -> None:
    request_id = await two.proposed()
    assert (await two.grant()).status_code == 201
    refused = await two.decide(request_id, two.employer.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_held")
    assert (await two.show(request_id, two.employer.headers)).json()["state"] == "submitted"


async def test_a_firm_proposes_what_it_does_not_hold_yet_and_only_so_often(two: Sides) -> None:
    held = await two.propose("1000001")
    assert (held.status_code, held.json()["code"]) == (409, "already_held")
    await two.propose(NOBODY)
    await two.firm.opened.unit.pool.execute(
        "update limits set spent = 200, window_start = window_start + interval '1 hour'"
        " where name = 'relations_per_organization'"
    )
    refused = await two.propose()
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")


async def test_the_same_proposal_with_one_key_is_one_request(two: Sides) -> None:
    headers = two.firm.responsible.headers | {"Idempotency-Key": str(uuid4())}
    answers = [await two.propose(headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"attestations": []}, "attestation_missing"),
        ({"type": "staff_member"}, "unknown_relation_type"),
        ({"other": {"kind": "firm", "number": NEWCOMER}}, "unknown_relation_type"),
        ({"subjects": [{"subject": "nothing", "level": "read"}]}, "unknown_subject"),
        ({"ends_on": "2020-01-01"}, "dates_refused"),
    ],
)
async def test_a_proposal_that_could_never_be_approved_is_refused(
    two: Sides, change: dict[str, Any], code: str
) -> None:
    refused = await two.propose(**change)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert await two.firm.opened.unit.pool.fetchval("select count(*) from requests") == 0


async def test_only_those_who_manage_propose(two: Sides) -> None:
    member = await two.firm.member()
    refused = await two.propose(headers=member.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")


async def test_a_request_says_nothing_of_a_person_in_its_row_or_its_events(two: Sides) -> None:
    request_id = await two.proposed()
    row = await two.firm.opened.unit.pool.fetchval(
        "select r::text from requests r where request_id = $1", UUID(request_id)
    )
    events = [event for event in await two.firm.opened.published() if event["name"] == "RequestSubmitted"]
    assert events == [
        {
            "name": "RequestSubmitted", "organization_id": str(two.employer_id), "sequence": events[0]["sequence"],
            "request_id": request_id, "kind": "proposed_relation", "reason": None, "decider": "organization",
            "lapses_on": (two.firm.opened.tools.moment(datetime.now(UTC)).day + timedelta(days=30)).isoformat(),
        }
    ]  # fmt: skip
    assert "Démo" not in row and "example" not in row


async def test_an_agents_look_at_a_request_is_audited_on_the_side_it_may_show_to(two: Sides) -> None:
    relation_id = (await two.grant()).json()["relation_id"]
    end_id = (await two.end(relation_id, two.firm.responsible.headers)).json()["request_id"]
    proposal_id, nobodys_id = await two.proposed("1999998"), await two.proposed(NOBODY)
    for request_id in (end_id, proposal_id, nobodys_id):
        await two.show(request_id, two.firm.agent)
    rows = await two.firm.opened.unit.pool.fetch(
        "select object_id, organization_id from audit where action = 'request_viewed'"
    )
    assert {(str(row["object_id"]), row["organization_id"]) for row in rows} == {
        (end_id, two.firm.firm_id), (end_id, two.employer_id), (proposal_id, None), (nobodys_id, None),
    }  # fmt: skip


async def test_the_audit_of_whoever_proposed_shows_nobody_behind_a_number(two: Sides) -> None:
    known, unknown = await two.proposed(NEWCOMER), await two.proposed(NOBODY)
    await two.decide(known, two.employer.headers, "reject", reason="not_confirmed")
    await two.decide(unknown, two.firm.agent, "reject", reason="not_confirmed")
    path = f"/v1/organizations/{two.firm.firm_id}/audit"
    told = []
    for request_id in (known, unknown):
        entries = (
            await two.firm.client.get(f"{path}?object={request_id}", headers=two.firm.responsible.headers)
        ).json()
        told.append([(entry["action"], entry["actor"]["name"], entry["detail"]) for entry in entries["items"]])
    assert told[0] == told[1] == [("request_made", "Démo Responsable", {"kind": "proposed_relation"})]


async def test_a_number_that_became_somebodys_meanwhile_can_be_approved_by_an_agent(two: Sides) -> None:
    request_id = await two.proposed(NOBODY)
    await two.firm.opened.unit.pool.execute(
        "update organizations set number = $2 where organization_id = $1", two.employer_id, NOBODY
    )
    assert (await two.decide(request_id, two.firm.agent)).status_code == 200
    told = {mail["recipient_id"] for mail in await two.mails("RequestDecidedMail")}
    assert told == {str(two.firm.responsible.contact_id), str(two.employer.contact_id)}


async def _relations(two: Sides) -> list[dict[str, Any]]:
    path = f"/v1/organizations/{two.firm.firm_id}/relations"
    found = (await two.firm.client.get(path, headers=two.firm.responsible.headers)).json()
    return list(found["items"])


async def _let_lapse(two: Sides, request_id: str) -> None:
    yesterday = two.firm.opened.tools.moment(datetime.now(UTC)).day - timedelta(days=1)
    await two.firm.opened.unit.pool.execute(
        "update requests set lapses_on = $2 where request_id = $1", UUID(request_id), yesterday
    )


async def _until_waiting_for_a_lock(two: Sides) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await two.firm.opened.unit.pool.fetchval(
            "select exists (select from pg_stat_activity where wait_event_type = 'Lock'"
            " and datname = current_database())"
        ):
            await asyncio.sleep(0.01)


async def test_one_organization_asks_another_three_times_a_day_whoever_has_the_number(two: Sides) -> None:
    """Asked and taken back in turns, each time by mails to both."""
    for number in (NEWCOMER, NOBODY):
        for _ in range(3):
            request_id = await two.proposed(number)
            assert (await two.withdraw(request_id, two.firm.responsible.headers)).status_code == 200
        refused = await two.propose(number)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
        assert int(refused.headers["retry-after"]) > 0
    mails = len(await two.mails("RequestReceivedMail"))
    assert (await two.propose()).status_code == 429
    await tell_waiting(two.firm.opened.unit)
    assert len(await two.mails("RequestReceivedMail")) == mails
