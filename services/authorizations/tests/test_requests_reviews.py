"""What agents look at: somebody who may be known already, and an organization that nobody manages."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from uuid_utils.compat import uuid7

from chassis.work import Work
from services.authorizations.access.domain import Acting
from services.authorizations.deciding.chores import erase_persons, lapse_overdue, tell_waiting
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.personal.domain import Personal
from services.authorizations.relations.domain import Grant
from services.authorizations.reviews.asking import DoubtfulContact, ask_for_review
from services.authorizations.reviews.chores import seek_managers
from services.authorizations.reviews.domain import Candidate
from services.authorizations.tests.asking import Sides, sides
from services.authorizations.tests.conftest import TEST, Firm
from services.authorizations.tools import Tools

PERSON = Personal("Douteuse", "Démo", "douteuse@laforce.example", [], "fr")


@pytest.fixture
async def two(firm: Firm, tmp_path: Path) -> Sides:
    return await sides(firm, tmp_path)


async def _doubt(two: Sides, candidates: list[UUID], client_number: str | None = None) -> str:
    """A review about somebody whom the firm's responsible person wants to add."""
    firm = two.firm
    by = Acting(firm.responsible.account_id, firm.responsible.contact_id, firm.firm_id, frozenset())

    async def ask(work: Work[Tools], request_id: UUID) -> UUID:
        await organizations.lock(work.connection, [firm.firm_id])
        likely = [Candidate(contact_id=candidate, score=12.5) for candidate in candidates]
        contact = DoubtfulContact(
            firm.firm_id, PERSON, "staff_member", Period(work.today), [Grant("profile", "read")], client_number, likely
        )
        return await ask_for_review(work, by, request_id, contact)

    return str((await firm.opened.unit.run(ask, UUID(str(uuid7())), TEST)).outcome)


async def _contacts(two: Sides) -> list[dict[str, Any]]:
    path = f"/v1/organizations/{two.firm.firm_id}/contacts?limit=200"
    return list((await two.firm.client.get(path, headers=two.firm.responsible.headers)).json()["items"])


async def test_an_approved_review_makes_the_contact_as_it_was_asked(two: Sides) -> None:
    request_id = await _doubt(two, [await two.firm.contact("3000002")], "3900001")
    assert "Douteuse" not in [contact["family_name"] for contact in await _contacts(two)]

    approved = await two.decide(request_id, two.firm.agent)

    assert approved.status_code == 200, approved.text
    (made,) = [contact for contact in await _contacts(two) if contact["family_name"] == "Douteuse"]
    contact_id = await two.firm.contact("3900001")
    assert (made["contact_id"], made["email"]) == (str(contact_id), "douteuse@laforce.example")
    (state,) = [e for e in await two.firm.opened.published("Contact") if e["contact_id"] == str(contact_id)]
    assert (state["linking_code_generation"], state["functions"][0]["type"]) == (1, "staff_member")
    (told,) = await two.mails("RequestDecidedMail")
    assert (told["recipient_id"], told["outcome"]) == (str(two.firm.responsible.contact_id), "approve")


async def test_a_merge_gives_the_known_contact_what_was_asked_and_makes_no_other(two: Sides) -> None:
    known = await two.firm.contact("3000001")
    request_id = await _doubt(two, [known])
    before = len(await _contacts(two))
    for wrong in ({}, {"contact_id": str(await two.firm.contact("3000002"))}):
        refused = await two.decide(request_id, two.firm.agent, "merge", **wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "candidate_required")

    merged = await two.decide(request_id, two.firm.agent, "merge", contact_id=str(known), reason="already_a_contact")

    assert merged.json()["outcome"] == "merge" and len(await _contacts(two)) == before
    file = (await two.firm.client.get(f"/v1/contacts/{known}", headers=two.firm.responsible.headers)).json()
    assert {row["type"] for row in file["relations"] if row["active"]} == {"responsible_person", "staff_member"}


async def test_a_merge_with_another_organizations_contact_makes_one_with_the_same_number(two: Sides) -> None:
    elsewhere = await two.firm.contact("3000003")
    request_id = await _doubt(two, [elsewhere])
    assert (await two.decide(request_id, two.firm.agent, "merge", contact_id=str(elsewhere))).status_code == 200
    homes = await two.firm.opened.unit.pool.fetch(
        "select organization_id from contacts where client_number = '3000003'"
    )
    assert two.firm.firm_id in {row["organization_id"] for row in homes} and len(homes) == 2


