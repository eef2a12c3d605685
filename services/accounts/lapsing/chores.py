"""What a worker does about unlinked accounts without being asked."""

from functools import partial

from chassis.chores import Chore, repeatedly
from chassis.work import Unit
from services.accounts.lapsing import handlers
from services.accounts.tools import Tools

LAPSE_EVERY = 3600.0  # seconds; what is told is a day
CATCH_UP = 600.0  # seconds after the start, so that links that waited for this process have been read by then


def lapsing(unit: Unit[Tools]) -> Chore:
    """Tell whose account will lapse, and let lapse what is over; several workers may do so at once."""
    rested = False

    async def step() -> float | None:
        nonlocal rested
        if not rested:
            rested = True
            return CATCH_UP
        for handler in (handlers.tell, handlers.lapse):
            done = handlers.AT_ONCE
            while done == handlers.AT_ONCE:
                await unit.room()
                done = (await unit.run(handler, None, unit.origin.itself)).outcome
        return None

    return partial(repeatedly, "lapse unlinked accounts", step, LAPSE_EVERY)
