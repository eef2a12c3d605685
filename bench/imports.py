"""An import beside COPY of the rows that it made, into the same indexed and constrained tables; its memory."""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from bench.measuring import AGENCY, own_stores, say, table
from chassis.database import connect
from chassis.kafka import Clients
from chassis.migrations import migrate
from chassis.topics import Wanted
from chassis.topics import make as make_topics
from local import ROOT, Problem, extract
from local.stack import Stack

ROWS = 1_000_000
ROWS_EACH = 6.58  # of one organization, in the extract that local.extract makes up
SEED = 5
MIGRATIONS = ROOT / "services" / "authorizations" / "migrations"
FLOOR = "floor"  # the other database
TURNS = 3  # of the floor, each into a fresh database: it moves by a tenth from one to the next
TABLES = ("organizations", "personal_fields", "statuses", "contacts", "relations", "rights")
KIBIBYTES = 1024
PATIENCE = 3600.0  # seconds
AIM = "aim: 0.5 of the floor or better; the same memory for a tenth of the rows"


def run(small: bool) -> None:
    """A tenth, for its memory, then all; then the floor, by turns; and print one table."""
    rows = ROWS // 20 if small else ROWS
    with own_stores() as stack:
        stack.keyrings.make()
        asyncio.run(make_topics(Clients(stack.kafka.servers), Wanted()))
        few = _import(stack, "few", rows // 10)
        many = _import(stack, "many", rows)
        turns = sorted(asyncio.run(_copy(stack, "many", f"{FLOOR}_{turn}")) for turn in range(TURNS))
    read, seconds, peak, stored = many
    copied = statistics.median(turns)
    table(
        f"{read:,} rows of an extract, {stored:,} rows of tables ({AIM})",
        ("seconds", "rows/s", "peak MB"),
        [
            ("import, the relay at work beside it", [f"{seconds:.1f}", f"{read / seconds:,.0f}", f"{peak:.0f}"]),
            (
                f"floor: COPY of the tables' rows, median of {', '.join(f'{turn:.0f}' for turn in turns)} s",
                [f"{copied:.1f}", f"{read / copied:,.0f}", ""],
            ),
            ("of the floor", ["", f"{copied / seconds:.2f}", ""]),
            (f"import of {few[0]:,} rows", [f"{few[1]:.1f}", f"{few[0] / few[1]:,.0f}", f"{few[2]:.0f}"]),
        ],
    )


def _import(stack: Stack, name: str, rows: int) -> tuple[int, float, float, int]:
    """Rows read, seconds from the command's start to its end, its peak memory in MB, rows that then stand."""
    file = stack.folder / f"{name}.csv"
    with file.open("w", encoding="utf-8") as lines:
        extract.write(lines, extract.read(AGENCY), round(rows / ROWS_EACH), SEED)
    dsn = stack.postgres.create_database(name)
    asyncio.run(migrate(dsn, MIGRATIONS))
    with _relaying(stack, dsn):
        begun = time.perf_counter()
        told = dict(os.environ) | stack.environment("authorizations") | {"MANDAT_DATABASE_URL": dsn}
        command = [sys.executable, "-m", "services.authorizations", "import", str(file)]
        output, complaints = stack.folder / f"{name}.out", stack.folder / f"{name}.err"
        with output.open("wb") as out, complaints.open("wb") as err:
            peak = _watched(subprocess.Popen(command, env=told, cwd=ROOT, stdout=out, stderr=err))
        seconds = time.perf_counter() - begun
    said = output.read_text(encoding="utf-8").strip()
    if not said:
        raise Problem(f"The import failed: {complaints.read_text(encoding='utf-8')[-2000:]}")
    say(f"{name}: {said}")
    return int(said.split()[0]), seconds, peak, asyncio.run(_count(dsn))


def _watched(process: "subprocess.Popen[bytes]") -> float:
    """Wait for a process. Returns the most memory that it had resident, in MB."""
    status, peak = Path(f"/proc/{process.pid}/status"), 0
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
            raise Problem("The import did not end.")
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                peak = int(line.split()[1])
        time.sleep(0.1)
    return peak * KIBIBYTES / 1_000_000


@contextmanager
def _relaying(stack: Stack, dsn: str) -> Iterator[None]:
    environment = dict(os.environ) | {"BENCH_DATABASE_URL": dsn}
    command = [sys.executable, "-m", "bench.relaying", stack.kafka.servers]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def _count(dsn: str) -> int:
    connection = await connect(dsn)
    try:
        return sum([await connection.fetchval(f"select count(*) from {name}") for name in TABLES])
    finally:
        await connection.close()


async def _copy(stack: Stack, made: str, floor: str) -> float:
    """Seconds that COPY takes for the rows of every table, into a fresh database with the same migrations."""
    dsn = stack.postgres.create_database(floor)
    await migrate(dsn, MIGRATIONS)
    source, target = await asyncpg.connect(stack.postgres.url(made)), await asyncpg.connect(dsn)
    seconds = 0.0
    for name in TABLES:
        file, columns = stack.folder / f"{name}.copy", await _columns(source, name)
        await source.copy_from_table(name, columns=columns, output=file, format="binary", timeout=PATIENCE)
        await target.execute(f"alter table {name} disable trigger user")  # a floor keeps nothing true besides
        begun = time.perf_counter()
        await target.copy_to_table(name, columns=columns, source=file, format="binary", timeout=PATIENCE)
        seconds += time.perf_counter() - begun
        file.unlink()
    await source.close()
    await target.close()
    return seconds


async def _columns(connection: "asyncpg.Connection[asyncpg.Record]", name: str) -> list[str]:
    """Those that are written; the database makes the others itself."""
    rows = await connection.fetch(
        "select attname from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped"
        " and attgenerated = '' order by attnum",
        name,
    )
    return [row["attname"] for row in rows]
