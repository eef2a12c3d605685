"""A first person who came by a claim is replaced: by whoever asks to be let in, and with the links that were made."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.authorizations.tests.claiming import NUMBER, OFFICE, Claims, claims
from services.authorizations.tests.conftest import Someone, bring_in
from tests.fixtures.gateway import AGENTS, OpenService


@pytest.fixture
async def world(open_service: OpenService, tmp_path: Path) -> Claims:
    return await claims(open_service, tmp_path)


@pytest.fixture
async def stranger(world: Claims) -> Someone:
    return await world.administrator()


async def replace(world: Claims, someone: Someone, **body: Any) -> httpx.Response:
    return await world.client.post(
        f"/v1/organizations/{world.employer_id}/administrators/{someone.contact_id}/replacement",
        json={"reason": "contested"} | body,
        headers=world.agent,
    )


async def managers(world: Claims) -> set[str]:
    """Of whom the newest state says that they manage."""
    states = {state["contact_id"]: state for state in await world.told("Contact")}
    return {contact_id for contact_id, state in states.items() if state["manages"]}


async def test_whoever_asks_is_put_in_place_in_the_same_act_though_the_stranger_had_blocked_them(
    world: Claims, stranger: Someone
) -> None:
    true_one = await world.account("Vraie")
    request_id = await world.request_of(await world.claim(true_one, proven=True))
    blocked = await world.client.post(
        f"/v1/organizations/{world.employer_id}/blocks",
        json={"account_id": str(true_one)},
        headers=stranger.headers,
    )
    assert blocked.status_code == 201, blocked.text

    previewed = await replace(world, stranger, request_id=str(request_id), preview=True)
    assert previewed.status_code == 200, previewed.text
    assert await world.contact_of(true_one) is None and await managers(world) == {str(stranger.contact_id)}
    before = len(await world.told("AdministratorsChangedMail"))
    done = await replace(world, stranger, request_id=str(request_id))

    assert done.status_code == 200, done.text
    assert done.json() == previewed.json() | {"preview": False}
    successor = await world.as_contact(true_one)
    assert await managers(world) == {str(successor.contact_id)}
    assert await world.check(true_one, "clearance_letter", "write")
    assert not await world.check(stranger.account_id, "clearance_letter")
    shown = (await world.show(request_id, world.headers(true_one))).json()
    assert (shown["state"], shown["outcome"]) == ("decided", "approve")
    told = (await world.told("AccessDecidedMail"))[-1]
    assert (told["recipient_id"], told["outcome"], told["function"]) == (
        str(true_one), "approve", "access_administrator"
    )  # fmt: skip
    appointed, decided = (await world.told("AdministratorAppointed"))[-1], (await world.told("RequestDecided"))[-1]
    assert appointed["claim_id"] == decided["claim_id"] is not None
    assert [mail["recipient_id"] for mail in await world.told("AccessWithdrawnMail")] == [str(stranger.contact_id)]
    changed = [(m["recipient_id"], m["change"]) for m in (await world.told("AdministratorsChangedMail"))[before:]]
    office = str(world.employer_id)
    assert sorted(changed) == sorted(
        [(office, "appointed"), (office, "released"), (str(successor.contact_id), "released")]
    )
    about = [mail["recipient_id"] for mail in await world.told("RequestDecidedMail")]
    assert str(stranger.contact_id) not in about
    again = await replace(world, stranger, request_id=str(request_id))
    assert again.json()["code"] == "request_not_pending"


async def test_a_request_that_another_agent_has_in_hand_is_refused_and_so_is_one_that_nobody_made(
    world: Claims, stranger: Someone
) -> None:
    request_id = await world.request_of(await world.claim(await world.account("Vraie"), proven=True))
    token = world.opened.issuer.sign({"iss": AGENTS.issuer, "sub": "agent-2", "name": "Autre agent"})
    other = {"Authorization": f"Bearer {token}"}
    assert (await world.client.post(f"/v1/requests/{request_id}/claim", headers=other)).status_code == 200
    held = await replace(world, stranger, request_id=str(request_id))
    assert (held.status_code, held.json()["code"]) == (409, "request_held")
    assert await managers(world) == {str(stranger.contact_id)}
    unknown = await replace(world, stranger, request_id=str(uuid4()))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def a_known_worker(world: Claims, folder: Path) -> UUID:
    """A contact whom the agency has had on file, and who is linked to nobody."""
    line = {
        "organization": {
            "kind": "employer", "number": NUMBER, "legal_name": "GLACE ET SEL LTÉE", "trade_names": [],
            "status": "active", "email": OFFICE, "language": "fr",
        },
        "contacts": [
            {
                "client_number": "4000077", "family_name": "Ancienne", "given_name": "Démo", "language": "fr",
                "email": "ancienne@glace.example", "telephones": [],
                "relations": [{"type": "worker", "starts_on": "2026-01-05",
                               "subjects": [{"subject": "payments", "level": "write"}]}],
            }
        ],
    }  # fmt: skip
    extract = folder / "worker.ndjson"
    extract.write_text(json.dumps(line), encoding="utf-8")
    assert (await bring_in(world.opened.unit, extract)).rejected == 0
    found: UUID = await world.opened.unit.pool.fetchval(
        "select contact_id from contacts where client_number = '4000077'"
    )
    return found


async def test_the_link_that_the_strangers_merge_made_ends_and_the_file_keeps_what_it_had(
    world: Claims, stranger: Someone, tmp_path: Path
) -> None:
    file_id = await a_known_worker(world, tmp_path)
    accomplice = await world.account("Complice")
    request_id = await world.request_of(await world.claim(accomplice))
    merged = await world.decide(request_id, stranger.headers, "merge", contact_id=str(file_id))
    assert merged.status_code == 200, merged.text
    assert await world.check(accomplice, "payments", "write")
    true_one = await world.request_of(await world.claim(await world.account("Vraie"), proven=True))

    done = await replace(world, stranger, request_id=str(true_one))

    assert done.status_code == 200, done.text
    [loser] = [row for row in done.json()["withdrawn"] if row["holder_id"] == str(file_id)]
    assert loser["unlinked"] and loser["relations"] == []
    assert not await world.check(accomplice, "payments")
    assert await world.contact_of(accomplice) is None
    state = [state for state in await world.told("Contact") if state["contact_id"] == str(file_id)][-1]
    assert state["ended_link_id"] == state["binding"]["link_id"]
    assert [function["type"] for function in state["functions"]] == ["worker"]
    assert await world.opened.unit.pool.fetchval("select count(*) from audit where action = 'link_ended'") == 1


async def test_there_is_somebody_who_manages_at_every_moment(world: Claims, stranger: Someone) -> None:
    """A claim that comes beside the replacement asks; it never finds the employer without anybody."""
    true_one = await world.request_of(await world.claim(await world.account("Vraie"), proven=True))
    comers = [await world.account(f"Autre {number}") for number in range(4)]

    replacing = asyncio.create_task(replace(world, stranger, request_id=str(true_one)))
    await asyncio.gather(*(world.claim(comer, proven=True) for comer in comers))

    done = await replacing
    assert done.status_code == 200, done.text
    assert len(await managers(world)) == 1
    for comer in comers:
        assert await world.contact_of(comer) is None
