"""Whoever is known and is refused leaves an entry, in one place for every handler."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis import refusals
from chassis.idempotency import Once
from chassis.outcomes import Done, Refusal
from chassis.refusals import Refused
from chassis.tests.conftest import Bench, OpenUnit
from chassis.work import Actor, Work

SOMEBODY = Actor("account", "a", uuid4())
ORGANIZATION = uuid4()


@dataclass(frozen=True)
class Change:
    """A change with what a person typed."""

    contact_id: UUID
    name: str = "Ada"


async def change(work: Work[None], command: Change) -> Refusal:
    work.concerning = ORGANIZATION
    return Refusal("not_permitted")


async def change_and_say_so(work: Work[None], command: Change) -> Refusal:
    work.audit("change_refused")
    return Refusal("not_permitted")


async def noted(bench: Bench) -> list[tuple[Any, ...]]:
    return [
        (row["action"], row["organization_id"], row["profile_id"], row["detail"]) for row in await bench.rows("audit")
    ]


@pytest.mark.parametrize("once", [False, True])
async def test_a_refusal_is_noted_with_its_code_and_the_ids_that_were_named_and_no_text(
    bench: Bench, once: bool
) -> None:
    command = Change(uuid4())
    if once:
        await bench.unit.run_once(change, command, SOMEBODY, Once("p", "r", "k", b""), lambda _: Done(uuid4()))
    else:
        await bench.unit.run(change, command, SOMEBODY)

    detail = {"attempted": "change", "code": "not_permitted", "ids": {"contact_id": str(command.contact_id)}}
    assert await noted(bench) == [("refused", ORGANIZATION, SOMEBODY.profile_id, detail)]


@pytest.mark.parametrize(
    ("handler", "actor", "actions"),
    [
        (change, Actor("anonymous", ""), []),
        (change, Actor("service", "linking"), []),
        (change_and_say_so, SOMEBODY, ["change_refused"]),
    ],
)
async def test_a_stranger_is_not_noted_and_what_a_handler_notes_is_not_noted_twice(
    bench: Bench, handler: Callable[[Work[None], Change], Awaitable[Refusal]], actor: Actor, actions: list[str]
) -> None:
    await bench.unit.run(handler, Change(uuid4()), actor)

    assert [action for action, *_ in await noted(bench)] == actions


@pytest.fixture
async def bench(open_unit: OpenUnit) -> Bench:
    """A unit whose clock stands where an hour begins: what an hour allows is one budget however slow a test is."""
    opened = await open_unit()
    now = datetime.now(UTC).replace(minute=0)
    return replace(opened, unit=replace(opened.unit, origin=replace(opened.unit.origin, clock=lambda: now)))


async def turn(bench: Bench, minutes: int = 0) -> int:
    """What a worker does about counts, so many minutes later."""
    origin = bench.unit.origin
    unit = replace(bench.unit, origin=replace(origin, clock=lambda: origin.clock() + timedelta(minutes=minutes)))
    return (await unit.run(refusals.note_counts, 10, origin.itself)).outcome


def at_the_door(code: str = "profile_not_yours") -> Refused:
    return Refused("GET /v1/books", code, ORGANIZATION, {"profile_id": "p"})


async def test_nobody_fills_the_audit_by_trying_and_what_goes_beyond_is_counted_and_noted_when_the_hour_is_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "NOTED", refusals._Budget(2, 3600))
    for _ in range(5):
        await bench.unit.run(change, Change(uuid4()), SOMEBODY)
    await bench.unit.run(change, Change(uuid4()), Actor("account", "b"))
    assert len(await noted(bench)) == 3

    assert await turn(bench, minutes=2) == 1
    assert len(await noted(bench)) == 3
    assert await turn(bench, minutes=90) == 1
    *_, (action, organization_id, profile_id, detail) = await noted(bench)
    assert (action, organization_id, profile_id) == ("refused", ORGANIZATION, SOMEBODY.profile_id)
    assert (detail["attempted"], detail["code"], detail["count"]) == ("change", "not_permitted", 3)


async def test_what_a_door_refuses_again_within_a_minute_is_one_entry_with_a_count(bench: Bench) -> None:
    for _ in range(5):
        await bench.unit.run(refusals.note_at_the_door, at_the_door(), SOMEBODY)
    await bench.unit.run(refusals.note_at_the_door, at_the_door("not_found"), SOMEBODY)
    await bench.unit.run(refusals.note_at_the_door, at_the_door(), Actor("account", "b"))
    await bench.unit.run(refusals.note_at_the_door, at_the_door(), Actor("anonymous", ""))

    detail = {"attempted": "GET /v1/books", "code": "profile_not_yours", "ids": {"profile_id": "p"}}
    first, *others = await noted(bench)
    assert first == ("refused", ORGANIZATION, SOMEBODY.profile_id, detail) and len(others) == 2

    assert await turn(bench) == 0
    assert await turn(bench, minutes=1) == 3
    *_, (action, _, profile_id, detail) = await noted(bench)
    assert (action, profile_id, detail["count"]) == ("refused", SOMEBODY.profile_id, 4)
    assert len(await noted(bench)) == 4


async def test_who_goes_on_trying_is_one_entry_a_minute_and_who_stops_leaves_no_row(bench: Bench) -> None:
    for minute in range(1, 4):
        for _ in range(3):
            await bench.unit.run(refusals.note_at_the_door, at_the_door(), SOMEBODY)
        await turn(bench, minutes=2 * minute)
    assert [detail.get("count") for *_, detail in await noted(bench)] == [None, 2, 3, 3]

    await turn(bench, minutes=60)
    assert await bench.size("refusals_counted") == 0
