"""Attempts are counted before any secret is compared."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prometheus_client import REGISTRY

from chassis.limits import give_back, grow, not_waiting, overload, shrink, spend, spend_each
from chassis.tests.conftest import Bench

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Limit:
    count: int = 5
    per_seconds: int = 60


async def attempt(bench: Bench, at: datetime = NOON, *, name: str = "sign_in", key: bytes = b"k") -> int | None:
    async with bench.pool.acquire() as connection:
        return await spend(connection, name, key, Limit(), at)


async def test_of_fifty_attempts_at_once_the_limit_lets_five_pass(bench: Bench) -> None:
    answers = await asyncio.gather(*[attempt(bench) for _ in range(50)])

    assert sum(answer is None for answer in answers) == 5


async def test_a_refused_attempt_learns_how_many_seconds_are_left(bench: Bench) -> None:
    for _ in range(5):
        await attempt(bench, NOON + timedelta(seconds=1))

    assert await attempt(bench, NOON + timedelta(seconds=20)) == 40
    assert await attempt(bench, NOON + timedelta(seconds=59, microseconds=999_999)) == 1


async def test_operators_see_how_often_a_limit_was_reached(bench: Bench) -> None:
    def reached() -> float:
        return REGISTRY.get_sample_value("mandat_limits_reached_total", {"limit": "codes"}) or 0.0

    before = reached()
    for _ in range(7):
        await attempt(bench, name="codes")
    assert reached() == before + 2


async def test_a_new_window_starts_from_nothing(bench: Bench) -> None:
    for _ in range(6):
        await attempt(bench)

    assert [await attempt(bench, NOON + timedelta(seconds=60)) for _ in range(6)] == [None] * 5 + [60]


async def test_names_and_keys_are_counted_apart(bench: Bench) -> None:
    for _ in range(5):
        await attempt(bench)

    assert await attempt(bench, name="resend") is None
    assert await attempt(bench, key=b"another") is None
    assert await attempt(bench) is not None


async def test_a_process_whose_clock_is_behind_does_not_open_the_window_again(bench: Bench) -> None:
    behind = NOON - timedelta(seconds=1)
    for _ in range(5):
        await attempt(bench, NOON)
        await attempt(bench, behind)

    assert await attempt(bench, NOON) is not None
    assert await attempt(bench, behind) is not None


async def test_only_a_transaction_that_merely_counts_goes_without_its_flush(bench: Bench) -> None:
    async with bench.pool.acquire() as connection:
        await connection.execute("set synchronous_commit = on")
        async with connection.transaction():
            await not_waiting(connection)
            assert await connection.fetchval("show synchronous_commit") == "off"
        assert await connection.fetchval("show synchronous_commit") == "on"
        await connection.execute("reset synchronous_commit")


async def test_an_attempt_given_back_may_be_made_again_and_never_more_than_were_counted(bench: Bench) -> None:
    for _ in range(5):
        await attempt(bench)
    async with bench.pool.acquire() as connection:
        await give_back(connection, "sign_in", b"k", Limit(), NOON)
        await give_back(connection, "sign_in", b"nobody's", Limit(), NOON)
    assert [await attempt(bench) for _ in range(2)] == [None, 60]


async def test_an_attempt_given_back_after_its_window_changes_nothing(bench: Bench) -> None:
    later = NOON + timedelta(seconds=60)
    await attempt(bench)
    for _ in range(5):
        await attempt(bench, later)
    async with bench.pool.acquire() as connection:
        await give_back(connection, "sign_in", b"k", Limit(), NOON)
    assert await attempt(bench, later) == 60


async def test_many_attempts_at_once_pass_together_or_not_at_all(bench: Bench) -> None:
    async with bench.pool.acquire() as connection:
        amounts = [6, 3, 3, 2, 1]
        answers = [await spend(connection, "codes", b"k", Limit(), NOON, amount) for amount in amounts]
        later = await spend(connection, "codes", b"k", Limit(), NOON + timedelta(seconds=60), 6)
    assert answers == [60, None, 60, None, 60]
    assert later == 60


async def test_each_of_several_keys_is_counted_for_itself(bench: Bench) -> None:
    for _ in range(5):
        await attempt(bench, name="codes", key=b"worn")
    async with bench.pool.acquire() as connection:
        over = [await spend_each(connection, "codes", [b"worn", b"fresh", b"fresh"], Limit(), NOON) for _ in range(6)]
    assert over == [{b"worn"}] * 5 + [{b"worn", b"fresh"}]


async def test_a_budget_of_everybody_refuses_nobody_and_tells_how_far_it_is_overspent(bench: Bench) -> None:
    async def load(at: datetime = NOON) -> float:
        async with bench.pool.acquire() as connection:
            return await overload(connection, "in_all", Limit(), at)

    assert sorted(await asyncio.gather(*[load() for _ in range(5)])) == [0.0] * 5
    assert [round(await load(), 1) for _ in range(6)] == [0.2, 0.4, 0.6, 0.8, 1.0, 1.2]
    assert await load(NOON + timedelta(seconds=60)) == 0.0


@dataclass(frozen=True)
class Delays:
    at_once: int = 3
    first_seconds: int = 10
    longest_seconds: int = 60
    forgotten_after_seconds: int = 600


async def grown(bench: Bench, at: datetime, key: bytes = b"k") -> int | None:
    async with bench.pool.acquire() as connection:
        return await grow(connection, "claims", key, Delays(), at)


async def test_delays_grow_to_the_longest_and_a_refused_attempt_adds_nothing_to_them(bench: Bench) -> None:
    now = NOON
    assert [await grown(bench, now) for _ in range(5)] == [None, None, None, 10, 10]
    waits = []
    for _ in range(5):
        wait = await grown(bench, now)
        assert wait is not None
        waits.append(wait)
        now += timedelta(seconds=wait)
        assert await grown(bench, now) is None
    assert waits == [10, 20, 40, 60, 60]
    assert await grown(bench, now + timedelta(seconds=25, microseconds=1)) == 35
    assert await grown(bench, now, key=b"another") is None


async def test_whoever_rests_long_enough_begins_anew(bench: Bench) -> None:
    for _ in range(3):
        await grown(bench, NOON)
    later = NOON + timedelta(seconds=601)
    assert [await grown(bench, later) for _ in range(4)] == [None, None, None, 10]


async def test_an_attempt_taken_back_makes_no_wait_longer_and_forgives_none_before_it(bench: Bench) -> None:
    for _ in range(2):
        await grown(bench, NOON)
    for _ in range(5):
        assert await grown(bench, NOON) is None
        async with bench.pool.acquire() as connection:
            await shrink(connection, "claims", b"k")
    assert [await grown(bench, NOON) for _ in range(2)] == [None, 10]


async def test_of_fifty_attempts_at_once_those_pass_that_need_no_wait_and_then_one(bench: Bench) -> None:
    assert sum(answer is None for answer in await asyncio.gather(*[grown(bench, NOON) for _ in range(50)])) == 3
    later = NOON + timedelta(seconds=10)
    assert sum(answer is None for answer in await asyncio.gather(*[grown(bench, later) for _ in range(50)])) == 1
