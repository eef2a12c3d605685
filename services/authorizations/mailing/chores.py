"""What a worker does about mails that a budget held back."""

from functools import partial

from chassis.chores import Chore, repeatedly
from chassis.work import Unit
from services.authorizations.mailing import held
from services.authorizations.mailing.collecting import tell_collected
from services.authorizations.tools import Tools

MAILBOXES = 50  # in one transaction
LOOK_EVERY = 300.0  # seconds: a day is over at midnight, and nobody waits for word of what was held back


def collecting(unit: Unit[Tools]) -> Chore:
    """Tell of what was held back, once its day is over; several workers share it."""
    return partial(repeatedly, "mails held back", partial(collect, unit), LOOK_EVERY)


async def collect(unit: Unit[Tools]) -> float | None:
    """Tell one portion of mailboxes. Returns 0 when there may be more."""
    if not await held.any_of_before(unit.pool, unit.tools.moment(unit.origin.clock()).day):
        return None
    await unit.room()
    told = (await unit.run(tell_collected, MAILBOXES, unit.origin.itself)).outcome
    return 0.0 if told == MAILBOXES else None
