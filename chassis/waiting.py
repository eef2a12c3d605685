"""Waiting for an event, for so long and no longer; and saying now and then what is waited for."""

import asyncio
import contextlib
import time
from dataclasses import dataclass

TELL_EVERY = 10.0  # seconds between two lines of the log about the same thing


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event is set, after waiting for it at most so long.

    Python 3.11's own wait_for can swallow a cancellation that comes at the same moment.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


@dataclass
class Told:
    """What the log was told last of something that is waited for: the same again only after a while."""

    words: str = ""
    again_at: float = 0.0

    def is_worth_saying(self, words: str) -> bool:
        """Whether to say this now; who asks then says it."""
        if words == self.words and time.monotonic() < self.again_at:
            return False
        self.words, self.again_at = words, time.monotonic() + TELL_EVERY
        return True
