"""Every second: end the mails that must not be sent any more, forget those that ended long ago, measure those that
wait.
"""

import asyncio

import structlog

from chassis.database import neighbour_failed
from chassis.work import Actor, Unit
from services.notifications import handlers, metrics, storage
from services.notifications.domain import PRIORITIES
from services.notifications.tools import Tools

log = structlog.get_logger()

EVERY = 1.0  # seconds; no sender takes an overdue mail in between
UPKEEP = Actor("service", "notifications")


async def keep(unit: Unit[Tools]) -> None:
    """Keep the table in order until cancelled."""
    while True:
        try:
            await once(unit)
        except Exception as error:
            if not neighbour_failed(error):
                raise
            unit.tools.grace.lost()
            log.warning("upkeep waits for the database", error=type(error).__name__)
        await asyncio.sleep(EVERY)


async def once(unit: Unit[Tools]) -> None:
    """End what is overdue, all of it; prune a portion, and measure."""
    while True:
        ended = (await unit.run(handlers.end_overdue, None, UPKEEP)).outcome
        for kind, standing in ended:
            metrics.OUTCOMES.labels(kind, standing.name).inc()
        if len(ended) < handlers.AT_ONCE:
            break
    metrics.PRUNED.inc((await unit.run(handlers.prune, None, UPKEEP)).outcome)
    queue = await storage.queue(unit.pool, unit.origin.clock())
    for name, rank in PRIORITIES.items():
        waiting, oldest = queue.get(rank, (0, 0.0))
        metrics.WAITING.labels(name).set(waiting)
        metrics.OLDEST_DUE.labels(name).set(oldest)
