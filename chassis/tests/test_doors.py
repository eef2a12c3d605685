"""Doors from Kafka: exactly once in effect, in order where it matters, and nothing lost or stuck."""

import asyncio
import gc
import random
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from structlog.testing import capture_logs
from uuid_utils.compat import uuid7

from chassis.database import Connection
from chassis.doors import Doors, messages, reception
from chassis.outcomes import CommitUnknown, Poison, Refusal, Transient
from chassis.subscriptions import Order, Subscription
from chassis.tests.conftest import CONSUMER, Bench, OpenDoors, OpenUnit, RunRelay, Wire, eventually
from chassis.tests.library import count, opened
from chassis.work import Work
from contracts.accounts import AccountOpened, EmailVerified, SessionsRevoked
from contracts.cloudevents import Envelope

KEPT = Subscription(AccountOpened, count, Order.KEPT)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "FIRST_PAUSE", 0.005)
    monkeypatch.setattr(reception, "LONGEST_PAUSE", 0.05)


def failing(error: Exception, *, on: str = "0") -> Any:
    """A handler that counts, and then raises for one content."""

    async def handler(work: Work[None], event: AccountOpened) -> None:
        await count(work, event)
        if event.terms_version == on:
            raise error

    return handler


async def handled(bench: Bench, identity: UUID, numbers: str) -> None:
    async def found() -> bool:
        return await bench.counted(identity) == numbers

    await eventually(found)


async def parked(bench: Bench, number: int) -> list[Any]:
    async def found() -> bool:
        return await bench.size("dead_letters") == number

    await eventually(found)
    return await bench.rows("dead_letters")


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


GOOD = opened(UUID(int=1), 1)
HEADERS = Envelope.around(GOOD, id=uuid7(), source="urn:mandat:test", time=datetime.now(UTC)).headers()


def without(name: str) -> list[tuple[str, bytes]]:
    return [header for header in HEADERS if header[0] != name]


LONG = random.Random(1).randbytes(5000)
MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "broken JSON": ({"value": b'{"account_id": '}, "Malformed: body: json_invalid"),
    "no JSON": ({"value": b"\xff\xfe"}, "Malformed: body: json_invalid"),
    "nothing": ({"value": None}, "Malformed: body: json_invalid"),
    "truncated": ({"value": GOOD.model_dump_json().encode()[:-10]}, "Malformed: body: json_invalid"),
    "another shape": ({"value": b"[1]"}, "Malformed: body: model_type"),
    "a missing field": ({"value": b'{"terms_version": "1"}'}, "Malformed: account_id: missing"),
    "a field of another type": (
        {"value": b'{"account_id": "00000000-0000-0000-0000-000000000001", "terms_version": {}}'},
        "Malformed: terms_version: string_type",
    ),
    "another's key": (
        {"key": b"00000000-0000-0000-0000-000000000002"},
        "Malformed: the record's key is not the event's key",
    ),
    "no key": ({"key": None}, "Malformed: the record's key is not the event's key"),
    "a key longer than an index takes": ({"key": LONG}, "Malformed: the record's key is not the event's key"),
    "no id": ({"headers": without("ce_id")}, "Malformed: header ce_id is missing"),
    "no type": ({"headers": without("ce_type")}, "Malformed: header ce_type is missing"),
    "no headers": ({"headers": []}, "Malformed: header ce_specversion is missing"),
    "an id that is none": (
        {"headers": [*without("ce_id"), ("ce_id", b"7")]},
        "Malformed: ce_id is not a UUID or ce_time is not a timestamp",
    ),
    "two ids": ({"headers": [*HEADERS, ("ce_id", b"7")]}, "Malformed: header ce_id stands twice"),
    "a header that is not UTF-8": (
        {"headers": [*without("ce_source"), ("ce_source", b"\xff\x00")]},
        "Malformed: header ce_source is not UTF-8",
    ),
    "a header's name with a NUL": (
        {"headers": [*HEADERS, ("ce_\0", b"\0"), ("ce_\0", b"")]},
        "Malformed: header ce_\N{REPLACEMENT CHARACTER} stands twice",
    ),
}


