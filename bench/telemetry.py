"""What metrics and traces cost per message, beside the same handler without either.

CPU time of this process, which other work on the machine does not lengthen: fetching, handler, commit, offsets.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from unittest.mock import patch

from prometheus_client import Counter, Gauge, Histogram

from bench.handlers import Finish, doors_handle, opened
from bench.measuring import own_stores, percentile, table
from chassis import tracing
from local.stack import Stack

MESSAGES = 6_000  # of one turn
TURNS = 5  # each way by turns; one more before, not counted
COLUMNS = ("µs a message", "least", "most", "more than the floor")


@contextmanager
def _without_metrics() -> Iterator[None]:
    """Nothing is counted: the calls are made, and do nothing."""

    def nothing(*_: object) -> None:
        pass

    with ExitStack() as stack:
        for kind, name in ((Counter, "inc"), (Gauge, "set"), (Histogram, "observe")):
            stack.enter_context(patch.object(kind, name, nothing))
        yield


@contextmanager
def _with_metrics() -> Iterator[None]:
    """As the services run unless told otherwise."""
    yield


@contextmanager
def _with_traces() -> Iterator[None]:
    """Every message makes a span, which is written as JSON and thrown away: no collector takes part."""
    tracing.configure("bench", "file:/dev/null", 1.0)
    try:
        yield
    finally:
        tracing.shut_down()


WAYS: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
    "floor: neither": _without_metrics,
    "metrics": _with_metrics,
    "metrics and traces": _with_traces,
}


def run(small: bool) -> None:
    """Measure, and print a table."""
    with own_stores() as stack:
        asyncio.run(_measure(stack, MESSAGES // 10 if small else MESSAGES))


async def _measure(stack: Stack, messages: int) -> None:
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    async with opened(stack) as bench:
        for turn in range(TURNS + 1):
            for way, dressed in WAYS.items():
                prefix, finish = await bench.filled(messages), Finish(messages)
                with dressed():
                    begun = time.process_time()
                    await doors_handle(bench, prefix, finish, batch=False)
                    spent = time.process_time() - begun
                if turn:
                    found[way].append(spent / messages * 1_000_000)
    floor = percentile(found["floor: neither"], 50)
    rows = []
    for way, spent_each in found.items():
        middle = percentile(spent_each, 50)
        cells = [f"{value:.0f}" for value in (middle, min(spent_each), max(spent_each))]
        rows.append((way, [*cells, f"{middle - floor:+.0f}"]))
    table("CPU of one message, one transaction each", COLUMNS, rows)
