"""What a failure of PostgreSQL means to a process that starts."""

import asyncio

import pytest

from chassis.database import create_pool

STARTING_UP = b"SFATAL\0C57P03\0Mthe database system is starting up\0\0"


async def test_a_database_that_is_still_starting_cannot_be_reached_and_is_no_fault_of_ours() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(b"E" + (len(STARTING_UP) + 4).to_bytes(4, "big") + STARTING_UP)
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(OSError, match="starting or stopping"):
            await create_pool(f"postgresql://somebody@127.0.0.1:{port}/any?sslmode=disable", 2, "test")