async def test_a_message_that_cannot_be_read_is_parked_with_its_reason_and_the_next_of_the_partition_is_handled(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    await open_doors(bench, KEPT)

    for number, (changes, _) in enumerate(MALFORMED.values()):
        await wire.send(GOOD, **({"partition": 0} | changes))
        await wire.send(opened(UUID(int=100 + number), 1), partition=0)

    letters = await parked(bench, len(MALFORMED))
    assert {name: row["reason"] for name, row in zip(MALFORMED, letters, strict=True)} == {
        name: reason for name, (_, reason) in MALFORMED.items()
    }
    for number in range(len(MALFORMED)):
        await handled(bench, UUID(int=100 + number), "1")


async def test_a_dead_letter_loses_nothing_of_its_record(bench: Bench, wire: Wire, open_doors: OpenDoors) -> None:
    await open_doors(bench, KEPT)
    headers = [("ce_id", b"\xff"), ("other", b"\0"), ("plain", "é".encode())]

    await wire.send(GOOD, headers=headers, key=b"\x00\xff", value=b"\x00{", partition=1)

    [letter] = await parked(bench, 1)
    assert letter["headers"] == [["ce_id", {"base64": "/w=="}], ["other", {"base64": "AA=="}], ["plain", "é"]]
    assert (letter["key"], letter["payload"]) == (b"\x00\xff", b"\x00{")
    assert (letter["topic"], letter["partition"], letter["offset"]) == (wire.topic, 1, 0)
    assert (letter["consumer"], letter["attempts"], letter["behind"]) == (CONSUMER, 1, False)
    assert letter["first_at"] <= letter["last_at"]


async def test_poison_is_parked_at_once_and_its_work_is_rolled_back(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    identity = uuid4()
    await open_doors(bench, Subscription(AccountOpened, failing(Poison("no such thing")), Order.KEPT))

    with capture_logs() as logs:
        await wire.send(opened(identity, 0))
        [letter] = await parked(bench, 1)

    assert (letter["reason"], letter["attempts"]) == ("Poison: no such thing", 1)
    [line] = [line for line in logs if line["event"] == "message parked"]
    for name in ("consumer", "topic", "partition", "offset"):
        assert line[name] == letter[name]
    assert await bench.counted(identity) is None
    assert await bench.size("inbox") == 0


async def test_a_transient_fault_is_retried_in_place_so_often_and_then_parked(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    identity = uuid4()
    tries: list[int] = []

    async def never_yet(work: Work[None], event: AccountOpened) -> None:
        tries.append(1)
        raise Transient("not yet")

    await open_doors(bench, Subscription(AccountOpened, never_yet, Order.KEPT))
    await wire.send(opened(identity, 0))

    [letter] = await parked(bench, 1)
    assert (letter["reason"], letter["attempts"], len(tries)) == (
        "Transient: not yet",
        reception.ATTEMPTS,
        reception.ATTEMPTS,
    )


async def test_a_transient_fault_that_passes_takes_effect_once(bench: Bench, wire: Wire, open_doors: OpenDoors) -> None:
    identity = uuid4()
    faults = [Transient("not yet"), Transient("not yet")]

    async def soon(work: Work[None], event: AccountOpened) -> None:
        await count(work, event)
        if faults:
            raise faults.pop()

    await open_doors(bench, Subscription(AccountOpened, soon, Order.KEPT))
    await wire.send(opened(identity, 0))

    await handled(bench, identity, "0")
    assert await bench.size("dead_letters") == 0


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("select 'secret@example.com'::uuid", "InvalidTextRepresentationError 22P02"),
        ("insert into counters (id, value) values (gen_random_uuid(), null)", "NotNullViolationError 23502"),
        ("do $$ begin raise exception 'secret@example.com'; end $$", "RaiseError P0001"),
    ],
)
async def test_a_fault_of_the_message_is_parked_with_a_reason_that_quotes_nothing_of_it(
    bench: Bench, wire: Wire, open_doors: OpenDoors, statement: str, reason: str
) -> None:
    async def faulty(work: Work[None], event: AccountOpened) -> None:
        await work.connection.execute(statement)

    await open_doors(bench, Subscription(AccountOpened, faulty, Order.KEPT))
    await wire.send(opened(uuid4(), 0))

    [letter] = await parked(bench, 1)
    assert letter["reason"] == reason


async def test_an_argument_that_no_column_holds_is_a_fault_of_the_message_and_does_not_pause(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    async def faulty(work: Work[None], event: AccountOpened) -> None:
        await work.connection.execute("select $1::integer", 2**40)

    await open_doors(bench, Subscription(AccountOpened, faulty, Order.KEPT))
    await wire.send(opened(uuid4(), 0))

    [letter] = await parked(bench, 1)
    assert letter["reason"] == "DataError 22000"


async def test_later_messages_of_a_parked_key_park_behind_it_in_order_and_other_keys_go_on(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    stuck, other = uuid4(), uuid4()
    await open_doors(bench, Subscription(AccountOpened, failing(Poison("no")), Order.KEPT))

    for event in (opened(stuck, 0), opened(stuck, 1), opened(other, 1), opened(stuck, 2), opened(other, 2)):
        await wire.send(event, partition=0)

    letters = await parked(bench, 3)
    assert [row["behind"] for row in letters] == [False, True, True]
    assert [row["offset"] for row in letters] == [0, 1, 3]
    await handled(bench, other, "1 2")
    assert await bench.counted(stuck) is None


async def test_where_order_is_free_nothing_parks_behind(bench: Bench, wire: Wire, open_doors: OpenDoors) -> None:
    identity = uuid4()
    await open_doors(bench, Subscription(AccountOpened, failing(Poison("no")), Order.FREE))

    for number in range(3):
        await wire.send(opened(identity, number))

    await handled(bench, identity, "1 2")
    assert await bench.size("dead_letters") == 1


async def test_a_parked_message_whose_order_is_free_holds_up_no_other_kind_of_its_key(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    identity = uuid4()

    async def poisoned(work: Work[None], event: SessionsRevoked) -> None:
        raise Poison("no")

    await open_doors(bench, KEPT, Subscription(SessionsRevoked, poisoned, Order.FREE))
    await wire.send(SessionsRevoked(account_id=identity, session_id=None, epoch=1, reason="signed_out"))
    await wire.send(opened(identity, 1))

    await handled(bench, identity, "1")
    assert await bench.size("dead_letters") == 1


async def test_a_message_that_was_applied_is_a_duplicate_also_when_a_later_one_of_its_key_is_parked(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    identity, first = uuid4(), uuid7()
    await open_doors(bench, Subscription(AccountOpened, failing(Poison("no"), on="2"), Order.KEPT))

    await wire.send(opened(identity, 1), id=first)
    await wire.send(opened(identity, 2))
    await wire.send(opened(identity, 1), id=first)  # comes again, as after a crash before its offset was committed
    await wire.send(opened(identity, 3))

    letters = await parked(bench, 2)
    assert [row["offset"] for row in letters] == [1, 3]
    assert await bench.counted(identity) == "1"


async def test_kinds_that_nobody_subscribed_to_are_passed_over(bench: Bench, wire: Wire, open_doors: OpenDoors) -> None:
    identity = uuid4()
    await open_doors(bench, KEPT)

    await wire.send(EmailVerified(account_id=identity, registration_id=uuid4()))
    await wire.send(
        opened(identity), headers=[*without("ce_type"), ("ce_type", b"mandat.accounts.Later.v9")], value=b"?"
    )
    await wire.send(opened(identity, 1))

    await handled(bench, identity, "1")
    assert await bench.size("dead_letters") == 0


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
    kill = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1"
    await superuser.execute(kill, name)
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
    kill = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1"
    for number in range(30):
        await wire.send(opened(identity, number))
        if number % 3 == 0:
            await superuser.execute(kill, bench.dsn.rsplit("/", 1)[1])

    await eventually(lambda: bench.pool.fetchval("select true"))
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
    monkeypatch.setattr(reception, "FIRST_PAUSE", 60.0)
    monkeypatch.setattr(reception, "LONGEST_PAUSE", 60.0)
    away = asyncio.Event()

    async def unreachable(work: Work[None], event: AccountOpened) -> None:
        away.set()
        raise ConnectionRefusedError

    running = await open_doors(bench, Subscription(AccountOpened, unreachable, Order.KEPT))
    await wire.send(opened(identity, 1))
    await away.wait()
    async with asyncio.timeout(20):  # a third of that pause
        await running.stop()
    assert await wire.committed() == 0

    await open_doors(bench, KEPT)
    await handled(bench, identity, "1")


async def test_doors_that_could_not_open_open_at_the_next_try(
    bench: Bench, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = uuid4()
    found = Doors("test", wire.servers, wire.prefix, bench.unit, [KEPT])
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
        assert await found.ready()
        await wire.send(opened(identity, 1))
        await handled(bench, identity, "1")
    finally:
        await found.stop()


async def test_doors_that_could_not_open_leave_nothing_unclosed(bench: Bench, unused_tcp_port: int) -> None:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context["message"]))
    found = Doors("test", f"127.0.0.1:{unused_tcp_port}", "", bench.unit, [KEPT])
    for _ in range(2):
        with pytest.raises(KafkaConnectionError):
            await found.start()
        assert not await found.ready()
    gc.collect()
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
