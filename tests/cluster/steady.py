"""Readers of all four gateways who ask all the time, half of them by a new connection each time, and count what fails:
none may while a release is replaced."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import httpx

from local.journeys.portal import Service
from tests.cluster.release import LoadedRelease

A_SECOND = 10.0
"""Requests of one reader: there are eight, so 80 in all."""

PATIENCE = 30.0
"""Seconds for an answer, beyond which it counts as failed."""

TOKEN_LASTS = 120.0
"""Seconds after which a reader asks for another token: it is good for longer."""


class Connection(StrEnum):
    """How a reader reaches the gateway."""

    KEPT = "kept"
    NEW = "new"


@dataclass(frozen=True)
class Question:
    """What a reader asks of a gateway, which must be answered with 200: by an agent, or by anybody."""

    service: Service
    path: str
    by_agent: bool = False


QUESTIONS: Sequence[Question] = (
    Question("accounts", "/v1/terms"),
    Question("linking", "/v1/linking-methods"),
    Question("authorizations", "/v1/organizations?number={number}", by_agent=True),
    Question("notifications", "/v1/suppressions", by_agent=True),
)


@dataclass(frozen=True)
class Failure:
    """A request that was not answered as it must be."""

    at: datetime
    service: str
    connection: Connection
    why: str

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S.%f} {self.service}, {self.connection} connection: {self.why}"


@dataclass
class Seen:
    """What the readers counted."""

    answered: Counter[Connection] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    slowest: float = 0.0

    def __str__(self) -> str:
        asked = ", ".join(f"{self.answered[one]:,} by {one} connections" for one in Connection)
        return f"{asked}; {len(self.failures)} failed; the slowest took {self.slowest * 1000:.0f} ms"


@contextlib.asynccontextmanager
async def readers(ground: LoadedRelease, seed: int) -> AsyncIterator[Seen]:
    """Readers at work, as long as the block lasts."""
    seen, chance = Seen(), random.Random(seed)
    number = ground.firms[0].number
    asking = [
        asyncio.create_task(_read(ground, question, connection, number, seen, chance))
        for question in QUESTIONS
        for connection in Connection
    ]
    try:
        yield seen
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def _read(
    ground: LoadedRelease, question: Question, connection: Connection, number: str, seen: Seen, chance: random.Random
) -> None:
    limits = httpx.Limits(max_keepalive_connections=4 if connection is Connection.KEPT else 0)
    url = ground.gateway(question.service) + question.path.format(number=number)
    headers: Mapping[str, str] = {}
    renew_at = 0.0
    async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False, limits=limits) as http:
        while True:
            await asyncio.sleep(chance.uniform(0.5, 1.5) / A_SECOND)
            began = time.monotonic()
            if question.by_agent and began > renew_at:
                headers = await _signed_in(ground)
                renew_at = time.monotonic() + TOKEN_LASTS
                continue
            why = ""
            try:
                answer = await http.get(url, headers=headers)
                why = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:200]}"
            except httpx.TransportError as error:
                why = f"{type(error).__name__} {error}"
            seen.slowest = max(seen.slowest, time.monotonic() - began)
            if why:
                seen.failures.append(Failure(datetime.now(UTC), question.service, connection, why))
            else:
                seen.answered[connection] += 1


async def _signed_in(ground: LoadedRelease) -> Mapping[str, str]:
    """What an agent's requests carry. The issuer is no part of the platform: it is asked until it answers."""
    async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
        while True:
            with contextlib.suppress(httpx.TransportError, KeyError):
                answer = await http.post(f"{ground.demo_issuer}/token", json={"name": "demo-agent-1"})
                return {"Authorization": f"Bearer {answer.json()['access_token']}"}
            await asyncio.sleep(1)
