"""Which stack runs on the standard ports: at most one, the holder of a lock that ends with its process.

The lock file holds the process id. As long as the lock is held, that id is the holder's, whatever ids were
reused.
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from typing import IO

from local import STATE, Problem

LOCK = STATE / "running.lock"
STOP_TIMEOUT = 60.0


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Holds the lock. Raises Problem when another stack of this checkout runs."""
    with _open() as file:
        if not _take(file):
            raise Problem("A stack of this checkout is already running. Stop it with ./mandat down, and start again.")
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def stop() -> int:
    """Stops the stack of another terminal and waits for its end. Raises Problem when it takes too long."""
    with _open() as file:
        if _take(file):
            print("No stack is running.")
            return 0
        deadline = time.monotonic() + STOP_TIMEOUT
        if (holder := file.read()).isdigit():  # empty for the moment in which the lock changes hands
            os.kill(int(holder), signal.SIGTERM)
        print("Stopping …", flush=True)
        while not _take(file):
            if time.monotonic() > deadline:
                raise Problem(f"The stack has not stopped within {STOP_TIMEOUT:.0f} seconds; its terminal may say why.")
            time.sleep(0.1)
    print("Stopped.")
    return 0


def _open() -> IO[str]:
    LOCK.parent.mkdir(exist_ok=True)
    LOCK.touch()
    return LOCK.open("r+")


def _take(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