async def test_candidates_show_to_agents_alone_and_a_review_is_not_the_organizations_to_decide(two: Sides) -> None:
    candidate = await two.firm.contact("3000003")
    request_id = await _doubt(two, [candidate])
    agents = (await two.show(request_id, two.firm.agent)).json()
    (shown,) = agents["asked"]["candidates"]
    assert (shown["contact_id"], shown["score"]) == (str(candidate), 12.5)
    ours = await two.show(request_id, two.firm.responsible.headers)
    assert str(candidate) not in ours.text and ours.json()["asked"]["person"]["family_name"] == "Douteuse"
    refused = await two.decide(request_id, two.firm.responsible.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")


async def test_a_returned_review_is_corrected_and_decided(two: Sides) -> None:
    request_id = await _doubt(two, [])
    early = await _correct(two, request_id, "addition")
    assert (early.status_code, early.json()["code"]) == (409, "request_not_returned")
    await two.decide(request_id, two.firm.agent, "return", reason="information_to_correct")
    unattested = await _correct(two, request_id, "addition", attestations=[])
    assert (unattested.status_code, unattested.json()["code"]) == (422, "attestation_missing")
    contact = {"family_name": "Certaine", "given_name": "Démo", "email": "certaine@laforce.example", "language": "en"}

    corrected = await _correct(two, request_id, "addition", contact=contact)

    assert (corrected.status_code, corrected.json()["state"]) == (200, "submitted")
    assert (await two.decide(request_id, two.firm.agent)).status_code == 200
    assert "Certaine" in [found["family_name"] for found in await _contacts(two)]


async def test_a_returned_proposal_is_corrected_told_again_and_approved(two: Sides) -> None:
    request_id = await two.proposed()
    returned = await two.decide(request_id, two.employer.headers, "return", reason="subjects_to_correct")
    assert returned.json()["state"] == "returned"
    (told,) = await two.mails("RequestDecidedMail")
    assert (told["recipient_id"], told["outcome"]) == (str(two.firm.responsible.contact_id), "return")

    assert (await _correct(two, request_id, "representation")).status_code == 200
    await tell_waiting(two.firm.opened.unit)

    assert len(await two.mails("RequestReceivedMail")) == 2
    assert (await two.decide(request_id, two.employer.headers)).json()["outcome"] == "approve"
    rights = [event["subject"] for event in await two.firm.opened.published("RightAdded")]
    assert rights[-1] == "workforce"


async def test_whoever_a_correction_describes_is_compared_anew(two: Sides) -> None:
    zoe = {"family_name": "Démonstration", "given_name": "Zoé", "email": "zoe@example.org", "language": "fr"}
    known = (await two.firm.add_member(contact=zoe)).json()["contact_id"]
    request_id = await _doubt(two, [await two.firm.contact("3000002")])
    await two.decide(request_id, two.firm.agent, "return", reason="information_to_correct")

    assert (await _correct(two, request_id, "addition", contact=zoe)).status_code == 200

    shown = (await two.show(request_id, two.firm.agent)).json()["asked"]
    assert [candidate["contact_id"] for candidate in shown["candidates"]] == [known]


async def test_who_manages_no_more_corrects_nothing_in_the_organizations_name(two: Sides) -> None:
    request_id = await two.proposed()
    await two.decide(request_id, two.employer.headers, "return", reason="subjects_to_correct")
    attestations = await two.firm.attestations("representation")
    await two.firm.opened.unit.pool.execute(
        "update relations set type = 'staff_member' where holder_id = $1", two.firm.responsible.contact_id
    )
    refused = await _correct(two, request_id, attestations=attestations)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert (await two.show(request_id, two.employer.headers)).json()["state"] == "returned"


async def test_a_proposal_describes_no_person(two: Sides) -> None:
    request_id = await two.proposed()
    await two.decide(request_id, two.employer.headers, "return", reason="subjects_to_correct")
    contact = {"family_name": "Personne", "given_name": "Démo", "email": "personne@laforce.example", "language": "en"}
    refused = await _correct(two, request_id, "representation", contact=contact)
    assert (refused.status_code, refused.json()["fields"]) == (422, ["contact"])


async def _correct(two: Sides, request_id: str, form: str = "representation", **changes: Any) -> httpx.Response:
    headers = two.firm.responsible.headers
    etag = (await two.show(request_id, headers)).headers["etag"]
    ticked = changes.pop("attestations", None)
    body = {
        "subjects": [{"subject": "workforce", "level": "read"}],
        "attestations": await two.firm.attestations(form) if ticked is None else ticked,
    }
    return await two.firm.client.post(
        f"/v1/requests/{request_id}/submission", json=body | changes, headers=headers | {"If-Match": etag}
    )


async def test_what_an_old_request_said_of_a_person_is_erased(two: Sides) -> None:
    request_id = await _doubt(two, [])
    await two.decide(request_id, two.firm.agent, "reject", reason="already_a_contact")
    await erase_persons(two.firm.opened.unit)
    assert (await two.show(request_id, two.firm.responsible.headers)).json()["asked"]["person"] is not None

    await two.firm.opened.unit.pool.execute(
        "update requests set settled_at = now() - interval '91 days' where request_id = $1", UUID(request_id)
    )
    await erase_persons(two.firm.opened.unit)
    assert (await two.show(request_id, two.firm.responsible.headers)).json()["asked"]["person"] is None


async def test_the_last_who_may_manage_is_offered_to_name_a_successor(firm: Firm) -> None:
    refused = await firm.remove(firm.responsible.contact_id)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "last_manager")
    assert (problem["next"]["code"], problem["next"]["href"]) == (
        "name_successor", f"/v1/organizations/{firm.firm_id}/contacts",
    )  # fmt: skip
    assert problem["next"]["detail"].startswith("Nommez d’abord")


