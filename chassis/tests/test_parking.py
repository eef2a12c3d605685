"""Doors from Kafka park what cannot be handled, in order where it matters, and pass over what nobody reads."""

import random
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs
from uuid_utils.compat import uuid7

from chassis.doors import reception
from chassis.outcomes import Poison, Transient
from chassis.subscriptions import Order, Subscription
from chassis.tests.arrivals import KEPT, failing, handled, parked
from chassis.tests.conftest import CONSUMER, Bench, OpenDoors, Wire
from chassis.tests.library import count, opened
from chassis.work import Work
from contracts.accounts import AccountOpened, EmailVerified, SessionsRevoked
from contracts.cloudevents import Envelope

pytestmark = pytest.mark.usefixtures("short_pauses")

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
