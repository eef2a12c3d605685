"""What operators see of a database that does not answer, and of a clock that is not the database's."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY

from chassis import gauges
from chassis.tests.conftest import Bench, all_connections, eventually


@contextlib.asynccontextmanager
async def observed(bench: Bench) -> AsyncIterator[None]:
    """The gauges are kept meanwhile, and nothing has ended that by itself."""
    observing = asyncio.create_task(gauges.observe(bench.pool))
    try:
        yield
        assert not observing.done()
    finally:
        observing.cancel()
        await asyncio.wait([observing])


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that come soon."""
    monkeypatch.setattr(gauges, "LOOK_EVERY", 0.02)


async def test_a_database_that_does_not_answer_is_seen_until_it_does(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with all_connections(bench.pool) as held, observed(bench):
        with monkeypatch.context() as impatient:
            impatient.setattr(bench.pool, "patience", 0.05)
            await eventually(lambda: gauges.SILENT._value.get() > 0.2)
        for connection in held:
            await bench.pool.release(connection)
        await eventually(lambda: gauges.SILENT._value.get() == 0)


async def test_connections_in_use_and_waits_for_one_are_seen(bench: Bench) -> None:
    def waits_over(seconds: float) -> float:
        count = REGISTRY.get_sample_value("mandat_pool_wait_seconds_count") or 0.0
        return count - (REGISTRY.get_sample_value("mandat_pool_wait_seconds_bucket", {"le": str(seconds)}) or 0.0)

    def used() -> float:
        gauges.look_at_pool(bench.pool)
        found: float = gauges.POOL.labels("used")._value.get()
        return found

    async with all_connections(bench.pool) as held:
        before = waits_over(0.1)
        assert used() == len(held) == gauges.POOL_LIMIT._value.get()
        waiting = asyncio.create_task(bench.pool.fetchval("select 1"))
        await asyncio.sleep(0.15)
    assert await waiting == 1
    assert waits_over(0.1) > before
    assert used() < len(held)


@pytest.mark.parametrize("ahead", [30.0, -30.0])
async def test_a_clock_that_is_not_the_databases_is_seen(
    bench: Bench, ahead: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with observed(bench):
        await eventually(lambda: abs(gauges.CLOCK_SKEW._value.get()) < 1)
        shifted = SimpleNamespace(time=lambda: time.time() + ahead, monotonic=time.monotonic)
        monkeypatch.setattr(gauges, "time", shifted)
        await eventually(lambda: abs(gauges.CLOCK_SKEW._value.get() - ahead) < 1)
