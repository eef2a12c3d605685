"""What a worker does about registrations without being asked."""

import asyncio

import structlog

from chassis.database import neighbour_failed
from chassis.work import Actor, Unit
from services.accounts.registrations import handlers
from services.accounts.tools import Tools

log = structlog.get_logger()

FORGET_EVERY = 3600.0  # seconds; what is forgotten is a day old


async def forget_unverified(unit: Unit[Tools]) -> None:
    """Forget unverified registrations for as long as the process runs; several workers may do so at once."""
    while True:
        try:
            await unit.run(handlers.forget_unverified, None, Actor("service", unit.origin.service))
        except Exception as error:
            if not neighbour_failed(error):
                raise
            log.warning("unverified registrations wait to be forgotten", error=repr(error))
        await asyncio.sleep(FORGET_EVERY)
