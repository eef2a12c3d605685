"""What the command tells, and the page that it writes."""

from datetime import UTC, datetime

import pytest

from local.journeys.narrator import PromiseBroken
from tests.cluster.told import Step, Told, page

BEGAN = datetime(2026, 11, 28, 18, 30, tzinfo=UTC)


def _page(*steps: Step) -> str:
    return page(steps, {"Kubernetes": "v1.34.4"}, ("1" * 40, "2" * 40), BEGAN, "./mandat cluster-test --seed 7")


def test_the_page_shows_what_it_ran_on_and_each_step_with_its_time() -> None:
    text = _page(Step("Images", ["old: 3 s"], 61.0, 0), Step("Journey", ["✓ kept"], 9.0, 1))
    assert "Every step held: 1 promises in 1 min 10 s, begun 28 November 2026, 18:30 UTC." in text
    assert "| installed first | commit 1111111111111111111111111111111111111111 |" in text
    assert "| Kubernetes | v1.34.4 |" in text
    assert "| 1. Images | 1 min 01 s |" in text
    assert "## 2. Journey\n\n- ✓ kept" in text
    assert "./mandat cluster-test --seed 7" in text


def test_the_page_of_a_run_that_failed_says_where_and_why() -> None:
    text = _page(Step("Images", [], 1.0), Step("Upgrade", ["a fact"], 2.0, broken="one request failed"))
    assert "A step did not hold" in text
    assert "Every step held" not in text
    assert "## 2. Upgrade\n\n- a fact\n\nIt did not hold:\n\n```\none request failed\n```" in text


def test_a_promise_that_does_not_hold_ends_the_step_and_is_noted() -> None:
    said: list[str] = []
    told = Told(said.append)

    def upgrade() -> None:
        with told.step("Upgrade"):
            told.holds(True, "the first")
            told.holds(False, "the second")

    with pytest.raises(PromiseBroken):
        upgrade()
    assert [(step.held, step.broken, step.lines) for step in told.steps] == [(1, "the second", ["✓ the first"])]
    assert not told.whole
    assert "   ✓ the first" in said
