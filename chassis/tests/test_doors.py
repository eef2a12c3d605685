"""Doors from Kafka: exactly once in effect, and nothing lost or stuck when what is around them fails or stops."""

import asyncio
import gc
from uuid import uuid4

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from uuid_utils.compat import uuid7

from chassis.database import Connection
from chassis.doors import Doors, messages, reception
from chassis.kafka import Clients
from chassis.outcomes import CommitUnknown, Refusal
from chassis.subscriptions import Order, Subscription
from chassis.tests.arrivals import KEPT, handled
from chassis.tests.conftest import Bench, OpenDoors, OpenUnit, RunRelay, Wire, eventually
from chassis.tests.library import count, opened
from chassis.work import Work
from contracts.accounts import AccountOpened
from local.ports import free_ports
from tests.fixtures.patience import PATIENCE

pytestmark = pytest.mark.usefixtures("short_pauses")

KILL = "select pg_terminate_backend(pid, 60000) from pg_stat_activity where datname = $1"
"""Ends every connection to a database, and returns when they are gone: none dies under what the test asks next."""


async def test_pauses_between_tries_in_place_grow_to_a_limit_and_vary(
    bench: Bench, wire: Wire, open_doors: OpenDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(leaving: asyncio.Event, seconds: float) -> bool:
        pauses.append(seconds)
        return leaving.is_set()

    monkeypatch.setattr(reception, "set_within", pause)
    failures: list[Exception] = [ConnectionResetError() for _ in range(8)]

    async def handler(work: Work[None], event: AccountOpened) -> None:
        if failures:
            raise failures.pop()
        await count(work, event)

    await open_doors(bench, Subscription(AccountOpened, handler, Order.KEPT))
    identity = uuid4()
    await wire.send(opened(identity, 1))
    await handled(bench, identity, "1")

    middles = [min(reception.FIRST_PAUSE * 2**tries, reception.LONGEST_PAUSE) for tries in range(8)]
    assert middles[0] < middles[1] < middles[-1] == middles[-2]
    parts = [seconds / middle for seconds, middle in zip(pauses, middles, strict=True)]
    assert all(0.5 <= part <= 1.5 for part in parts)
    assert len(set(parts)) > 4


async def test_a_change_committed_here_takes_effect_behind_the_door(
    bench: Bench, wire: Wire, run_relay: RunRelay, open_doors: OpenDoors
) -> None:
    identity = uuid4()
    run_relay(bench)
    await open_doors(bench, KEPT)

    await bench.publish(*[opened(identity, number) for number in range(3)])

    await handled(bench, identity, "0 1 2")


@pytest.mark.parametrize("order", Order)
async def test_a_message_delivered_twice_takes_effect_once(
    bench: Bench, wire: Wire, open_doors: OpenDoors, order: Order
) -> None:
    identity, twice = uuid4(), uuid7()
    await open_doors(bench, Subscription(AccountOpened, count, order))

    await wire.send(opened(identity, 1), id=twice)
    await wire.send(opened(identity, 1), id=twice)
    await wire.send(opened(identity, 2))

    await handled(bench, identity, "1 2")


async def test_a_message_delivered_to_two_processes_at_once_takes_effect_once(
    bench: Bench, wire: Wire, open_unit: OpenUnit, open_doors: OpenDoors
) -> None:
    """As after a partition moved from a process that is still at work on it."""
    identity = uuid4()
    other = await open_unit(bench.dsn)
    first, second = await open_doors(bench, KEPT), await open_doors(other, KEPT)
    await first.stop()
    await second.stop()
    await wire.send(opened(identity, 1))
    [record] = await wire.read(1)

    takes = [door._reception for found in (first, second) for door in found._doors]
    message = messages.read(record, takes[0].by_type)
    async with takes[0].hand() as one, takes[1].hand() as other_one:
        await asyncio.gather(
            *[take.take([message], hand, asyncio.Event()) for take, hand in zip(takes, (one, other_one), strict=True)]
        )

    assert await bench.counted(identity) == "1"


async def test_a_refusal_of_a_handler_commits_and_the_message_is_done(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    identity = uuid4()

    async def refusing(work: Work[None], event: AccountOpened) -> Refusal:
        await count(work, event)
        return Refusal("not_permitted")

    await open_doors(bench, Subscription(AccountOpened, refusing, Order.KEPT))
    await wire.send(opened(identity, 1))

    await handled(bench, identity, "1")
    assert await bench.size("dead_letters") == 0


async def test_a_database_that_is_away_pauses_the_door_and_parks_nothing(
    bench: Bench, wire: Wire, open_doors: OpenDoors, superuser: Connection
) -> None:
    identity = uuid4()
    name = bench.dsn.rsplit("/", 1)[1]
    tries: list[int] = []

    async def tried(work: Work[None], event: AccountOpened) -> None:
        tries.append(1)
        await work.connection.execute("select pg_sleep(0.01)")
        await count(work, event)

    await open_doors(bench, Subscription(AccountOpened, tried, Order.KEPT))
    await wire.send(opened(identity, 0))
    await handled(bench, identity, "0")
    await superuser.execute(f"alter database {name} allow_connections false")
    await superuser.execute(KILL, name)
    for number in range(1, 6):
        await wire.send(opened(identity, number))
    await asyncio.sleep(0.5)  # some ten tries, several times what a fault of a message is granted
    await superuser.execute(f"alter database {name} allow_connections true")

    await handled(bench, identity, "0 1 2 3 4 5")
    assert await bench.size("dead_letters") == 0


async def test_connections_killed_again_and_again_cost_time_and_nothing_else(
    bench: Bench, wire: Wire, open_doors: OpenDoors, superuser: Connection
) -> None:
    identity = uuid4()
    await open_doors(bench, KEPT)
    for number in range(30):
        await wire.send(opened(identity, number))
        if number % 3 == 0:
            await superuser.execute(KILL, bench.dsn.rsplit("/", 1)[1])

    await handled(bench, identity, " ".join(map(str, range(30))))
    assert await bench.size("dead_letters") == 0


async def test_a_commit_whose_outcome_is_unknown_is_settled_by_the_inbox(
    bench: Bench, wire: Wire, open_doors: OpenDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = uuid4()
    lost: list[int] = []
    commit = asyncpg.transaction.Transaction.commit

    async def committing(self: asyncpg.transaction.Transaction) -> None:
        await commit(self)
        if not lost:
            lost.append(1)
            raise ConnectionResetError

    monkeypatch.setattr(asyncpg.transaction.Transaction, "commit", committing)
    await open_doors(bench, KEPT)
    await wire.send(opened(identity, 1))
    await wire.send(opened(identity, 2))

    await handled(bench, identity, "1 2")
    assert lost


async def test_after_a_stop_the_next_process_repeats_nothing(
    bench: Bench, wire: Wire, open_doors: OpenDoors, open_unit: OpenUnit
) -> None:
    identity = uuid4()
    first = await open_doors(bench, KEPT)
    for number in range(20):
        await wire.send(opened(identity, number))
    await handled(bench, identity, " ".join(map(str, range(20))))
    await first.stop()

    assert await wire.committed() == 20


async def test_stopping_finishes_the_handler_in_hand_and_commits_its_offset(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    identity = uuid4()
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(work: Work[None], event: AccountOpened) -> None:
        begun.set()
        await may_end.wait()
        await count(work, event)

    running = await open_doors(bench, Subscription(AccountOpened, slow, Order.KEPT))
    await wire.send(opened(identity, 1))
    await wire.send(opened(identity, 2))
    await begun.wait()
    stopping = asyncio.create_task(running.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    may_end.set()
    await stopping

    assert await bench.counted(identity) == "1"
    assert await wire.committed() == 1


async def test_stopping_while_the_database_is_away_is_quick_and_the_message_comes_again(
    bench: Bench, wire: Wire, open_doors: OpenDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = uuid4()
    for patience in ("reception.FIRST_PAUSE", "reception.LONGEST_PAUSE", "doors.DRAIN_ON_STOP"):
        monkeypatch.setattr(f"chassis.doors.{patience}", 3600.0)
    away = asyncio.Event()

    async def unreachable(work: Work[None], event: AccountOpened) -> None:
        away.set()
        raise ConnectionRefusedError

    running = await open_doors(bench, Subscription(AccountOpened, unreachable, Order.KEPT))
    await wire.send(opened(identity, 1))
    await away.wait()
    async with asyncio.timeout(PATIENCE):  # that pause is not waited for, nor ended by force
        await running.stop()
    assert await wire.committed() == 0

    await open_doors(bench, KEPT)
    await handled(bench, identity, "1")


async def test_doors_that_could_not_open_open_at_the_next_try(
    bench: Bench, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = uuid4()
    found = Doors("test", Clients(wire.servers), wire.prefix, bench.unit, [KEPT])
    [door] = found._doors
    start, failures = door.subscriber.start, [ConnectionRefusedError()]

    async def starting() -> None:
        await start()
        if failures:
            raise failures.pop()

    monkeypatch.setattr(type(door.subscriber), "start", lambda self: starting())
    with pytest.raises(ConnectionRefusedError):
        await found.start()
    assert not await found.ready()
    await found.start()
    try:
        await eventually(found.ready)
        await wire.send(opened(identity, 1))
        await handled(bench, identity, "1")
    finally:
        await found.stop()


async def test_doors_that_could_not_open_leave_nothing_unclosed(bench: Bench) -> None:
    gc.collect()  # what others have left
    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: complaints.append(context["message"]))
    try:
        found = Doors("test", Clients(f"127.0.0.1:{free_ports(1)[0]}"), "", bench.unit, [KEPT])
        for _ in range(2):
            with pytest.raises(KafkaConnectionError):
                await found.start()
            assert not await found.ready()
        gc.collect()
    finally:
        loop.set_exception_handler(None)
    assert complaints == []


async def test_the_commit_unknown_of_a_message_is_no_reason_to_park_it(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    identity = uuid4()
    faults = [CommitUnknown() for _ in range(2 * reception.ATTEMPTS)]

    async def unknown(work: Work[None], event: AccountOpened) -> None:
        if faults:
            raise faults.pop()
        await count(work, event)

    await open_doors(bench, Subscription(AccountOpened, unknown, Order.KEPT))
    await wire.send(opened(identity, 1))

    await handled(bench, identity, "1")
    assert await bench.size("dead_letters") == 0
