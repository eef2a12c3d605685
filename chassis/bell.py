"""A bell between whoever writes a row and whoever waits for one: an Event in this process, NOTIFY to the others."""

import asyncio

import structlog

from chassis.database import Connection, Pool, neighbour_failed
from chassis.waiting import set_within

log = structlog.get_logger()


class Bell:
    """Rung after a commit, never inside a transaction, where NOTIFY would serialize the writers.

    Rings while a notification is under way become one more. A lost notification costs a poll's interval and
    no row.
    """

    def __init__(self, pool: Pool, channel: str) -> None:
        """`channel` is the NOTIFY channel, a plain identifier."""
        self._pool = pool
        self._channel = channel
        self._event = asyncio.Event()
        self._unsent = False
        self._notifying: asyncio.Task[None] | None = None
        self.answered_here = False

    def ring(self) -> None:
        """Wake the waiter. Cheap when it lives in this process."""
        self._event.set()
        if self.answered_here:
            return
        self._unsent = True
        if self._notifying is None or self._notifying.done():
            self._notifying = asyncio.create_task(self._notify())

    async def wait(self, seconds: float) -> None:
        """Until the bell rings, at most so long."""
        await set_within(self._event, seconds)
        self._event.clear()

    async def hear(self, connection: Connection) -> None:
        """Let notifications from other processes, received on a direct connection, ring here too."""
        await connection.add_listener(self._channel, lambda *_: self._event.set())

    async def _notify(self) -> None:
        # A ring may come when PostgreSQL has delivered this notification and we have not yet heard so: its row
        # may be younger than the reader's look, so it gets a notification of its own.
        while self._unsent:
            self._unsent = False
            try:
                await self._pool.execute(f"notify {self._channel}")
            except Exception as error:
                if not neighbour_failed(error):
                    raise
                log.warning("notification not sent, the poll finds the row", channel=self._channel, error=repr(error))
