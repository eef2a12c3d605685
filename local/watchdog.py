"""Stops what a launcher started, when the launcher itself is gone.

Runs beside the launcher as a process of its own and reads its standard input: `+PID SIGNAL` for a child
that was started, `-PID` for one that has ended. The pipe closes when the launcher ends, however it ends,
SIGKILL included. Whatever is then still on the list is stopped, the last started first. Standard library
only, because it starts with every stack. (PR_SET_PDEATHSIG would do this on Linux alone, and fires when a
mere thread ends.)
"""

import os
import signal
import sys
import time

GRACE = 15.0
"""Seconds that a child may take after its signal before it is killed."""


def alive(pid: int) -> bool:
    """Whether this process runs. One that has ended and waits for its parent (a zombie) does not."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as state:  # Linux; elsewhere an orphan is reaped at once
            return state.read().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:
        return os.path.exists(f"/proc/{pid}") or not os.path.isdir("/proc/self")


def children(pid: int) -> list[int]:
    """The processes that this one has started and that still are its own; none where there is no /proc."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as found:
            return [int(child) for child in found.read().split()]
    except OSError:
        return []


def stop(pid: int, stop_signal: int) -> None:
    """Sends the signal, waits for the end, kills after GRACE. A process that is already gone is no error."""
    try:
        os.kill(pid, stop_signal)
        deadline = time.monotonic() + GRACE
        while alive(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def main() -> None:
    children: dict[int, int] = {}
    for line in sys.stdin:
        if line.startswith("+"):
            pid, stop_signal = line[1:].split()
            children[int(pid)] = int(stop_signal)
        else:
            children.pop(int(line[1:]), None)
    for pid in reversed(children):
        stop(pid, children[pid])


if __name__ == "__main__":
    main()
