"""Which shards of the outbox this process relays: a fair share, by session locks of one connection.

A shard is led by whoever holds its lock, so by one at most. How many relays there are is known from a shared lock that
each of them holds; both kinds end with the connection, so a dead relay is missed at the next look.
"""

import time

from prometheus_client import Gauge

from chassis.database import Connection

SHARDS = 4  # of an outbox, by the hash of a row's key; the same number stands in migrations/0002_outbox.sql
LEADERSHIP = 7_263_002  # first half of a shard's lock, whose second is the shard's number
PRESENCE = 7_263_003  # first half of the shared lock of every relay at work; a database is one service's
LOOK_EVERY = 1.0  # seconds between two looks who else is there

HELD = Gauge(
    "mandat_relay_shards", f"Shards of the outbox that this process relays; a service's processes share {SHARDS}"
)

OTHERS = """
select pid = pg_backend_pid() as own from pg_locks
where locktype = 'advisory' and granted and classid = $1 and objsubid = 2
    and database = (select oid from pg_database where datname = current_database())
order by pid
"""


class Shards:
    """The shards of one relay, led through one connection and for as long as it lasts."""

    def __init__(self, connection: Connection) -> None:
        """`connection` must be a direct one, because a pooler would lose its locks."""
        self._connection = connection
        self._next_look = 0.0
        self.held: frozenset[int] = frozenset()

    @property
    def all_held(self) -> bool:
        """Whether no other relay leads anything."""
        return len(self.held) == SHARDS

    async def join(self) -> None:
        """Be counted among the relays."""
        await self._connection.execute("select pg_advisory_lock_shared($1, 0)", PRESENCE)

    async def settle(self) -> None:
        """Let go what is another's, and take what is ours and free; called between batches, when nothing is in flight.

        The n-th of m relays, in the order of their backends, has every m-th shard from the n-th on.
        """
        if time.monotonic() < self._next_look:
            return
        present = [row["own"] for row in await self._connection.fetch(OTHERS, PRESENCE)]
        share = frozenset(range(present.index(True), SHARDS, len(present)))
        for shard in self.held - share:
            await self._connection.execute("select pg_advisory_unlock($1, $2)", LEADERSHIP, shard)
        wanted = sorted(share - self.held)
        taken = {shard for shard in wanted if await self._take(shard)}
        self.held = (self.held & share) | taken
        HELD.set(len(self.held))
        self._next_look = time.monotonic() + LOOK_EVERY

    async def _take(self, shard: int) -> bool:
        taken: bool = await self._connection.fetchval("select pg_try_advisory_lock($1, $2)", LEADERSHIP, shard)
        return taken
