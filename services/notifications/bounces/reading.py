"""Reads reports in a thread of its own, one at a time: one that is hard to read holds up no mail and no look-up."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from services.notifications.bounces import reports
from services.notifications.bounces.reports import Report


class Reader:
    """One thread. Who gives up waiting frees it no sooner: what it has begun it ends, and only then takes the next."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reports")
        self._turn = asyncio.Lock()

    async def read(self, content: bytes) -> Report:
        """What a mail says that came back."""
        await self._turn.acquire()
        try:
            reading = asyncio.get_running_loop().run_in_executor(self._thread, reports.read, content)
        except BaseException:
            self._turn.release()
            raise
        reading.add_done_callback(lambda _: self._turn.release())
        return await asyncio.shield(reading)

    def close(self) -> None:
        """Read nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