async def test_of_two_who_remove_each_other_at_once_one_stays(firm: Firm) -> None:
    other = await firm.link(UUID((await firm.add_member(type="administrator")).json()["contact_id"]))
    body = {"scope": "all", "attestations": await firm.attestations("removal")}
    answers = await asyncio.gather(
        firm.client.post(f"/v1/contacts/{other.contact_id}/removals", json=body, headers=firm.responsible.headers),
        firm.client.post(f"/v1/contacts/{firm.responsible.contact_id}/removals", json=body, headers=other.headers),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    moment = firm.opened.tools.moment(datetime.now(UTC))
    managing = await firm.opened.unit.pool.fetchval(
        "select count(*) from relations where organization_id = $1 and type = any($2::text[]) and ended_at is null"
        " and through is null and upper_inf(recorded) and valid @> $3::date",
        firm.firm_id, firm.opened.tools.managing_types, moment.day,
    )  # fmt: skip
    assert managing == 1


async def test_an_organization_whose_managers_ran_out_goes_to_an_agent_once(two: Sides) -> None:
    await seek_managers(two.firm.opened.unit)
    assert (await two.firm.client.get("/v1/requests", headers=two.firm.agent)).json()["total"] == 0
    yesterday = two.firm.opened.tools.moment(datetime.now(UTC)).day - timedelta(days=1)
    await two.firm.opened.unit.pool.execute(
        "update relations set valid = daterange(lower(valid), $2, '[]') where holder_id = $1",
        two.employer.contact_id, yesterday,
    )  # fmt: skip

    await asyncio.gather(*[seek_managers(two.firm.opened.unit) for _ in range(3)])

    (row,) = (await two.firm.client.get("/v1/requests", headers=two.firm.agent)).json()["items"]
    assert (row["reason"], row["organization"]["name"]) == ("unmanaged", "CHARPENTES DÉMO INC.")
    request_id = row["request_id"]
    firms = str(two.firm.responsible.contact_id)
    for nobody in ({}, {"contact_id": firms}):  # a contact of another organization manages this one no more than none
        refused = await two.decide(request_id, two.firm.agent, **nobody)
        assert (refused.status_code, refused.json()["code"]) == (422, "candidate_required")
    named = await two.decide(request_id, two.firm.agent, contact_id=str(two.employer.contact_id))
    assert named.status_code == 200, named.text
    assert (await two.grant()).status_code == 201  # somebody manages again
    await seek_managers(two.firm.opened.unit)
    assert (await two.firm.client.get("/v1/requests", headers=two.firm.agent)).json()["total"] == 0


async def test_an_organization_that_nobody_manages_is_asked_about_anew_when_no_agent_decided_in_time(
    two: Sides,
) -> None:
    unit, agent = two.firm.opened.unit, two.firm.agent
    today = two.firm.opened.tools.moment(datetime.now(UTC)).day
    await unit.pool.execute(
        "update relations set valid = daterange(lower(valid), $2, '[]') where holder_id = $1",
        two.employer.contact_id, today - timedelta(days=1),
    )  # fmt: skip
    await seek_managers(unit)
    await unit.pool.execute("update requests set lapses_on = $1", today - timedelta(days=1))
    await lapse_overdue(unit)
    assert (await two.firm.client.get("/v1/requests", headers=agent)).json()["total"] == 0
    for _ in range(2):
        await seek_managers(unit)
    (row,) = (await two.firm.client.get("/v1/requests", headers=agent)).json()["items"]
    assert (row["reason"], row["organization"]["name"]) == ("unmanaged", "CHARPENTES DÉMO INC.")
    rejected = await two.decide(row["request_id"], agent, "reject", reason="not_established")
    assert rejected.status_code == 200, rejected.text
    await seek_managers(unit)  # an agent has looked, and said no
    assert (await two.firm.client.get("/v1/requests", headers=agent)).json()["total"] == 0
