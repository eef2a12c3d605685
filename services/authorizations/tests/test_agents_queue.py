"""What agents find: an organization by number or name, what waits for them, and what waits with an organization."""

import json
from pathlib import Path
from typing import Any

import pytest

from chassis.service import openapi
from services.authorizations.app import service
from services.authorizations.tests.claiming import NUMBER, Claims, claims
from services.authorizations.tests.conftest import Firm, Someone
from tests.fixtures.gateway import OpenService


@pytest.fixture
async def world(open_service: OpenService, tmp_path: Path) -> Claims:
    return await claims(open_service, tmp_path)


async def queue(world: Claims, **filters: Any) -> list[tuple[str, str]]:
    """Who decides and the state of each request that an agent lists."""
    answer = await world.client.get("/v1/requests", params=filters, headers=world.agent)
    assert answer.status_code == 200, answer.text
    return [(row["decider"], row["state"]) for row in answer.json()["items"]]


@pytest.fixture
async def waiting(world: Claims) -> Someone:
    """One request waits for agents, since nobody managed then; one with the organization. Who manages it now."""
    await world.claim(await world.account("Tôt"))
    manager = await world.administrator()
    await world.opened.unit.pool.execute("update requests set decider = 'agents'")
    await world.claim(await world.account("Tard"))
    return manager


async def test_agents_see_what_waits_for_them_and_list_what_waits_with_organizations(
    world: Claims, waiting: Someone
) -> None:
    assert await queue(world) == [("agents", "submitted")]
    assert await queue(world, decider="organization") == [("organization", "submitted")]
    assert await queue(world, decider="any") == [("agents", "submitted"), ("organization", "submitted")]
    mine = (await world.client.get("/v1/requests?decider=any", headers=world.agent)).json()["items"]
    assert [row["mine_to_decide"] for row in mine] == [True, True]


async def test_what_is_open_in_one_organization_stands_in_one_place_and_what_ended_is_listed_on_request(
    world: Claims, waiting: Someone
) -> None:
    here = world.employer_id
    assert await queue(world, organization_id=here) == [("agents", "submitted"), ("organization", "submitted")]
    assert await queue(world, organization_id=here, decider="organization") == [("organization", "submitted")]
    assert await queue(world, organization_id=waiting.contact_id) == []
    [_, second] = (await world.client.get(f"/v1/requests?organization_id={here}", headers=world.agent)).json()["items"]
    rejected = await world.decide(second["request_id"], waiting.headers, "reject", reason="not_with_us")
    assert rejected.status_code == 200, rejected.text
    assert await queue(world, organization_id=here) == [("agents", "submitted")]
    assert await queue(world, organization_id=here, state="any") == [
        ("agents", "submitted"), ("organization", "decided"),
    ]  # fmt: skip


async def test_a_look_at_one_organizations_requests_stands_in_its_audit(world: Claims, waiting: Someone) -> None:
    await queue(world, organization_id=world.employer_id)
    audit = await world.client.get(f"/v1/organizations/{world.employer_id}/audit", headers=waiting.headers)
    assert "queue_viewed" in {entry["action"] for entry in audit.json()["items"]}


def test_the_filters_are_described_with_their_values() -> None:
    document = json.loads(openapi(service))
    described = {
        parameter["name"]: parameter for parameter in document["paths"]["/v1/requests"]["get"]["parameters"]
    }  # fmt: skip
    assert {"decider", "organization_id", "kind", "state"} <= set(described)
    assert "any" in str(described["decider"]["schema"]) and "any" in str(described["state"]["schema"])
    assert all(described[name]["description"] for name in ("decider", "organization_id", "kind", "state"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("glace et sel", True), ("GLACÉ", True), ("sel glace", True), ("marche polaire", True), ("lte", True),
        ("glace%", False), ("gl_ce", False), ("neige", False),
    ],
)  # fmt: skip
async def test_agents_find_an_organization_by_words_of_its_legal_or_trade_names_without_accents(
    world: Claims, name: str, found: bool
) -> None:
    await world.opened.unit.pool.execute(
        "update personal_fields set trade_names = array['Le Marché Polaire'] where owner_id = $1", world.employer_id
    )
    answer = await world.client.get("/v1/organizations", params={"name": name}, headers=world.agent)
    assert answer.status_code == 200, answer.text
    assert [row["number"] for row in answer.json()["items"]] == ([NUMBER] if found else [])
    elsewhere = await world.client.get("/v1/organizations", params={"name": name, "kind": "x"}, headers=world.agent)
    assert elsewhere.json()["items"] == []


async def test_a_name_that_too_many_have_says_that_there_are_more_and_each_that_shows_is_audited(firm: Firm) -> None:
    pool = firm.opened.unit.pool
    await pool.execute(
        "with made as (insert into organizations (organization_id, kind, number)"
        " select gen_random_uuid(), 'employer', (8000000 + n)::text from generate_series(1, 51) n"
        " returning organization_id) insert into personal_fields (owner_id, legal_name, language)"
        " select organization_id, 'TOITURES EXEMPLE', 'fr' from made"
    )
    found = (await firm.client.get("/v1/organizations?name=toitures", headers=firm.agent)).json()
    assert (found["total"], found["more"]) == (50, True)
    noted = await pool.fetchval("select count(*) from audit where action = 'organization_viewed'")
    assert noted == 50
    few = (await firm.client.get("/v1/organizations?name=laforce", headers=firm.agent)).json()
    assert (few["total"], few["more"]) == (1, False)


async def test_a_number_or_a_name_is_given_and_only_by_agents(world: Claims) -> None:
    for query in ("", "?number=1&name=abc", "?name=ab"):
        refused = await world.client.get(f"/v1/organizations{query}", headers=world.agent)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request"), query
    person = world.headers(await world.account())
    refused = await world.client.get("/v1/organizations?name=glace", headers=person)
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_kind_of_caller")
