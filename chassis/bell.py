"""A bell between whoever writes a row and whoever waits for one: an Event in this process, NOTIFY to the others."""

import asyncio
import contextlib

import asyncpg
import structlog

from chassis.database import Connection, Pool

log = structlog.get_logger()


class Bell:
    """Rung after a commit, never inside a transaction, where NOTIFY would serialize the writers.

    Several rings before the notification is out become one. A lost ring costs a poll's interval and no row.
    """

    def __init__(self, pool: Pool, channel: str) -> None:
        """`channel` is the NOTIFY channel, a plain identifier."""
        self._pool = pool
        self._channel = channel
        self._event = asyncio.Event()
        self._notifying: asyncio.Task[None] | None = None
        self.answered_here = False

    def ring(self) -> None:
        """Wake the waiter. Cheap when it lives in this process."""
        self._event.set()
        if not self.answered_here and (self._notifying is None or self._notifying.done()):
            self._notifying = asyncio.create_task(self._notify())

    async def wait(self, seconds: float) -> None:
        """Until the bell rings, at most so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        self._event.clear()

    async def hear(self, connection: Connection) -> None:
        """Let notifications from other processes, received on a direct connection, ring here too."""
        await connection.add_listener(self._channel, lambda *_: self._event.set())

    async def _notify(self) -> None:
        try:
            await self._pool.execute(f"notify {self._channel}")
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("notification not sent, the poll will find the row", channel=self._channel, error=repr(error))
