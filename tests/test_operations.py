"""What docs/operations tell an operator to type is there to be typed."""

import argparse
import re

import pytest

from chassis import entry
from chassis.commands import dead_letters, groups, keys
from local import ROOT
from services.accounts.tokens import command as signing_keys

PAGES = sorted((ROOT / "docs" / "operations").glob("*.md"))
COMMAND = re.compile(
    r"python -m services\.\$?(S|NAME|accounts|linking|authorizations|notifications) ([\w-]+)((?: [\w-]+)*)"
)
OF_ONE = {"signing-keys", "verify-signatures", "import", "preview"}
PARSERS = {
    "keys": keys._parser("S"),
    "dead-letters": dead_letters._parser("S"),
    "reset-groups": groups._parser("S"),
    "signing-keys": signing_keys._parser(),
}

TOLD = sorted({
    (page.stem, name, words.split()[0] if words else "")
    for page in PAGES
    for _, name, words in COMMAND.findall(page.read_text(encoding="utf-8"))
})  # fmt: skip


def below(parser: argparse.ArgumentParser) -> set[str]:
    """The commands of a command."""
    choices = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {name for found in choices for name in found}


@pytest.mark.parametrize(("page", "name", "word"), TOLD)
def test_a_command_of_a_page_is_one_that_a_service_takes(page: str, name: str, word: str) -> None:
    of_every = {found for line in entry.COMMANDS for found in re.findall(r"[\w-]+", line)}
    assert name in of_every | OF_ONE
    if word and name in PARSERS and (known := below(PARSERS[name])):
        assert word in known


def test_every_page_says_where_it_was_run() -> None:
    how_tos = [page for page in PAGES if page.stem in HOW_TOS]
    assert {page.stem for page in how_tos} == HOW_TOS
    for page in how_tos:
        text = page.read_text(encoding="utf-8")
        assert "## Run\n" in text, page.stem
        assert "**When:**" in text and "**How to see" in text and "**To undo:**" in text, page.stem


HOW_TOS = {
    "upgrade", "roll-back", "rotate-keys", "restore", "redrive", "second-agency", "erase-a-person", "lose-a-zone",
}  # fmt: skip
