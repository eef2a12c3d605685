"""People who register, and the mails that arrive for them."""

import asyncio
import itertools
import re
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
ADDRESSEE = re.compile(rb"(?im)^To: (?:.*<)?([^\s<>]+@[^\s<>]+?)>?\r?$")


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
        self._read: dict[str, re.Match[bytes] | None] = {}

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

    async def arrivals(self, addresses: Sequence[str]) -> dict[str, datetime]:
        """Address → the end of DATA, once each of these people has a mail.

        The inbox reads the mails that it is asked for, and takes none meanwhile: a list of hundreds holds up what is on
        its way for seconds. So it is asked only when nothing is awaited any more; until then its folder tells.
        """
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while missing := set(addresses) - self._written_to():
            if asyncio.get_running_loop().time() > deadline:
                raise Problem(f"{len(missing)} of {len(addresses)} mails did not arrive within {PATIENCE:.0f} seconds.")
            await asyncio.sleep(LOOK_EVERY)
        return await self.received(addresses)

    async def received(self, addresses: Sequence[str]) -> dict[str, datetime]:
        """Address → the end of DATA, of the last mail that the inbox has taken for each."""
        mails = {address: (await self._mails(address))[-1] for address in addresses}
        return {address: datetime.fromisoformat(mail["received_at"]) for address, mail in mails.items()}

    def _written_to(self) -> set[str]:
        """Whom the mails in the inbox's folder are to."""
        for file in (self._stack.folder / "outside" / "mails").glob("*.eml"):
            if file.name not in self._read:
                self._read[file.name] = ADDRESSEE.search(file.read_bytes())
        return {found.group(1).decode() for found in self._read.values() if found}

    async def _mails(self, address: str) -> list[dict[str, Any]]:
        """What the inbox holds for an address, oldest first."""
        answer = await self._http.get(f"{self._stack.inbox}/mails", params={"to": address})
        found: list[dict[str, Any]] = answer.json()
        return found

    async def warm_up(self, count: int) -> dict[str, Any]:
        """Register a few, which opens connections and fills caches. Returns a mail that arrived."""
        asked = []
        for _ in range(count):
            asked.append(await self.register())
            await asyncio.sleep(0.2)
        await self.arrivals([one.address for one in asked])
        return (await self._mails(asked[-1].address))[-1]
