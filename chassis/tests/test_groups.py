"""A database restored to an earlier time catches up: its groups go back with it; nothing is lost or applied twice."""

import asyncio
import json
import os
import secrets
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from chassis import keys
from chassis.groups.reset import Group, StillRunning, reset
from chassis.kafka import Clients
from chassis.subscriptions import Order, Subscription
from chassis.tests.conftest import CONSUMER, PARTITIONS, Bench, OpenDoors, OpenUnit, Wire, eventually
from chassis.tests.library import count, opened
from chassis.work import Work
from contracts.accounts import AccountOpened
from local import ROOT
from local.postgres import Postgres
from tests.fixtures.patience import PATIENCE

KEYS = [UUID(int=number) for number in range(8)]  # always the same ones, of both partitions


def group(wire: Wire) -> Group:
    return Group(CONSUMER, wire.prefix + CONSUMER, wire.topic)


async def send(wire: Wire, numbers: range) -> None:
    for number in numbers:
        await asyncio.gather(*[wire.send(opened(key, number)) for key in KEYS])


async def effects(bench: Bench) -> dict[UUID, str]:
    return {row["id"]: row["last"] for row in await bench.rows("counters")}


def applied(bench: Bench, *counts: int) -> Any:
    """Whether each key has had so many messages."""

    async def found() -> bool:
        values = await bench.pool.fetch("select value from counters")
        return sorted(row["value"] for row in values) == sorted(counts)

    return found


async def copied(postgres: Postgres, open_unit: OpenUnit, bench: Bench) -> tuple[Bench, Bench]:
    """The database as it goes on, and as a backup would restore it."""
    await bench.pool.close()
    name = urlsplit(bench.dsn).path[1:]
    url = await asyncio.to_thread(postgres.clone, name, f"{name}_{secrets.token_hex(2)}")
    return await open_unit(bench.dsn), await open_unit(url)


async def test_after_a_reset_a_restored_database_ends_as_if_it_had_never_been_restored(
    bench: Bench,
    wire: Wire,
    open_doors: OpenDoors,
    open_unit: OpenUnit,
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chassis.doors.doors.DRAIN_ON_STOP", 0.2)
    slow, hurry = asyncio.Event(), asyncio.Event()

    async def lagging(work: Work[None], event: AccountOpened) -> None:
        """One key, and its partition, waits while the other goes on."""
        if event.account_id == KEYS[0] and not hurry.is_set():
            slow.set()
            await hurry.wait()
        await count(work, event)

    subscription = Subscription(AccountOpened, lagging, Order.KEPT)
    doors = await open_doors(bench, subscription)
    await send(wire, range(10))
    await asyncio.wait_for(slow.wait(), PATIENCE)

    async def positions_kept() -> bool:
        reached: int = await bench.pool.fetchval('select coalesce(sum("offset"), 0) from positions')
        return 0 < reached == await bench.size("inbox")

    await eventually(positions_kept)
    restored_to = datetime.now(UTC)
    await doors.stop()  # cancels what waits, which then rolls back
    lagged = await bench.size("inbox")
    assert lagged < 10 * len(KEYS)

    live, restored = await copied(postgres, open_unit, bench)
    hurry.set()
    doors = await open_doors(live, subscription)
    await send(wire, range(10, 20))
    await eventually(applied(live, *[20] * len(KEYS)))
    with pytest.raises(StillRunning):
        await reset(Clients(wire.servers), restored.pool, [group(wire)], restored_to)
    await doors.stop()
    assert await wire.committed() == 20 * len(KEYS)

    moved = await reset(Clients(wire.servers), restored.pool, [group(wire)], restored_to)
    assert len(moved) == PARTITIONS
    assert await wire.committed() == sum(one.after for one in moved) <= lagged
    doors = await open_doors(restored, subscription)
    await eventually(applied(restored, *[20] * len(KEYS)))

    assert await effects(restored) == await effects(live)
    assert {*(await effects(restored)).values()} == {" ".join(map(str, range(20)))}


async def test_a_database_of_before_positions_were_kept_goes_back_by_time(
    bench: Bench, wire: Wire, open_doors: OpenDoors, open_unit: OpenUnit, postgres: Postgres
) -> None:
    subscription = Subscription(AccountOpened, count, Order.KEPT)
    doors = await open_doors(bench, subscription)
    await send(wire, range(5))
    await eventually(applied(bench, *[5] * len(KEYS)))
    await doors.stop()
    await bench.pool.execute("delete from positions")
    live, restored = await copied(postgres, open_unit, bench)
    restored_to = datetime.now(UTC)
    doors = await open_doors(live, subscription)
    await send(wire, range(5, 10))
    await eventually(applied(live, *[10] * len(KEYS)))
    await doors.stop()

    others = Group("test.others", wire.prefix + "test.others", wire.topic)  # a service has one group per topic
    await reset(Clients(wire.servers), restored.pool, [group(wire), others], restored_to - timedelta(milliseconds=5))
    assert 0 < await wire.committed() <= 5 * len(KEYS)
    await open_doors(restored, subscription)
    await eventually(applied(restored, *[10] * len(KEYS)))
    assert await effects(restored) == await effects(live)


async def test_the_command_says_what_it_moved_and_is_audited(bench: Bench, wire: Wire, tmp_path: Path) -> None:
    ring = keys.generate("library")
    ring.write(tmp_path / "ring.json")
    keys.write_public([ring], tmp_path / "public.json")
    await send(wire, range(1))
    settings = {
        "agency": ROOT / "agencies" / "ccq",
        "database_url": bench.dsn,
        "kafka_servers": wire.servers,
        "topic_prefix": wire.prefix,
        "gateway_port": 1,
        "operations_port": 1,
        "keyring": tmp_path / "ring.json",
        "sealing_keys": tmp_path / "public.json",
        "issuer_base": "http://127.0.0.1:1",
    }
    environment = {f"MANDAT_{name.upper()}": str(value) for name, value in settings.items()}

    async def run(*arguments: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "chassis.tests.library", "reset-groups", "--by", "marie", *arguments,
            cwd=ROOT, env=dict(os.environ) | environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await process.communicate()
        assert process.returncode is not None
        return process.returncode, output.decode(), errors.decode()

    for wrong in ("yesterday", "2026-11-22T10:00:00", "2999-01-01T00:00:00Z"):
        assert (await run("--to", wrong))[0] == 2
    assert (await run("--to", "2026-01-01T00:00:00Z", "--margin", "5"))[0] == 2
    now = datetime.now(UTC).isoformat()
    status, output, complaint = await run("--to", now, "--margin", "0s", "--json")

    assert (status, complaint) == (0, "")
    moved = [json.loads(line) for line in output.splitlines()]
    assert [(one["partition"], one["before"]) for one in moved] == [(0, None), (1, None)]
    assert sum(one["after"] for one in moved) == len(KEYS)
    [audited] = await bench.rows("audit")
    assert (audited["action"], audited["actor_kind"], audited["actor_id"]) == ("groups.reset", "operator", "marie")
    [offsets] = audited["detail"]["offsets"].values()
    assert offsets == {str(one["partition"]): one["after"] for one in moved}
