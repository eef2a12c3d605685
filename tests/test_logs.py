"""Every line of the log is a fact in fixed words, with fields that operators can read about."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import ROOT

PAGE = ROOT / "docs" / "operations" / "logs.md"
LEVELS = {"debug", "info", "warning", "error", "exception"}
OF_STRUCTLOG = {"exc_info"}

Line = tuple[str, ast.Call]


def _lines() -> Iterator[Line]:
    for folder in ("chassis", "services"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if "tests" not in file.relative_to(ROOT).parts:
                yield from _lines_of(file)


def _lines_of(file: Path) -> Iterator[Line]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "log"
        ):
            yield f"{file.relative_to(ROOT)}:{node.lineno}", node


LINES = list(_lines())


def test_the_lines_are_found() -> None:
    assert len(LINES) > 50


@pytest.mark.parametrize(("place", "call"), LINES, ids=[place for place, _ in LINES])
def test_what_happened_is_said_in_fixed_words_and_the_rest_stands_in_fields(place: str, call: ast.Call) -> None:
    [event] = call.args
    while isinstance(event, ast.IfExp):
        assert isinstance(event.body, ast.Constant)
        event = event.orelse
    assert isinstance(event, ast.Constant) and isinstance(event.value, str)


def test_every_field_is_explained() -> None:
    used = {keyword.arg for _, call in LINES for keyword in call.keywords if keyword.arg} - OF_STRUCTLOG
    explained = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))
    assert sorted(used - explained) == []
