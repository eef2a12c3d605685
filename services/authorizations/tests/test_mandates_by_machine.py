"""A machine may approve in an agent's place where the data say so, and nothing is doubtful; by default none does."""

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.authorizations.deciding.by_machine import approve_by_rule, to_look_at
from services.authorizations.deciding.chores import approve_mandates
from services.authorizations.tests.conftest import TEST
from services.authorizations.tests.mandating import AGENCY, Practices, practices
from services.authorizations.tests.test_attachments import PDF
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


async def doubts(world: Practices) -> list[tuple[UUID, str]]:
    """What the machine left to agents, and why."""
    rows = await world.opened.unit.pool.fetch(
        "select object_id, detail from audit where action = 'mandate_left_to_agents' order by id"
    )
    return [(row["object_id"], row["detail"]["doubt"]) for row in rows]


def service_without(world: Practices, **changes: Any) -> None:
    """The agency's data say something else of the service by now."""
    tools = world.opened.unit.tools
    rules = tools.agency.mandates
    assert rules is not None
    services = tuple(
        service.model_copy(update=changes) if service.subject == "online_billing" else service
        for service in rules.services
    )
    mandates = rules.model_copy(update={"services": services})
    world.opened.unit = replace(
        world.opened.unit, tools=replace(tools, agency=replace(tools.agency, mandates=mandates))
    )  # fmt: skip


async def no_such_profession(world: Practices, mandate_id: str) -> None:
    service_without(world, professions=("dentist",))


async def no_such_role(world: Practices, mandate_id: str) -> None:
    service_without(world, roles=("billing_clerk",))


async def no_such_service(world: Practices, mandate_id: str) -> None:
    service_without(world, subject="eligibility_check_of_before")


async def left_the_profession(world: Practices, mandate_id: str) -> None:
    await world.opened.unit.pool.execute(
        "update relations set ended_at = now() where holder_id = $1", world.physician.contact_id
    )


@pytest.mark.parametrize("since", [no_such_profession, no_such_role, no_such_service, left_the_profession])
async def test_who_may_not_mandate_or_be_mandated_any_more_is_left_to_agents(
    world: Practices, since: Callable[[Practices, str], Awaitable[None]]
) -> None:
    mandate_id = await world.complete_one()
    await since(world, mandate_id)
    await approve_mandates(world.opened.unit)
    assert (await world.show(mandate_id, world.agent))["state"] == "submitted"
    assert await doubts(world) == [(UUID(mandate_id), "not_eligible")]


async def of_a_function(world: Practices, mandate_id: str) -> None:
    await address(world, mandate_id, "delegate", "info@cabinet.example")


async def of_the_professional(world: Practices, mandate_id: str) -> None:
    await address(world, mandate_id, "professional", "secretariat@cabinet.example")


async def of_nobody(world: Practices, mandate_id: str) -> None:
    await address(world, mandate_id, "delegate", None)


async def of_the_other_side(world: Practices, mandate_id: str) -> None:
    for side in ("professional", "delegate"):
        await address(world, mandate_id, side, "ensemble@example.org")


async def address(world: Practices, mandate_id: str, side: str, email: str | None) -> None:
    """The address of a side is another one, by hand."""
    changed = await world.opened.unit.pool.execute(
        "update personal_fields set email = $3 where owner_id ="
        " (select side_id from mandate_sides where request_id = $1 and side = $2)",
        UUID(mandate_id), side, email,
    )  # fmt: skip
    assert changed == "UPDATE 1"


ADDRESSES = {
    of_a_function: "delegate_address_shared",
    of_the_professional: "professional_address_shared",
    of_nobody: "incomplete",
    of_the_other_side: "professional_address_shared",
}


@pytest.mark.parametrize(("which", "doubt"), ADDRESSES.items())
async def test_an_address_that_may_be_read_by_others_is_left_to_agents(
    world: Practices, which: Callable[[Practices, str], Awaitable[None]], doubt: str
) -> None:
    mandate_id = await world.complete_one()
    await which(world, mandate_id)
    await approve_mandates(world.opened.unit)
    assert (await world.show(mandate_id))["state"] == "submitted"
    assert await doubts(world) == [(UUID(mandate_id), doubt)]


