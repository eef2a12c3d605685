"""Who decides a request, about which version of it, for which reasons; and how agents share their queue."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from services.authorizations.tests.asking import NEWCOMER, NOBODY, Sides, sides
from services.authorizations.tests.conftest import Firm
from tests.fixtures.patience import PATIENCE


@pytest.fixture
async def two(firm: Firm, tmp_path: Path) -> Sides:
    return await sides(firm, tmp_path)


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
    assert (await two.events()).count("RequestDecided") == 1


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


async def test_a_request_that_an_agent_holds_is_no_other_agents_for_a_time(two: Sides) -> None:
    request_id = await two.proposed(NOBODY)
    other = two.firm.opened.issuer
    headers = {
        "Authorization": "Bearer " + other.sign({"iss": "https://agents.test", "sub": "agent-2", "name": "Deux"})
    }
    path = f"/v1/requests/{request_id}/claim"
    claimed = await two.firm.client.post(path, headers=two.firm.agent)
    assert claimed.json()["held_by_me"]
    assert (await two.firm.client.post(path, headers=two.firm.agent)).status_code == 200

    for refused in (
        await two.firm.client.post(path, headers=headers),
        await two.decide(request_id, headers, "reject", reason="not_confirmed"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "request_held")
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
    assert "RelationAdded" not in (await two.events())[-1:] and (await two.events()).count("RequestDecided") == 0


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


async def _until_waiting_for_a_lock(two: Sides) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await two.firm.opened.unit.pool.fetchval(
            "select exists (select from pg_stat_activity where wait_event_type = 'Lock'"
            " and datname = current_database())"
        ):
            await asyncio.sleep(0.01)


async def test_each_side_learns_which_of_its_own_people_acted_and_agents_learn_both(two: Sides) -> None:
    request_id = await two.proposed()
    await two.decide(request_id, two.employer.headers)
    seen = {}
    for side, headers in {
        "asker": two.firm.responsible.headers, "decider": two.employer.headers, "agent": two.firm.agent,
    }.items():  # fmt: skip
        shown = (await two.show(request_id, headers)).json()
        seen[side] = [
            actor and (actor["name"], actor["id"]) for actor in (shown["asked_by_person"], shown["settled_by"])
        ]
    asked, decided = str(two.firm.responsible.account_id), str(two.employer.account_id)
    assert seen == {
        "asker": [("Démo Personne", None), None],
        "decider": [None, ("Démo Personne", None)],
        "agent": [("Démo Personne", asked), ("Démo Personne", decided)],
    }


async def test_who_withdrew_is_known_to_those_who_asked_and_not_to_those_who_would_have_decided(two: Sides) -> None:
    request_id = await two.proposed()
    await two.withdraw(request_id, two.firm.responsible.headers)
    ours = (await two.show(request_id, two.firm.responsible.headers)).json()
    theirs = (await two.show(request_id, two.employer.headers)).json()
    assert (ours["settled_by"]["name"], theirs["settled_by"]) == ("Démo Personne", None)
