"""From the outbox to Kafka: in order per key, nothing lost, woken at once."""

import asyncio
import struct
from collections import defaultdict
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka.producer.sender import SendProduceReqHandler
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from chassis import missing_topics, outbox, relay, topics
from chassis.database import Connection, connect
from chassis.kafka import Clients
from chassis.tests.conftest import ACTOR, Bench, OpenUnit, RunRelay, Wire, eventually
from chassis.tests.library import opened, person
from chassis.topics import Wanted
from chassis.work import Work
from contracts.accounts import AccountOpened, Person
from contracts.cloudevents import Forgotten, read_envelope, read_event
from contracts.topics import ACCOUNTS_PEOPLE
from local.kafka import Kafka
from tests.fixtures.patience import PATIENCE

NEVER = 3600.0  # seconds
PRODUCER, PRODUCER_AT = struct.Struct(">qhi"), 43  # id, epoch and first sequence number in the head of a batch, KIP-98


@pytest.fixture(scope="session")
def kafka(embedded_kafka: Kafka) -> Kafka:
    """Some of these tests freeze the broker."""
    return embedded_kafka


async def is_empty(bench: Bench) -> bool:
    return await bench.size("outbox") == 0


async def is_down_to(bench: Bench, rows: int) -> bool:
    return await bench.size("outbox") == rows


async def test_eight_writers_on_three_keys_arrive_in_each_keys_order(
    bench: Bench, wire: Wire, run_relay: RunRelay
) -> None:
    keys = [uuid4() for _ in range(3)]
    await bench.pool.executemany("insert into counters (id, value) values ($1, 0)", [(key,) for key in keys])
    run_relay(bench)

    async def change(work: Work[None], number: int) -> None:
        key = keys[number % 3]
        value = await work.connection.fetchval(
            "update counters set value = value + 1 where id = $1 returning value", key
        )
        work.publish(opened(key, value))

    async def write(writer: int) -> None:
        for number in range(30):
            await bench.unit.run(change, writer + number, ACTOR)

    await asyncio.gather(*[write(writer) for writer in range(8)])
    found = defaultdict(list)
    for record in await wire.read(240):
        event = AccountOpened.model_validate_json(record.value or b"")
        assert record.key == str(event.account_id).encode()
        found[event.account_id].append(int(event.terms_version))

    assert {key: found[key] for key in keys} == {key: list(range(1, 81)) for key in keys}
    await eventually(lambda: is_empty(bench))


async def test_headers_and_payload_arrive_as_the_transaction_wrote_them(
    bench: Bench, wire: Wire, run_relay: RunRelay
) -> None:
    identity = uuid4()
    await bench.publish(opened(identity))
    [row] = await bench.rows("outbox")
    run_relay(bench)

    [record] = await wire.read(1)

    assert {name: value.decode() for name, value in record.headers} == row["headers"]
    assert (record.key, record.value) == (str(identity).encode(), row["payload"])
    assert row["headers"]["ce_type"] == "mandat.accounts.AccountOpened.v1"


async def test_a_transaction_that_commits_late_with_a_lower_id_is_relayed_after_higher_ones_have_gone(
    bench: Bench, wire: Wire, run_relay: RunRelay
) -> None:
    late, early = uuid4(), uuid4()
    drawn, others_are_gone = asyncio.Event(), asyncio.Event()
    ids: dict[UUID, int] = {}

    async def dawdle(work: Work[None], _: None) -> None:
        work.publish(opened(late))
        await work.flush()  # its place in the outbox is drawn
        ids[late] = await work.connection.fetchval("select id from outbox")
        drawn.set()
        await others_are_gone.wait()

    dawdling = asyncio.create_task(bench.unit.run(dawdle, None, ACTOR))
    await drawn.wait()
    await bench.publish(opened(early))
    ids[early] = await bench.pool.fetchval("select id from outbox")
    run_relay(bench)
    await eventually(lambda: is_empty(bench))
    others_are_gone.set()
    await dawdling

    records = await wire.read(2)
    assert ids[late] < ids[early]
    assert {record.key for record in records} == {str(key).encode() for key in (late, early)}
    await eventually(lambda: is_empty(bench))


async def test_what_the_relay_sends_with_waits_for_every_replica_and_repeats_nothing_by_itself(
    wire: Wire, run_relay: RunRelay, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[int, int, int]] = []
    request = SendProduceReqHandler.create_request

    def noting(self: Any) -> Any:
        made = request(self)
        for batch in self._batches.values():
            producer, _, number = PRODUCER.unpack_from(batch.get_data_buffer(), PRODUCER_AT)
            sent.append((made.required_acks, producer, number))
        return made

    monkeypatch.setattr(SendProduceReqHandler, "create_request", noting)
    run_relay(bench)
    for number in range(3):
        await bench.publish(opened(UUID(int=7), number))
        await eventually(lambda: is_empty(bench))

    assert [(acks, number) for acks, _, number in sent] == [(-1, 0), (-1, 1), (-1, 2)]
    assert len({producer for _, producer, _ in sent}) == 1 and sent[0][1] >= 0


