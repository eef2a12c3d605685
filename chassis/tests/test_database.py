"""What a failure of PostgreSQL means to a process that starts, and how it signs in."""

import asyncio
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from chassis.database import Address, create_pool
from tests.fixtures.servers import DatabaseServer

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


async def test_a_password_in_a_file_may_be_rotated_under_a_running_process(
    postgres: DatabaseServer, tmp_path: Path
) -> None:
    role, file = f"rotated_{secrets.token_hex(4)}", tmp_path / "password"
    url = urlsplit(await asyncio.to_thread(postgres.create_database, role))
    assert url.password is not None
    file.write_text(url.password)
    address = Address(f"postgresql://{role}@{url.hostname}:{url.port}/{role}", file)
    superuser = await asyncpg.connect(postgres.superuser_url)
    try:
        async with await create_pool(address, 2, "test") as pool:
            async with pool.acquire() as standing:
                await superuser.execute(f"alter role {role} password 'another'")
                assert await standing.fetchval("select 1") == 1
            await pool.expire_connections()
            with pytest.raises(asyncpg.InvalidPasswordError):
                await pool.fetchval("select 1")
            file.write_text("another")
            assert await pool.fetchval("select 1") == 1
    finally:
        await superuser.close()
        await asyncio.to_thread(postgres.drop_database, role)
