"""What ./mandat faults takes, and what its exit code says."""

import signal
from collections.abc import Callable, Iterator

import pytest

from local.__main__ import main
from tests.faults import command
from tests.faults.breaker import Damage
from tests.faults.checker import check
from tests.faults.evidence import Evidence
from tests.faults.example import clean, without_record
from tests.faults.history import History
from tests.faults.run import Outcome, Run


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The command takes signals for itself."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class StandIn:
    """Stands in for a run: starts nothing, breaks nothing, and leaves this evidence."""

    def __init__(self, evidence: Evidence) -> None:
        self.runs: list[Run] = []
        self._evidence = evidence

    def __call__(self, run: Run, *, say: Callable[[str], None]) -> Outcome:
        self.runs.append(run)
        return Outcome((), check(self._evidence), History(), Damage(), self._evidence)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Evidence], StandIn]:
    """`stand_in(evidence)`: from now on the command plays nothing."""

    def standing(evidence: Evidence) -> StandIn:
        found = StandIn(evidence)
        monkeypatch.setattr(command, "play", found)
        return found

    return standing


def test_minutes_and_seed_are_the_run_s(stand_in: Callable[[Evidence], StandIn]) -> None:
    played = stand_in(clean())
    main(["faults", "--minutes", "0.5", "--seed", "21"])
    assert [(run.seed, run.seconds) for run in played.runs] == [(21, 30.0)]


def test_without_a_seed_one_is_drawn(stand_in: Callable[[Evidence], StandIn]) -> None:
    played = stand_in(clean())
    for _ in range(3):
        main(["faults"])
    assert len({run.seed for run in played.runs}) > 1


def test_kept_promises_are_exit_code_0(
    stand_in: Callable[[Evidence], StandIn], capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(clean())
    assert main(["faults", "--seed", "21"]) == 0
    assert "Broken promises" not in capsys.readouterr().out


def test_a_broken_promise_is_exit_code_1_and_says_how_to_repeat_it(
    stand_in: Callable[[Evidence], StandIn], capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(without_record(clean(), "SessionsRevoked"))
    assert main(["faults", "--minutes", "2", "--seed", "21"]) == 1
    out = capsys.readouterr().out
    assert "SessionsRevoked of session-1" in out
    assert "./mandat faults --minutes 2 --seed 21" in out
