"""Each text that the code names exists, and each that exists is named."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.problems import defects, problems, words

ROOT = Path(__file__).parents[1]


def sources() -> Iterator[ast.Module]:
    """The code of chassis, services and contracts, without tests."""
    for folder in ("chassis", "services", "contracts"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if "tests" not in file.parts:
                yield ast.parse(file.read_text(encoding="utf-8"), str(file))


class Code:
    """Every node of the code, and the texts that stand in it."""

    def __init__(self) -> None:
        self.nodes = [node for source in sources() for node in ast.walk(source)]
        self.literals = {
            node.value for node in self.nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        self.prefixes = {
            node.values[0].value
            for node in self.nodes
            if isinstance(node, ast.JoinedStr) and len(node.values) == 2 and isinstance(node.values[0], ast.Constant)
        }
        """The beginnings of names that are put together, as in f"reason_{…}"."""

    def first_arguments(self, function: str) -> Iterator[str]:
        """Every text that a call of the function may have as its first argument, where it stands in the call itself."""
        for node in self.nodes:
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == function
                and node.args
            ):
                first = node.args[0]
                choices = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
                yield from (c.value for c in choices if isinstance(c, ast.Constant) and isinstance(c.value, str))


@pytest.fixture(scope="module")
def code() -> Code:
    """Read by the process that looks through it, and gone afterwards: hundreds of thousands of nodes."""
    return Code()


def test_the_search_finds_calls(code: Code) -> None:
    assert {"not_found", "invalid_request"} <= set(code.first_arguments("Refusal"))
    assert "reason_" in code.prefixes


def test_every_refusal_has_its_problem(code: Code) -> None:
    assert sorted({*code.first_arguments("Refusal")} - problems().keys()) == []


def test_every_word_that_is_named_exists(code: Code) -> None:
    assert sorted({*code.first_arguments("word")} - words().keys()) == []


def test_every_problem_can_happen(code: Code) -> None:
    assert sorted(one for one in problems() if one not in code.literals) == []


def test_every_defect_has_its_text_and_can_happen(code: Code) -> None:
    assert sorted({*code.first_arguments("Defect")} - defects().keys()) == []
    assert sorted(one for one in defects() if one not in code.literals) == []


def audited() -> Iterator[str]:
    """Every action that authorizations notes of an organization, where it stands as text in a call of some `audit`."""
    for file in sorted((ROOT / "services" / "authorizations").rglob("*.py")):
        if "tests" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
            if isinstance(node, ast.Call) and _name(node.func) in ("audit", "_audit"):
                direct = isinstance(node.func, ast.Attribute) and _name(node.func.value) == "work"
                if not direct or any(keyword.arg == "organization_id" for keyword in node.keywords):
                    texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                    yield from texts[:1]


def _name(node: ast.expr) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None


def test_the_audit_of_an_organization_has_words_for_each_action() -> None:
    actions = {*audited()}
    assert {"file_viewed", "contact_added"} <= actions
    lacking = sorted(action for action in actions if f"audit_{action}" not in words())
    assert lacking == [], "say in contracts/texts/words.yaml what happened, as audit_ACTION in both languages"


def test_every_word_is_used(code: Code) -> None:
    beginnings = tuple(prefix for prefix in code.prefixes if isinstance(prefix, str) and prefix.endswith("_"))
    assert sorted(name for name in words() if name not in code.literals and not name.startswith(beginnings)) == []
