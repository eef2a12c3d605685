"""docs/guides/ name what shows each sentence of an agency's guide: each name is there, each row says something."""

import ast
import re
from dataclasses import dataclass
from functools import cache

import pytest

from local import ROOT
from local.journeys import JOURNEYS

NAMED = re.compile(r"`([A-Za-z_/.0-9]+\.py)::([A-Za-z_0-9]+)`")
HEADINGS = ("| the guide", "| never |")


@dataclass(frozen=True)
class Page:
    """A guide, with what its rows name as proof: file and function."""

    agency: str

    @property
    def text(self) -> str:
        return (ROOT / "docs" / "guides" / f"{self.agency}.md").read_text(encoding="utf-8")

    @property
    def named(self) -> set[tuple[str, str]]:
        short = dict(re.findall(r"`([A-Z]/)`(?: is)? `([a-z/_]+/)`", self.text))
        return {(short.get(path[:2], path[:2]) + path[2:], name) for path, name in NAMED.findall(self.text)}

    @property
    def rows(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.startswith("| ") and not line.startswith(HEADINGS)]


PAGES = [Page(file.stem) for file in sorted((ROOT / "docs" / "guides").glob("*.md"))]
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.agency)


@cache
def _functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_journey_has_a_guide_and_every_guide_a_journey() -> None:
    assert {page.agency for page in PAGES} == set(JOURNEYS)


@EVERY_PAGE
def test_what_the_page_names_is_there(page: Page) -> None:
    assert page.named and [f"{path}::{name}" for path, name in page.named if name not in _functions(path)] == []


@pytest.mark.parametrize(("agency", "rows"), [("ccq", 80), ("wsscc", 40), ("ramq", 40)])
def test_each_row_is_shown_or_says_why_not(agency: str, rows: int) -> None:
    page = Page(agency)
    assert [row for row in page.rows if not NAMED.search(row) and "not here" not in row] == []
    assert len(page.rows) > rows


@EVERY_PAGE
def test_each_step_that_the_page_names_is_played(page: Page) -> None:
    folder = ROOT / "local" / "journeys" / page.agency
    told = "\n".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    steps = {name for path, name in page.named if path.startswith("local/journeys/")}
    assert steps and [step for step in steps if f"await {step}(" not in told] == []


def test_every_never_has_its_tests_and_every_one_of_its_tests_is_listed() -> None:
    nevers = {name for name in _functions("services/authorizations/tests/test_nevers.py") if name.startswith("test_")}
    assert nevers and [name for name in nevers if name not in Page("ccq").text] == []
