"""A service is killed between an approval and the two mails with the halves of a credential."""

import asyncio
from typing import Any

import httpx

from local.journeys.account import sign_in
from local.journeys.narrator import Narrator
from local.journeys.portal import Portal, Service, Someone, now
from local.journeys.ramq.mandating import mandate_again
from local.journeys.ramq.processing import TEMPORARY_PASSWORD, USER_NAME, process
from local.journeys.ramq.stage import Journey, cast
from local.stack import Member, Stack
from tests.journeys.aftermath import everything_arrived


async def approve_and_kill(stack: Stack, service: Service, seconds: float, delegate: Someone) -> tuple[int, int]:
    """Approve a mandate of the French professional, kill the service so long after, and start it again.

    How many mails with a user name came to the professional, and with a temporary password to the delegate.
    """
    async with httpx.AsyncClient(timeout=60) as http:
        silent = Narrator(say=lambda _: None, colour=False)
        journey = Journey(Portal(stack, silent, http), silent, cast("fr"))
        portal, who, member = journey.portal, journey.cast.professional, Member(service)
        await sign_in(journey, who)
        profiles = await portal.call(who, "linking", "GET", "/v1/profiles", expect=200)
        who.profile = profiles["items"][0]["contact_id"]
        mandate_id = await mandate_again(journey, who, delegate)
        since = now()
        await process(journey, who, mandate_id)
        await asyncio.sleep(seconds)
        stack.processes.kill(stack.child(member))
        await asyncio.to_thread(stack.start_again, member)

        async def with_a(form: Any, address: str) -> int:
            query = {"to": address, "since": since.isoformat()}
            mails = (await http.get(f"{stack.inbox}/mails", params=query)).json()
            return sum(form.search(mail["text"]) is not None for mail in mails)

        async def both() -> bool:
            return await with_a(USER_NAME, who.email) > 0 and await with_a(TEMPORARY_PASSWORD, delegate.email) > 0

        await portal.until(both, "the two mails")
        await everything_arrived(stack)
        return await with_a(USER_NAME, who.email), await with_a(TEMPORARY_PASSWORD, delegate.email)
