"""A request until its end: who sees it, when it lapses, how it is withdrawn, what stays of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.authorizations.deciding.chores import lapse_overdue, tell_waiting
from services.authorizations.deciding.ending import lapse
from services.authorizations.tests.asking import NOBODY, Sides, sides
from services.authorizations.tests.conftest import TEST, Firm


@pytest.fixture
async def two(firm: Firm, tmp_path: Path) -> Sides:
    return await sides(firm, tmp_path)


async def test_strangers_and_those_who_do_not_manage_do_not_see_a_request(two: Sides) -> None:
    request_id = await two.proposed()
    member = await two.firm.member()
    stranger = await two.firm.link(await two.firm.contact("3000003"))
    for someone in (member, stranger):
        assert (await two.show(request_id, someone.headers)).status_code == 404
        assert (await two.decide(request_id, someone.headers)).status_code in (403, 404)
        assert (await two.withdraw(request_id, someone.headers)).status_code == 404


async def test_past_its_last_day_a_request_has_lapsed_before_anybody_says_so(two: Sides) -> None:
    request_id = await two.proposed()
    etag = (await two.show(request_id, two.employer.headers)).headers["etag"]
    await two.let_lapse(request_id)

    refused = await two.decide(request_id, two.employer.headers, etag=etag)
    assert (refused.status_code, refused.json()["code"]) == (409, "request_not_pending")
    assert (await two.show(request_id, two.firm.responsible.headers)).json()["state"] == "lapsed"
    assert "RequestLapsed" not in await two.events()

    await lapse_overdue(two.firm.opened.unit)
    await lapse_overdue(two.firm.opened.unit)
    assert (await two.events()).count("RequestLapsed") == 1
    told = {mail["recipient_id"] for mail in await two.mails("RequestDecidedMail")}
    assert told == {str(two.firm.responsible.contact_id), str(two.employer.contact_id)}


async def test_on_its_last_day_a_request_can_still_be_decided(two: Sides) -> None:
    request_id = await two.proposed()
    today = two.firm.opened.tools.moment(datetime.now(UTC)).day
    await two.firm.opened.unit.pool.execute(
        "update requests set lapses_on = $2 where request_id = $1", UUID(request_id), today
    )
    await lapse_overdue(two.firm.opened.unit)
    await two.firm.opened.unit.run(lapse, UUID(request_id), TEST)  # submitted again, after a worker had seen it overdue
    assert (await two.decide(request_id, two.employer.headers)).status_code == 200


async def test_a_withdrawn_request_is_decided_no_more_and_both_sides_are_told(two: Sides) -> None:
    request_id = await two.proposed()
    deciders = await two.withdraw(request_id, two.employer.headers)
    assert (deciders.status_code, deciders.json()["code"]) == (403, "not_permitted")
    assert (await two.withdraw(request_id, two.firm.responsible.headers)).json()["state"] == "withdrawn"
    assert (await two.decide(request_id, two.employer.headers)).json()["code"] == "request_not_pending"
    await tell_waiting(two.firm.opened.unit)
    await tell_waiting(two.firm.opened.unit)
    assert (await two.events()).count("RequestWithdrawn") == 1
    assert {mail["outcome"] for mail in await two.mails("RequestDecidedMail")} == {"withdraw"}


async def test_what_was_withdrawn_before_anybody_was_told_is_told_to_nobody(two: Sides) -> None:
    request_id = (await two.propose()).json()["request_id"]
    await two.withdraw(request_id, two.firm.responsible.headers)
    await tell_waiting(two.firm.opened.unit)
    assert not {"RequestSubmitted", "RequestWithdrawn", "RequestReceivedMail"} & set(await two.events())


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


async def test_a_request_says_nothing_of_a_person_in_its_row_or_its_events(two: Sides) -> None:
    request_id = await two.proposed()
    row = await two.firm.opened.unit.pool.fetchval(
        "select r::text from requests r where request_id = $1", UUID(request_id)
    )
    events = [event for event in await two.firm.opened.published() if event["name"] == "RequestSubmitted"]
    assert events == [
        {
            "name": "RequestSubmitted", "organization_id": str(two.employer_id), "sequence": events[0]["sequence"],
            "request_id": request_id, "claim_id": None, "kind": "proposed_relation", "reason": None,
            "decider": "organization",
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
