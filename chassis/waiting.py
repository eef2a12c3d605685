"""Waiting for an event, for so long and no longer."""

import asyncio
import contextlib


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event is set, after waiting for it at most so long.

    Python 3.11's own wait_for can swallow a cancellation that comes at the same moment.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
