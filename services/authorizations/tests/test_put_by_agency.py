"""Whom the agency put beside a first person, who may be a stranger; and whom it only seems to have put there."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.authorizations.tests.claiming import Claims, claims
from services.authorizations.tests.conftest import Someone
from tests.fixtures.gateway import OpenService


@pytest.fixture
async def world(open_service: OpenService, tmp_path: Path) -> Claims:
    return await claims(open_service, tmp_path)


@pytest.fixture
async def stranger(world: Claims) -> Someone:
    return await world.administrator()


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
