"""One child process: whether it runs, whether it is ready, and what to say when it died."""

import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local import Problem

TAIL_LINES = 15
"""Lines of a log that are shown when its process has died."""

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Child:
    """One started process. `stop_signal` is what it understands as a request to end in good order."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: int = signal.SIGTERM

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def problem(self, what: str) -> Problem:
        """The sentence about this child, followed by the last lines of its log."""
        return Problem(f"{self.name} {what}. The end of its log ({self.log}):\n{tail(self.log)}")

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Returns as soon as `ready()` is true.

        Raises Problem, with the end of its log, when the process ends before that or the time (seconds) is
        over.
        """
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                raise self.problem(f"stopped while it was starting (exit code {self.process.returncode})")
            if time.monotonic() > deadline:
                raise self.problem(f"was not ready after {timeout:.0f} seconds")
            time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether a GET of this URL answers 200 within some seconds. Goes there directly, whatever proxy is set."""
    try:
        with _DIRECT.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, indented; a placeholder when it is empty or missing."""
    text = log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []
    return "\n".join(f"    {line}" for line in text) or "    (empty)"
