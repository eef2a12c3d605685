"""Several relays on one outbox: a fair share each, nothing out of order, and another takes over when one dies."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from chassis import relay, shards
from chassis.database import Connection
from chassis.shards import LEADERSHIP, SHARDS
from chassis.tests.conftest import ACTOR, Bench, OpenUnit, RunRelay, Wire, eventually
from chassis.tests.library import opened
from chassis.work import Work
from contracts.accounts import AccountOpened

BATCH = 20  # rows
KILLS = 12
Leaders = Callable[[], Awaitable[dict[int, int]]]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "BATCH", BATCH)
    for module, name in ((shards, "LOOK_EVERY"), (relay, "POLL"), (relay, "FIRST_PAUSE")):
        monkeypatch.setattr(module, name, 0.05)


@pytest.fixture
async def leaders(bench: Bench, superuser: Connection) -> Leaders:
    """Asks which backend leads each shard; none is ever led by two."""
    database = await superuser.fetchval("select oid from pg_database where datname = $1", bench.dsn.rsplit("/", 1)[1])

    async def found() -> dict[int, int]:
        rows = await superuser.fetch(
            "select objid::int as shard, pid from pg_locks"
            " where locktype = 'advisory' and granted and classid = $1 and database = $2",
            LEADERSHIP,
            database,
        )
        held = {row["shard"]: row["pid"] for row in rows}
        assert len(held) == len(rows)
        return held

    return found


async def is_empty(bench: Bench) -> bool:
    return await bench.size("outbox") == 0


def split(*numbers: int) -> Callable[[dict[int, int]], bool]:
    """Whether every shard is led, by relays that lead so many each."""

    def fits(held: dict[int, int]) -> bool:
        led = list(held.values())
        return sorted(led.count(pid) for pid in set(led)) == sorted(numbers)

    return fits


async def test_every_row_is_of_one_of_the_shards_that_relays_share(bench: Bench) -> None:
    await bench.publish(*[opened(uuid4()) for _ in range(200)])

    assert {row["shard"] for row in await bench.rows("outbox")} == set(range(SHARDS))


async def test_relays_share_the_shards_fairly_however_many_come_and_go(
    bench: Bench, open_unit: OpenUnit, run_relay: RunRelay, leaders: Leaders
) -> None:
    async def settles(*numbers: int) -> None:
        fits = split(*numbers)

        async def settled() -> bool:
            return fits(await leaders())

        await eventually(settled)

    running = [run_relay(bench)]
    await settles(4)
    for numbers in ((2, 2), (1, 1, 2), (1, 1, 1, 1), (1, 1, 1, 1)):  # the fifth stands by
        running.append(run_relay(await open_unit(bench.dsn)))
        await settles(*numbers)
    for left in ((1, 1, 1, 1), (1, 1, 2), (2, 2), (4,)):
        _, dying = running.pop(0)
        dying.cancel()
        await settles(*left)


async def test_rows_of_every_shard_are_sent_whoever_leads_it_and_wherever_they_were_written(
    bench: Bench,
    open_unit: OpenUnit,
    wire: Wire,
    run_relay: RunRelay,
    leaders: Leaders,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = await open_unit(bench.dsn)
    run_relay(bench)
    run_relay(other)
    fits = split(2, 2)

    async def settled() -> bool:
        return fits(await leaders())

    await eventually(settled)
    monkeypatch.setattr(relay, "POLL", 3600)  # from its next wait on, a relay hears bells alone
    for writer in (bench, other):
        await writer.publish(*[opened(uuid4()) for _ in range(40)])
        await eventually(lambda: is_empty(bench))
    for writer in (bench, other):
        await writer.publish(*[opened(uuid4()) for _ in range(40)])
        await eventually(lambda: is_empty(bench))

    assert len(await wire.everything()) == 160


async def test_sixteen_writers_and_three_relays_keep_each_keys_order_while_leaders_are_killed(
    bench: Bench, open_unit: OpenUnit, wire: Wire, run_relay: RunRelay, leaders: Leaders, superuser: Connection
) -> None:
    keys = [uuid4() for _ in range(5)]
    await bench.pool.executemany("insert into counters (id, value) values ($1, 0)", [(key,) for key in keys])
    for process in [bench, await open_unit(bench.dsn), await open_unit(bench.dsn)]:
        run_relay(process)

    async def change(work: Work[None], number: int) -> None:
        key = keys[number % 5]
        value = await work.connection.fetchval(
            "update counters set value = value + 1 where id = $1 returning value", key
        )
        work.publish(opened(key, value))

    async def write(writer: int) -> None:
        for number in range(60):
            await bench.unit.run(change, writer + number, ACTOR)

    async def kill() -> None:
        for number in range(KILLS):
            while not (held := await leaders()):
                await asyncio.sleep(0.005)
            victim = held[sorted(held)[number % len(held)]]
            await superuser.execute("select pg_terminate_backend($1)", victim)

            async def replaced(victim: int = victim) -> bool:
                led = await leaders()
                return len(led) == SHARDS and victim not in led.values()

            await eventually(replaced)

    await asyncio.gather(kill(), *[write(writer) for writer in range(16)])
    await eventually(lambda: is_empty(bench))

    records = await wire.everything()
    assert len(records) <= 16 * 60 + KILLS * BATCH
    found = defaultdict(list)
    for record in records:
        event = AccountOpened.model_validate_json(record.value or b"")
        found[event.account_id].append(int(event.terms_version))
    first = {key: list(dict.fromkeys(found[key])) for key in keys}
    assert first == {key: list(range(1, 16 * 60 // 5 + 1)) for key in keys}
