"""What a failure of PostgreSQL means to a process that starts, and how it signs in."""

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from chassis.database import Address, Connection, connect, create_pool
from chassis.tests.authority import Authority
from chassis.tests.conftest import Bench
from tests.fixtures.patience import PATIENCE
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


@asynccontextmanager
async def tls_in_front_of(
    url: str, certificate: Path, key: Path, clients: Authority | None = None
) -> AsyncIterator[int]:
    """A door that speaks TLS as PostgreSQL does, for the embedded one, which is built without it. Gives its port.

    Where `clients` is given, it lets in nobody who shows no certificate of that authority.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    if clients is not None:
        context.load_verify_locations(clients.file)
        context.verify_mode = ssl.CERT_REQUIRED
    asked_for_tls = (8).to_bytes(4) + (80877103).to_bytes(4)
    parts = urlsplit(url)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            while found := await reader.read(65536):
                writer.write(found)
                await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(8) == asked_for_tls
        writer.write(b"S")
        try:
            await writer.start_tls(context)
        except OSError:  # the client did not like what it was shown
            writer.close()
            return
        server, to_server = await asyncio.open_connection(parts.hostname, parts.port)
        await asyncio.gather(pump(reader, to_server), pump(server, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as door:
        yield door.sockets[0].getsockname()[1]


async def test_a_database_of_others_must_show_the_certificate_of_its_name_before_it_gets_a_password(
    bench: Bench, tmp_path: Path
) -> None:
    parts = urlsplit(bench.dsn)
    (file := tmp_path / "password").write_text(f"{parts.password}\n")
    (strangers := tmp_path / "strangers").mkdir()
    ours, theirs = Authority(tmp_path), Authority(strangers)
    async with tls_in_front_of(bench.dsn, *ours.issue("server", "127.0.0.1")) as port:

        def at(host: str, authority: Authority) -> Address:
            verified = f"sslmode=verify-full&sslrootcert={authority.file}"
            return Address(f"postgresql://{parts.username}@{host}:{port}{parts.path}?{verified}", file)

        connection = await connect(at("127.0.0.1", ours))
        assert await connection.fetchval("select 1") == 1
        await connection.close()
        for faulty in (at("127.0.0.1", theirs), at("localhost", ours)):
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect(faulty)


async def test_a_certificate_of_our_own_is_shown_as_it_stands_at_each_connection(bench: Bench, tmp_path: Path) -> None:
    (strangers := tmp_path / "strangers").mkdir()
    ours, theirs = Authority(tmp_path), Authority(strangers)
    server, (shown, key) = ours.issue("server", "127.0.0.1"), ours.issue("library")
    parts = urlsplit(bench.dsn)
    async with tls_in_front_of(bench.dsn, *server, clients=ours) as port:
        at = f"{parts.scheme}://{parts.username}:{parts.password}@127.0.0.1:{port}{parts.path}"
        verified = f"{at}?sslmode=verify-full&sslrootcert={ours.file}"
        connection = await connect(f"{verified}&sslcert={shown}&sslkey={key}")
        assert await connection.fetchval("select 1") == 1
        await connection.close()

        refused = (OSError, asyncpg.PostgresConnectionError)
        with pytest.raises(refused):
            await connect(verified)
        for ours_now, theirs_now in zip((shown, key), theirs.issue("library"), strict=True):
            ours_now.write_bytes(theirs_now.read_bytes())
        with pytest.raises(refused):
            await connect(f"{verified}&sslcert={shown}&sslkey={key}")


async def test_a_password_that_is_not_there_is_a_database_that_cannot_be_reached(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot be reached"):
        await create_pool(Address(bench.dsn, tmp_path / "nowhere"), 2, "test")


@pytest.mark.parametrize("fails", ["giving back", "rollback"])
async def test_whoever_is_cancelled_stays_so_whatever_fails_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    begun = asyncio.Event()

    async def away(*_: Any, **__: Any) -> None:
        """The server hears too late that a statement is to end."""
        await asyncio.sleep(PATIENCE)

    async def work(connection: Connection) -> None:
        begun.set()
        try:
            await connection.execute("select pg_sleep(60)")
        except asyncio.CancelledError:
            if fails == "rollback":
                raise ConnectionResetError from None
            raise

    async def working() -> None:
        while True:
            with contextlib.suppress(OSError):  # as chores and gauges do, which wait out a database that is away
                async with bench.pool.acquire(timeout=1) as connection:
                    await work(connection)

    if fails == "giving back":
        monkeypatch.setattr("asyncpg.connect_utils._cancel", away)
    task = asyncio.create_task(working())
    await asyncio.wait_for(begun.wait(), PATIENCE)
    task.cancel()
    await asyncio.wait([task], timeout=PATIENCE)
    assert task.cancelled()
