"""Whom the agency put beside a first person, who may be a stranger; and whom it only seems to have put there."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from chassis import keys
from chassis.sealing import Sealer
from contracts.notifications import InvitationContents
from services.authorizations.tests.claiming import Claims, claims
from services.authorizations.tests.conftest import Someone
from tests.fixtures.gateway import OpenService

ADMINISTRATOR = {"type": "access_administrator", "subjects": list[Any]()}
Tokens = Callable[[], Awaitable[list[str]]]


@pytest.fixture
async def world(open_service: OpenService, tmp_path: Path) -> Claims:
    return await claims(open_service, tmp_path)


@pytest.fixture
async def stranger(world: Claims) -> Someone:
    return await world.administrator()


@pytest.fixture
def tokens(world: Claims, keyring_folder: Path) -> Tokens:
    """The tokens of the invitations that were sent, oldest first; only notifications can open them."""
    sealer = Sealer(
        keys.read(keyring_folder / "notifications.json"), keys.read_public(keyring_folder / "public.json")
    )  # fmt: skip

    async def read() -> list[str]:
        return [
            sealer.open(mail["sealed"], InvitationContents).token for mail in await world.told("InvitationMail")
        ]  # fmt: skip

    return read


def at(world: Claims, path: str) -> str:
    return f"/v1/organizations/{world.employer_id}/{path}"


async def ticks(world: Claims, by: Someone, kind: str) -> list[dict[str, Any]]:
    """What the form asks to attest."""
    forms = (await world.client.get("/v1/forms", headers=by.headers)).json()["items"]
    return [
        {"code": a["code"], "version": a["version"]}
        for form in forms if form["kind"] == kind for a in form["attestations"]
    ]  # fmt: skip


async def looks_alike(world: Claims, by: Someone, type: str) -> dict[str, Any]:
    """Somebody adds Jean Complice, who looks like whoever was added by that name before."""
    person = {
        "family_name": "Complice", "given_name": "Jean", "email": f"{type}@example.org", "language": "en",
        "telephones": [{"kind": "mobile", "number": "+15145550777"}],
    }  # fmt: skip
    subjects = [{"subject": "payments", "level": "read"}]
    body = {"contact": person, "type": type, "subjects": subjects, "attestations": await ticks(world, by, "addition")}
    answer = await world.client.post(at(world, "contacts"), headers=by.headers, json=body)
    assert answer.status_code in (201, 202), answer.text
    return dict(answer.json())


async def decider_of(world: Claims, given_name: str = "Vraie") -> str:
    """Who is told to decide a proven claim."""
    await world.claim(await world.account(given_name), proven=True)
    return str((await world.told("RequestSubmitted"))[-1]["decider"])


async def test_whom_the_stranger_added_is_not_put_there_by_the_agent_who_only_said_that_it_is_somebody_new(
    world: Claims, stranger: Someone
) -> None:
    await looks_alike(world, stranger, "worker")
    request_id = (await looks_alike(world, stranger, "access_administrator"))["request_id"]
    assert (await world.decide(request_id, world.agent, "approve")).status_code == 200
    contact_id = await world.opened.unit.pool.fetchval(
        "select holder_id from relations where request_id = $1", UUID(request_id)
    )
    claimed = await world.claim(await world.account("Jean", family_name="Complice"))
    merged = await world.decide(
        await world.request_of(claimed), stranger.headers, "merge", contact_id=str(contact_id)
    )  # fmt: skip
    assert merged.status_code == 200, merged.text

    assert await decider_of(world) == "agents"


async def test_nor_is_whom_the_stranger_invited_though_an_agent_approved_it_and_the_stranger_takes_them_along(
    world: Claims, stranger: Someone, tokens: Tokens
) -> None:
    await looks_alike(world, stranger, "worker")
    invited = {"email": "jean@example.org", "name": "Jean", "language": "en", **ADMINISTRATOR}
    sent = await world.client.post(at(world, "invitations"), headers=stranger.headers, json=invited)
    assert sent.status_code == 201, sent.text
    accomplice = await world.account("Jean", family_name="Complice", email="jean@example.org")
    accepted = await world.client.post(
        "/v1/invitations/acceptance", headers=world.headers(accomplice), json={"token": (await tokens())[-1]}
    )
    assert accepted.status_code == 202, accepted.text
    approved = await world.decide(accepted.json()["request_id"], world.agent, "approve")
    assert approved.status_code == 200, approved.text

    assert await decider_of(world) == "agents"
    true_one = await world.claim(await world.account("Vraie"), proven=True)
    body = {"reason": "contested", "request_id": str(await world.request_of(true_one))}
    path = at(world, f"administrators/{stranger.contact_id}/replacement")
    replaced = await world.client.post(path, headers=world.agent, json=body)
    assert replaced.status_code == 200, replaced.text
    left = (await world.client.get(at(world, "administrators"), headers=world.agent)).json()["items"]
    assert [row["name"] for row in left] == ["Vraie Exemple"]


Oust = Callable[[Claims, Someone, Someone], Awaitable[httpx.Response]]


async def administrator_by(world: Claims, headers: dict[str, str], given_name: str) -> Someone:
    """Somebody whose claim these approve, with the function that manages."""
    account_id = await world.account(given_name)
    claimed = await world.claim(account_id, proven=headers == world.agent)
    approved = await world.decide(await world.request_of(claimed), headers, access=ADMINISTRATOR)
    assert approved.status_code == 200, approved.text
    return await world.as_contact(account_id)


async def office_of(world: Claims, someone: Someone) -> str:
    return str(
        await world.opened.unit.pool.fetchval(
            "select relation_id from relations where holder_id = $1 and upper_inf(recorded)", someone.contact_id
        )
    )


async def blocks(world: Claims, by: Someone, other: Someone) -> httpx.Response:
    return await world.client.post(
        at(world, "blocks"), headers=by.headers, json={"contact_id": str(other.contact_id)}
    )  # fmt: skip


async def blocks_the_account(world: Claims, by: Someone, other: Someone) -> httpx.Response:
    return await world.client.post(
        at(world, "blocks"), headers=by.headers, json={"account_id": str(other.account_id)}
    )  # fmt: skip


async def releases(world: Claims, by: Someone, other: Someone) -> httpx.Response:
    return await world.client.post(
        at(world, f"administrators/{other.contact_id}/release"), headers=by.headers, json={"reason": "employer_asked"}
    )


async def removes_everything(world: Claims, by: Someone, other: Someone) -> httpx.Response:
    body = {"scope": "all", "attestations": await ticks(world, by, "removal")}
    return await world.client.post(f"/v1/contacts/{other.contact_id}/removals", headers=by.headers, json=body)


async def removes_the_function(world: Claims, by: Someone, other: Someone) -> httpx.Response:
    body = {"scope": "relations", "attestations": await ticks(world, by, "removal")}
    body["relations"] = [await office_of(world, other)]
    return await world.client.post(f"/v1/contacts/{other.contact_id}/removals", headers=by.headers, json=body)


@pytest.mark.parametrize("oust", [blocks, blocks_the_account, releases, removes_everything, removes_the_function])
async def test_whom_the_agency_put_beside_the_stranger_the_stranger_cannot_oust_before_the_window_is_over(
    world: Claims, stranger: Someone, oust: Oust
) -> None:
    true_one = await administrator_by(world, world.agent, "Vraie")
    accomplice = await administrator_by(world, stranger.headers, "Complice")

    for hostile in (stranger, accomplice):
        refused = await oust(world, hostile, true_one)
        assert (refused.status_code, refused.json()["code"]) == (403, "put_by_agency"), refused.text
        agency = world.opened.tools.agency
        assert agency.profile.support_email in refused.json()["detail"] and "30" in refused.json()["detail"]
    listed = (await world.client.get(at(world, "administrators"), headers=true_one.headers)).json()["items"]
    assert [row["can_act"] for row in listed if row["contact_id"] == str(true_one.contact_id)] == [True]

    ousted = await oust(world, true_one, accomplice)
    assert ousted.is_success, ousted.text
    await world.opened.unit.pool.execute(
        "update claims set decided_at = now() - interval '31 days' where outcome = 'appointed'"
    )
    late = await oust(world, stranger, true_one)
    assert late.is_success, late.text


async def test_an_agent_may_oust_whom_the_agency_put_there_and_the_stranger_whom_the_stranger_put_there(
    world: Claims, stranger: Someone
) -> None:
    true_one = await administrator_by(world, world.agent, "Vraie")
    colleague = await administrator_by(world, stranger.headers, "Collègue")
    assert (await blocks(world, stranger, colleague)).status_code == 201
    body = {"contact_id": str(true_one.contact_id), "reason": "misuse_suspected"}
    blocked = await world.client.post(at(world, "blocks"), headers=world.agent, json=body)
    assert blocked.status_code == 201, blocked.text
