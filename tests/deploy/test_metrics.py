"""What is measured is explained, tells nothing of anybody, and can show whether a promise was kept."""

import pytest
from prometheus_client import Histogram

from tests.deploy.declared import metrics

LABELS = {
    # of the platform's own making: as many values as the code, the contracts and the agency's data have
    "method", "route", "status", "code", "problem", "action", "actor", "limit", "budget", "consumer", "type", "topic",
    "outcome", "reason", "chore", "step", "table", "state", "kind", "priority", "decider", "end", "doubt", "verdict",
    "ending", "finding", "because", "signal", "role", "version", "agency", "policy",
    # of the operator's settings: mail hosts, and where issuers' keys are
    "host", "source",
}  # fmt: skip
"""No label outside of these: whoever adds one sees to it that its values are few and name nobody."""

PROMISED = {
    "mandat_mail_delivery_seconds": 10.0,
    "mandat_access_check_seconds": 0.05,
    "mandat_revocation_seconds": 1.0,
    "mandat_request_seconds": 1.0,
}  # seconds


def test_no_label_could_hold_a_person_or_an_id() -> None:
    found = {label for collector in metrics().values() for label in collector._labelnames}
    assert sorted(found - LABELS) == []
    assert sorted(LABELS - found) == [], "no metric has these any more"


@pytest.mark.parametrize("name", sorted({collector._name for collector in metrics().values()}))
def test_a_metric_says_what_it_tells(name: str) -> None:
    collector = metrics()[name]
    assert len(collector._documentation) > 20
    if isinstance(collector, Histogram):
        assert name.endswith("_seconds")


@pytest.mark.parametrize(("name", "seconds"), PROMISED.items())
def test_what_is_promised_in_seconds_can_be_counted_exactly(name: str, seconds: float) -> None:
    assert seconds in metrics()[name]._kwargs["buckets"]
