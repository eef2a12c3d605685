"""What a worker does about batches of linking codes without being asked."""

from functools import partial

from chassis.chores import Chore, repeatedly
from chassis.work import Unit
from services.authorizations.linking_codes import storage
from services.authorizations.linking_codes.deliveries import forget_strangers
from services.authorizations.linking_codes.handlers import raise_portion
from services.authorizations.tools import Tools

PORTION = 20  # contacts in one transaction, which holds their organizations' locks for some 50 ms
PACE = 30  # contacts a second, of one worker: 50,000 take half an hour, and what people wait for keeps its speed
FORGET_EVERY = 3600.0  # seconds; what is forgotten is days old
LOOK_EVERY = 1.0  # seconds, while no contact waits: a look at an empty index, in no transaction


def raising(unit: Unit[Tools]) -> Chore:
    """Carry out batches, at their pace; several workers share one."""
    return partial(repeatedly, "batches of linking codes", partial(carry_on, unit), LOOK_EVERY)


def forgetting(unit: Unit[Tools]) -> Chore:
    """Forget, now and then, the mails that were none of a batch."""
    return partial(repeatedly, "forget strangers' mails", partial(forget_strangers, unit.pool), FORGET_EVERY)


async def carry_on(unit: Unit[Tools]) -> float | None:
    """Ask for the codes of a portion of what waits, if any. Returns the seconds to rest after it, None for no work."""
    if not await storage.any_waits(unit.pool):
        return None
    await unit.room()
    raised = (await unit.run(raise_portion, PORTION, unit.origin.itself)).outcome
    return raised / PACE or None
