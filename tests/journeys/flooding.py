"""Somebody who knows an organization's name and number claims it, takes the claim back, and claims it again."""

import json
from typing import Any

import httpx

from contracts.topics import NOTIFICATIONS_BULK, NOTIFICATIONS_REQUESTS
from local.journeys import trail
from local.journeys.narrator import Narrator
from local.journeys.portal import Portal, Someone, now
from local.journeys.wsscc.account import open_account
from local.journeys.wsscc.agency import code_known
from local.journeys.wsscc.claiming import settled, waiting
from local.journeys.wsscc.stage import Journey, cast
from local.stack import Stack
from tests.fixtures.patience import PATIENCE
from tests.journeys.aftermath import everything_arrived

MAILS = (NOTIFICATIONS_REQUESTS, NOTIFICATIONS_BULK)

NAME, NUMBER, CODE, OFFICE = "Inondation Exemple Ltée", "450001", "790001", "bureau@inondation.example"


async def flood(stack: Stack, times: int) -> list[str]:
    """Claim so many times without a code, and then with it. The subjects of what the address on file was sent."""
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        silent = Narrator(say=lambda _: None, colour=False)
        journey = Journey(Portal(stack, silent, http), silent, cast("fr"))
        portal, since = journey.portal, now()
        organization_id = await _employer(journey)
        who = Someone("qui@inondation.example", "onze caribous sous la neige", "Démo", "Inondation", "fr")
        await open_account(journey, who)
        for _ in range(times):
            claim_id = (await _claim(portal, who))["claim_id"]
            request_id = (await waiting(journey, who, claim_id))["request_id"]
            await portal.call(who, "authorizations", "POST", f"/v1/requests/{request_id}/withdrawal", expect=200)
            await settled(journey, who, claim_id)
        proven = await _claim(portal, who, organization_code=CODE, payroll="0")
        assert (await settled(journey, who, proven["claim_id"]))["outcome"] == "administrator"

        await everything_arrived(stack)
        events = await trail.everything(stack.kafka_clients)
        asked = [event for event in events if event.key == organization_id and event.topic in MAILS]

        async def mails() -> list[str] | None:
            """All that were asked for."""
            found = (await http.get(f"{stack.inbox}/mails", params={"to": OFFICE, "since": since.isoformat()})).json()
            return [mail["subject"] for mail in found] if len(found) >= len(asked) else None

        found: list[str] = await portal.until(mails, f"{len(asked)} mails to the address on file")
        return found


async def _employer(journey: Journey) -> str:
    portal, agent = journey.portal, await journey.portal.agent()
    row = {
        "record": "organization", "kind": "employer", "number": NUMBER, "legal_name": NAME, "status": "active",
        "email": OFFICE, "language": "fr", "organization_code": CODE,
        "billing_address": ["1, rue du Fleuve", "Iqaluit NU  X0A 0H0"],
    }  # fmt: skip
    done = await portal.extract(agent, json.dumps(row).encode(), dry_run=False)
    assert (done["created"], done["rejected"]) == (1, 0)
    path = f"/v1/organizations?number={NUMBER}"
    (found,) = (await portal.call(agent, "authorizations", "GET", path, expect=200))["items"]
    await code_known(journey, agent, found["organization_id"])
    return str(found["organization_id"])


async def _claim(portal: Portal, who: Someone, **proof: str) -> Any:
    body = {
        "method": "organization_code", "organization_name": NAME, "organization_number": NUMBER, "capacity": "worker",
    }  # fmt: skip
    return await portal.call(who, "linking", "POST", "/v1/links", json=body | proof, expect=202)
