"""On a real broker: what compaction keeps of a state topic is the newest state, although a stale one came after it."""

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from chassis import chores
from chassis.subscriptions import Order, Subscription
from chassis.tests.conftest import ACTOR, Bench, OpenDoors, OpenUnit, RunRelay, Wire, eventually
from chassis.tests.library import person
from chassis.work import Work
from contracts.accounts import Person
from contracts.topics import ACCOUNTS_PEOPLE

EAGER = {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0",
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "100",
}
"""Settings under which minutes of a compacted topic's life pass in seconds."""

FORGOTTEN = 2**31 - 1
CLEANER = 60.0  # seconds; the broker's cleaner sleeps for 15 when it has found nothing


@pytest.fixture
async def people(wire: Wire) -> AsyncIterator[str]:
    """The topic of people, with one partition that is compacted as soon as it can be."""
    name = wire.prefix + ACCOUNTS_PEOPLE.name
    client = AIOKafkaAdminClient(bootstrap_servers=wire.servers)
    await client.start()
    await client.create_topics([NewTopic(name, 1, 1, topic_configs=EAGER)])
    yield name
    await client.delete_topics([name])
    await client.close()


async def keep(work: Work[None], state: Person) -> None:
    """Keep the newest version of an account, as every reader of states does."""
    await work.connection.execute(
        "insert into counters as c (id, value) values ($1, $2)"
        " on conflict (id) do update set value = excluded.value where c.value < excluded.value",
        state.account_id,
        state.version,
    )


async def forget(work: Work[None], account_id: UUID) -> None:
    """Remember of an account that it is no more, and that no state of it is newer."""
    await work.connection.execute(
        "insert into counters as c (id, value) values ($1, $2) on conflict (id) do update set value = excluded.value",
        account_id,
        FORGOTTEN,
    )


async def test_a_reader_of_the_compacted_topic_alone_ends_with_the_newest_state_and_without_the_forgotten(
    bench: Bench, open_unit: OpenUnit, wire: Wire, people: str, run_relay: RunRelay, open_doors: OpenDoors
) -> None:
    changed, forgotten, control = uuid4(), uuid4(), uuid4()
    await _publish_and_relay_stale_ones_last(bench, wire, people, run_relay, changed, forgotten, control)
    await bench.pool.execute("update state_echoes set due_at = clock_timestamp() where key <> $1", str(control))
    await chores.send_states_again(bench.unit)
    await eventually(lambda: _is_empty(bench))

    left = await _compacted(wire, people, changed, forgotten, control)

    assert left[changed] == [2]
    assert left[forgotten] == [None]
    assert left[control] == [1]  # without its echo the newest state is gone for good

    reader = await open_unit()
    await open_doors(reader, Subscription(Person, keep, Order.FREE, forget=forget))
    await eventually(lambda: _knows(reader, changed, 2))
    await eventually(lambda: _knows(reader, forgotten, FORGOTTEN))


async def _publish_and_relay_stale_ones_last(
    bench: Bench, wire: Wire, people: str, run_relay: RunRelay, changed: UUID, forgotten: UUID, control: UUID
) -> None:
    async def forgetting(work: Work[None], key: UUID) -> None:
        work.forget(Person, key)

    for key in (changed, forgotten, control):
        await bench.publish(person(key, 1))
    in_flight = await bench.rows("outbox")  # in the hands of a relay that is about to lose its lock
    await bench.publish(person(changed, 2), person(control, 2))
    await bench.unit.run(forgetting, forgotten, ACTOR)
    run_relay(bench)
    await eventually(lambda: _is_empty(bench))
    for row in in_flight:
        headers = [(name, value.encode()) for name, value in row["headers"].items()]
        await wire.producer.send_and_wait(people, value=row["payload"], key=row["key"].encode(), headers=headers)


async def _compacted(wire: Wire, people: str, *keys: UUID) -> dict[UUID, list[int | None]]:
    """What is left of each key, once compaction has left one record of each."""
    deadline = time.monotonic() + CLEANER
    while True:
        # Compaction leaves the newest segment alone: one more record lets it become an older one.
        await wire.send(person(uuid4(), 1), topic=people)
        left: dict[UUID, list[int | None]] = {key: [] for key in keys}
        for record in await wire.everything(people):
            if (key := UUID((record.key or b"").decode())) in left:
                left[key].append(_version(record))
        if all(len(versions) == 1 for versions in left.values()):
            return left
        assert time.monotonic() < deadline, "nothing was compacted"


def _version(record: Any) -> int | None:
    return None if record.value is None else Person.model_validate_json(record.value).version


async def _is_empty(bench: Bench) -> bool:
    return await bench.size("outbox") == 0


async def _knows(reader: Bench, key: UUID, version: int) -> bool:
    found = await reader.pool.fetchval("select value from counters where id = $1", key)
    return bool(found == version)
