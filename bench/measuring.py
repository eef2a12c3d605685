"""What the commands share: a stack of their own, instants of commits, percentiles, tables, facts of the machine."""

import asyncio
import math
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from local import STATE
from local.ports import Ports
from local.stack import Stack

AGENCY = "ccq"

# What an operator with 5 million rights or a million contacts gives PostgreSQL (docs/operations/databases.md); the
# embedded one has 128 MB by itself.
MEMORY = {"shared_buffers": "2GB", "effective_cache_size": "4GB"}

COMMITTED = """
select object_id, pg_xact_commit_timestamp(xmin) as at from audit where action = $1 and object_id = any($2::uuid[])
"""


def say(line: str = "") -> None:
    """One line for the person at the terminal."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def facts() -> str:
    """The machine and the moment; take it before anything is started."""
    load = " ".join(f"{average:.2f}" for average in os.getloadavg())
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {python}, load average before {load}, {now():%Y-%m-%d %H:%M} UTC"


def now() -> datetime:
    """This instant, on the clock that every process of the machine reads."""
    return datetime.now(UTC)


@contextmanager
def own_folder(kept: str | None = None) -> Iterator[Path]:
    """A folder below .mandat/ that goes away with everything in it, unless it is `kept` under that name."""
    STATE.mkdir(exist_ok=True)
    if kept is not None:
        folder = STATE / f"bench-kept-{kept}"
        folder.mkdir(exist_ok=True)
        yield folder
        return
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=STATE))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def own_stack(*, hashed: bool = True) -> Iterator[Stack]:
    """A fresh stack on free ports, whose databases remember when each transaction committed.

    Unless `hashed`, the hash of a password costs next to nothing.
    """
    modules = {} if hashed else {"accounts": "bench.unhashed"}
    with own_folder() as folder:
        stack = Stack(AGENCY, folder / "data", Ports.free(), folder / "logs", say, modules=modules)
        try:
            _remember_commits(stack)
            stack.start()
            yield stack
        finally:
            stack.stop()


@contextmanager
def own_stores() -> Iterator[Stack]:
    """PostgreSQL, which remembers when each transaction committed, and Kafka: a fresh stack without its services."""
    with own_folder() as folder:
        stack = Stack(AGENCY, folder / "data", Ports.free(), folder / "logs", say)
        try:
            _remember_commits(stack)
            stack.postgres.start()
            stack.kafka.start()
            yield stack
        finally:
            stack.stop()


def _remember_commits(stack: Stack) -> None:
    """Make the cluster and set what cannot be set in a running one; the stack then starts on it."""
    stack.postgres.start()

    async def settle() -> None:
        connection = await asyncpg.connect(stack.postgres.superuser_url)
        await connection.execute("alter system set track_commit_timestamp = on")
        await connection.close()

    asyncio.run(settle())
    stack.postgres.stop()


async def commits(stack: Stack, service: str, action: str, objects: Collection[str]) -> dict[str, datetime]:
    """When the transactions committed that left an audit row of this action about these objects.

    PostgreSQL notes the instant just before it flushes the commit to disk, so what begins here holds that flush.
    """
    connection = await asyncpg.connect(stack.postgres.url(service))
    try:
        rows = await connection.fetch(COMMITTED, action, [UUID(found) for found in objects])
    finally:
        await connection.close()
    return {str(row["object_id"]): row["at"] for row in rows}


@asynccontextmanager
async def bare_commits(stack: Stack, service: str) -> AsyncIterator[Callable[[], Awaitable[float]]]:
    """A call that commits one empty message to the log on a warm connection, and returns its milliseconds.

    Any change costs at least this: a round trip to PostgreSQL and one flush of its log to this disk.
    """
    connection = await asyncpg.connect(stack.postgres.url(service))

    async def commit() -> float:
        begun = time.perf_counter()
        await connection.execute("select pg_logical_emit_message(true, 'bench', '')")
        return (time.perf_counter() - begun) * 1000

    try:
        yield commit
    finally:
        await connection.close()


def on_a_core(connection: Any) -> float:
    """Milliseconds that a connection's server process has spent on a core (Linux): neighbours lengthen it little."""
    told = Path(f"/proc/{connection.get_server_pid()}/schedstat")
    return int(told.read_text(encoding="ascii").split()[0]) / 1e6 if told.exists() else float("nan")


def milliseconds(begun: datetime, ended: datetime) -> float:
    """From one instant to another."""
    return (ended - begun).total_seconds() * 1000


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank: a value that was measured. Of fewer than 100 values, the 99th percentile is the largest."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


SHOWN = ("n", "p50", "p90", "p99", "max")


def spread(values: Sequence[float]) -> list[str]:
    """The cells of SHOWN; a dash for each where nothing was measured."""
    if not values:
        return ["0", *["–"] * (len(SHOWN) - 1)]
    return [str(len(values)), *(f"{percentile(values, percent):.1f}" for percent in (50, 90, 99, 100))]


def times_the_floor(values: Sequence[float], floor: Sequence[float]) -> list[str]:
    """The cells of SHOWN: how many times the floor, percentile by percentile."""
    return ["", *(f"× {percentile(values, p) / percentile(floor, p):.1f}" for p in (50, 90, 99, 100))]


def table(title: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Print rows of a label and cells, cells under their column's name."""
    width = max(len(label) for label, _ in rows) + 2
    widths = [max(len(cells[place]) for cells in (columns, *(r for _, r in rows))) + 3 for place in range(len(columns))]
    say()
    say(title)
    for label, cells in (("", columns), *rows):
        shown = (cell.rjust(size) for cell, size in zip(cells, widths, strict=True))
        say(f"  {label.ljust(width)}{''.join(shown)}")
