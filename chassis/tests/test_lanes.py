"""Doors under load and change: restarts, batches, tombstones, records that cannot be read, deploys that fail."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from prometheus_client import REGISTRY
from uuid_utils.compat import uuid7

from chassis import topics
from chassis.doors import Doors, reception
from chassis.doors.watchdog import Stalled, Watchdog
from chassis.kafka import Clients
from chassis.outcomes import Poison
from chassis.subscriptions import Order, Subscription
from chassis.tests.conftest import CONSUMER, Bench, OpenDoors, OpenUnit, Wire, eventually
from chassis.tests.library import count, opened
from chassis.topics import Wanted
from chassis.work import Work
from contracts.accounts import AccountOpened, Person
from contracts.cloudevents import Envelope, Forgotten
from contracts.topics import ACCOUNTS_EVENTS, ACCOUNTS_PEOPLE
from tests.fixtures.patience import PATIENCE

KEPT = Subscription(AccountOpened, count, Order.KEPT)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "FIRST_PAUSE", 0.005)
    monkeypatch.setattr(reception, "LONGEST_PAUSE", 0.05)


def gauge(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(name, {"consumer": CONSUMER, **labels})
    return 0.0 if found is None else found


async def handled(bench: Bench, identity: UUID, numbers: str) -> None:
    async def found() -> bool:
        return await bench.counted(identity) == numbers

    await eventually(found)


async def parked(bench: Bench, number: int) -> list[Any]:
    async def found() -> bool:
        return await bench.size("dead_letters") == number

    await eventually(found)
    return await bench.rows("dead_letters")


@pytest.fixture
async def wide(wire: Wire) -> AsyncIterator[Wire]:
    """A topic with four partitions of its own."""
    prefix = f"{wire.prefix}wide."
    await topics.make(Clients(wire.servers), Wanted(prefix, [ACCOUNTS_EVENTS], 4))
    async with AIOKafkaProducer(bootstrap_servers=wire.servers, linger_ms=0) as producer:
        yield Wire(wire.servers, prefix, producer)


async def test_what_takes_something_away_is_timed_from_when_it_was_decided(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    identity = uuid4()
    seen = [
        ("mandat_revocation_seconds_count", {}), ("mandat_message_delay_seconds_count", {}),
        ("mandat_revocation_seconds_bucket", {"le": "60.0"}), ("mandat_revocation_seconds_bucket", {"le": "600.0"}),
    ]  # fmt: skip
    before = [gauge(name, **labels) for name, labels in seen]
    await open_doors(bench, Subscription(AccountOpened, count, Order.FREE, revokes=True))

    decided = datetime.now(UTC) - timedelta(seconds=90)
    await wire.send(opened(identity, 1), time=decided)
    await handled(bench, identity, "1")

    def rose() -> list[float]:
        return [gauge(name, **labels) - number for (name, labels), number in zip(seen, before, strict=True)]

    await eventually(lambda: rose()[0] == rose()[1] == 1)  # after the commit
    assert rose() == [1, 1, 0, 1]


async def test_a_rolling_restart_under_load_runs_no_handler_twice(
    bench: Bench, wide: Wire, open_unit: OpenUnit
) -> None:
    runs: Counter[str] = Counter()
    keys = [uuid4() for _ in range(20)]

    async def noted(work: Work[None], event: AccountOpened) -> None:
        runs[f"{event.account_id} {event.terms_version}"] += 1
        await asyncio.sleep(0.003)
        await count(work, event)

    def process(unit: Bench) -> Doors[None]:
        return Doors(
            "test", Clients(wide.servers), wide.prefix, unit.unit, [Subscription(AccountOpened, noted, Order.KEPT)]
        )

    units = [bench, await open_unit(bench.dsn)]
    processes = [process(unit) for unit in units]
    for found in processes:
        await found.start()
    rounds, enough = 0, asyncio.Event()

    async def load() -> None:
        nonlocal rounds
        while not enough.is_set():
            for key in keys:
                await wide.send(opened(key, rounds))
            rounds += 1

    loading = asyncio.create_task(load())
    for turn in range(4):
        runs_before = sum(runs.values())
        await eventually(lambda before=runs_before: sum(runs.values()) > before + 50)  # type: ignore[misc]
        await processes[turn % 2].stop()
        processes[turn % 2] = process(units[turn % 2])
        await processes[turn % 2].start()
    enough.set()
    await loading
    await eventually(lambda: len(runs) == rounds * len(keys))
    for found in processes:
        await found.stop()

    assert set(runs.values()) == {1}
    for key in keys:
        assert await bench.counted(key) == " ".join(map(str, range(rounds)))


async def test_partitions_go_side_by_side(bench: Bench, wire: Wire, open_doors: OpenDoors) -> None:
    stuck, other, may_end = uuid4(), uuid4(), asyncio.Event()

    async def handler(work: Work[None], event: AccountOpened) -> None:
        if event.account_id == stuck:
            await may_end.wait()
        await count(work, event)

    await open_doors(bench, Subscription(AccountOpened, handler, Order.KEPT))
    await wire.send(opened(stuck, 1), partition=0)
    await wire.send(opened(other, 1), partition=1)

    await handled(bench, other, "1")
    await wire.send(opened(other, 2), partition=1)
    await handled(bench, other, "1 2")
    may_end.set()
    await handled(bench, stuck, "1")


async def count_all(work: Work[None], events: Sequence[AccountOpened]) -> None:
    for event in events:
        await count(work, event)


@pytest.mark.parametrize("order", Order)
async def test_a_batch_is_one_transaction_of_what_was_not_applied_before_in_order(
    bench: Bench, wire: Wire, open_doors: OpenDoors, order: Order
) -> None:
    identity, twice = uuid4(), uuid7()
    sizes: list[int] = []

    async def together(work: Work[None], events: Sequence[AccountOpened]) -> None:
        sizes.append(len(events))
        await count_all(work, events)

    for number in range(50):
        await wire.send(opened(identity, number), partition=0, id=twice if number in (7, 8) else None)
    await open_doors(bench, Subscription(AccountOpened, together, order, batch=True))

    await handled(bench, identity, " ".join(str(number) for number in range(50) if number != 8))
    assert sum(sizes) == 49
    assert max(sizes) > 10
    assert await bench.size("inbox") == 49


async def test_a_batch_that_fails_is_taken_one_by_one_and_only_the_faulty_message_is_parked(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    identity, other = uuid4(), uuid4()

    async def together(work: Work[None], events: Sequence[AccountOpened]) -> None:
        await count_all(work, events)
        if any(event.terms_version == "5" for event in events):
            raise Poison("five")

    for number in range(10):
        await wire.send(opened(identity, number), partition=0)
        await wire.send(opened(other, number + 10), partition=0)
    await open_doors(bench, Subscription(AccountOpened, together, Order.KEPT, batch=True))

    letters = await parked(bench, 5)
    assert [letter["behind"] for letter in letters] == [False, True, True, True, True]
    await handled(bench, identity, "0 1 2 3 4")
    await handled(bench, other, " ".join(map(str, range(10, 20))))


async def test_a_batch_waits_for_the_database_and_parks_nothing(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    identity = uuid4()
    faults = [ConnectionRefusedError() for _ in range(5)]

    async def together(work: Work[None], events: Sequence[AccountOpened]) -> None:
        if faults:
            raise faults.pop()
        await count_all(work, events)

    for number in range(5):
        await wire.send(opened(identity, number), partition=0)
    await open_doors(bench, Subscription(AccountOpened, together, Order.KEPT, batch=True))

    await handled(bench, identity, "0 1 2 3 4")
    assert await bench.size("dead_letters") == 0


PERSON = {
    "email": "person@example.com",
    "given_name": "Ann",
    "family_name": "Roy",
    "language": "fr",
    "status": "active",
    "epoch": 1,
    "version": 1,
}


async def test_a_tombstone_goes_to_forget_and_is_passed_over_without_one(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    identity = uuid4()
    await topics.make(Clients(wire.servers), Wanted(wire.prefix, [ACCOUNTS_PEOPLE], 1))

    async def follow(work: Work[None], event: Person) -> None:
        await count(work, opened(event.account_id, event.version))

    async def forget(work: Work[None], key: UUID) -> None:
        await count(work, opened(key, -1))

    await open_doors(bench, Subscription(Person, follow, Order.FREE, forget=forget))
    envelope = Envelope.around(
        Forgotten(Person, identity), id=uuid7(), source="urn:mandat:test", time=datetime.now(UTC)
    )
    for _ in range(2):
        await wire.producer.send_and_wait(
            wire.prefix + ACCOUNTS_PEOPLE.name, key=str(identity).encode(), headers=envelope.headers()
        )

    await handled(bench, identity, "-1")
    assert await bench.size("dead_letters") == 0


class Raw(str):
    """A header's name that is not UTF-8: aiokafka's producer asks it for its bytes."""

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfename"


@pytest.mark.parametrize("compressed", [None, "gzip"])
async def test_a_record_whose_header_name_is_not_utf8_is_parked_whole_and_its_partition_goes_on(
    bench: Bench, wire: Wire, open_doors: OpenDoors, compressed: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = uuid4()
    for module in ("producer", "message_accumulator"):  # the builder written in C takes no str but str itself
        monkeypatch.setattr(f"aiokafka.producer.{module}.DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    async with AIOKafkaProducer(bootstrap_servers=wire.servers, linger_ms=200, compression_type=compressed) as producer:
        wire.producer = producer
        bad = opened(uuid4(), 0)
        envelope = Envelope.around(bad, id=uuid7(), source="urn:mandat:test", time=datetime.now(UTC))
        headers = [*envelope.headers(), (Raw("?"), b"7")]
        await asyncio.gather(
            wire.send(opened(identity, 0), partition=0),
            wire.send(opened(identity, 1), partition=0),
            wire.send(bad, partition=0, headers=headers),
            wire.send(opened(identity, 2), partition=0),
            wire.send(bad, partition=0, headers=headers),
            wire.send(opened(identity, 3), partition=0),
        )
    await open_doors(bench, KEPT)

    await handled(bench, identity, "0 1 2 3")
    letters = await parked(bench, 2)
    assert [letter["offset"] for letter in letters] == [2, 4]
    assert {letter["reason"] for letter in letters} == {"Malformed: the name of a header is not UTF-8"}
    assert letters[0]["payload"] == bad.model_dump_json().encode()
    assert letters[0]["key"] == bad.key.encode()
    assert letters[0]["headers"][-1] == [{"base64": "//5uYW1l"}, "7"]


async def always_failing(work: Work[None], event: AccountOpened) -> None:
    if event.terms_version != "good":
        raise LookupError


async def test_a_deploy_that_fails_every_message_halts_before_it_has_emptied_the_topic(
    bench: Bench, wire: Wire, open_doors: OpenDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "MOST_PARKED_IN_ROW", 5)
    found = await open_doors(bench, Subscription(AccountOpened, always_failing, Order.FREE))
    await eventually(found.ready)
    for _ in range(12):
        await wire.send(opened(uuid4()), partition=0)

    await eventually(lambda: gauge("mandat_door_halted") == 1)
    await wire.send(opened(uuid4()), partition=1)
    assert not await found.ready()
    await found.stop()
    assert await bench.size("dead_letters") == 5
    assert await wire.committed() == 5

    await open_doors(bench, Subscription(AccountOpened, count, Order.FREE))
    assert gauge("mandat_door_halted") == 0
    await eventually(lambda: _of(bench, "counters", 8))


async def _of(bench: Bench, table: str, number: int) -> bool:
    return await bench.size(table) == number


async def test_one_message_that_is_applied_shows_that_not_every_message_fails(
    bench: Bench, wire: Wire, open_doors: OpenDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "MOST_PARKED_IN_ROW", 3)
    found = await open_doors(bench, Subscription(AccountOpened, always_failing, Order.FREE))
    for number in range(12):
        good = AccountOpened(account_id=uuid4(), terms_version="good")
        await wire.send(good if number % 3 == 2 else opened(uuid4()), partition=0)

    await parked(bench, 8)
    await eventually(found.ready)


async def test_messages_parked_behind_another_do_not_halt_a_door(
    bench: Bench, wire: Wire, open_doors: OpenDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "MOST_PARKED_IN_ROW", 3)
    identity = uuid4()
    found = await open_doors(bench, Subscription(AccountOpened, always_failing, Order.KEPT))
    for number in range(8):
        await wire.send(opened(identity, number))

    await parked(bench, 8)
    await eventually(found.ready)


async def test_a_statement_that_runs_out_of_time_or_is_not_understood_waits_and_tells_for_how_long(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    identity, healed = uuid4(), asyncio.Event()

    async def slow(work: Work[None], event: AccountOpened) -> None:
        if not healed.is_set():
            await work.connection.execute("set local statement_timeout = 1")
            await work.connection.execute("select pg_sleep(1)" if event.terms_version == "1" else "select nothing")
        await count(work, event)

    await open_doors(bench, Subscription(AccountOpened, slow, Order.KEPT))
    await wire.send(opened(identity, 1))

    await eventually(lambda: gauge("mandat_door_waiting_seconds") > 0)
    assert await bench.size("dead_letters") == 0
    healed.set()
    await handled(bench, identity, "1")
    await eventually(lambda: gauge("mandat_door_waiting_seconds") == 0)
    healed.clear()
    await wire.send(opened(identity, 2))
    await eventually(lambda: gauge("mandat_door_waiting_seconds") > 0)
    healed.set()
    await handled(bench, identity, "1 2")


async def test_lag_and_partitions_are_told(bench: Bench, wire: Wire, open_doors: OpenDoors) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def handler(work: Work[None], event: AccountOpened) -> None:
        begun.set()
        await may_end.wait()
        await count(work, event)

    found = await open_doors(bench, Subscription(AccountOpened, handler, Order.KEPT))
    [door] = found._doors

    async def told(lag: int) -> None:
        async def found() -> bool:
            await door.look()  # by which the broker may have answered too late
            return (gauge("mandat_consumer_lag"), gauge("mandat_consumer_partitions")) == (lag, 2)

        await eventually(found)

    await told(0)
    for number in range(7):
        await wire.send(opened(UUID(int=1), number), partition=0)
    await begun.wait()
    await told(7)
    may_end.set()
    await handled(bench, UUID(int=1), "0 1 2 3 4 5 6")
    await told(0)


def test_a_watchdog_bites_only_when_records_wait_and_none_was_taken_for_so_long() -> None:
    watchdog = Watchdog(patience=60)

    assert not watchdog.bites(5, 0, excused=False, now=0)
    assert not watchdog.bites(5, 0, excused=False, now=59)
    assert not watchdog.bites(5, 1, excused=False, now=60)  # one was taken
    assert not watchdog.bites(5, 1, excused=False, now=119)
    assert not watchdog.bites(5, 1, excused=True, now=121)  # the database is away
    assert not watchdog.bites(0, 1, excused=False, now=180)  # nothing waits
    assert not watchdog.bites(5, 1, excused=False, now=239)
    assert watchdog.bites(5, 1, excused=False, now=240)


async def test_a_consumer_that_hangs_ends_the_watch_with_a_fault(
    bench: Bench, wire: Wire, open_doors: OpenDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = asyncio.Event()

    async def handler(work: Work[None], event: AccountOpened) -> None:
        await may_end.wait()

    found = await open_doors(bench, Subscription(AccountOpened, handler, Order.KEPT))
    [door] = found._doors
    door._watchdog.patience = 0.1
    monkeypatch.setattr("chassis.doors.doors.LOOK_EVERY", 0.02)
    await wire.send(opened(uuid4()))
    with pytest.raises(Stalled):
        async with asyncio.timeout(PATIENCE):
            await found.watch()
    may_end.set()


async def test_a_lane_that_broke_ends_the_watch_with_its_fault(
    bench: Bench, wire: Wire, open_doors: OpenDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await open_doors(bench, KEPT)
    monkeypatch.setattr("chassis.doors.doors.LOOK_EVERY", 0.02)
    monkeypatch.setattr(reception.Reception, "take", lambda *_: 1 / 0)
    await wire.send(opened(uuid4()))
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(PATIENCE):
            await found.watch()


async def test_a_handler_that_outlives_the_drain_is_rolled_back_and_its_message_comes_again(
    bench: Bench, wire: Wire, open_doors: OpenDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, begun = uuid4(), asyncio.Event()
    monkeypatch.setattr("chassis.doors.doors.DRAIN_ON_STOP", 0.1)

    async def endless(work: Work[None], event: AccountOpened) -> None:
        await count(work, event)
        begun.set()
        await asyncio.Event().wait()

    found = await open_doors(bench, Subscription(AccountOpened, endless, Order.KEPT))
    await wire.send(opened(identity, 1))
    await begun.wait()
    await found.stop()

    assert await bench.counted(identity) is None
    await open_doors(bench, KEPT)
    await handled(bench, identity, "1")
