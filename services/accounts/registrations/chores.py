"""What a worker does about registrations without being asked."""

from functools import partial

from chassis.chores import Chore, repeatedly
from chassis.work import Unit
from services.accounts.registrations import handlers
from services.accounts.tools import Tools

FORGET_EVERY = 3600.0  # seconds; what is forgotten is a day old


def forgetting(unit: Unit[Tools]) -> Chore:
    """Forget unverified registrations; several workers may do so at once."""

    async def step() -> None:
        await unit.run(handlers.forget_unverified, None, unit.origin.itself)

    return partial(repeatedly, "forget unverified registrations", step, FORGET_EVERY)
