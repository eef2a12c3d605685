"""The library with a handler that never comes back, and a watchdog that soon has enough: a process of its own.

`python -m chassis.tests.hanging worker`; HANGS=clings makes the handler deaf to being cancelled as well.
"""

import asyncio
import contextlib
import os
import sys
from dataclasses import replace
from pathlib import Path

from chassis import entry, service
from chassis.doors import door, doors
from chassis.doors.watchdog import Watchdog
from chassis.subscriptions import Order, Subscription
from chassis.tests import library
from chassis.work import Work
from contracts.accounts import AccountOpened

hangs = asyncio.Event()


async def hang(work: Work[None], event: AccountOpened) -> None:
    """Does its work, and never says so."""
    await library.count(work, event)
    hangs.set()
    while True:
        with contextlib.suppress(asyncio.CancelledError) if os.environ.get("HANGS") else contextlib.nullcontext():
            await asyncio.Event().wait()


class Impatient(Watchdog):
    """Bites half a second after the handler hangs."""

    def __init__(self) -> None:
        super().__init__(patience=0.5)

    def bites(self, lag: int, done: int, *, excused: bool, now: float) -> bool:
        """However long it takes to get there."""
        return super().bites(lag, done, excused=excused or not hangs.is_set(), now=now)


door.Watchdog = Impatient  # type: ignore[attr-defined, assignment]
doors.LOOK_EVERY = 0.1
doors.DRAIN_ON_STOP = 1
if os.environ.get("HANGS"):
    service.LONGEST_STOP = 3.0

hanging = replace(library.service, subscriptions=[Subscription(AccountOpened, hang, Order.KEPT)])

if __name__ == "__main__":
    sys.exit(entry.run(Path(__file__).parent, lambda: hanging))
