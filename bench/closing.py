"""An account is closed by an agent: from its commit to each of the four gateways that refuses its token."""

import asyncio
import time
from collections import defaultdict

import httpx

from bench.measuring import SHOWN, own_stack, say, spread, table
from local.journeys.account import ASKED_OF_EACH, refused_everywhere, register
from local.journeys.narrator import Narrator
from local.journeys.playing import Journey, signed_in
from local.journeys.portal import ONE_TIME_CODE, Portal, Someone, code_in, now
from local.stack import Stack

ACCOUNTS = 60
WARM_UP = 5  # accounts that are not counted
AIM = "aim: max under 1,000 ms in steady state"


def run(small: bool) -> None:
    """Measure, and print."""
    with own_stack() as stack:
        asyncio.run(_measure(stack, ACCOUNTS // 5 if small else ACCOUNTS))


async def _measure(stack: Stack, count: int) -> None:
    told = Narrator(say=lambda _: None)
    took: defaultdict[str, list[float]] = defaultdict(list)
    async with httpx.AsyncClient(timeout=20) as http:
        portal = Portal(stack, told, http)
        journey, agent = Journey(portal, told), await portal.agent()
        for number in range(WARM_UP + count):
            who = await _opened(journey, number)
            for service, path in ASKED_OF_EACH.items():
                await portal.call(who, service, "GET", path, expect=200)
            path, begun = f"/v1/accounts/{who.account_id}/deactivation", time.perf_counter()
            await portal.call(agent, "accounts", "POST", path, json={"reason": "misuse"}, expect=200)
            answered = (time.perf_counter() - begun) * 1000
            refused = await refused_everywhere(portal, who)
            if number >= WARM_UP:
                took["the deactivation, asked to answered"].append(answered)
                for service, milliseconds in refused.items():
                    took[f"answered → {service} refuses the token"].append(milliseconds)
    say(f"\n{count} accounts closed one after the other; each gateway is asked every few milliseconds.")
    table(f"Closing an account, in ms ({AIM})", SHOWN, [(label, spread(values)) for label, values in took.items()])


async def _opened(journey: Journey, number: int) -> Someone:
    portal = journey.portal
    email, password = f"personne{number}@example.org", "une phrase de passe pour mesurer"
    who = Someone(email, password, "Démo", "Personne", "fr")
    terms = await portal.call(who, "accounts", "GET", "/v1/terms", expect=200)
    since = now()
    made = await register(journey, who, terms["version"])
    code = code_in(await portal.mail(who.email, since, "the one-time code"), ONE_TIME_CODE)
    path = f"/v1/registrations/{made['registration_id']}/verification"
    signed_in(who, await portal.call(who, "accounts", "POST", path, json={"code": code}, expect=201))
    return who
