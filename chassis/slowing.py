"""Answers that come later than they could: past a budget of the whole deployment, and where time would tell something.

Past such a budget everybody is served more slowly and operators are told; nobody is refused: a budget that refused
would let whoever spends it keep all others out.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter

from chassis.gateway import Call
from chassis.limits import Limit, not_waiting, overload
from chassis.problems import ProblemRaised
from chassis.work import Work

SLOWEST = 5.0  # seconds; a portal still waits for an answer so long

EVENLY = 0.1  # seconds: many times what the work takes, and nobody notices it on a refusal

pause = asyncio.sleep

SLOWED = Counter(
    "mandat_attempts_slowed",
    "Attempts that were made to wait because the deployment is past the budget of this name",
    ["budget"],
)


@dataclass(frozen=True)
class Everybodys:
    """A budget of the agency's data that everybody shares."""

    name: str
    limit: Limit


async def slow_down(call: Call[Any], budget: Everybodys) -> None:
    """Count an attempt of anybody, and past the budget wait: a second for each time that it is spent again.

    Call it with no transaction open.
    """
    past = await call.run(_count, budget)
    if past > 0:
        SLOWED.labels(budget.name).inc()
        await pause(min(past, SLOWEST))


async def _count(work: Work[Any], budget: Everybodys) -> float:
    await not_waiting(work.connection)
    return await overload(work.connection, budget.name, budget.limit, work.now)


@asynccontextmanager
async def evenly(code: str, *, made_too: bool = False) -> AsyncIterator[None]:
    """Let a refusal of this code leave at an even time, so that what the work took tells nothing of what was found.

    `made_too`: and so what was made, where whoever made it must not learn all that was found.
    """
    began = time.monotonic()
    try:
        yield
    except ProblemRaised as raised:
        if raised.refusal.code == code:
            await _even_out(began)
        raise
    if made_too:
        await _even_out(began)


async def _even_out(began: float) -> None:
    await pause(max(0.0, began + EVENLY - time.monotonic()))
