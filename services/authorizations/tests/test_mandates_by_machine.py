"""A machine may approve in an agent's place where the data say so, and nothing is doubtful; by default none does."""

import shutil
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from services.authorizations.deciding.chores import approve_mandates
from services.authorizations.tests.mandating import AGENCY, Practices, practices
from tests.fixtures.gateway import OpenService


@pytest.fixture
async def world(open_service: OpenService, tmp_path: Path) -> Practices:
    folder = tmp_path / AGENCY.name
    shutil.copytree(AGENCY, folder)
    rules = (folder / "mandates.yaml").read_text(encoding="utf-8")
    off = "machine: {approves: false}"
    assert off in rules
    on = "machine: {approves: true, services: [online_billing]}"
    (folder / "mandates.yaml").write_text(rules.replace(off, on), encoding="utf-8")
    return await practices(open_service, agency=folder)


async def test_by_default_no_machine_approves_anything(open_service: OpenService) -> None:
    world = await practices(open_service)
    mandate_id = await world.complete_one()
    assert await approve_mandates(world.opened.unit) is None
    assert (await world.show(mandate_id))["state"] == "submitted"


async def test_what_leaves_nothing_to_judge_is_approved_by_the_platform_by_name(world: Practices) -> None:
    mandate_id = await world.complete_one()
    await approve_mandates(world.opened.unit)
    seen = await world.show(mandate_id)
    assert (seen["outcome"], seen["given"]["in_force"]) == ("approve", True)
    request = (await world.client.get(f"/v1/requests/{mandate_id}", headers=world.agent)).json()
    assert (request["settled_by"]["kind"], request["settled_by"]["name"]) == ("service", "La plateforme")
    [decided] = await world.opened.published("RequestDecided")
    assert (decided["decided_by"], decided["outcome"]) == ("platform", "approve")
    rules = await world.opened.unit.pool.fetch("select rule from audit where action = 'mandate_approved'")
    assert [row["rule"] for row in rules] == ["machine:online_billing"]


async def test_what_it_may_not_or_must_not_judge_it_leaves_to_agents_and_looks_at_once(world: Practices) -> None:
    other = await world.complete_one(service="account_statements")
    held = await world.complete_one()
    assert (await world.client.post(f"/v1/requests/{held}/claim", headers=world.agent)).status_code == 200
    alike = {
        "family_name": "Praticienne",
        "given_name": "Démo",
        "email": f"{uuid4().hex}@example.org",
        "language": "fr",
    }
    doubtful = await world.complete_one(delegate=alike)
    for _ in range(2):
        await approve_mandates(world.opened.unit)
    for mandate_id in (other, held, doubtful):
        assert (await world.show(mandate_id))["state"] == "submitted"
    left = await world.opened.unit.pool.fetch(
        "select object_id, detail from audit where action = 'mandate_left_to_agents'"
    )
    assert [(row["object_id"], row["detail"]["doubt"]) for row in left] == [(UUID(doubtful), "duplicate")]
    assert (await world.decide(doubtful)).status_code == 200


async def test_neither_what_a_closed_account_signed_nor_a_shared_address_is_approved_by_it(world: Practices) -> None:
    shared = await world.complete_one(email="partagee@example.org")
    await world.follow(email="partagee@example.org")
    await approve_mandates(world.opened.unit)
    closed = await world.complete_one()
    await world.follow(world.physician.account_id, status="deactivated")
    await approve_mandates(world.opened.unit)
    requests = await world.opened.unit.pool.fetch("select state from requests where kind = 'mandate'")
    assert [row["state"] for row in requests] == ["submitted"] * 2
    left = await world.opened.unit.pool.fetch(
        "select object_id, detail from audit where action = 'mandate_left_to_agents'"
    )
    assert {str(row["object_id"]): row["detail"]["doubt"] for row in left} == {
        shared: "delegate_address_shared",
        closed: "mandate_not_upheld",
    }
