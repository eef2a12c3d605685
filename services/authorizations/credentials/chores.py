"""What a worker forgets of credentials without being asked."""

from functools import partial

from chassis.chores import Chore, one_by_one, repeatedly
from chassis.work import Unit
from services.authorizations.credentials import storage
from services.authorizations.credentials.handlers import forget, over
from services.authorizations.tools import Tools

PORTION = 50  # credentials of one look
LOOK_EVERY = 3600.0  # seconds: what is forgotten is weeks old


def forgetting(unit: Unit[Tools]) -> Chore:
    """Forget to whom credentials went, once no half of them can come back."""
    return partial(repeatedly, "addresses of credentials", partial(forget_settled, unit), LOOK_EVERY)


async def forget_settled(unit: Unit[Tools]) -> float | None:
    """Forget some. Returns 0 when there may be more."""
    now = unit.origin.clock()
    limits = over(unit.tools.agency, now, unit.tools.moment(now).day)
    return await one_by_one(unit, forget, await storage.settled(unit.pool, limits, PORTION), PORTION)