async def test_a_row_stays_until_kafka_has_acknowledged_it(
    bench: Bench, wire: Wire, kafka: Kafka, run_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, handed_over, send = uuid4(), asyncio.Event(), relay._send

    async def hand_over(producer: Any, row: Any) -> Any:
        sent = await send(producer, row)
        handed_over.set()
        return sent

    run_relay(bench)
    await bench.publish(opened(identity, 0))
    await eventually(lambda: is_empty(bench))
    monkeypatch.setattr(relay, "_send", hand_over)
    kafka.pause()
    try:
        await bench.publish(opened(identity, 1))
        await asyncio.wait_for(handed_over.wait(), PATIENCE)
        await asyncio.sleep(0.3)  # the relay would have had time for hundreds
        assert await bench.size("outbox") == 1
    finally:
        kafka.resume()

    await eventually(lambda: is_empty(bench))
    assert len(await wire.read(2)) == 2


async def test_a_relay_that_dies_between_send_and_delete_loses_nothing_and_keeps_the_order(
    bench: Bench, wire: Wire, run_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = uuid4()
    deaths: list[int] = []

    class Dying:
        """A connection that breaks on the first two deletions."""

        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> Any:
            return getattr(self._connection, name)

        async def execute(self, statement: str, *arguments: Any) -> Any:
            if statement.startswith("delete") and len(deaths) < 2:
                deaths.append(1)
                raise ConnectionResetError
            return await self._connection.execute(statement, *arguments)

    async def connecting(dsn: str) -> Any:
        return Dying(await connect(dsn))

    monkeypatch.setattr(relay, "connect", connecting)
    monkeypatch.setattr(relay, "FIRST_PAUSE", 0.01)
    await bench.publish(*[opened(identity, number) for number in range(50)])
    run_relay(bench)
    await eventually(lambda: is_empty(bench))

    records = await wire.read(150)
    numbers = [int(AccountOpened.model_validate_json(record.value or b"").terms_version) for record in records]
    assert list(dict.fromkeys(numbers)) == list(range(50))
    assert len(deaths) == 2


async def test_a_commit_of_another_process_wakes_the_relay_without_its_poll(
    bench: Bench, open_unit: OpenUnit, wire: Wire, run_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "POLL", NEVER)
    elsewhere = await open_unit(bench.dsn)
    run_relay(bench)
    await eventually(lambda: bench.unit.outbox.answered_here)
    await elsewhere.publish(opened(uuid4()))
    await eventually(lambda: is_empty(bench))  # from now on it waits

    await elsewhere.publish(opened(uuid4()))
    await eventually(lambda: is_empty(bench))


async def test_a_row_that_nobody_announced_is_found_by_the_poll(
    bench: Bench, wire: Wire, run_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "POLL", 0.05)
    run_relay(bench)
    await eventually(lambda: bench.unit.outbox.answered_here)
    monkeypatch.setattr(bench.unit.outbox, "ring", lambda: None)

    await bench.publish(opened(uuid4()))

    await eventually(lambda: is_empty(bench))
    monkeypatch.undo()


async def test_after_a_long_outage_the_next_failure_pauses_shortly_again(
    bench: Bench, wire: Wire, run_relay: RunRelay, superuser: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OSError()] * 4

    async def failing(dsn: str) -> Any:
        if failures:
            raise failures.pop()
        return await connect(dsn)

    monkeypatch.setattr(relay, "connect", failing)
    monkeypatch.setattr(relay, "FIRST_PAUSE", 0.02)
    running, _ = run_relay(bench)
    await bench.publish(opened(uuid4()))
    await eventually(lambda: is_empty(bench))

    await eventually(lambda: running._pause == 0.02)


async def test_stopping_sends_what_is_in_the_outbox(bench: Bench, wire: Wire, run_relay: RunRelay) -> None:
    running, task = run_relay(bench)
    await eventually(lambda: bench.unit.outbox.answered_here)
    await bench.publish(*[opened(uuid4()) for _ in range(100)])
    running.stop()
    async with asyncio.timeout(PATIENCE):
        await task

    assert await bench.size("outbox") == 0


async def test_stopping_takes_seconds_also_when_kafka_does_not_answer(
    bench: Bench, wire: Wire, kafka: Kafka, run_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "ACKNOWLEDGEMENT", 0.3)
    monkeypatch.setattr(relay, "LETTING_GO", 0.3)
    running, task = run_relay(bench)
    await bench.publish(opened(uuid4()))
    await eventually(lambda: is_empty(bench))
    kafka.pause()
    try:
        await bench.publish(opened(uuid4()))
        await asyncio.sleep(0.1)
        running.stop()
        async with asyncio.timeout(PATIENCE):  # a producer alone would wait for its broker for ever
            await task
        assert await bench.size("outbox") == 1
    finally:
        kafka.resume()


async def test_a_tombstone_arrives_as_a_record_without_a_value(bench: Bench, wire: Wire, run_relay: RunRelay) -> None:
    await topics.make(Clients(wire.servers), Wanted(wire.prefix, [ACCOUNTS_PEOPLE], 1))
    key = uuid4()

    async def forgetting(work: Work[None], key: UUID) -> None:
        work.forget(Person, key)

    await bench.unit.run(forgetting, key, ACTOR)
    run_relay(bench)
    await eventually(lambda: is_empty(bench))

    [record] = await wire.everything(wire.prefix + ACCOUNTS_PEOPLE.name)
    assert (record.key, record.value) == (str(key).encode(), None)
    assert read_event(read_envelope(record.headers), record.key, record.value) == Forgotten(Person, key)


async def test_rows_for_a_topic_that_kafka_lacks_wait_loudly_and_hold_back_no_other(
    bench: Bench, wire: Wire, run_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missing_topics, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(relay, "POLL", 0.1)
    lacking = wire.prefix + ACCOUNTS_PEOPLE.name
    key = uuid4()
    await bench.publish(*[person(key, version) for version in range(1, 4)])
    await bench.publish(*[opened(key, number) for number in range(3)])
    with capture_logs() as logs:
        running, _ = run_relay(bench)
        await eventually(lambda: is_down_to(bench, 3))

    assert {row["topic"] for row in await bench.rows("outbox")} == {lacking}

    async def knows_it() -> bool:
        return not await running.ready()

    await eventually(knows_it)
    assert REGISTRY.get_sample_value("mandat_relay_topic_missing", {"topic": lacking}) == 1
    assert [line["topics"] for line in logs if "missing" in line["event"]] == [[lacking]]

    await topics.make(Clients(wire.servers), Wanted(wire.prefix, [ACCOUNTS_PEOPLE], 1))
    await eventually(lambda: is_empty(bench))

    states = [Person.model_validate_json(record.value or b"") for record in await wire.everything(lacking)]
    assert [state.version for state in states] == [1, 2, 3]
    await eventually(running.ready)
    assert REGISTRY.get_sample_value("mandat_relay_topic_missing", {"topic": lacking}) == 0


async def test_a_relay_is_ready_once_every_topic_that_it_will_publish_on_is_there(
    bench: Bench, wire: Wire, run_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missing_topics, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(relay, "POLL", 0.1)
    running, _ = run_relay(bench, wire.topic, wire.prefix + ACCOUNTS_PEOPLE.name)
    await bench.publish(opened(uuid4()))
    await eventually(lambda: is_empty(bench))
    assert not await running.ready()

    await topics.make(Clients(wire.servers), Wanted(wire.prefix, [ACCOUNTS_PEOPLE], 1))
    await eventually(running.ready)


async def test_bulk_work_waits_while_the_outbox_is_deep_so_that_little_is_ahead_of_what_is_urgent(
    bench: Bench, wire: Wire, run_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "ROOM", 100)
    portions = 0

    async def importing() -> None:
        nonlocal portions
        for _ in range(30):
            await bench.unit.room()
            await bench.publish(*[opened(uuid4()) for _ in range(20)])
            portions += 1

    bulk = asyncio.create_task(importing())
    await eventually(lambda: outbox.BULK_WAITING._value.get() == 1)
    revoked = uuid4()
    await bench.publish(opened(revoked))
    ahead = await bench.pool.fetchval(
        "select count(*) from outbox where id < (select id from outbox where key = $1)", str(revoked)
    )
    assert (portions, ahead) == (5, 100)

    run_relay(bench)
    await bulk
    await eventually(lambda: is_empty(bench))
    assert len(await wire.everything()) == 601


async def test_a_batch_holds_so_many_bytes_and_at_least_one_row(
    bench: Bench, wire: Wire, run_relay: RunRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = uuid4()
    await bench.publish(*[opened(key, number) for number in range(10)])
    [size] = {len(row["payload"]) for row in await bench.rows("outbox")}
    batches: list[int] = []
    fetch = relay._fetch

    async def fetching(*arguments: Any) -> list[Any]:
        rows = await fetch(*arguments)
        batches.append(len(rows))
        return rows

    monkeypatch.setattr(relay, "_fetch", fetching)
    monkeypatch.setattr(relay, "BATCH_BYTES", 2 * size + 1)
    run_relay(bench)
    await eventually(lambda: is_empty(bench))
    monkeypatch.setattr(relay, "BATCH_BYTES", 1)
    await bench.publish(*[opened(key, number) for number in range(10, 12)])
    await eventually(lambda: is_empty(bench))

    assert [number for number in batches if number] == [3, 3, 3, 1, 1, 1]
    numbers = [AccountOpened.model_validate_json(record.value or b"").terms_version for record in await wire.read(12)]
    assert numbers == [str(number) for number in range(12)]