async def test_a_paper_is_looked_at_by_people_alone(world: Practices) -> None:
    pool, headers = world.opened.unit.pool, world.agent
    organization_id = await pool.fetchval(
        "select organization_id from contacts where contact_id = $1", world.physician.contact_id
    )
    scan = await world.client.post(
        "/v1/attachments", params={"organization_id": str(organization_id)}, content=PDF,
        headers=headers | {"Content-Type": "application/pdf"},
    )  # fmt: skip
    paper = world.wanted() | {
        "organization_id": str(organization_id), "professional_id": str(world.physician.contact_id),
        "professional_email": "praticienne@example.org", "attachment_id": scan.json()["attachment_id"],
        "received_on": str(world.today),
    }  # fmt: skip
    entered = await world.client.post("/v1/paper-mandates", json=paper, headers=headers)
    assert entered.status_code == 201, entered.text
    mandate_id = entered.json()["mandate_id"]
    await world.verify(mandate_id, "professional", "praticienne@example.org")
    assert await world.verify(mandate_id, "delegate", paper["delegate"]["email"])
    await approve_mandates(world.opened.unit)
    assert (await world.show(mandate_id))["state"] == "submitted"
    assert await doubts(world) == [(UUID(mandate_id), "incomplete")]


async def test_what_one_side_has_not_signed_or_confirmed_is_no_mandate_for_a_machine_either(world: Practices) -> None:
    unsigned, unverified = await world.asked(), await world.asked()
    await world.sign(unsigned, "professional")
    for side in ("professional", "delegate"):
        await world.verify(unsigned, side, f"{uuid4().hex}@example.org")
        await world.sign(unverified, side)
    await world.verify(unverified, "professional", f"{uuid4().hex}@example.org")
    unit = world.opened.unit
    assert await to_look_at(unit, 10) == []
    for mandate_id in (unsigned, unverified):  # and were it looked at all the same
        await unit.run(approve_by_rule, UUID(mandate_id), TEST)
        seen = await world.show(mandate_id)
        assert (seen["state"], seen["given"]) == ("signing", None)
    assert await doubts(world) == []
    assert await unit.pool.fetchval("select count(*) from mandates where looked_at_version is not null") == 0


@pytest.mark.parametrize(
    "lost",
    [
        "address_state = 'none', verified_at = null",
        "address_state = 'refused', address_reason = 'judged', verified_at = null",
        "signed_version = null, signed_at = null",
        "signed_version = 0",
    ],
)
@pytest.mark.parametrize("side", ["professional", "delegate"])
async def test_what_lacks_something_in_the_queue_is_approved_by_nobody(world: Practices, side: str, lost: str) -> None:
    mandate_id = await world.complete_one()
    await world.opened.unit.pool.execute(
        f"update mandate_sides set {lost} where request_id = $1 and side = $2", UUID(mandate_id), side
    )
    await approve_mandates(world.opened.unit)
    assert await doubts(world) == [(UUID(mandate_id), "incomplete")]
    refused = await world.decide(mandate_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "request_not_pending")
    assert (await world.show(mandate_id))["state"] == "submitted"


async def test_what_agents_have_returned_once_or_refused_an_address_of_stays_with_agents(world: Practices) -> None:
    judged, returned = await world.complete_one(), await world.complete_one()
    asked = await world.act(judged, "address-requests", world.agent, side="delegate")
    assert asked.status_code == 204, asked.text
    await world.verify(judged, "delegate", f"{uuid4().hex}@example.org")
    assert (await world.decide(returned, "return", reason="mandate_to_correct")).status_code == 200
    seen = await world.client.get(f"/v1/mandates/{returned}", headers=world.physician.headers)
    headers = world.physician.headers | {"If-Match": seen.headers["etag"]}
    corrected = await world.act(returned, "correction", headers, **world.wanted())
    assert corrected.status_code == 200, corrected.text
    for side in ("professional", "delegate"):
        await world.sign(returned, side)
    await world.verify(returned, "delegate", f"{uuid4().hex}@example.org")
    await approve_mandates(world.opened.unit)
    for mandate_id in (judged, returned):
        assert (await world.show(mandate_id))["state"] == "submitted"
    left = await world.opened.unit.pool.fetch("select detail from audit where action = 'mandate_left_to_agents'")
    assert [row["detail"]["doubt"] for row in left] == ["with_agents_before"] * 2
