"""What is parked can be dug up: in order, once in effect, and everything about it is audited."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from chassis.dead_letters import metrics
from chassis.dead_letters.redrive import Drop, Failed, NobodyTakesIt, Redrive, Redriven, Waiting, drop
from chassis.dead_letters.storage import Choice
from chassis.inbox import Claim
from chassis.outcomes import CommitUnknown, Poison, Refusal
from chassis.subscriptions import Order, Subscription
from chassis.tests.conftest import CONSUMER, Bench, OpenDoors, Wire, eventually
from chassis.tests.letters import letter_of, parked
from chassis.tests.library import count, opened
from chassis.work import Actor, Work
from contracts.accounts import AccountOpened, EmailVerified, Person
from contracts.cloudevents import Envelope
from contracts.tests.examples import EVENTS, NOW

OPERATOR = Actor("operator", "marie")


@dataclass
class Mendable:
    """A handler that fails on some contents until it is mended."""

    poison: set[str] = field(default_factory=set)

    async def __call__(self, work: Work[None], event: AccountOpened) -> None:
        await count(work, event)
        work.audit("account.counted", object_id=event.account_id)
        if event.terms_version in self.poison:
            raise Poison("not today")


def redrive(bench: Bench, handler: Any = count, order: Order = Order.KEPT) -> Redrive[None]:
    return Redrive(bench.unit, [Subscription(AccountOpened, handler, order)])


async def all_of(bench: Bench, handler: Any = count, choice: Choice | None = None) -> list[Any]:
    return [outcome async for outcome in redrive(bench, handler).many(choice or Choice(), OPERATOR)]


async def audited(bench: Bench, action: str) -> list[Any]:
    return list(await bench.pool.fetch("select * from audit where action = $1 order by id", action))


async def test_a_letter_is_handled_and_gone_in_one_transaction_and_audited(bench: Bench) -> None:
    identity, event_id = uuid4(), uuid7()
    [letter] = await parked(bench, opened(identity, 7), id=event_id)

    assert await redrive(bench, Mendable()).one(letter, OPERATOR) == Redriven(letter, "applied")

    assert await bench.counted(identity) == "7"
    assert (await bench.size("dead_letters"), await bench.size("inbox")) == (0, 1)
    [redriven] = await audited(bench, "dead_letter.redriven")
    assert (redriven["actor_kind"], redriven["actor_id"], redriven["object_id"]) == ("operator", "marie", event_id)
    assert redriven["detail"]["letter"] == letter
    [counted] = await audited(bench, "account.counted")
    assert (counted["actor_kind"], counted["actor_id"]) == ("service", "test")


async def test_a_letter_that_fails_again_stays_with_the_new_reason_and_leaves_no_effect(bench: Bench) -> None:
    identity = uuid4()
    [letter] = await parked(bench, opened(identity, 1))
    [before] = await bench.rows("dead_letters")

    found = await redrive(bench, Mendable({"1"})).one(letter, OPERATOR)

    assert found == Failed(letter, "Poison: not today")
    [after] = await bench.rows("dead_letters")
    assert (after["attempts"], after["reason"]) == (2, "Poison: not today")
    assert after["last_at"] > before["last_at"] and after["first_at"] == before["first_at"]
    assert (await bench.counted(identity), await bench.size("inbox")) == (None, 0)
    assert len(await audited(bench, "dead_letter.failed_again")) == 1


async def test_one_behind_an_earlier_letter_is_refused_while_that_stands_and_redriven_once_it_is_dropped(
    bench: Bench,
) -> None:
    identity = uuid4()
    first, second = await parked(bench, opened(identity, 1), opened(identity, 2))

    assert await redrive(bench).one(second, OPERATOR) == Refusal("dead_letter_behind", {"earlier": first})
    assert await bench.size("dead_letters") == 2
    await bench.unit.run(drop, Drop(first, "sent by mistake"), OPERATOR)
    assert await redrive(bench).one(second, OPERATOR) == Redriven(second, "applied")

    assert await bench.counted(identity) == "2"
    [dropped] = await audited(bench, "dead_letter.dropped")
    assert dropped["detail"]["reason"] == "sent by mistake"
    where = {"consumer", "topic", "partition", "offset"}
    assert set(dropped["detail"]) == {"letter", "reason"} | where, "a digest of what it held can be guessed"


async def test_where_order_is_free_a_later_letter_waits_for_none(bench: Bench) -> None:
    identity = uuid4()
    _, second = await parked(bench, opened(identity, 1), opened(identity, 2), ordered=False)
    assert await redrive(bench, order=Order.FREE).one(second, OPERATOR) == Redriven(second, "applied")


async def test_a_key_stops_at_its_first_failure_and_the_others_go_on_in_order(bench: Bench) -> None:
    good, bad = uuid4(), uuid4()
    letters = await parked(bench, *(opened(key, number) for number in range(1, 4) for key in (good, bad)))
    handler = Mendable({"2"})

    async def handle(work: Work[None], event: AccountOpened) -> None:
        await (handler if event.account_id == bad else count)(work, event)

    assert await all_of(bench, handle) == [
        Redriven(letters[0], "applied"),
        Redriven(letters[1], "applied"),
        Redriven(letters[2], "applied"),
        Failed(letters[3], "Poison: not today"),
        Redriven(letters[4], "applied"),
        Waiting(letters[5], letters[3]),
    ]
    assert (await bench.counted(good), await bench.counted(bad)) == ("1 2 3", "1")
    handler.poison.clear()
    assert len(await all_of(bench, handle, Choice(CONSUMER, str(bad)))) == 2
    assert await bench.counted(bad) == "1 2 3"


async def test_a_choice_leaves_every_other_letter_alone(bench: Bench) -> None:
    chosen, other = uuid4(), uuid4()
    await parked(bench, opened(chosen, 1), opened(other, 1))
    assert await all_of(bench, choice=Choice(consumer="test.other")) == []
    assert len(await all_of(bench, choice=Choice(key=str(chosen)))) == 1
    assert (await bench.counted(chosen), await bench.counted(other)) == ("1", None)


async def test_what_was_applied_meanwhile_is_not_applied_again(bench: Bench) -> None:
    identity, event_id = uuid4(), uuid7()
    letters = await parked(bench, opened(identity, 1), opened(identity, 1), id=event_id)
    assert await all_of(bench) == [Redriven(letters[0], "applied"), Redriven(letters[1], "duplicate")]
    assert await bench.counted(identity) == "1"


async def test_a_refusal_is_an_end_too(bench: Bench) -> None:
    async def refuse(work: Work[None], event: AccountOpened) -> Refusal:
        return Refusal("not_permitted")

    [letter] = await parked(bench, opened(uuid4()))
    assert await redrive(bench, refuse).one(letter, OPERATOR) == Redriven(letter, "refused")
    assert await bench.size("dead_letters") == 0


async def test_two_who_redrive_at_once_apply_each_letter_once_and_in_order(bench: Bench) -> None:
    keys = [uuid4() for _ in range(4)]
    await parked(bench, *(opened(key, number) for number in range(10) for key in keys))

    found = await asyncio.gather(all_of(bench), all_of(bench), all_of(bench))

    assert sum(isinstance(one, Redriven) for ones in found for one in ones) == 40
    assert {await bench.counted(key) for key in keys} == {"0 1 2 3 4 5 6 7 8 9"}


async def test_a_letter_that_cannot_be_read_or_that_nobody_takes_stays_with_that_reason(bench: Bench) -> None:
    [nonsense] = await parked(bench, opened(uuid4()), value=b"\xff")
    [bare] = await parked(bench, opened(uuid4()), headers=[])
    [strange] = await parked(bench, EmailVerified(account_id=uuid4()))

    found = await all_of(bench)

    assert [one.id for one in found] == [nonsense, bare, strange]
    assert [one.reason.split(":")[0] for one in found] == ["Malformed", "Malformed", NobodyTakesIt.__name__]
    assert await bench.size("dead_letters") == 3


async def test_an_outage_fails_no_letter(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def cut(work: Work[None], event: AccountOpened) -> None:
        raise asyncpg.ConnectionDoesNotExistError("gone")

    async def unknown(*_: Any) -> None:
        raise CommitUnknown

    [letter] = await parked(bench, opened(uuid4()))
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await redrive(bench, cut).one(letter, OPERATOR)
    monkeypatch.setattr("chassis.work._commit", unknown)
    with pytest.raises(CommitUnknown):
        await redrive(bench).one(letter, OPERATOR)
    [kept] = await bench.rows("dead_letters")
    assert (kept["attempts"], kept["reason"]) == (1, "because")


async def test_a_statement_that_postgresql_does_not_understand_is_a_failure_that_the_operator_sees(
    bench: Bench,
) -> None:
    async def typo(work: Work[None], event: AccountOpened) -> None:
        await work.connection.execute("selekt")

    [letter] = await parked(bench, opened(uuid4()))
    assert await redrive(bench, typo).one(letter, OPERATOR) == Failed(letter, "PostgresSyntaxError 42601")


async def test_a_dropped_message_stays_dropped_when_it_is_delivered_again(bench: Bench) -> None:
    event, event_id = opened(uuid4(), 1), uuid7()
    [letter] = await parked(bench, event, id=event_id)
    await bench.unit.run(drop, Drop(letter, "no"), OPERATOR)
    [again] = await parked(bench, event, id=event_id)
    assert await redrive(bench).one(again, OPERATOR) == Redriven(again, "duplicate")


async def test_a_dropped_record_that_could_not_be_read_may_come_again_mended(bench: Bench) -> None:
    event, event_id = opened(uuid4(), 1), uuid7()
    [broken] = await parked(bench, event, id=event_id, value=b"{}")
    await bench.unit.run(drop, Drop(broken, "cut off"), OPERATOR)
    [mended] = await parked(bench, event, id=event_id)
    assert await redrive(bench).one(mended, OPERATOR) == Redriven(mended, "applied")


async def test_how_many_were_redriven_and_dropped_is_told_also_after_the_audit_of_it_was_pruned(bench: Bench) -> None:
    letters = await parked(bench, *[opened(uuid4(), number) for number in range(5)])
    await bench.unit.run(drop, Drop(letters[0], "a test"), OPERATOR)
    ends = await asyncio.gather(*[redrive(bench).one(letter, OPERATOR) for letter in letters[1:]])
    assert ends == [Redriven(letter, "applied") for letter in letters[1:]]
    assert await redrive(bench).one(letters[0], OPERATOR) == Refusal("not_found")

    async def told() -> list[float]:
        await metrics.look(bench.pool)
        return [metrics.SETTLED.labels(ending)._value.get() for ending in ("redriven", "dropped")]

    assert await told() == [4, 1]
    await bench.pool.execute("delete from audit")
    assert await told() == [4, 1]


async def test_what_is_not_there_is_refused(bench: Bench) -> None:
    assert await redrive(bench).one(1, OPERATOR) == Refusal("not_found")
    assert (await bench.unit.run(drop, Drop(1, "no"), OPERATOR)).outcome == Refusal("not_found")


def test_a_letter_gives_back_every_header_as_it_came() -> None:
    headers = [("ce_id", b"1"), ("binary", b"\xff\x00"), ("empty", None), ("nul", b"a\0b"), ("ce_id", b"2")]
    assert letter_of(opened(uuid4()), headers=headers).wire_headers() == headers


async def test_a_tombstone_is_dug_up_for_whoever_forgets(bench: Bench) -> None:
    forgotten = []

    async def forget(work: Work[None], key: UUID) -> None:
        forgotten.append(key)

    person = next(event for event in EVENTS if isinstance(event, Person))
    headers = Envelope.around(person, id=uuid7(), source="urn:mandat:test:accounts", time=NOW).headers()
    kept, lost = await parked(bench, person, person, value=None, headers=headers)
    found = Redrive(bench.unit, [Subscription(Person, count, Order.FREE, forget=forget)])
    assert await found.one(kept, OPERATOR) == Redriven(kept, "applied")
    assert forgotten == [person.account_id]
    nobody = Redrive(bench.unit, [Subscription(Person, count, Order.FREE)])
    assert await nobody.one(lost, OPERATOR) == Redriven(lost, "ignored")


async def test_a_handler_of_batches_gets_a_batch_of_one(bench: Bench) -> None:
    got: list[Any] = []

    async def handle(work: Work[None], events: Sequence[AccountOpened]) -> None:
        got.append([event.terms_version for event in events])

    [letter] = await parked(bench, opened(uuid4(), 4))
    found = Redrive(bench.unit, [Subscription(AccountOpened, handle, Order.KEPT, batch=True)])
    assert await found.one(letter, OPERATOR) == Redriven(letter, "applied")
    assert got == [["4"]]


async def test_a_new_message_waits_for_a_redrive_of_its_key_that_is_under_way_and_is_then_applied(bench: Bench) -> None:
    under_way, go_on = asyncio.Event(), asyncio.Event()

    async def slow(work: Work[None], event: AccountOpened) -> None:
        under_way.set()
        await go_on.wait()
        await count(work, event)

    async def somebody_waits() -> bool:
        query = "select from pg_locks join pg_database on oid = database where locktype = 'advisory' and not granted"
        return bool(await bench.pool.fetchval(f"select exists ({query} and datname = current_database())"))

    identity = uuid4()
    first, second = opened(identity, 1), opened(identity, 2)
    [letter] = await parked(bench, first)
    digging = asyncio.create_task(redrive(bench, slow).one(letter, OPERATOR))
    await under_way.wait()
    key, topic = second.key.encode(), second.topic.name
    claim = Claim(CONSUMER, uuid7(), topic, key, ordered=True, letter=lambda _: letter_of(second))
    arriving = asyncio.create_task(bench.unit.receive(count, second, claim))
    await eventually(somebody_waits)
    go_on.set()

    assert await digging == Redriven(letter, "applied")
    assert (await arriving).outcome is None
    assert (await bench.counted(identity), await bench.size("dead_letters")) == ("1 2", 0)


async def test_a_redrive_while_new_messages_of_its_keys_arrive_loses_none_repeats_none_and_keeps_the_order(
    bench: Bench, wire: Wire, open_doors: OpenDoors
) -> None:
    keys = [uuid4() for _ in range(10)]
    poison = {(keys[0], "5"), (keys[1], "20")}

    async def handle(work: Work[None], event: AccountOpened) -> None:
        await count(work, event)
        if (event.account_id, event.terms_version) in poison:
            raise Poison("not yet")

    async def send(numbers: range) -> None:
        for number in numbers:
            await asyncio.gather(*[wire.send(opened(key, number)) for key in keys])

    async def all_applied() -> bool:
        return bool(await bench.pool.fetchval("select sum(value) = 600 from counters"))

    async def two_keys_parked() -> bool:
        return await bench.size("dead_letters") == 25 + 10

    subscription = Subscription(AccountOpened, handle, Order.KEPT)
    await open_doors(bench, subscription)
    await send(range(30))
    await eventually(two_keys_parked)
    poison.clear()
    arriving = asyncio.create_task(send(range(30, 60)))
    found = Redrive(bench.unit, [subscription])
    outcomes = []
    while not arriving.done() or not await all_applied():
        outcomes += [outcome async for outcome in found.many(Choice(), OPERATOR)]
    await arriving

    assert {await bench.counted(key) for key in keys} == {" ".join(map(str, range(60)))}
    assert all(isinstance(outcome, Redriven) and outcome.ending == "applied" for outcome in outcomes)
    assert len(outcomes) >= 35
    assert await bench.size("dead_letters") == 0
