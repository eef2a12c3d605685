"""A service is killed between an approval and the two mails with the halves of a credential."""

import asyncio
import itertools
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from local.journeys.account import sign_in
from local.journeys.asking import decide
from local.journeys.narrator import Narrator
from local.journeys.portal import Language, Portal, Service, Someone, code_in, now
from local.journeys.ramq.mandating import mandate_again
from local.journeys.ramq.processing import TEMPORARY_PASSWORD, USER_NAME, first_sign_in
from local.journeys.ramq.stage import Journey, cast
from local.stack import Member, Stack
from tests.fixtures.patience import PATIENCE
from tests.journeys.aftermath import everything_arrived

TRIES = 5
"""Mandates that one kill may take until it comes before both mails have gone."""

NUMBERS = itertools.count(1)
PASSWORD = "vingt agendas dans un tiroir"


@dataclass(frozen=True)
class Kill:
    """Which process ends, and when.

    `seconds` after the answer to the approval; None: it is stopped before the approval, so that it has seen nothing of
    it, and ends once what it would do next waits for it.
    """

    service: Service
    seconds: float | None
    language: Language


@dataclass(frozen=True)
class Halves:
    """Mails with a user name that came to the professional, and with a temporary password to the delegate."""

    user_names: Sequence[dict[str, Any]]
    passwords: Sequence[dict[str, Any]]

    @property
    def sent(self) -> tuple[int, int]:
        """How many mails of each there are for their readers: copies of one mail have one Message-ID."""
        return len(_ids(self.user_names)), len(_ids(self.passwords))

    @property
    def copies(self) -> tuple[int, int]:
        return len(self.user_names), len(self.passwords)


async def approve_and_kill(stack: Stack, kill: Kill) -> tuple[Halves, Halves]:
    """Approve mandates until the service ends before both mails have gone; start it again, and let everything arrive.

    What had come when it was dead, and what came in all: with both halves the delegate has signed in.
    """
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        silent = Narrator(say=lambda _: None, colour=False)
        journey = Journey(Portal(stack, silent, http, kill.language), silent, cast(kill.language))
        portal, who = journey.portal, journey.cast.professional
        await sign_in(journey, who)
        profiles = await portal.call(who, "linking", "GET", "/v1/profiles", expect=200)
        who.profile = profiles["items"][0]["contact_id"]
        for _ in range(TRIES):
            number = next(NUMBERS)
            name = f"Remplaçante {number}" if kill.language == "fr" else f"Stand-in {number}"
            delegate = Someone(f"rempl-{number}.demo@example.org", PASSWORD, "Démo", name, kill.language)
            mandate_id = await mandate_again(journey, who, delegate)
            since = now()
            await _approve_and_kill(stack, portal, kill, mandate_id)

            async def halves(delegate: Someone = delegate, since: Any = since) -> Halves:
                return Halves(
                    await _with_a(portal, USER_NAME, who.email, since),
                    await _with_a(portal, TEMPORARY_PASSWORD, delegate.email, since),
                )

            before = await halves()
            await asyncio.to_thread(stack.start_again, Member(kill.service))

            async def both() -> Halves | None:
                found = await halves()
                return found if min(found.sent) > 0 else None

            await portal.until(both, "the two mails")
            await everything_arrived(stack)
            if 0 in before.sent:
                break
        else:
            raise AssertionError(f"{kill}: both mails had gone each time")
        after = await halves()
        user_name = code_in(after.user_names[0], USER_NAME)
        await first_sign_in(journey, delegate, user_name, code_in(after.passwords[0], TEMPORARY_PASSWORD))
        return before, after


async def _approve_and_kill(stack: Stack, portal: Portal, kill: Kill, mandate_id: str) -> None:
    agent, child = await portal.agent(), stack.child(Member(kill.service))
    await portal.call(agent, "authorizations", "POST", f"/v1/requests/{mandate_id}/claim", expect=200)
    if kill.seconds is None:
        child.process.send_signal(signal.SIGSTOP)
    await decide(portal, agent, mandate_id, {"outcome": "approve"})
    if kill.seconds is None:
        await _sent_on(stack, "authorizations" if kill.service == "accounts" else "accounts", mandate_id)
    else:
        await asyncio.sleep(kill.seconds)
    stack.processes.kill(child)


async def _sent_on(stack: Stack, service: Service, mandate_id: str) -> None:
    """Wait until a service has nothing more to tell of the approval: what comes next waits in Kafka."""
    asked = "select 1 from mandates where request_id = $1 and right_id is not null"
    contact = "select contact_id from mandates where request_id = $1"
    issued = "select 1 from credentials where contact_id = $1 and generation > 0"
    mandates, own = [await asyncpg.connect(stack.postgres.url(name)) for name in ("authorizations", service)]
    try:
        async with asyncio.timeout(PATIENCE):
            if service == "authorizations":
                assert await mandates.fetchval(asked, mandate_id)
            else:
                contact_id = await mandates.fetchval(contact, mandate_id)
                while not await own.fetchval(issued, contact_id):
                    await asyncio.sleep(0.01)
            while await own.fetchval("select count(*) from outbox"):
                await asyncio.sleep(0.01)
    finally:
        await mandates.close()
        await own.close()


async def _with_a(portal: Portal, form: re.Pattern[str], address: str, since: Any) -> list[dict[str, Any]]:
    """The mails to an address after an instant in which something of this form stands."""
    query = {"to": address, "since": since.isoformat()}
    mails = (await portal.http.get(f"{portal.platform.inbox}/mails", params=query)).json()
    return [mail for mail in mails if form.search(mail["text"])]


def _ids(mails: Sequence[dict[str, Any]]) -> set[str]:
    return {dict(mail["headers"])["Message-ID"] for mail in mails}
