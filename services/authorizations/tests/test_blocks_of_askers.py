"""Somebody who only asked for access is kept out by the request: blocked and denied in one act."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.linking import OrganizationClaimed
from services.authorizations.tests.claiming import Claims, claims
from services.authorizations.tests.conftest import Someone
from tests.fixtures.gateway import OpenService


@pytest.fixture
async def world(open_service: OpenService, tmp_path: Path) -> Claims:
    return await claims(open_service, tmp_path)


@pytest.fixture
async def manager(world: Claims) -> Someone:
    return await world.administrator()


@pytest.fixture
async def asked(world: Claims, manager: Someone) -> OrganizationClaimed:
    return await world.claim(await world.account("Ida"))


async def keep_out(world: Claims, headers: dict[str, str], **named: Any) -> httpx.Response:
    path = f"/v1/organizations/{world.employer_id}/blocks"
    return await world.client.post(path, json={name: str(value) for name, value in named.items()}, headers=headers)


async def test_who_asked_is_kept_out_by_the_request_which_is_denied_in_the_same_act_with_its_mail(
    world: Claims, manager: Someone, asked: OrganizationClaimed
) -> None:
    request_id = await world.request_of(asked)
    assert not (await world.show(request_id, manager.headers)).json()["asked"]["blocked"]

    made = await keep_out(world, manager.headers, request_id=request_id, reason="misuse_suspected")

    assert made.status_code == 201, made.text
    shown = (await world.show(request_id, manager.headers)).json()
    assert (shown["state"], shown["outcome"], shown["asked"]["blocked"]) == ("decided", "reject", True)
    listed = await world.client.get(f"/v1/organizations/{world.employer_id}/blocks", headers=manager.headers)
    [block] = listed.json()["items"]
    assert (block["block_id"], block["name"], block["contact_id"]) == (made.json()["block_id"], "Ida Exemple", None)
    told = str(asked.account_id)
    assert [(m["recipient_id"], m["outcome"]) for m in await world.told("AccessDecidedMail")][-1] == (told, "reject")
    assert [m["recipient_id"] for m in await world.told("AccessBlockedMail")] == [told]
    [decided] = await world.told("RequestDecided")
    assert (decided["claim_id"], decided["outcome"]) == (str(asked.claim_id), "reject")
    own = (await world.show(request_id, world.headers(asked.account_id))).json()
    assert (own["outcome"], own["asked"]["blocked"]) == ("reject", None)
    again = await world.claim(asked.account_id)
    assert [refused["claim_id"] for refused in await world.told("ClaimRefused")] == [str(again.claim_id)]


async def test_once_the_block_is_lifted_the_person_may_ask_again(
    world: Claims, manager: Someone, asked: OrganizationClaimed
) -> None:
    made = await keep_out(world, manager.headers, request_id=await world.request_of(asked))
    path = f"/v1/organizations/{world.employer_id}/blocks/{made.json()['block_id']}"
    assert (await world.client.delete(path, headers=manager.headers)).status_code == 204
    again = await world.claim(asked.account_id)
    approved = await world.decide(await world.request_of(again), manager.headers)
    assert approved.status_code == 200, approved.text


async def test_who_is_kept_out_as_an_account_is_denied_what_they_ask_too(
    world: Claims, manager: Someone, asked: OrganizationClaimed
) -> None:
    made = await keep_out(world, world.agent, account_id=asked.account_id, reason="misuse_suspected")
    assert made.status_code == 201, made.text
    assert (await world.show(await world.request_of(asked), world.agent)).json()["outcome"] == "reject"


async def test_a_manager_keeps_nobody_out_by_a_request_that_is_not_theirs_to_decide(
    world: Claims, manager: Someone, asked: OrganizationClaimed
) -> None:
    request_id = await world.request_of(asked)
    for unknown in (uuid4(), await elsewhere(world, request_id)):
        refused = await keep_out(world, manager.headers, request_id=unknown)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    both = await keep_out(world, manager.headers, request_id=request_id, account_id=asked.account_id)
    assert (both.status_code, both.json()["code"]) == (422, "invalid_request")
    assert (await world.decide(request_id, manager.headers, "reject", reason="not_with_us")).status_code == 200
    late = await keep_out(world, manager.headers, request_id=request_id)
    assert (late.status_code, late.json()["code"]) == (409, "request_not_pending")
    assert await world.told("ContactBlocked") == []


async def elsewhere(world: Claims, request_id: UUID) -> UUID:
    """A request that waits for agents."""
    claimed = await world.claim(await world.account("Noa"))
    found = await world.request_of(claimed)
    await world.opened.unit.pool.execute("update requests set decider = 'agents' where request_id = $1", found)
    return found


async def test_a_request_that_an_agent_has_in_hand_is_left_to_the_agent(
    world: Claims, manager: Someone, asked: OrganizationClaimed
) -> None:
    request_id = await world.request_of(asked)
    claimed = await world.client.post(f"/v1/requests/{request_id}/claim", headers=world.agent)
    assert claimed.status_code == 200, claimed.text
    refused = await keep_out(world, manager.headers, request_id=request_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "request_held")
    made = await keep_out(world, manager.headers, account_id=asked.account_id)
    assert made.status_code == 201, made.text
    shown = (await world.show(request_id, world.agent)).json()
    assert (shown["state"], shown["asked"]["blocked"]) == ("submitted", True)
