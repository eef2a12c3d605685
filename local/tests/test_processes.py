"""Children are started, watched, and never left behind."""

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from local import ROOT, Problem
from local.processes import Processes
from local.watchdog import alive
from tests.fixtures.patience import PATIENCE

SLEEP = [sys.executable, "-c", "import time; time.sleep(3600)"]  # far longer than any test waits for its end
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(3600)",
]


def gone(pid: int, within: float = PATIENCE) -> bool:
    deadline = time.monotonic() + within
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_a_child_that_dies_while_starting_is_named_and_its_log_is_shown(tmp_path: Path) -> None:
    processes = Processes()
    log = tmp_path / "broken.log"
    child = processes.start("broken", [sys.executable, "-c", "raise SystemExit('no such setting')"], log)
    with pytest.raises(Problem, match=r"broken stopped while it was starting \(exit code 1\)") as caught:
        child.wait_until(lambda: False, timeout=PATIENCE)
    assert "no such setting" in str(caught.value)
    processes.stop_all()


def test_a_child_that_is_never_ready_is_named(tmp_path: Path) -> None:
    processes = Processes()
    with pytest.raises(Problem, match="slow was not ready after 0 seconds"):
        processes.start("slow", SLEEP, tmp_path / "slow.log").wait_until(lambda: False, timeout=0.1)
    processes.stop_all()


def test_children_are_stopped_in_reverse_order_and_by_force_only_at_the_end(tmp_path: Path) -> None:
    processes = Processes()
    first = processes.start("first", SLEEP, tmp_path / "first.log")
    stubborn = processes.start("stubborn", STUBBORN, tmp_path / "stubborn.log")
    stubborn.wait_until(lambda: "up" in stubborn.log.read_text(), timeout=PATIENCE)
    processes.stop(stubborn, grace=0.2)
    assert stubborn.process.returncode == -signal.SIGKILL
    assert first.running
    processes.stop_all()
    assert first.process.returncode == -signal.SIGTERM


def test_a_killed_child_gets_no_chance_and_is_not_reported_as_ended_by_itself(tmp_path: Path) -> None:
    processes = Processes()
    child = processes.start("polite", SLEEP, tmp_path / "polite.log")
    processes.kill(child)
    assert child.process.returncode == -signal.SIGKILL
    assert processes.ended() == []
    processes.stop_all()


def test_nothing_is_started_once_everything_was_stopped(tmp_path: Path) -> None:
    processes = Processes()
    processes.stop_all()
    with pytest.raises(Problem, match="the stack is stopping"):
        processes.start("late", SLEEP, tmp_path / "late.log")


def test_a_program_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="tool could not be started: No such file"):
        Processes().start("tool", ["/no/such/program"], tmp_path / "tool.log")


def test_a_child_that_ends_by_itself_is_reported_once(tmp_path: Path) -> None:
    processes = Processes()
    child = processes.start("short", [sys.executable, "-c", ""], tmp_path / "short.log")
    child.process.wait()
    assert processes.ended() == [child]
    assert processes.ended() == []
    processes.stop_all()


LAUNCHER = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from local.processes import Processes

    processes = Processes()
    sleep = [sys.executable, "-c", "import time; time.sleep(3600)"]
    try:
        children = [processes.start(str(n), sleep, Path(sys.argv[1]) / f"{n}.log") for n in range(3)]
        print(*(child.process.pid for child in children), flush=True)
        time.sleep(3600)
    finally:
        processes.stop_all()
    """
)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_its_launcher(how: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as launcher:
        assert launcher.stdout is not None
        pids = [int(pid) for pid in launcher.stdout.readline().split()]
        assert len(pids) == 3
        launcher.send_signal(how)
        launcher.wait(timeout=PATIENCE)
    assert all(gone(pid) for pid in pids)
