"""Every second: end the mails that must not be sent any more, forget those that ended long ago, measure those that
wait.
"""

from functools import partial

from chassis.chores import Chore, repeatedly
from chassis.work import Unit
from services.notifications import metrics
from services.notifications.mails import handlers, storage
from services.notifications.mails.domain import PRIORITIES, WAIT
from services.notifications.tools import Tools

EVERY = 1.0  # seconds; no sender takes an overdue mail in between


def keeping_order(unit: Unit[Tools]) -> Chore:
    """Keep the table in order; several workers may do so at once."""

    async def step() -> None:
        try:
            await once(unit)
        except Exception:
            unit.tools.grace.lost()
            raise

    return partial(repeatedly, "mails kept in order", step, EVERY)


async def once(unit: Unit[Tools]) -> None:
    """End what is overdue, all of it; prune a portion, and measure."""
    while True:
        ended = (await unit.run(handlers.end_overdue, None, unit.origin.itself)).outcome
        if ended < handlers.AT_ONCE:
            break
    metrics.PRUNED.inc((await unit.run(handlers.prune, None, unit.origin.itself)).outcome)
    queue = await storage.queue(unit.pool, unit.origin.clock())
    for name, rank in PRIORITIES.items():
        found = {state: queue.get((rank, state), (0, 0.0)) for state in WAIT}
        for state, (waiting, _) in found.items():
            metrics.WAITING.labels(name, state).set(waiting)
        metrics.OLDEST_DUE.labels(name).set(max(oldest for _, oldest in found.values()))
