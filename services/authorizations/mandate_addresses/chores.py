"""What a worker does about addresses without being asked: it asks whoever was refused one and gave no other."""

from functools import partial

from chassis.chores import Chore, one_by_one, repeatedly
from chassis.work import Unit
from services.authorizations.mandate_addresses import handlers, storage
from services.authorizations.tools import Tools

PORTION = 50  # sides of one look
LOOK_EVERY = 60.0  # seconds: an hour passes before the first mail


def asking(unit: Unit[Tools]) -> Chore:
    """Ask for addresses that mandates wait for; until cancelled."""
    return partial(repeatedly, "addresses to ask for", partial(ask_waiting, unit), LOOK_EVERY)


async def ask_waiting(unit: Unit[Tools]) -> float | None:
    """Ask some, each in a transaction of its own. Returns 0 when there may be more."""
    sides = await storage.to_ask(unit.pool, unit.origin.clock(), PORTION)
    return await one_by_one(unit, handlers.ask_again, sides, PORTION)
