"""A process with the services' relay and nothing else: `python -m bench.relaying SERVERS`.

The database is in BENCH_DATABASE_URL. It relays until SIGTERM, or until it is killed.
"""

import asyncio
import os
import signal
import sys

from chassis.bell import Bell
from chassis.database import create_pool
from chassis.kafka import Clients
from chassis.relay import Relay


async def main(dsn: str, servers: str) -> None:
    """Relay until told to stop."""
    pool = await create_pool(dsn, 2, "bench")
    relay = Relay(dsn, Clients(servers), Bell(pool, "outbox"))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, relay.stop)
    await relay.run()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(os.environ["BENCH_DATABASE_URL"], sys.argv[1]))
