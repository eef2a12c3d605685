"""An api behind PgBouncer, which lends a session for one transaction at a time. Skipped where there is none."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from chassis.bell import Bell
from chassis.database import SERVER_SETTINGS, Address, create_pool
from chassis.tests.conftest import ACTOR, Bench, OpenUnit, eventually
from chassis.tests.library import opened
from chassis.work import Unit, Work
from local import ROOT
from local.ports import free_ports

NEEDED = (1, 21)  # the first that keeps prepared statements apart in transaction mode
SESSIONS = 2  # of the server, for all clients together


def _obstacle() -> str | None:
    program = shutil.which("pgbouncer")
    if program is None:
        return "there is no pgbouncer here"
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"PgBouncer (\d+)\.(\d+)", told)
    if found is None or (int(found[1]), int(found[2])) < NEEDED:
        return f"pgbouncer is older than {'.'.join(map(str, NEEDED))}: {told.splitlines()[:1]}"
    return None


pytestmark = pytest.mark.skipif(_obstacle() is not None, reason=str(_obstacle()))


@pytest.fixture
async def pooler(bench: Bench, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a pooler in front of the bench's database."""
    [port] = free_ports(1)
    real = urlsplit(bench.dsn)
    name = real.path.removeprefix("/")
    place = f"host={real.hostname} port={real.port} dbname={name} user={real.username} password={real.password}"
    config = tmp_path / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n{name} = {place}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
        f"unix_socket_dir =\nauth_type = any\npool_mode = transaction\nmax_prepared_statements = 100\n"
        f"default_pool_size = {SESSIONS}\n"
    )
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec("pgbouncer", *user, str(config), stderr=asyncio.subprocess.DEVNULL)

    async def listens() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await eventually(listens)
    yield f"postgresql://{real.username}@127.0.0.1:{port}/{name}"
    process.terminate()
    await process.wait()


async def test_use_cases_side_by_side_share_fewer_sessions_than_they_have_connections(
    bench: Bench, open_unit: OpenUnit, pooler: str
) -> None:
    environment = {"MANDAT_DATABASE_URL": pooler, "MANDAT_DATABASE_DIRECT_URL": bench.dsn}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chassis.tests.library", "migrate", cwd=ROOT, env=dict(os.environ) | environment
    )
    assert await process.wait() == 0
    pool = await create_pool(Address(pooler, pooled=True), 8, "pooled")
    try:
        unit = Unit(pool, None, bench.unit.origin, Bell(pool, "outbox"))

        async def write(work: Work[None], number: int) -> None:
            sql = (
                f"insert into counters (id, value, last) values ($1, $2, '{number % 7}')"  # seven statements to prepare
            )
            await work.connection.execute(sql, uuid7(), number)
            work.publish(opened(uuid4(), number))
            work.audit("book.added", object_id=uuid4(), number=number)

        await asyncio.gather(*[unit.run(write, number, ACTOR) for number in range(60)])
        assert await bench.size("counters") == await bench.size("outbox") == await bench.size("audit") == 60
        assert (await pool.fetchval("select detail from audit order by id desc limit 1")).keys() == {"number"}
        for name, value in SERVER_SETTINGS.items():
            assert await pool.fetchval("select current_setting($1)", name) == value
        sessions = "select count(distinct pid) from pg_stat_activity where datname = current_database()"
        own = bench.pool.get_size()
        assert await bench.pool.fetchval(sessions) <= own + SESSIONS
    finally:
        await pool.close()
