"""Each alert has a page for who is woken by it, and what the page tells to do can be done."""

import argparse
import json
import re
import shlex
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from chassis import entry
from contracts import flow
from local import ROOT
from tests.deploy.alerting import alerts, named, needs_promtool, recorded, records_named, refused_by_promtool
from tests.deploy.declared import metrics

RUNBOOKS = ROOT / "docs" / "runbooks"
INDEX = RUNBOOKS / "README.md"
PAGES = sorted(page for page in RUNBOOKS.glob("*.md") if page != INDEX)
WITH_COMMANDS = sorted([*PAGES, INDEX, *(ROOT / "docs" / "operations").glob("slo.md")])
OPERATIONS = (ROOT / "docs" / "operations").glob("*.md")
HEADINGS = ("What it means", "How to see", "What to do", "What not to do", "When it is over, and whom to tell")
GIVEN = {"SERVICE": "accounts", "SERVICE.TOPIC": "accounts.accounts.events", "ID": "1", "FILE": "heads.ndjson"}
"""What stands for a word that its reader fills in."""

WITH_OPTIONS = {**entry.OF_A_SERVICE, "topics": "topics", "keys": "keys"}
"""Commands whose options are parsed, and the modules of chassis.commands that do."""

COMMAND = re.compile(r"python -m services\.(\w+) ([^`\n]+)")


@cache
def commands() -> list[tuple[str, str, str]]:
    return [
        (page.stem, service, arguments)
        for page in WITH_COMMANDS
        for service, arguments in COMMAND.findall(page.read_text(encoding="utf-8"))
    ]


def test_each_alert_has_its_page_and_each_page_an_alert() -> None:
    assert sorted({alert["alert"] for alert in alerts()}) == [page.stem for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_who_feels_it_how_to_see_what_to_do_and_when_it_is_over(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    lines = text.splitlines()
    severities = [alert["labels"]["severity"] for alert in alerts() if alert["alert"] == page.stem]
    assert lines[0] == f"# {page.stem}"
    assert lines[2].startswith(" and ".join(severities) + " · ")
    assert tuple(line.removeprefix("## ") for line in lines if line.startswith("## ")) == HEADINGS
    sections = dict(zip(HEADINGS, re.split(r"(?m)^## .*\n", text)[1:], strict=True))
    assert "**Who feels it:**" in sections["What it means"]
    assert "```" in sections["How to see"]
    assert re.search(r"(?m)^1\. ", sections["What to do"])
    assert len(lines) < 60, "nobody reads more at three in the morning"


def test_the_index_names_each_page_with_its_severity() -> None:
    told = dict(re.findall(r"(?m)^\| \[(Mandat\w+)\]\(\1\.md\) \| ([a-z ]+) \|", INDEX.read_text(encoding="utf-8")))
    severities: dict[str, list[str]] = {}
    for alert in alerts():
        severities.setdefault(alert["alert"], []).append(alert["labels"]["severity"])
    assert told == {name: " and ".join(found) for name, found in severities.items()}


@pytest.mark.parametrize("page", sorted({*WITH_COMMANDS, *OPERATIONS}), ids=lambda page: page.stem)
def test_a_page_asks_prometheus_for_what_is_counted(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in named(text):
        assert name in metrics() or f"{name}_bucket" in metrics(), name
    for name in records_named(text):
        assert name in recorded(), name


@needs_promtool
def test_what_pages_ask_prometheus_is_understood(tmp_path: Path) -> None:
    asked = [
        line
        for page in WITH_COMMANDS
        for block in re.findall(r"(?ms)^```promql\n(.*?)^```", page.read_text(encoding="utf-8"))
        for line in block.splitlines()
    ]
    assert len(asked) > 50
    file = tmp_path / "asked.yaml"
    records = [{"record": f"asked:{number}", "expr": line} for number, line in enumerate(asked)]
    file.write_text(json.dumps({"groups": [{"name": "asked", "rules": records}]}), encoding="utf-8")
    assert refused_by_promtool("check", file) == ""


@cache
def _taken() -> set[str]:
    found = set()
    for service in flow.SERVICES:
        document = json.loads((ROOT / "contracts" / "openapi" / f"{service}.json").read_text(encoding="utf-8"))
        found |= {f"{method.upper()} {_without_names(path)}" for path, on in document["paths"].items() for method in on}
    return found


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_a_call_that_a_page_tells_is_one_that_a_gateway_takes(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for method, path in re.findall(r"(GET|POST|PUT|PATCH|DELETE) (/v1/[\w/{}-]+)", text):
        assert f"{method} {_without_names(path)}" in _taken()
    for path in re.findall(r'route="(/[^"]+)"', text):
        assert any(call.endswith(f" {_without_names(path)}") for call in _taken()), path


def _without_names(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def test_pages_tell_of_commands() -> None:
    assert len(commands()) > 10


@pytest.mark.parametrize(("page", "service", "arguments"), commands())
def test_a_command_that_a_page_tells_is_one_that_the_service_takes(page: str, service: str, arguments: str) -> None:
    name, *words = shlex.split(re.split(r" [|>] ", arguments)[0])
    of_every = {word for line in entry.COMMANDS for word in re.findall(r"[\w-]+", line)}
    assert service in (*flow.SERVICES, "SERVICE")
    assert name in of_every, f"{page}: no service knows {name}"
    if name in WITH_OPTIONS:
        parser: argparse.ArgumentParser = import_module(f"chassis.commands.{WITH_OPTIONS[name]}")._parser("accounts")
        parser.parse_args([GIVEN.get(word, word) for word in words])


@cache
def _said() -> str:
    files = [file for folder in ("chassis", "services") for file in (ROOT / folder).rglob("*.py")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if "/tests/" not in file.as_posix())


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_what_a_page_looks_for_in_the_log_is_said_by_the_code(page: Path) -> None:
    for pattern in re.findall(r"grep -?E? ?'([^']+)'", page.read_text(encoding="utf-8")):
        for event in re.findall(r'"([^"|]+)', pattern):
            assert f'"{event}' in _said(), event
