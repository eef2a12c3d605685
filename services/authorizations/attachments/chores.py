"""What a worker does about attachments without being asked: it forgets them in time."""

from functools import partial

from chassis.chores import Chore, repeatedly
from chassis.work import Unit
from services.authorizations.attachments.handlers import PORTION, forget_attachments
from services.authorizations.tools import Tools

FORGET_EVERY = 900.0  # seconds; past its time an attachment is neither used nor shown, whether deleted or not


def forgetting(unit: Unit[Tools]) -> Chore:
    """Delete attachments past their time, until cancelled."""
    return partial(repeatedly, "attachments past their time", partial(forget_past, unit), FORGET_EVERY)


async def forget_past(unit: Unit[Tools]) -> float | None:
    """Delete some. Returns 0 when there may be more."""
    gone = (await unit.run(forget_attachments, None, unit.origin.itself)).outcome
    return 0.0 if gone == PORTION else None
