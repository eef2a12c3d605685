"""What a worker does about claims without being told."""

from functools import partial

from chassis.chores import Chore, one_by_one, repeatedly
from chassis.work import Unit
from services.authorizations.claims import storage
from services.authorizations.claims.handlers import decide_claim
from services.authorizations.tools import Tools

PORTION = 50  # claims of one look
LOOK_EVERY = 1.0  # seconds: a look at an empty index; who claims waits for it


def deciding(unit: Unit[Tools]) -> Chore:
    """Decide claims that came before their account's state; until cancelled."""
    return partial(repeatedly, "claims to decide", partial(decide_waiting, unit), LOOK_EVERY)


async def decide_waiting(unit: Unit[Tools]) -> float | None:
    """Decide some. Returns 0 when there may be more."""
    return await one_by_one(unit, decide_claim, await storage.waiting(unit.pool, PORTION), PORTION)
