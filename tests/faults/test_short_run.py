"""The promise of the platform, kept while it is broken: a short run of the harness."""

from tests.faults.run import FOLDER, Run, play
from tests.faults.schedule import DENSE, EVERY_WAY, plan

WAYS = tuple(way for way in EVERY_WAY if (way.target, way.how) != ("kafka", "stop"))
"""One start of Kafka costs four seconds of a processor; kill -9 is the harder way."""

SHORT = Run(seed=68, seconds=22.0, ways=WAYS, between=DENSE)
"""With this seed workers of all services are killed while Kafka is away and their outboxes hold rows."""


def test_the_short_run_breaks_everything_once() -> None:
    assert len(plan(SHORT.seed, SHORT.seconds, SHORT.ways, SHORT.between)) >= len(WAYS)


def test_nothing_is_lost_nothing_comes_twice_and_nothing_out_of_order_while_everything_is_broken() -> None:
    outcome = play(SHORT, FOLDER / "short")
    assert outcome.report.clean, "\n".join(outcome.lines())
    assert outcome.report.counted["commands accepted"] > 50
