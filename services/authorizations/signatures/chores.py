"""What a worker does about signatures without being asked: it forgets used proofs that nobody could use any more."""

from functools import partial

from chassis.chores import Chore, repeatedly
from chassis.work import Unit
from services.authorizations.signatures.handlers import forget_proofs
from services.authorizations.tools import Tools

FORGET_EVERY = 3600.0  # seconds


def forgetting(unit: Unit[Tools]) -> Chore:
    """Forget used proofs; until cancelled."""
    return partial(repeatedly, "used proofs", partial(forget, unit), FORGET_EVERY)


async def forget(unit: Unit[Tools]) -> None:
    """Forget those of a while ago."""
    await unit.run(forget_proofs, None, unit.origin.itself)
