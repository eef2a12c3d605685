"""The rules that the chart ships, as data, and PromQL as far as the tests look into it."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import CHART

RULES = sorted((CHART / "files" / "rules").glob("*.yaml"))
OF_TARGETS = {"namespace", "service", "instance"}
"""Labels that whoever scrapes puts on every target: by the first two agencies in one cluster are told apart."""

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is not installed"
)


@cache
def read(file: Path) -> list[dict[str, Any]]:
    """The rules of one file."""
    groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def rules() -> list[dict[str, Any]]:
    """All of them: what is recorded, and alerts."""
    return [rule for file in RULES for rule in read(file)]


def alerts() -> list[dict[str, Any]]:
    """Those that can fire."""
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> set[str]:
    """The names under which rules record."""
    return {rule["record"] for rule in rules() if "record" in rule}


def named(text: str) -> list[str]:
    """The platform's metrics that an expression, or a text, names."""
    return re.findall(r"\bmandat_[a-z_]+", text)


def records_named(text: str) -> list[str]:
    """What rules record that an expression, or a text, names."""
    return re.findall(r"\bmandat:\w+:\w+", text)


def grouped_by(expression: str) -> set[str]:
    """The labels that an expression keeps."""
    return {label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")}


def labels_in(expression: str) -> set[str]:
    """The labels that an expression keeps, or chooses by."""
    return grouped_by(expression) | set(re.findall(r"[{,]\s*(\w+)(?:=|!=|=~|!~)\"", expression))


def refused_by_promtool(what: str, *files: Path) -> str:
    """What `promtool check` or `promtool test` says of files of rules that it does not take; nothing if it does."""
    done = subprocess.run(["promtool", what, "rules", *files], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""
