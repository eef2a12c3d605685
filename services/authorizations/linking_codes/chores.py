"""What a worker does about batches of linking codes without being asked."""

import time
from functools import partial

from chassis.chores import Chore, repeatedly
from chassis.work import Unit
from services.authorizations.linking_codes import storage
from services.authorizations.linking_codes.deliveries import forget_strangers
from services.authorizations.linking_codes.handlers import raise_portion
from services.authorizations.tools import Tools

# Each contact makes work for three services. A crowd of them has all busy for half a second, and whoever waits for a
# one-time code stands behind it: so few are asked for at once, and fewer a second where everything is slower.
PORTION = 3  # contacts in one transaction
PACE = 20  # contacts a second at most, of one worker: 50,000 take three quarters of an hour
RESTS = 10  # times as long as a portion took
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
    begun = time.monotonic()
    raised = (await unit.run(raise_portion, PORTION, unit.origin.itself)).outcome
    return max(raised / PACE, RESTS * (time.monotonic() - begun)) if raised else None
