"""A chore goes on by itself: through outages, at its own pace, and not in step with other workers'."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from chassis import chores, states
from chassis.outcomes import CommitUnknown
from chassis.tests.conftest import RETENTION, Bench, eventually
from chassis.tests.library import opened, person
from chassis.work import Work


class Ended(Exception):
    """Ends a chore from within."""


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the chores of the test rested, in seconds; nobody really waits."""
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(chores, "asyncio", SimpleNamespace(sleep=sleep))
    return found


async def ends_after(outcomes: Sequence[float | Exception | None], pause: float) -> None:
    """Run a chore whose step returns or raises these, and then ends it."""
    coming = iter(outcomes)

    async def step() -> float | None:
        outcome = next(coming, Ended())
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with pytest.raises(Ended):
        await chores.repeatedly("test", step, pause)


async def test_a_chore_rests_about_its_pause_and_never_in_step_with_others(rests: list[float]) -> None:
    await ends_after([None] * 100, 10)

    assert all(5 <= seconds <= 15 for seconds in rests)
    assert len(set(rests)) > 90


async def test_what_a_look_found_is_done_one_by_one_and_a_whole_portion_is_followed_by_another_look(
    bench: Bench,
) -> None:
    told: list[tuple[UUID, int]] = []

    async def tell(work: Work[None], identity: UUID) -> None:
        told.append((identity, await work.connection.fetchval("select txid_current()")))

    found = [uuid4(), uuid4()]
    assert await chores.one_by_one(bench.unit, tell, found, 2) == 0
    assert [identity for identity, _ in told] == found
    assert len({transaction for _, transaction in told}) == 2
    assert await chores.one_by_one(bench.unit, tell, found, 3) is None


async def test_one_at_which_a_step_fails_is_passed_over_counted_and_tried_again_by_the_next_look(bench: Bench) -> None:
    sick, healthy = uuid4(), uuid4()
    told: list[UUID] = []

    async def tell_of(work: Work[None], identity: UUID) -> None:
        if identity == sick:
            raise KeyError("delegate")
        told.append(identity)

    passed_over = chores.PASSED_OVER.labels("tell_of")
    with capture_logs() as logs:
        for _ in range(2):
            assert await chores.one_by_one(bench.unit, tell_of, [sick, healthy], 2) is None, "no look follows at once"

    assert told == [healthy, healthy]
    assert [(line["event"], line["step"], line["id"]) for line in logs] == 2 * [
        ("passed over by a chore", "tell_of", str(sick))
    ]
    assert passed_over._value.get() == 2


async def test_a_failing_database_passes_nothing_over(bench: Bench) -> None:
    tried: list[UUID] = []

    async def tell(work: Work[None], identity: UUID) -> None:
        tried.append(identity)
        raise asyncpg.AdminShutdownError("bye")

    found = [uuid4(), uuid4()]
    with pytest.raises(asyncpg.AdminShutdownError):
        await chores.one_by_one(bench.unit, tell, found, 2)
    assert tried == found[:1]


async def test_a_step_may_name_its_own_next_pause_once(rests: list[float]) -> None:
    await ends_after([1000, None, 0], 10)

    assert 500 <= rests[0] <= 1500 and 5 <= rests[1] <= 15 and rests[2] == 0


async def test_a_chore_waits_out_a_failing_database_in_the_same_words_each_time_and_skips_no_turn(
    rests: list[float],
) -> None:
    failures = [ConnectionResetError(), TimeoutError(), asyncpg.AdminShutdownError("bye"), CommitUnknown()]
    with capture_logs() as logs:
        await ends_after([*failures, None], 3600)

    assert [(line["event"], line["chore"]) for line in logs] == 4 * [("chore waits for the database", "test")]
    assert all(seconds <= 15 for seconds in rests[:4]) and rests[4] >= 1800


async def test_a_chore_whose_statement_always_runs_out_of_time_tells_for_how_long(bench: Bench) -> None:
    healed, waiting = asyncio.Event(), chores.WAITING.labels("slow")

    async def step() -> None:
        async with bench.pool.acquire() as connection, connection.transaction():
            await connection.execute("set local statement_timeout = 10")
            await connection.execute("select 1" if healed.is_set() else "select pg_sleep(1)")

    chore = asyncio.create_task(chores.repeatedly("slow", step, 0.01))
    await eventually(lambda: waiting._value.get() > 0.1)
    healed.set()
    await eventually(lambda: waiting._value.get() == 0)
    chore.cancel()


async def test_a_chore_that_is_wrong_itself_ends_its_worker_loudly(rests: list[float]) -> None:
    with pytest.raises(ZeroDivisionError):
        await ends_after([None, ZeroDivisionError()], 1)


async def test_a_worker_prunes_and_sends_states_again_unasked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chores, "ECHO_EVERY", 0.01)
    monkeypatch.setattr(states, "ECHO_AFTER", timedelta(0))
    monkeypatch.setattr(states, "PORTION", 3)
    await bench.pool.execute(
        "insert into inbox select 'c', gen_random_uuid(), clock_timestamp() - interval '30 days'"
        " from generate_series(1, 10)"
    )
    await bench.publish(opened(uuid4()), *[person(uuid4(), 1) for _ in range(10)])

    running = [asyncio.create_task(_awaited(chore)) for chore in chores.of_every_worker(bench.unit, RETENTION)]

    async def done() -> bool:
        return (await bench.size("inbox"), await bench.size("state_echoes"), await bench.size("outbox")) == (0, 0, 21)

    await eventually(done)
    for task in running:
        task.cancel()
    await asyncio.wait(running)


async def _awaited(chore: Callable[[], Awaitable[None]]) -> None:
    await chore()
