"""A relation that a firm proposes to somebody whose number it gives: what it may propose, and what it learns."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.authorizations.deciding.chores import tell_waiting
from services.authorizations.tests.asking import NEWCOMER, NOBODY, Sides, sides
from services.authorizations.tests.conftest import Firm


@pytest.fixture
async def two(firm: Firm, tmp_path: Path) -> Sides:
    return await sides(firm, tmp_path)


async def test_a_proposed_relation_is_in_force_once_the_employer_approves(two: Sides) -> None:
    request_id = await two.proposed()
    assert not [row for row in await two.relations() if row["organization"]["name"] == "CHARPENTES DÉMO INC."]

    approved = await two.decide(request_id, two.employer.headers)

    assert (approved.status_code, approved.json()["state"], approved.json()["outcome"]) == (200, "decided", "approve")
    (row,) = [row for row in await two.relations() if row["organization"]["name"] == "CHARPENTES DÉMO INC."]
    assert row["active"]
    assert (await two.events())[-6:-2] == ["RelationAdded", "RightAdded", "RightAdded", "RequestDecided"]
    member = await two.firm.member()
    await two.firm.delegate(member.contact_id, two.employer_id)
    assert (await two.firm.check(member.account_id, "monthly_report", two.employer_id))["decision"]


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
    assert "RequestSubmitted" not in await two.events()


async def test_a_number_of_an_organization_that_is_not_active_is_to_who_proposes_like_nobodys(two: Sides) -> None:
    pool = two.firm.opened.unit.pool
    await pool.execute("update statuses set active = false where owner_id = $1", two.employer_id)
    request_id = await two.proposed()
    (waiting,) = (await two.firm.client.get("/v1/requests?decider=agents", headers=two.firm.agent)).json()["items"]
    assert (waiting["request_id"], waiting["organization"]) == (request_id, None)
    assert await two.mails("RequestReceivedMail") == []


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


async def test_a_rejection_names_nobody_whose_number_was_only_guessed(two: Sides) -> None:
    request_id = await two.proposed()
    await two.decide(request_id, two.employer.headers, "reject", reason="not_our_provider")
    assert "CHARPENTES" not in (await two.show(request_id, two.firm.responsible.headers)).text
    told = {mail["recipient_id"]: mail["concerning"] for mail in await two.mails("RequestDecidedMail")}
    assert told[str(two.firm.responsible.contact_id)] == NEWCOMER
    listed = await two.firm.client.get(
        f"/v1/organizations/{two.firm.firm_id}/requests", headers=two.firm.responsible.headers
    )
    assert request_id in listed.text and "CHARPENTES" not in listed.text


async def test_a_proposal_that_lapsed_can_be_made_again(two: Sides) -> None:
    request_id = await two.proposed()
    again = await two.propose()
    assert (again.status_code, again.json()["code"]) == (409, "request_pending")
    await two.let_lapse(request_id)
    assert (await two.propose()).status_code == 202


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


async def test_what_an_employer_has_ended_can_be_proposed_again(two: Sides) -> None:
    relation_id = (await two.grant()).json()["relation_id"]
    assert (await two.propose()).json()["code"] == "already_held"
    assert (await two.end(relation_id, two.employer.headers)).status_code == 200
    assert (await two.propose()).status_code == 202


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


def _without_identity(view: dict[str, Any]) -> dict[str, Any]:
    own = {"request_id", "other_number", "submitted_at", "received_at", "settled_at"}
    return {name: value for name, value in view.items() if name not in own}
