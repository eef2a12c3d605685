"""Work that takes a core for a while, off the event loop: a bounded number at once, the others wait their turn."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

R = TypeVar("R")

MOST = 8  # a container sees all of its node's cores; each turn of Argon2 takes 19 MB, and its memory has a limit
AT_ONCE = min(max(2, os.cpu_count() or 2), MOST)  # more than there are cores only makes each one slower
PATIENCE = 5.0  # seconds to wait for a turn; then the caller hears that the service is busy (503)


class Turns:
    """A pool of threads with a queue that nobody waits in for long."""

    def __init__(self, name: str) -> None:
        """`name` is that of the threads."""
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=name)
        self._turns = asyncio.BoundedSemaphore(AT_ONCE)

    async def take(self, work: Callable[[], R]) -> R:
        """What the work returns. Raises TimeoutError when too many others wait."""
        async with asyncio.timeout(PATIENCE):
            await self._turns.acquire()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._turns.release()
