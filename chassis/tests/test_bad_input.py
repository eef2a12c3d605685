"""Whatever stands in a topic ends parked with a reason or is ignored by rule, and the next good message is handled."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from chassis.subscriptions import Order, Subscription
from chassis.tests.conftest import Bench, OpenDoors, Wire, eventually
from chassis.tests.library import count, opened
from chassis.work import Work
from contracts.accounts import AccountOpened
from contracts.cloudevents import Envelope

EXAMPLES = 60  # records, in some four seconds; always the same ones, and of every kind
FAR_AWAY = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2999-01-01T00:00:00+14:00")
PARKED, IGNORED, APPLIED = "parked", "ignored", "applied"


class Name(str):
    """A header's name with bytes of its own: aiokafka's producer asks it for them."""

    content: bytes

    def encode(self, *_: Any) -> bytes:
        return self.content


def name(content: bytes) -> Name:
    found = Name("?")
    found.content = content
    return found


@dataclass(frozen=True)
class Bad:
    """One record, and how it must end."""

    what: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    ends: str

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """What hypothesis shows of it: not the 900 kB."""
        printer.text(f"{self.what}: {self.ends}, {self.key!r}, {(self.value or b'')[:100]!r}, {self.headers}")


def is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


not_utf8 = st.binary(min_size=1, max_size=40).filter(lambda content: not is_utf8(content))
ATTRIBUTES = ("ce_specversion", "ce_id", "ce_source", "ce_type")


@st.composite
def bad(draw: st.DrawFn, what: str) -> Bad:
    """A record that is right but for one thing."""
    event = opened(uuid4(), 1)
    headers = Envelope.around(event, id=uuid7(), source="urn:mandat:test", time=datetime.now(UTC)).headers()
    key, value = event.key.encode(), event.model_dump_json().encode()
    replaced: dict[str, bytes] = {}
    ends = PARKED
    match what:
        case "oversized":
            value = value[:-1] + b" " * draw(st.integers(900_000, 950_000)) + b"}"
        case "truncated":
            value = value[: draw(st.integers(0, len(value) - 1))]
        case "bytes":
            value = draw(not_utf8)
        case "wrong schema":
            value = draw(
                st.sampled_from([b"{}", b"[]", b"null", b"1", b'"x"', b'{"account_id": 1, "terms_version": 1}'])
            )
        case "no value":
            return Bad(what, key, None, headers, PARKED)
        case "no key":
            return Bad(what, None, value, headers, PARKED)
        case "another key":
            key = draw(st.binary(max_size=100))
        case "unknown type":
            kind = draw(st.from_regex(r"mandat\.[a-z]{1,8}\.[A-Z][a-z]{1,8}\.v[0-9]", fullmatch=True))
            replaced, ends = {"ce_type": kind.encode()}, IGNORED
        case "missing header":
            gone = draw(st.sampled_from(ATTRIBUTES))
            headers = [header for header in headers if header[0] != gone]
        case "doubled header":
            headers = [*headers, draw(st.sampled_from(headers))]
        case "header not UTF-8":
            replaced = {draw(st.sampled_from([*ATTRIBUTES, "ce_time"])): draw(not_utf8)}
        case "header's name not UTF-8":
            headers = [*headers, (name(draw(not_utf8)), b"")]
        case "far away":
            replaced, ends = {"ce_time": draw(st.sampled_from(FAR_AWAY)).encode()}, APPLIED
        case "no time":
            far = draw(st.sampled_from(["10000-01-01T00:00:00Z", "-1", "", "2026-11-22T00:00:00", "tomorrow"]))
            replaced = {"ce_time": far.encode()}
    return Bad(what, key, value, [(title, replaced.get(title, content)) for title, content in headers], ends)


KINDS = (
    "oversized", "truncated", "bytes", "wrong schema", "no value", "no key", "another key", "unknown type",
    "missing header", "doubled header", "header not UTF-8", "header's name not UTF-8", "far away", "no time",
)  # fmt: skip


def records() -> list[Bad]:
    """Some of each kind. All are drawn before the first is sent: clients of Kafka take from the same `random` that
    hypothesis watches while it draws."""
    drawn: list[Bad] = []
    some = settings(
        max_examples=EXAMPLES // len(KINDS), phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )

    def keep(record: Bad) -> None:
        drawn.append(record)

    for what in KINDS:
        some(given(bad(what))(keep))()
    return drawn


async def count_each(work: Work[None], events: Sequence[AccountOpened]) -> None:
    for event in events:
        await count(work, event)


@pytest.mark.parametrize(
    "subscription",
    [
        Subscription(AccountOpened, count, Order.FREE),
        Subscription(AccountOpened, count_each, Order.FREE, batch=True),
    ],
    ids=["one by one", "in batches"],
)
async def test_whatever_stands_in_a_topic_ends_by_rule_and_good_messages_around_it_are_handled(
    bench: Bench,
    wire: Wire,
    open_doors: OpenDoors,
    monkeypatch: pytest.MonkeyPatch,
    subscription: Subscription[None],
) -> None:
    for module in ("producer", "message_accumulator"):  # the builder written in C takes no str but str itself
        monkeypatch.setattr(f"aiokafka.producer.{module}.DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    await open_doors(bench, subscription)
    seen: set[str] = set()

    async def one(record: Bad) -> None:
        letters, applied = await bench.size("dead_letters"), await bench.size("inbox")
        before, behind = opened(uuid4(), 1), opened(uuid4(), 2)
        await asyncio.gather(  # in this order, and at once: they arrive together
            wire.send(before, partition=0),
            wire.producer.send_and_wait(wire.topic, record.value, record.key, partition=0, headers=record.headers),
            wire.send(behind, partition=0),
        )

        async def handled() -> bool:
            return [await bench.counted(good.account_id) for good in (before, behind)] == ["1", "2"]

        await eventually(handled)
        parked = await bench.rows("dead_letters")
        assert len(parked) - letters == (record.ends == PARKED), record.what
        assert await bench.size("inbox") - applied == 2 + (record.ends == APPLIED), record.what
        assert all(letter["reason"] for letter in parked)
        seen.add(record.what)

    producer = AIOKafkaProducer(bootstrap_servers=wire.servers, linger_ms=0)
    async with producer:
        wire.producer = producer
        for record in records():
            await one(record)

    assert seen == set(KINDS)


async def test_an_id_that_was_applied_is_a_duplicate_whatever_else_the_record_holds(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    identity, twice = uuid4(), uuid7()
    await open_doors(bench, Subscription(AccountOpened, count, Order.KEPT))

    await wire.send(opened(identity, 1), id=twice, partition=0)
    await wire.send(opened(uuid4(), 2), id=twice, partition=0)
    await wire.send(opened(identity, 3), partition=0)

    async def handled() -> bool:
        return await bench.counted(identity) == "1 3"

    await eventually(handled)
    assert await bench.size("counters") == 1
    assert await bench.size("dead_letters") == 0
