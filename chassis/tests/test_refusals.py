"""Whoever is known and is refused leaves an entry, in one place for every handler."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis import work as unit_of_work
from chassis.idempotency import Once
from chassis.outcomes import Refusal
from chassis.tests.conftest import Bench
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
        await bench.unit.run_once(change, command, SOMEBODY, Once("p", "r", "k", b""), lambda _: uuid4())
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


async def test_nobody_fills_the_audit_by_trying(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_of_work, "REFUSALS_NOTED", unit_of_work._Budget(2, 3600))
    for _ in range(5):
        await bench.unit.run(change, Change(uuid4()), SOMEBODY)
    await bench.unit.run(change, Change(uuid4()), Actor("account", "b"))

    assert len(await noted(bench)) == 3
