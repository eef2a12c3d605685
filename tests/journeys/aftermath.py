"""What a journey must not leave behind, whichever agency's guide was played."""

import asyncio

import asyncpg

from local.ports import SERVICES
from local.stack import Stack
from tests.fixtures.patience import PATIENCE


async def everything_arrived(stack: Stack) -> None:
    """Nothing stays in an outbox, and nothing was parked."""
    for name in SERVICES:
        connection = await asyncpg.connect(stack.postgres.url(name))
        try:
            async with asyncio.timeout(PATIENCE):
                while await connection.fetchval("select count(*) from outbox"):
                    await asyncio.sleep(0.05)
            assert await connection.fetchval("select count(*) from dead_letters") == 0
        finally:
            await connection.close()


async def everything_starts_again(stack: Stack) -> None:
    """Each service finds that the agency's folder has every code that the journey put in use."""
    await asyncio.gather(*(asyncio.to_thread(stack.start_again, member) for member in stack.members))
