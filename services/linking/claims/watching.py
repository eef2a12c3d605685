"""Waiting for news of a claim: everybody who waits in a process shares each look at the rows."""

import asyncio
import time
from functools import partial
from uuid import UUID

from chassis.database import Pool
from chassis.together import Together
from services.linking.claims import storage

FIRST_LOOK, SLOWEST_LOOK = 0.05, 0.5  # seconds between two looks of one that waits: most claims are decided at once
MOST_WAITING = 500  # in one process: beyond it a call answers at once, and its caller asks again


class Watch:
    """Those of a process who wait. A call holds no connection while it waits, and one look is under way at a time."""

    def __init__(self, pool: Pool) -> None:
        """For one process."""
        self._looks = Together(partial(storage.versions, pool), at_once=1)
        self._number = 0

    async def wait(self, claim_id: UUID, seen: int, seconds: float) -> None:
        """Until a claim's version is another than the one seen, and so long at most."""
        if self._number >= MOST_WAITING:
            return
        self._number += 1
        try:
            deadline, pause = time.monotonic() + seconds, FIRST_LOOK
            while (left := deadline - time.monotonic()) > 0:
                await asyncio.sleep(min(pause, left))
                pause = min(pause * 1.5, SLOWEST_LOOK)
                if await self._looks.ask(claim_id) != seen:
                    return
        finally:
            self._number -= 1
