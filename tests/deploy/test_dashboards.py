"""The dashboards that the chart ships: as they are written, of metrics that exist, each panel with what is normal."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import CHART
from deploy.dashboards.__main__ import FOLDER, main
from deploy.dashboards.overview import OBJECTIVES
from local import ROOT
from tests.deploy.alerting import (
    OF_TARGETS,
    grouped_by,
    labels_in,
    needs_promtool,
    recorded,
    records_named,
    refused_by_promtool,
)
from tests.deploy.declared import metrics
from tests.deploy.rendering import NEEDED, of_kind, render

FILES = sorted(FOLDER.glob("*.json"))
OF_PYTHON = {
    "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds",
}  # fmt: skip
OF_ALERTS = {"alertname", "alertstate", "severity"}

every_dashboard = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def panels(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions(file: Path) -> Iterator[str]:
    """With what Grafana puts in place of its variables."""
    for panel in panels(file):
        for target in panel["targets"]:
            yield re.sub(r"\$(namespace|service)\b", ".*", target["expr"]).replace("$__rate_interval", "5m")


def test_the_files_are_what_is_written_here() -> None:
    assert main(["--check"]) == 0


def test_each_has_a_name_of_its_own_by_which_the_others_lead_to_it() -> None:
    boards = [json.loads(file.read_text(encoding="utf-8")) for file in FILES]
    uids = [board["uid"] for board in boards]
    assert len(set(uids)) == len(FILES) >= 6
    for board in boards:
        assert {link["url"] for link in board["links"]} == {f"/d/{uid}" for uid in uids} - {f"/d/{board['uid']}"}
        assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "namespace", "service"]
        assert {target["datasource"]["uid"] for panel in board["panels"] for target in panel.get("targets", [])} == {
            "${datasource}"
        }


@every_dashboard
def test_a_panel_says_what_is_normal_has_a_unit_and_stands_beside_the_others(file: Path) -> None:
    places = set[tuple[int, int]]()
    for panel in panels(file):
        assert len(panel["description"]) > 10 and panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        at = panel["gridPos"]
        own = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not own & places and at["x"] + at["w"] <= 24, panel["title"]
        places |= own


@every_dashboard
def test_a_panel_is_made_of_metrics_that_exist_and_have_its_labels(file: Path) -> None:
    for expression in expressions(file):
        names = set(re.findall(r"\b(?:mandat|process)_[a-z_0-9]+", expression))
        rules = set(records_named(expression))
        assert names or rules or expression.startswith("ALERTS{"), expression
        assert names <= metrics().keys() | OF_PYTHON, expression
        assert rules <= recorded(), expression
        known = (OF_TARGETS | {"le"}).union(*(metrics()[name]._labelnames for name in names if name in metrics()))
        known |= {"slo"} if rules else OF_ALERTS if expression.startswith("ALERTS{") else set()
        assert labels_in(expression) <= known, expression


@every_dashboard
def test_what_a_line_is_called_is_a_label_that_it_has(file: Path) -> None:
    for panel in panels(file):
        for target in panel["targets"]:
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert panel["type"] == "table" or named <= grouped_by(target["expr"]), target


@every_dashboard
def test_a_panel_leads_to_the_pages_of_its_alerts(file: Path) -> None:
    for panel in panels(file):
        for link in panel["links"]:
            assert (ROOT / link["url"]).exists(), link["url"]


def test_what_is_promised_is_what_the_rules_promise() -> None:
    text = (CHART / "files" / "rules" / "slo.yaml").read_text(encoding="utf-8")
    for slo, promised in OBJECTIVES.items():
        assert f'mandat:slo_errors:ratio_rate1h{{slo="{slo}"}} > 14.4 * {1 - promised:.4g}\n' in text


@needs_promtool
def test_prometheus_understands_every_expression(tmp_path: Path) -> None:
    rules = [{"record": "asked", "expr": expression} for file in FILES for expression in expressions(file)]
    groups = [{"name": f"{number}", "rules": [rule]} for number, rule in enumerate(rules)]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    assert refused_by_promtool("check", file) == ""


def test_the_chart_ships_them_all_leading_to_where_its_runbooks_are_read() -> None:
    base = "https://wiki.example.org/runbooks"
    values = NEEDED | {"monitoring": {"dashboards": {"enabled": True}, "rules": {"runbooks": f"{base}/"}}}
    shipped = {
        name: json.loads(text)
        for config in of_kind(render(values), "ConfigMap").values()
        for name, text in config["data"].items()
        if config["metadata"]["labels"].get("grafana_dashboard")
    }
    assert shipped.keys() == {file.name for file in FILES}
    urls = {link["url"] for board in shipped.values() for panel in board["panels"] for link in panel.get("links", ())}
    assert urls and all(url.startswith(f"{base}/Mandat") and url.endswith(".md") for url in urls)
