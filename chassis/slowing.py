"""Budgets of a whole deployment: past one, everybody is served more slowly and operators are told; nobody is refused.

A budget that refused would let whoever spends it keep all others out.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter

from chassis.gateway import Call
from chassis.limits import Limit, not_waiting, overload
from chassis.work import Work

SLOWEST = 5.0  # seconds; a portal still waits for an answer so long

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
        await asyncio.sleep(min(past, SLOWEST))


async def _count(work: Work[Any], budget: Everybodys) -> float:
    await not_waiting(work.connection)
    return await overload(work.connection, budget.name, budget.limit, work.now)
