"""A schedule belongs to its seed, and breaks everything."""

from collections import defaultdict
from itertools import pairwise

from tests.faults.schedule import EVERY_WAY, Fault, plan


def test_the_same_seed_gives_the_same_schedule() -> None:
    assert plan(7, 300) == plan(7, 300) != plan(8, 300)


def test_every_way_to_break_something_comes_before_any_comes_often() -> None:
    counted: dict[tuple[str, str], int] = defaultdict(int)
    for fault in plan(7, 300):
        counted[fault.target, fault.how] += 1
    assert set(counted) == {(way.target, way.how) for way in EVERY_WAY}
    assert max(counted.values()) - min(counted.values()) <= 3


def test_one_thing_is_broken_in_one_way_at_a_time_and_all_is_mended_at_the_end() -> None:
    by_target: dict[str, list[Fault]] = defaultdict(list)
    for fault in plan(7, 300):
        by_target[fault.target].append(fault)
        assert fault.at + fault.seconds <= 300.01
    for faults in by_target.values():
        for earlier, later in pairwise(faults):
            assert earlier.at + earlier.seconds < later.at
