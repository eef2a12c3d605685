"""Two first persons at the same moment: from both POST /v1/links to what each of them sees."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from local.journeys.narrator import Narrator
from local.journeys.portal import Portal, Someone
from local.journeys.wsscc.account import open_account
from local.journeys.wsscc.agency import code_known
from local.journeys.wsscc.claiming import waiting
from local.journeys.wsscc.stage import Journey, cast
from local.stack import Stack
from tests.fixtures.patience import PATIENCE

NAME, NUMBERS, CODES = "Course Exemple Ltée", 440_000, 700_001
CLAIMS_OF_ONE = 8
"""Of one account: fewer than make it wait (agencies/wsscc/limits.yaml)."""


@dataclass(frozen=True)
class Ended:
    """What both see of their claim, once there is news of it; how many contacts and requests the employer has then."""

    claims: list[dict[str, Any]]
    contacts: int
    requests: int


async def race(stack: Stack, rounds: int) -> list[Ended]:
    """Let two people with code and payroll claim an employer at once, so many times, each time another one."""
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        silent = Narrator(say=lambda _: None, colour=False)
        journey = Journey(Portal(stack, silent, http), silent, cast("fr"))
        employers = await _employers(journey, rounds)
        ended: list[Ended] = []
        for first in range(0, rounds, CLAIMS_OF_ONE):
            people = [await _somebody(journey, f"{first}-{one}") for one in "ab"]
            for place in range(first, min(rounds, first + CLAIMS_OF_ONE)):
                ended.append(await _round(journey, people, place, employers[place]))
        return ended


async def _employers(journey: Journey, rounds: int) -> list[str]:
    """Employers that nobody manages, each with a code; by their ids."""
    portal, agent = journey.portal, await journey.portal.agent()
    rows = [
        {
            "record": "organization", "kind": "employer", "number": str(NUMBERS + place), "legal_name": NAME,
            "status": "active", "email": "bureau@course.example", "language": "fr",
            "organization_code": str(CODES + place), "billing_address": ["1, rue de la Course", "Iqaluit NU  X0A 0H0"],
        }
        for place in range(rounds)
    ]  # fmt: skip
    done = await portal.extract(agent, "\n".join(map(json.dumps, rows)).encode(), dry_run=False)
    assert (done["created"], done["rejected"]) == (rounds, 0)
    found = []
    for place in range(rounds):
        path = f"/v1/organizations?number={NUMBERS + place}"
        items = (await portal.call(agent, "authorizations", "GET", path, expect=200))["items"]
        found.append(items[0]["organization_id"])
    for organization_id in found:
        await code_known(journey, agent, organization_id)
    return found


async def _somebody(journey: Journey, name: str) -> Someone:
    who = Someone(f"{name}@course.example", "onze caribous sous la neige", "Démo", "Course", "fr")
    await open_account(journey, who)
    return who


async def _round(journey: Journey, people: Sequence[Someone], place: int, organization_id: str) -> Ended:
    body = {
        "method": "organization_code", "organization_name": NAME, "organization_number": str(NUMBERS + place),
        "organization_code": str(CODES + place), "payroll": "0", "capacity": "representative",
    }  # fmt: skip
    portal = journey.portal
    made = await asyncio.gather(
        *(portal.call(who, "linking", "POST", "/v1/links", json=body, expect=202) for who in people)
    )
    seen = await asyncio.gather(
        *(waiting(journey, who, one["claim_id"]) for who, one in zip(people, made, strict=True))
    )
    agent = await portal.agent()
    file = f"/v1/organizations/{organization_id}"
    contacts = await portal.call(agent, "authorizations", "GET", f"{file}/contacts", expect=200)
    # Within the contest window of the one, what the other proved as well waits for agents.
    asked = {claim["request_id"] for claim in seen if claim["decider"] == "agents"}
    return Ended(seen, contacts["total"], len(asked))
