"""docs/guides/ccq.md names what shows each sentence of the guide: each name is there, each row says something."""

import ast
import re
from collections.abc import Iterator

import pytest

from local import ROOT

PAGE = (ROOT / "docs" / "guides" / "ccq.md").read_text(encoding="utf-8")
SHORT = dict(re.findall(r"`([A-Z]/)`(?: is)? `([a-z/_]+/)`", PAGE))
NAMED = re.compile(r"`([A-Za-z_/.0-9]+\.py)::([A-Za-z_0-9]+)`")
ROWS = [
    line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| the guide", "| never |"))
]


def _functions(path: str) -> set[str]:
    short = path[:2]
    file = ROOT / (SHORT[short] + path[2:] if short in SHORT else path)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _proofs(row: str) -> Iterator[tuple[str, str]]:
    yield from NAMED.findall(row)


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED.findall(PAGE)}))
def test_what_the_page_names_is_there(path: str) -> None:
    named = {name for found, name in NAMED.findall(PAGE) if found == path}
    assert named <= _functions(path)


def test_each_row_is_shown_or_says_why_not() -> None:
    unshown = [row for row in ROWS if not any(_proofs(row)) and "not here" not in row]
    assert not unshown and len(ROWS) > 80


def test_each_step_that_the_page_names_is_played() -> None:
    folder = ROOT / "local" / "journeys" / "ccq"
    told = "\n".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    steps = {name for path, name in NAMED.findall(PAGE) if path.startswith("J/")}
    assert not [step for step in steps if f"await {step}(" not in told]


def test_every_never_has_its_tests_and_every_one_of_its_tests_is_listed() -> None:
    assert _functions("A/test_nevers.py") >= {name for path, name in NAMED.findall(PAGE) if path == "A/test_nevers.py"}
    tests = {name for name in _functions("A/test_nevers.py") if name.startswith("test_")}
    assert not [name for name in tests if name not in PAGE]
