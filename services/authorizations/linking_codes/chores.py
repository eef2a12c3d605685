"""What a worker does about batches of linking codes without being asked."""

import asyncio

import structlog

from chassis.database import neighbour_failed
from chassis.work import Actor, Unit
from services.authorizations.linking_codes.handlers import raise_portion
from services.authorizations.tools import Tools

log = structlog.get_logger()

PORTION = 20  # contacts in one transaction, which holds their organizations' locks for some 50 ms
PACE = 100  # contacts a second, of one worker: 50,000 take 8 minutes, and what people wait for keeps its speed
LOOK_EVERY = 0.5  # seconds, while no batch waits


async def raise_portions(unit: Unit[Tools]) -> None:
    """Carry out batches until cancelled; several workers share one."""
    while True:
        raised = 0
        try:
            await unit.room()
            raised = (await unit.run(raise_portion, PORTION, Actor("service", unit.origin.service))).outcome
        except Exception as error:
            if not neighbour_failed(error):
                raise
            log.warning("batches of linking codes wait", error=type(error).__name__)
        await asyncio.sleep(raised / PACE or LOOK_EVERY)
