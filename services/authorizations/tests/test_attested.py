"""What was attested can be read again by both sides and by agents, in the words that were shown."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.authorizations.tests.asking import Sides, sides
from services.authorizations.tests.conftest import Firm


@pytest.fixture
async def two(firm: Firm, tmp_path: Path) -> Sides:
    return await sides(firm, tmp_path)


async def _read(firm: Firm, object_id: object, headers: dict[str, str]) -> httpx.Response:
    return await firm.client.get(f"/v1/attestations?object_id={object_id}", headers=headers)


async def _items(firm: Firm, object_id: object, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = await _read(firm, object_id, headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_both_sides_and_agents_read_what_was_attested_of_a_request(two: Sides) -> None:
    request_id = await two.proposed()
    ticked = [(a["code"], a["version"]) for a in await two.firm.attestations("representation")]

    for headers in (two.firm.responsible.headers, two.employer.headers, two.firm.agent):
        items = await _items(two.firm, request_id, headers)
        assert [(item["code"], item["version"]) for item in items] == ticked
        assert all(item["language"] == "fr" and item["text"].startswith("J’atteste") for item in items)


async def test_no_form_takes_effect_without_the_statements_that_belong_to_it(two: Sides) -> None:
    firm, nothing = two.firm, dict[str, Any](attestations=[])
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    proposed = await two.propose(**nothing)
    granted = (await two.grant()).json()["relation_id"]
    read = {"subjects": [{"subject": "profile", "level": "read"}]}
    delegated = await firm.delegate(
        member.contact_id, two.employer_id, subjects=[{"subject": "monthly_report", "level": "read"}]
    )
    before = await firm.opened.published()
    rights = f"/v1/relations/{delegated.json()['relation_id']}/rights"
    refused = [
        proposed,
        await firm.delegate(member.contact_id, client_id, **nothing),
        await firm.client.post(rights, json=read | nothing, headers=firm.responsible.headers),
        await firm.remove(member.contact_id, **nothing),
        await two.end(granted, two.employer.headers, **nothing),
        await two.end(granted, firm.responsible.headers, **nothing),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(422, "attestation_missing")}
    assert await firm.opened.published() == before


async def test_who_ticked_is_named_to_its_own_side_and_to_agents_alone(two: Sides) -> None:
    granted = (await two.grant()).json()["relation_id"]
    assert {item["by"] for item in await _items(two.firm, granted, two.employer.headers)} == {"Démo Personne"}
    assert {item["by"] for item in await _items(two.firm, granted, two.firm.agent)} == {"Démo Personne"}
    theirs = await _items(two.firm, granted, two.firm.responsible.headers)
    assert {(item["by"], item["contact_id"]) for item in theirs} == {(None, None)}


async def test_strangers_and_members_read_nothing_and_an_unknown_object_says_the_same(two: Sides) -> None:
    added = UUID((await two.firm.add_member()).json()["contact_id"])
    member = await two.firm.link(added)
    for headers, object_id in (
        (two.employer.headers, added),
        (member.headers, added),
        (two.firm.responsible.headers, uuid4()),
        (two.firm.agent, uuid4()),
    ):
        refused = await _read(two.firm, object_id, headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_a_look_by_an_agent_is_audited_in_the_file_and_not_in_that_of_who_gave_a_number(two: Sides) -> None:
    request_id = await two.proposed()
    await _items(two.firm, request_id, two.firm.agent)
    looks = await two.firm.opened.unit.pool.fetch(
        "select organization_id, object_id from audit where action = 'attestations_viewed'"
    )
    assert [(row["organization_id"], str(row["object_id"])) for row in looks] == [(two.employer_id, request_id)]


async def test_who_granted_a_right_is_shown_to_those_who_manage_and_not_to_its_holder(firm: Firm) -> None:
    member = await firm.member()
    path = f"/v1/contacts/{member.contact_id}"
    (relation,) = (await firm.client.get(path, headers=firm.responsible.headers)).json()["relations"]
    (granted,) = [right["granted"] for right in relation["rights"]]
    assert (granted["by"]["name"], granted["by"]["id"], granted["request_id"]) == ("Démo Personne", None, None)
    (relation,) = (await firm.client.get(path, headers=member.headers)).json()["relations"]
    assert [right["granted"] for right in relation["rights"]] == [None]
