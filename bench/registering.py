"""People who register, and the mails that arrive for them."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import httpx

from bench.measuring import now
from local import Problem
from local.stack import Stack

PATIENCE = 30.0  # seconds for the last mail to arrive after the last answer
LOOK_EVERY = 0.5  # seconds


@dataclass(frozen=True)
class Asked:
    """One registration: to whom its mail goes, when it was begun, and when the 202 had arrived."""

    registration_id: str
    address: str
    begun_at: datetime
    answered_at: datetime


class Registrations:
    """Registers people who differ by their address."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient, terms: str) -> None:
        """`terms` is the version that they accept."""
        self._stack = stack
        self._http = http
        self._terms = terms
        self._numbers = itertools.count(1)

    @classmethod
    async def on(cls, stack: Stack, http: httpx.AsyncClient) -> Self:
        """Those of a running stack."""
        terms = await http.get(f"{stack.gateway('accounts')}/v1/terms")
        return cls(stack, http, terms.json()["version"])

    async def register(self) -> Asked:
        """One registration of an address that nobody has."""
        address = f"person-{next(self._numbers)}@bench.example"
        body = {
            "email": address,
            "password": "quatre mésanges au verger",
            "given_name": "Démo",
            "family_name": "Mesure",
            "language": "fr",
            "terms_version": self._terms,
        }
        begun_at = now()
        answer = await self._http.post(f"{self._stack.gateway('accounts')}/v1/registrations", json=body)
        answered_at = now()
        if answer.status_code != 202:
            raise Problem(f"A registration answered {answer.status_code}: {answer.text[:300]}")
        return Asked(answer.json()["registration_id"], address, begun_at, answered_at)

    async def at_rate(
        self, rate: float, count: int, between: Callable[[], Awaitable[None]] | None = None
    ) -> Sequence[Asked]:
        """So many, begun at fixed instants, whatever became of earlier ones; `between` runs half-way to the next."""
        loop = asyncio.get_running_loop()
        began, asking = loop.time(), []
        for number in range(count):
            await asyncio.sleep(began + number / rate - loop.time())
            asking.append(asyncio.create_task(self.register()))
            if between is not None:
                await asyncio.sleep(began + (number + 0.5) / rate - loop.time())
                await between()
        return await asyncio.gather(*asking)

    async def arrivals(self, since: datetime, count: int) -> dict[str, datetime]:
        """Address → the end of DATA, of the mails to such people since an instant; waits until there are so many.

        It looks at the inbox's folder: asked for a list, the inbox would be busy reading mails instead of taking them.
        """
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while self._files(since) < count:
            if asyncio.get_running_loop().time() > deadline:
                raise Problem(f"Fewer than {count} mails arrived within {PATIENCE:.0f} seconds.")
            await asyncio.sleep(LOOK_EVERY)
        while True:  # mails to others may have been among them
            found = {mail["to"][0]: datetime.fromisoformat(mail["received_at"]) for mail in await self.mails(since)}
            if len(found) >= count:
                return found
            if asyncio.get_running_loop().time() > deadline:
                raise Problem(f"Only {len(found)} of {count} mails arrived within {PATIENCE:.0f} seconds.")
            await asyncio.sleep(LOOK_EVERY)

    def _files(self, since: datetime) -> int:
        """How many mails were kept since an instant."""
        folder = self._stack.folder / "outside" / "mails"
        return sum(file.stat().st_mtime >= since.timestamp() for file in folder.glob("*.eml"))

    async def mails(self, since: datetime) -> list[dict[str, Any]]:
        """What the inbox holds for addresses of ours, oldest first."""
        answer = await self._http.get(f"{self._stack.inbox}/mails", params={"since": since.isoformat()})
        return [mail for mail in answer.json() if mail["to"][0].endswith("@bench.example")]

    async def warm_up(self, count: int) -> dict[str, Any]:
        """Register a few, which opens connections and fills caches. Returns a mail that arrived."""
        since = now()
        for _ in range(count):
            await self.register()
            await asyncio.sleep(0.2)
        await self.arrivals(since, count)
        return (await self.mails(since))[-1]
