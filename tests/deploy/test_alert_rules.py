"""Every alert is made of metrics that exist and are explained, says what it means and where to read what to do, and is
seen to fire when it should and not before.
"""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.alerting import (
    OF_TARGETS,
    RULES,
    alerts,
    labels_in,
    named,
    needs_promtool,
    read,
    recorded,
    records_named,
    refused_by_promtool,
)
from tests.deploy.declared import metrics

TESTS = sorted((Path(__file__).parent / "rules").glob("*.yaml"))

OF_OTHERS = {
    "kubernetes": re.compile(r"\bkube_[a-z_]+|\bkubelet_[a-z_]+|\bcertmanager_[a-z_]+"),
    "brokers": re.compile(r"\bkafka_[a-z_]+"),
    "databases": re.compile(r"\bcnpg_[a-z_]+|\bbarman_cloud_[a-z_]+"),
}
"""Files of rules that read what others count: kube-state-metrics, kubelets, cert-manager, Strimzi, CloudNativePG."""

NEEDED = (
    "mandat_outbox_age_seconds", "mandat_outbox_depth", "mandat_relay_shards", "mandat_relay_topic_missing",
    "mandat_inbox_rows", "mandat_consumer_lag", "mandat_door_waiting_seconds", "mandat_door_halted",
    "mandat_message_retries_total", "mandat_dead_letters", "mandat_mails_oldest_due_seconds",
    "mandat_mail_host_unavailable", "mandat_audit_unsealed_seconds", "mandat_chore_waiting_seconds",
    "mandat_import_failures_total", "mandat_organization_codes_locked_total", "mandat_mails_held_back_total",
    "mandat_chore_passed_over_total", "mandat_database_silent_seconds", "mandat_clock_skew_seconds",
    "mandat_issuer_keys_age_seconds", "mandat_loop_lag_seconds", "mandat_mail_delivery_seconds_bucket",
    "mandat_access_check_seconds_bucket", "mandat_revocation_seconds_bucket", "mandat_request_seconds_count",
)  # fmt: skip


def ours() -> list[dict[str, Any]]:
    return [rule for file in RULES if file.stem not in OF_OTHERS for rule in read(file)]


def name_of(rule: dict[str, Any]) -> str:
    return f"{rule['alert']}-{rule['labels']['severity']}" if "alert" in rule else str(rule["record"])


@pytest.mark.parametrize("rule", ours(), ids=name_of)
def test_a_rule_is_made_of_what_exists_is_explained_and_has_its_labels(rule: dict[str, Any]) -> None:
    names = named(rule["expr"])
    records = records_named(rule["expr"])
    assert names or records
    for name in names:
        assert name in metrics(), f"no code counts {name}"
        assert len(metrics()[name]._documentation) > 20
    assert set(records) <= recorded()
    labels = labels_in(rule["expr"])
    known = OF_TARGETS.union(*(metrics()[name]._labelnames for name in names))
    assert labels <= known | ({"slo"} if records else set()) | ({"le"} if "_bucket{" in rule["expr"] else set())
    if "alert" in rule:
        told = set(re.findall(r"\$labels\.(\w+)", "".join(rule["annotations"].values())))
        assert told <= (OF_TARGETS if records else labels)


def test_a_bound_that_a_rule_counts_up_to_is_one_of_its_histograms() -> None:
    asked = [
        (name, bound)
        for rule in ours()
        for name, chosen in re.findall(r"\b(mandat_\w+_bucket)\{([^}]*le=[^}]*)", rule["expr"])
        for bound in re.findall(r'le="([^"]+)"', chosen)
    ]
    assert asked
    for name, bound in asked:
        assert bound in [str(float(known)) for known in metrics()[name]._upper_bounds], f"{name} counts to no {bound}"


@pytest.mark.parametrize("file", sorted(OF_OTHERS))
def test_rules_about_what_others_count_read_nothing_else(file: str) -> None:
    read_here = [rule for rules_file in RULES if rules_file.stem == file for rule in read(rules_file)]
    assert read_here
    for rule in read_here:
        assert OF_OTHERS[file].search(rule["expr"])
        assert not named(rule["expr"])


@pytest.mark.parametrize("rule", alerts(), ids=name_of)
def test_an_alert_says_what_it_means_and_where_to_read_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["alert"].startswith("Mandat")
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert set(rule["annotations"]) == {"runbook_url", "summary", "description"}
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
    assert len(rule["annotations"]["description"]) > 80
    for name in named(rule["annotations"]["description"]):
        assert name in metrics()
    for other in re.findall(r"\bMandat[A-Z]\w+", rule["annotations"]["description"]):
        assert other in [alert["alert"] for alert in alerts()]


def test_each_thing_that_can_go_wrong_has_an_alert() -> None:
    assert sorted({*NEEDED} - {name for rule in ours() for name in named(rule["expr"])}) == []
    names = [name_of(rule) for rule in alerts()]
    assert sorted(names) == sorted(set(names))


def test_each_alert_is_tried_both_when_it_should_fire_and_when_it_should_not() -> None:
    fires, rests = defaultdict(set), defaultdict(set)  # type: defaultdict[str, set[str]], defaultdict[str, set[str]]
    for file in TESTS:
        for tried in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]:
            for asked in tried["promql_expr_test"]:
                found = re.fullmatch(r'ALERTS\{alertname="(\w+)",alertstate="firing",severity="(\w+)"\}', asked["expr"])
                assert found, f"{file.name} asks for something else: {asked['expr']}"
                (fires if asked["exp_samples"] else rests)["-".join(found.groups())].add(tried["name"])
    for rule in alerts():
        in_one = fires[name_of(rule)] & rests[name_of(rule)]
        assert in_one, f"{name_of(rule)} is not tried before and after it fires"


def test_every_objective_burns_at_the_same_rates() -> None:
    of_slo = [alert for alert in alerts() if "mandat:slo_" in alert["expr"]]
    shapes = {
        (alert["labels"]["severity"], tuple(re.findall(r"ratio_rate(\w+)\{[^}]*\} > ([\d.]+) \*", alert["expr"])))
        for alert in of_slo
    }
    assert len(of_slo) == 8
    assert shapes == {
        ("page", (("1h", "14.4"), ("5m", "14.4"), ("6h", "6"), ("30m", "6"))),
        ("ticket", (("1d", "3"), ("2h", "3"), ("3d", "1"), ("6h", "1"))),
    }


@needs_promtool
@pytest.mark.parametrize(("what", "files"), [("check", RULES), ("test", TESTS)], ids=["check", "test"])
def test_prometheus_accepts_the_rules_and_finds_them_to_fire_as_tried(what: str, files: list[Path]) -> None:
    assert refused_by_promtool(what, *files) == ""
