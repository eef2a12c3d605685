"""What a worker does about former credentials without being asked."""

from datetime import timedelta
from functools import partial

from chassis.chores import Chore, repeatedly
from chassis.work import Unit, Work
from services.linking.former_credentials import storage
from services.linking.tools import Tools

FORGET_EVERY = 3600.0  # seconds; the end is a day


LEFT_OUT_KEPT = timedelta(days=2)  # longer than an Idempotency-Key, whose request may be repeated


async def forget_past(work: Work[Tools], _: None) -> None:
    """Delete the credentials of methods whose last day is over, hashes and all, and what redemptions left out."""
    in_force = [code for code, method in work.tools.agency.linking_methods.items() if method.in_force(work.today)]
    if count := await storage.forget_all_but(work.connection, in_force):
        work.audit("former_credentials_forgotten", count=count)
    await storage.forget_left_out(work.connection, work.now - LEFT_OUT_KEPT)


def forgetting(unit: Unit[Tools]) -> Chore:
    """Delete what is past its last day; several workers may do so at once."""

    async def step() -> None:
        await unit.run(forget_past, None, unit.origin.itself)

    return partial(repeatedly, "forget former credentials", step, FORGET_EVERY)
