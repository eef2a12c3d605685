"""What a worker does without being asked, over and over: the loop of every chore, and the chores of every worker."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from chassis import refusals, states
from chassis.audit import pruning, sealing
from chassis.database import neighbour_failed
from chassis.pruning import prune
from chassis.telemetry import described
from chassis.work import Unit, Work
from contracts.agency.retention import Retention

log = structlog.get_logger()

T = TypeVar("T")

PRUNE_EVERY = 3600.0  # seconds; what is pruned is a day old or more
ECHO_EVERY = 30.0  # seconds; an hour is not meant to the second
LONGEST_OUTAGE_PAUSE = 10.0  # seconds between two tries while the database is away: an hourly chore skips no turn

WAITING = Gauge(
    "mandat_chore_waiting_seconds",
    "For how long each try of a chore has failed for the database: away, or a statement that always runs out of time",
    ["chore"],
)

PASSED_OVER = Counter(
    "mandat_chore_passed_over_total",
    "Tries of one thing among several that failed by themselves, by the step: logged with its id, and tried again",
    ["step"],
)

Chore = Callable[[], Awaitable[None]]


async def repeatedly(name: str, step: Callable[[], Awaitable[float | None]], pause: float) -> None:
    """Take the step until cancelled, the first time at once, with about `pause` seconds between one and the next.

    The step may return another number of seconds, which holds this once. Pauses vary by half, so that workers do not
    go in step. While the database is away the step is tried again, about ten seconds apart at most.
    """
    waiting, since = WAITING.labels(name), None
    while True:
        seconds = pause
        try:
            wanted = await step()
            seconds = pause if wanted is None else wanted
            since = None
            waiting.set(0)
        except Exception as error:
            if not neighbour_failed(error):
                raise
            seconds, now = min(pause, LONGEST_OUTAGE_PAUSE), time.monotonic()
            since = now if since is None else since
            waiting.set(now - since)
            log.warning("chore waits for the database", chore=name, error=described(error))
        await asyncio.sleep(seconds * random.uniform(0.5, 1.5))


async def one_by_one(
    unit: Unit[T], step: Callable[[Work[T], UUID], Awaitable[Any]], found: Sequence[UUID], portion: int
) -> float | None:
    """Take the step for each of what one look found, in a transaction of its own, by the service itself.

    One at which the step fails by itself is passed over, and found again by the next look. What a failing database
    raises is raised: it concerns them all. Returns the pause that `repeatedly` is to make: none when a whole portion
    was found and done, so that there may be more.
    """
    done = 0
    for identity in found:
        try:
            await unit.run(step, identity, unit.origin.itself)
            done += 1
        except Exception as error:
            if neighbour_failed(error):
                raise
            PASSED_OVER.labels(step.__name__).inc()
            log.error("passed over by a chore", step=step.__name__, id=str(identity), exc_info=error)
    return 0.0 if done == portion else None


def of_every_worker(unit: Unit[Any], retention: Retention) -> Sequence[Chore]:
    """Prune what is past its use, send states again, note refusals, seal and prune the audit; each until cancelled."""
    return (
        partial(repeatedly, "prune", partial(prune, unit.pool), PRUNE_EVERY),
        partial(repeatedly, "send states again", partial(send_states_again, unit), ECHO_EVERY),
        partial(repeatedly, "note refusals", partial(note_refusals, unit), refusals.EVERY),
        partial(repeatedly, "prune the audit", partial(pruning.prune_all, unit, retention.audit.keeps), pruning.EVERY),
        partial(repeatedly, "seal the audit", partial(sealing.seal_all, unit), sealing.EVERY),
    )


async def send_states_again(unit: Unit[Any]) -> None:
    """Send all states that are due, a portion at a time and only while the outbox has room."""
    sent = states.PORTION
    while sent == states.PORTION:
        await unit.room()
        async with unit.pool.acquire() as connection:
            sent = await states.send_again(connection)
        if sent:
            unit.outbox.ring()


async def note_refusals(unit: Unit[Any]) -> None:
    """Note the refusals that were only counted, a portion at a time."""
    noted = refusals.PORTION
    while noted == refusals.PORTION:
        noted = (await unit.run(refusals.note_counts, refusals.PORTION, unit.origin.itself)).outcome
