"""The newest state of each key goes out a second time, and never behind a newer one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis import states
from chassis.database import Connection
from chassis.tests.conftest import ACTOR, Bench, OpenUnit, eventually
from chassis.tests.library import opened, person
from chassis.work import Work
from contracts.accounts import Person
from contracts.topics import COMPACTION_LAG_MS

DUE = "update state_echoes set due_at = clock_timestamp() - interval '1 second'"


async def versions(bench: Bench, key: UUID) -> list[int | None]:
    """The versions in the outbox of one account, by id; None for a tombstone."""
    rows = await bench.pool.fetch("select payload from outbox where key = $1 order by id", str(key))
    return [Person.model_validate_json(row["payload"]).version if row["payload"] else None for row in rows]


async def send_again(bench: Bench) -> int:
    async with bench.pool.acquire() as connection:
        return await states.send_again(connection)


async def forget(bench: Bench, key: UUID) -> None:
    async def forgetting(work: Work[None], key: UUID) -> None:
        work.forget(Person, key)

    await bench.unit.run(forgetting, key, ACTOR)


def test_a_state_is_sent_again_long_after_it_can_be_in_flight_and_before_compaction_may_touch_it() -> None:
    assert timedelta(minutes=10) <= states.ECHO_AFTER <= timedelta(milliseconds=COMPACTION_LAG_MS) / 2


async def test_the_newest_state_goes_out_again_after_its_hour_with_the_same_id_and_bytes(bench: Bench) -> None:
    key = uuid4()
    await bench.publish(person(key, 1))
    await bench.publish(person(key, 2))

    assert await send_again(bench) == 0
    await bench.pool.execute(DUE)
    assert await send_again(bench) == 1

    *_, newest, echo = await bench.rows("outbox")
    assert (echo["topic"], echo["key"], echo["headers"], echo["payload"]) == (
        newest["topic"],
        newest["key"],
        newest["headers"],
        newest["payload"],
    )
    assert await versions(bench, key) == [1, 2, 2]
    assert await send_again(bench) == 0


async def test_a_tombstone_takes_the_place_of_the_state_and_is_sent_again(bench: Bench) -> None:
    key = uuid4()
    await bench.publish(person(key, 1))
    await forget(bench, key)
    await bench.pool.execute(DUE)

    assert await send_again(bench) == 1

    first, tombstone, echo = await bench.rows("outbox")
    assert (tombstone["topic"], tombstone["key"], tombstone["payload"]) == (first["topic"], str(key), None)
    assert tombstone["headers"].keys() == first["headers"].keys()
    assert tombstone["headers"]["ce_type"] == Person.type_name()
    assert tombstone["headers"]["ce_id"] != first["headers"]["ce_id"]
    assert (echo["headers"], echo["payload"]) == (tombstone["headers"], None)


async def test_two_states_of_a_key_in_one_transaction_leave_the_last_for_the_echo(bench: Bench) -> None:
    key = uuid4()
    await bench.publish(person(key, 1), person(uuid4(), 1), person(key, 2))

    await bench.pool.execute(DUE)
    await send_again(bench)

    assert await versions(bench, key) == [1, 2, 2]


async def test_facts_are_sent_once(bench: Bench) -> None:
    await bench.publish(opened(uuid4()))

    assert await bench.size("state_echoes") == 0


@contextlib.asynccontextmanager
async def held(bench: Bench) -> AsyncIterator[Connection]:
    """A connection with a transaction open, which commits at the end."""
    async with bench.pool.acquire() as connection, connection.transaction():
        yield connection


async def waits(superuser: Connection, bench: Bench) -> bool:
    """Whether some statement of the unit's database waits for a lock."""
    found: bool = await superuser.fetchval(
        "select exists (select from pg_stat_activity where datname = $1 and wait_event_type = 'Lock')",
        bench.dsn.rsplit("/", 1)[1],
    )
    return found


async def test_a_newer_state_waits_for_an_echo_under_way_and_goes_out_behind_it(
    bench: Bench, superuser: Connection
) -> None:
    key = uuid4()
    await bench.publish(person(key, 1))
    await bench.pool.execute(DUE)
    async with held(bench) as echoing:
        assert await states.send_again(echoing) == 1
        newer = asyncio.create_task(bench.publish(person(key, 2)))
        await eventually(lambda: waits(superuser, bench))
    await newer

    assert await versions(bench, key) == [1, 1, 2]
    await bench.pool.execute(DUE)
    assert await send_again(bench) == 1
    assert await versions(bench, key) == [1, 1, 2, 2]


async def test_the_echo_of_an_older_state_is_skipped_while_a_newer_one_is_being_written_and_after(
    bench: Bench,
) -> None:
    key = uuid4()
    await bench.publish(person(key, 1))
    await bench.pool.execute(DUE)
    written, release = asyncio.Event(), asyncio.Event()
    flush = Work.flush

    async def flushing(work: Work[None]) -> Any:
        found = await flush(work)
        written.set()
        await release.wait()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Work, "flush", flushing)
        newer = asyncio.create_task(bench.publish(person(key, 2)))
        await written.wait()
        assert await send_again(bench) == 0
        release.set()
        await newer

    assert await send_again(bench) == 0
    assert await versions(bench, key) == [1, 2]


async def test_whatever_writers_and_echoes_do_at_once_no_echo_is_behind_a_newer_state(
    bench: Bench, open_unit: OpenUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "ECHO_AFTER", timedelta(0))  # every state is due at once
    keys = [uuid4() for _ in range(3)]
    await bench.pool.executemany("insert into counters (id, value) values ($1, 0)", [(key,) for key in keys])
    writing = True

    async def change(work: Work[None], changed: list[UUID]) -> None:
        for key in sorted(changed):  # the aggregates' locks, in one order, as handlers take them
            value = await work.connection.fetchval(
                "update counters set value = value + 1 where id = $1 returning value", key
            )
            work.publish(person(key, value))

    async def write(writer: int) -> None:
        for number in range(40):
            await bench.unit.run(change, [keys[(writer + number) % 3], keys[number % 2]][: 1 + number % 2], ACTOR)

    async def echo(workers: Bench) -> None:
        while writing:
            await send_again(workers)

    echoing = [asyncio.create_task(echo(await open_unit(bench.dsn))) for _ in range(3)]
    await asyncio.gather(*[write(writer) for writer in range(8)])
    writing = False
    await asyncio.gather(*echoing)
    await send_again(bench)

    for key in keys:
        found = [version for version in await versions(bench, key) if version is not None]
        assert found == sorted(found)
        assert found[-1] == found[-2] == await bench.pool.fetchval("select value from counters where id = $1", key)
    assert await bench.size("state_echoes") == 0


async def test_an_echo_that_is_rolled_back_is_still_due(bench: Bench) -> None:
    await bench.publish(person(uuid4(), 1))
    await bench.pool.execute(DUE)
    async with bench.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        assert await states.send_again(connection) == 1
        await transaction.rollback()

    assert await send_again(bench) == 1
