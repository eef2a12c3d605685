"""What a worker does about notices without being asked: once a day, it tells."""

from functools import partial

from chassis.chores import Chore, repeatedly
from chassis.work import Unit
from services.authorizations.notices import storage
from services.authorizations.notices.handlers import begin_round, tell_some
from services.authorizations.tools import Tools

PORTION = 20  # organizations in one transaction
LOOK_EVERY = 300.0  # seconds: a day begins at midnight, and nobody waits for its digest


def telling(unit: Unit[Tools]) -> Chore:
    """Tell, day by day; several workers share a round."""
    return partial(repeatedly, "digests of the day", partial(tell, unit), LOOK_EVERY)


async def tell(unit: Unit[Tools]) -> float | None:
    """Begin the round of today, or go on with it by one portion. Returns 0 when there may be more."""
    today = unit.tools.moment(unit.origin.clock()).day
    if not await storage.any_to_tell(unit.pool, today):
        return None
    await unit.room()
    await unit.run(begin_round, None, unit.origin.itself)
    told = (await unit.run(tell_some, PORTION, unit.origin.itself)).outcome
    return 0.0 if told else None
