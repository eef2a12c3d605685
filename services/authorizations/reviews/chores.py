"""What a worker asks agents to look at without being asked itself."""

from functools import partial

from chassis.chores import Chore, one_by_one, repeatedly
from chassis.work import Unit
from services.authorizations.reviews import storage
from services.authorizations.reviews.asking import ask_for_manager, compare_elsewhere
from services.authorizations.tools import Tools

PORTION = 50  # contacts or organizations of one look
LOOK_EVERY = 1.0  # seconds: a look at an empty index
LOOK_AROUND_EVERY = 3600.0  # seconds: a look at every organization, for a change that comes with a day


def looking(unit: Unit[Tools]) -> list[Chore]:
    """Compare who was added, and find who is left alone; each until cancelled."""
    return [
        partial(repeatedly, "contacts to compare", partial(compare_added, unit), LOOK_EVERY),
        partial(repeatedly, "organizations for which nobody acts", partial(seek_managers, unit), LOOK_AROUND_EVERY),
    ]


async def compare_added(unit: Unit[Tools]) -> float | None:
    """Compare some contacts who were added with those of other organizations. Returns 0 when there may be more."""
    waiting = await storage.awaiting_comparison(unit.pool, PORTION)
    return await one_by_one(unit, compare_elsewhere, waiting, PORTION)


async def seek_managers(unit: Unit[Tools]) -> float | None:
    """Tell agents of some organizations for which nobody can act any more. Returns 0 when there may be more."""
    moment = unit.tools.moment(unit.origin.clock())
    async with unit.pool.acquire() as connection:
        left = await storage.left_unmanaged(connection, moment, unit.tools.managing_types, PORTION)
    return await one_by_one(unit, ask_for_manager, [found.organization_id for found in left], PORTION)
