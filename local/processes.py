"""Child processes: each with a log file, waited for until ready, stopped in reverse order, never left behind.

Three things keep a child from outliving its launcher: `stop_all` in the launcher's `finally`; a start that
happens in a thread of its own, because Python raises KeyboardInterrupt in the main thread only, so that no
child can be started and then forgotten; and the watchdog process for a launcher that was killed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from local import Problem, watchdog
from local.child import Child

STOP_GRACE = 20.0
"""Seconds that a child may take to end after its stop signal; a worker drains for up to 15 s (docs of the
chassis)."""


@dataclass
class Processes:
    """The children of one launcher, in the order in which they were started.

    Safe to use from several threads.
    """

    _children: list[Child] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _watchdog: subprocess.Popen[bytes] | None = None
    _closed: bool = False

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
        stop_signal: int = signal.SIGTERM,
    ) -> Child:
        """Starts a process whose output is appended to `log`. `env` is added to this process's own
        environment.

        `user` is the system user to run as; only root may name one. Raises Problem when the program cannot
        be started, or when `stop_all` was called meanwhile.
        """

        def spawn() -> Child:
            with self._lock, log.open("ab") as output:
                if self._closed:
                    raise Problem(f"{name} was not started: the stack is stopping.")
                process = subprocess.Popen(
                    [str(part) for part in command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(env or {})},
                    cwd=cwd,
                    user=user,
                    group=None if user is None else _group_of(user),
                    extra_groups=None if user is None else [],
                    start_new_session=True,  # Ctrl-C reaches the launcher only; it then stops them in order
                )
                child = Child(name, process, log, stop_signal)
                self._children.append(child)
                self._tell_watchdog(f"+{process.pid} {int(stop_signal)}")
                return child

        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with ThreadPoolExecutor(1) as thread:
                return thread.submit(spawn).result()
        except OSError as error:
            raise Problem(f"{name} could not be started: {error.strerror} ({error.filename}).") from error

    def run(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
        timeout: float = 300.0,
    ) -> None:
        """Runs a process to its end.

        Raises Problem, with the end of its log, unless it exits with 0 in time.
        """
        child = self.start(name, command, log, env=env, cwd=cwd, user=user)
        try:
            code = child.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise child.problem(f"did not finish within {timeout:.0f} seconds") from None
        finally:
            self.stop(child)
        if code != 0:
            raise child.problem(f"failed (exit code {code})")

    def stop(self, *children: Child, grace: float = STOP_GRACE) -> None:
        """Stops these children, all at once: a signal to each, then up to `grace` seconds, then SIGKILL."""
        for child in children:
            if child.running:
                child.process.send_signal(child.stop_signal)
        deadline = time.monotonic() + grace
        for child in children:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
            with self._lock:
                if child in self._children:
                    self._children.remove(child)
                    self._tell_watchdog(f"-{child.process.pid}")

    def kill(self, child: Child) -> None:
        """Ends a child as kill -9 does: it gets no chance to finish anything. For tests of outages."""
        child.process.kill()
        self.stop(child)

    def stop_all(self) -> None:
        """Stops every child, the last started first, and the watchdog. Nothing can be started afterwards."""
        with self._lock:
            self._closed = True
            children = list(self._children)
        for child in reversed(children):
            self.stop(child)
        with self._lock:
            if self._watchdog is not None:
                _pipe(self._watchdog).close()
                self._watchdog.wait()
                self._watchdog = None

    def ended(self) -> list[Child]:
        """The children that have ended without having been stopped; each is reported once."""
        with self._lock:
            gone = [child for child in self._children if not child.running]
            for child in gone:
                self._children.remove(child)
                self._tell_watchdog(f"-{child.process.pid}")
        return gone

    def _tell_watchdog(self, line: str) -> None:
        if self._watchdog is None:
            self._watchdog = subprocess.Popen(
                [sys.executable, "-I", "-S", watchdog.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        pipe = _pipe(self._watchdog)
        pipe.write(f"{line}\n".encode())
        pipe.flush()


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Ignores Ctrl-C and its like meanwhile: a second one must not interrupt what the first one asked for."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals do not come here
        return
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pipe(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None
    return process.stdin


def _group_of(user: str) -> int:
    import pwd  # noqa: PLC0415 (absent on Windows, and only root needs it)

    return pwd.getpwnam(user).pw_gid
