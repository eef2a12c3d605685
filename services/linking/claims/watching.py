"""Waiting for news of a claim: everybody who waits in a process shares each look at the rows."""

import asyncio
import time
from collections import Counter
from functools import partial
from uuid import UUID

from chassis.database import Pool
from chassis.limits import too_many
from chassis.outcomes import Refusal
from chassis.together import Together
from chassis.waiting import set_within
from services.linking.claims import storage

FIRST_LOOK, SLOWEST_LOOK = 0.05, 0.5  # seconds between two looks of one that waits: most claims are decided at once
RETRY_AFTER = 1  # seconds: by then one of its calls may have been answered
MOST_WAITING = 500  # in one process: beyond it a call answers at once, and its caller asks again


class Watch:
    """Those of a process who wait. A call holds no connection while it waits, and one look is under way at a time."""

    def __init__(self, pool: Pool, per_account: int, stopping: asyncio.Event) -> None:
        """For one process, in which so many calls of one account wait at a time, and none once it is told to stop."""
        self._looks = Together(partial(storage.versions, pool), at_once=1)
        self._per_account = per_account
        self.stopping = stopping
        self._waiting = Counter[UUID]()

    async def wait(self, account_id: UUID, claim_id: UUID, seen: int, seconds: float) -> Refusal | None:
        """Until a claim's version is another than the one seen, and so long at most. Refusal: too_many_attempts."""
        if self._waiting[account_id] >= self._per_account:
            return too_many(RETRY_AFTER)
        if self._waiting.total() >= MOST_WAITING:
            return None
        self._waiting[account_id] += 1
        try:
            await self._until_news(claim_id, seen, seconds)
        finally:
            self._waiting[account_id] -= 1
            if not self._waiting[account_id]:
                del self._waiting[account_id]
        return None

    async def _until_news(self, claim_id: UUID, seen: int, seconds: float) -> None:
        deadline, pause = time.monotonic() + seconds, FIRST_LOOK
        while (left := deadline - time.monotonic()) > 0:
            if await set_within(self.stopping, min(pause, left)):
                return
            pause = min(pause * 1.5, SLOWEST_LOOK)
            if await self._looks.ask(claim_id) != seen:
                return
