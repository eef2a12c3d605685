"""Promises about Mandat-After: a call that names what was written is answered once that is applied here."""

import asyncio
import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from aiokafka.partitioner import DefaultPartitioner
from uuid_utils.compat import uuid7

from chassis import after, gateway
from chassis.after import Waiters, Written
from chassis.database import Pool
from chassis.gateway import Gateway
from chassis.tests.conftest import CONSUMER, Bench, OpenUnit, eventually
from chassis.tests.library import LibraryCall, Title, add, opened
from chassis.tests.visiting import ACCOUNT, ANNE, Library, encoded
from chassis.tokens import Verifier
from contracts.accounts import AccountOpened
from tests.fixtures.gateway import BASE


def drawn_at(seconds: float) -> UUID:
    """A UUIDv7 of that time."""
    return UUID(int=(int(seconds * 1000) << 80) | (uuid7().int & ((1 << 80) - 1)))


def header_of(event: UUID) -> str:
    """What names one event that the library reads."""
    header = after.name([Written(AccountOpened.topic.name, AccountOpened.type_name(), event, "key")])
    assert header is not None
    return header


async def test_what_a_call_names_is_waited_for_until_the_consumer_has_applied_it(
    library: Library, open_unit: OpenUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after, "PATIENCE", 3600.0)
    elsewhere = await open_unit()
    await elsewhere.publish(opened(ACCOUNT))
    [row] = await elsewhere.rows("outbox")
    event = UUID(row["headers"]["ce_id"])
    header = header_of(event)
    waiting = asyncio.create_task(library.post(mandat_after=header))
    await asyncio.sleep(0.1)
    assert not waiting.done()

    await library.bench.pool.execute("insert into inbox (consumer, event_id) values ($1, $2)", CONSUMER, event)

    assert (await waiting).status_code == 201


async def test_what_does_not_arrive_in_time_is_said_not_to_be_applied_yet(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after, "PATIENCE", 0.05)
    header = (await library.post()).headers["mandat-after"]

    response = await library.refused("not_yet_applied", mandat_after=header)

    assert response.headers["retry-after"] == "1"


async def test_what_nobody_here_reads_or_is_older_than_the_inbox_counts_as_applied(library: Library) -> None:
    old = UUID("01800000-0000-7000-8000-000000000000")  # drawn in 2022
    topic, kind = AccountOpened.topic.name, AccountOpened.type_name()
    for written in (
        Written(topic, "mandat.accounts.Other.v1", uuid4(), "key"),
        Written("other", kind, uuid4(), "key"),
        Written(topic, kind, old, "key"),
    ):
        header = after.name([written])
        assert header is not None
        assert (await library.post(mandat_after=header)).status_code == 201


async def test_an_event_that_nobody_can_have_written_yet_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after, "PATIENCE", 0.0)
    reads = {(AccountOpened.topic.name, AccountOpened.type_name()): CONSUMER}
    waiters, now = Waiters(bench.pool), datetime.now(UTC)

    headers = [header_of(drawn_at(now.timestamp() + seconds)) for seconds in (59, 61)]
    answers = [await waiters.wait(header, reads, now) for header in headers]

    assert [answer and answer.code for answer in answers] == ["not_yet_applied", "invalid_after"]


