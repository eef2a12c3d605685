"""Every service answers the same commands, and its own; nothing is imported that was not asked for."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from chassis import entry
from chassis.commands import dead_letters

SERVICE = Path("services/library")


def nobody() -> entry.AnyService:
    raise AssertionError("the service was imported")


def test_a_wrong_command_line_names_what_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong in ([], ["work"], ["worker", "now"]):
        monkeypatch.setattr(sys, "argv", ["-m", *wrong])
        assert entry.run(SERVICE, nobody, {"import": lambda _: 0}) == 2
        usage, _, *known = capsys.readouterr().err.splitlines()
        assert usage == "usage: python -m services.library COMMAND"
        assert [line[:22].strip() for line in known] == [
            "api | worker | all", "migrate …", "topics …", "openapi", "dead-letters …", "reset-groups …", "keys …",
            "audit …", "import …",
        ]  # fmt: skip


def test_a_command_of_the_services_own_gets_what_follows_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["-m", "import", "one", "two"])
    asked: list[str] = []

    def command(arguments: Sequence[str]) -> int:
        asked.extend(arguments)
        return 3

    assert entry.run(SERVICE, nobody, {"import": command}) == 3
    assert asked == ["one", "two"]


def test_a_usage_names_what_was_typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MANDAT_STARTED_AS", "./mandat run library")
    monkeypatch.setattr(sys, "argv", ["-m"])
    entry.run(SERVICE, nobody)
    assert capsys.readouterr().err.startswith("usage: ./mandat run library COMMAND\n")
    with pytest.raises(SystemExit):
        dead_letters._parser("library").parse_args(["show"])
    assert capsys.readouterr().err.startswith("usage: ./mandat run library dead-letters show ")
