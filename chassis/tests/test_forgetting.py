"""Erasure reaches what was parked: once a tombstone has come, no letter of its key holds anything about anybody."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from chassis import topics
from chassis.dead_letters.redrive import Redrive, Redriven
from chassis.kafka import Clients
from chassis.outcomes import Poison
from chassis.subscriptions import Order, Subscription
from chassis.tests.conftest import ACTOR, Bench, OpenDoors, Wire, eventually
from chassis.tests.library import person
from chassis.topics import Wanted
from chassis.work import Work
from contracts.accounts import Person
from contracts.cloudevents import Envelope, Forgotten
from contracts.topics import ACCOUNTS_PEOPLE


class People:
    """Readers of states that they cannot handle, and that remember whom they forgot."""

    def __init__(self) -> None:
        self.forgotten: list[UUID] = []

    async def follow(self, work: Work[None], state: Person) -> None:
        raise Poison("not in this release")

    async def forget(self, work: Work[None], key: UUID) -> None:
        self.forgotten.append(key)

    def subscription(self, *, forgets: bool = True) -> Subscription[None]:
        return Subscription(Person, self.follow, Order.FREE, forget=self.forget if forgets else None)


@pytest.fixture
async def topic(wire: Wire) -> str:
    await topics.make(Clients(wire.servers), Wanted(wire.prefix, [ACCOUNTS_PEOPLE], 1))
    return wire.prefix + ACCOUNTS_PEOPLE.name


def tombstone(key: UUID) -> dict[str, Any]:
    envelope = Envelope.around(
        Forgotten(Person, key), id=uuid7(), source="urn:mandat:test:accounts", time=datetime.now(UTC)
    )
    return {"key": str(key).encode(), "headers": envelope.headers()}


async def held(bench: Bench, payloads: int, letters: int) -> None:
    """Until so many of so many letters hold something."""

    async def found() -> bool:
        row = await bench.pool.fetchrow("select count(payload) as payloads, count(*) as letters from dead_letters")
        return row is not None and tuple(row) == (payloads, letters)

    await eventually(found)


@pytest.mark.parametrize("forgets", [True, False])
async def test_a_tombstone_empties_the_letters_of_its_key_and_no_others(
    bench: Bench, wire: Wire, open_doors: OpenDoors, topic: str, forgets: bool
) -> None:
    people, leaving, staying = People(), uuid4(), uuid4()
    await open_doors(bench, people.subscription(forgets=forgets))
    for state in (person(leaving, 1), person(leaving, 2), person(staying, 1)):
        await wire.send(state, topic=topic)
    await held(bench, 3, 3)

    await wire.producer.send_and_wait(topic, **tombstone(leaving))

    await held(bench, 1, 3)
    *emptied, kept = await bench.rows("dead_letters")
    assert [(letter["payload"], letter["reason"]) for letter in emptied] == [(None, "forgotten")] * 2
    assert (kept["key"].decode(), kept["reason"]) == (str(staying), "Poison: not in this release")


async def test_the_echo_of_a_tombstone_empties_what_was_parked_since(
    bench: Bench, wire: Wire, open_doors: OpenDoors, topic: str
) -> None:
    people, leaving = People(), uuid4()
    echoed = tombstone(leaving)
    await open_doors(bench, people.subscription())
    await wire.producer.send_and_wait(topic, **echoed)
    await wire.send(person(leaving, 1), topic=topic)
    await held(bench, 1, 1)

    await wire.producer.send_and_wait(topic, **echoed)

    await held(bench, 0, 1)
    assert people.forgotten == [leaving]


async def test_an_emptied_letter_is_redriven_as_the_tombstone_that_it_is(
    bench: Bench, wire: Wire, open_doors: OpenDoors, topic: str
) -> None:
    people, leaving = People(), uuid4()
    await open_doors(bench, people.subscription())
    await wire.send(person(leaving, 1), topic=topic)
    await held(bench, 1, 1)
    await wire.producer.send_and_wait(topic, **tombstone(leaving))
    await held(bench, 0, 1)
    [letter] = await bench.rows("dead_letters")

    redrive = Redrive(bench.unit, [people.subscription()])

    assert await redrive.one(letter["id"], ACTOR) == Redriven(letter["id"], "applied")
    assert people.forgotten == [leaving] * 2
    assert await bench.size("dead_letters") == 0
