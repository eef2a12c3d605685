"""The promise of the platform, kept while it is broken: a short run of the harness, every fault once."""

from tests.faults.run import FOLDER, Run, play

SHORT = Run(seed=5, seconds=25.0)
"""`./mandat faults --minutes 0.4 --seed 5` prints the same schedule."""


def test_nothing_is_lost_nothing_comes_twice_and_nothing_out_of_order_while_everything_is_broken() -> None:
    outcome = play(SHORT, FOLDER / "short")
    assert outcome.report.clean, "\n".join(outcome.lines())
    assert outcome.report.counted["commands accepted"] > 50
