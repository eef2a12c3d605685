"""Makes the shared fixtures known to every test folder."""

import gc
import time
from collections.abc import Iterator

import pytest

pytest_plugins = ["tests.fixtures.stack", "tests.fixtures.gateway", "tests.fixtures.spans"]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """What is imported stays to the end: nothing looks through it for garbage, while it is collected or afterwards."""
    gc.disable()
    try:
        collected = yield
        gc.collect()
        gc.freeze()
    finally:
        gc.enable()
    return collected


HOUR_ENDS = 60.0  # seconds: longer than a test takes, on a busy machine, from its first look at the clock to its last


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin no test where an hour is about to end, and with it perhaps a day, or the window of a budget."""
    left = 3600 - time.time() % 3600
    if left < HOUR_ENDS:
        time.sleep(left)
