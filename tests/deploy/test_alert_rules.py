"""Every alert is made of metrics that exist and are explained, and says what it means and where to read what to do."""

import importlib
import pkgutil
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
import yaml

import chassis
import services

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "deploy" / "helm" / "mandat" / "files" / "rules").glob("*.yaml"))
OF_TARGETS = {"namespace", "service"}
"""Labels that whoever scrapes puts on every target: of two agencies in one cluster each is told apart by the first."""

NEEDED = (
    "mandat_outbox_age_seconds", "mandat_outbox_depth", "mandat_relay_shards", "mandat_relay_topic_missing",
    "mandat_inbox_rows", "mandat_consumer_lag", "mandat_door_waiting_seconds", "mandat_door_halted",
    "mandat_message_retries_total", "mandat_dead_letters", "mandat_mails_oldest_due_seconds",
    "mandat_mail_host_unavailable", "mandat_audit_unsealed_seconds", "mandat_chore_waiting_seconds",
    "mandat_import_failures_total", "mandat_organization_codes_locked_total", "mandat_mails_held_back_total",
    "mandat_chore_passed_over_total",
)  # fmt: skip


def rules() -> list[dict[str, Any]]:
    return [
        rule
        for file in RULES
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]


@cache
def metrics() -> dict[str, Any]:
    """What the code of every service declares, by each name that a scrape shows."""
    for package in (chassis, services):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".tests" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    return dict(prometheus_client.REGISTRY._names_to_collectors)


def named(expression: str) -> list[str]:
    return re.findall(r"\bmandat_[a-z_]+", expression)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_is_made_of_metrics_that_exist_are_explained_and_have_its_labels(rule: dict[str, Any]) -> None:
    names = named(rule["expr"])
    assert names
    for name in names:
        assert name in metrics(), f"no code counts {name}"
        assert len(metrics()[name]._documentation) > 20
    labels = {label.strip() for group in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in group.split(",")}
    labels |= set(re.findall(r"[{,]\s*(\w+)[!=]", rule["expr"]))
    assert labels <= OF_TARGETS.union(*(metrics()[name]._labelnames for name in names))
    told = set(re.findall(r"\$labels\.(\w+)", "".join(rule["annotations"].values())))
    assert told <= labels


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_means_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["alert"].startswith("Mandat")
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert set(rule["annotations"]) == {"runbook_url", "summary", "description"}
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
    assert len(rule["annotations"]["description"]) > 80
    for name in named(rule["annotations"]["description"]):
        assert name in metrics()
    for other in re.findall(r"\bMandat[A-Z]\w+", rule["annotations"]["description"]):
        assert other in [rule["alert"] for rule in rules()]


def test_each_thing_that_can_go_wrong_has_an_alert() -> None:
    assert sorted({*NEEDED} - {name for rule in rules() for name in named(rule["expr"])}) == []
    alerts = [rule["alert"] for rule in rules()]
    assert sorted(alerts) == sorted(set(alerts))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is not installed")
def test_prometheus_accepts_the_rules() -> None:
    done = subprocess.run(["promtool", "check", "rules", *RULES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