async def test_those_who_wait_share_each_look(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    look = after.applied

    async def counted(pool: Pool, several: Sequence[set[Any]]) -> list[set[Any]]:
        looks.append(len(set().union(*several)))
        return await look(pool, several)

    monkeypatch.setattr(after, "applied", counted)
    monkeypatch.setattr(after, "PATIENCE", 0.0)
    reads = {(AccountOpened.topic.name, AccountOpened.type_name()): CONSUMER}
    waiters, now = Waiters(library.bench.pool), datetime.now(UTC)

    refused = await asyncio.gather(*[waiters.wait(header_of(uuid7()), reads, now) for _ in range(100)])

    assert {refusal.code for refusal in refused if refusal} == {"not_yet_applied"}
    assert looks[0] == 100
    assert len(looks) <= 3


async def test_beyond_so_many_waiting_a_caller_is_told_at_once_and_one_whose_events_are_applied_goes_through(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after, "MOST_WAITING", 1)
    applied, header = uuid7(), header_of(uuid7())
    await library.bench.pool.execute("insert into inbox (consumer, event_id) values ($1, $2)", CONSUMER, applied)
    monkeypatch.setattr(after, "PATIENCE", 3600.0)
    waiting = asyncio.create_task(library.post(mandat_after=header))
    waiters = library.gateway.waiters
    await eventually(lambda: waiters._number == 1)

    await library.refused("not_yet_applied", mandat_after=header)
    assert (await library.post(mandat_after=header_of(applied))).status_code == 201

    waiting.cancel()
    await eventually(lambda: waiters._number == 0)


async def test_a_header_that_we_did_not_write_is_refused(library: Library) -> None:
    good = (await library.post()).headers["mandat-after"]
    beyond_time = [[AccountOpened.topic.name, AccountOpened.type_name(), "ffffffff-ffff-ffff-ffff-ffffffffffff"]]
    strange = [{}, [1], [["a", "b"]], [["a", "b", "c"]], beyond_time]
    nested = base64.urlsafe_b64encode(b"[" * 3000).decode()
    for junk in ("x", "%%%", "é", good[:-9], good * 40, nested, *map(encoded, strange)):
        await library.refused("invalid_after", mandat_after=junk)


async def test_a_stranger_is_told_nothing_of_what_its_request_wrote(library: Library) -> None:
    suggestions = gateway.router()

    @suggestions.post("/v1/suggestions", status_code=204, dependencies=[gateway.ONCE])
    async def suggest(body: Title, call: LibraryCall) -> None:
        await call.create(add, body)

    app = gateway.build("Library", "Books", [suggestions], "fr")
    app.state.gateway = Gateway(library.bench.unit, Verifier(BASE, (), library.bench.pool), {}, "fr")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://library.test") as http:
        for headers in ({}, {"idempotency-key": "k"}, {"idempotency-key": "k"}):
            response = await http.post("/v1/suggestions", json=ANNE, headers=headers)
            assert (response.status_code, response.headers.get("mandat-after")) == (204, None)


def test_a_header_names_the_last_event_of_each_key_while_they_are_few() -> None:
    topic, kind = AccountOpened.topic.name, AccountOpened.type_name()
    written = [Written(topic, kind, uuid4(), f"key {number % 30}") for number in range(90)]

    header = after.name(written)

    assert header is not None
    assert {identity for _, _, identity in after._read(header)} == {event.id for event in written[60:]}


def test_a_header_names_the_last_event_of_each_partition_where_keys_are_many() -> None:
    topic, kind = AccountOpened.topic.name, AccountOpened.type_name()
    written = [Written(topic, kind, uuid4(), str(uuid4())) for _ in range(500)]
    partitions = list(range(AccountOpened.topic.partitions))
    choose = DefaultPartitioner()
    last = {choose(event.key.encode(), partitions, partitions): event.id for event in written}

    header = after.name(written)

    assert header is not None
    assert len(header) <= after.LONGEST
    assert {identity for _, _, identity in after._read(header)} == set(last.values())


def test_a_header_of_the_former_shape_is_still_read() -> None:
    topic, kind, event = AccountOpened.topic.name, AccountOpened.type_name(), uuid4()

    assert after._read(encoded([[topic, kind, str(event)]])) == [(topic, kind, event)]


def test_a_header_names_the_last_event_of_each_kind_and_stays_within_what_is_read() -> None:
    kinds = [f"mandat.authorizations.AdministratorAppointed{number}.v1" for number in range(20)]
    written = [Written("authorizations.events", kind, uuid4(), "key") for _ in range(50) for kind in kinds]

    header = after.name(written)

    assert header is not None
    assert len(header) <= after.LONGEST
    assert header == after.name(written[-20:])
    assert after.name([]) is None


async def test_the_waiting_of_two_seconds_is_the_callers_alone(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after, "PATIENCE", 3600.0)
    header = (await library.post()).headers["mandat-after"]
    waiting = asyncio.create_task(library.post(mandat_after=header))
    await asyncio.sleep(0.05)

    assert (await library.post()).status_code == 201
    assert not waiting.done()
    waiting.cancel()
    await eventually(waiting.done)
