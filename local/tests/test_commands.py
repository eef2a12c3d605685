"""./mandat run is what an operator types, with the stack's settings."""

import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from local import Problem, commands
from local.ports import SERVICES, Ports


def test_a_services_command_runs_with_everything_that_the_service_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(commands, "STATE", tmp_path)
    keys = tmp_path / "data" / "ccq" / "keys"
    keys.mkdir(parents=True)
    (keys / "sealing.json").write_text("{}")
    (tmp_path / "data" / "ccq" / "postgres").mkdir()
    (tmp_path / "data" / "ccq" / "postgres" / "superuser.password").write_text("none")

    def call(command: list[str], env: dict[str, str], cwd: Path) -> int:
        called.append((command, env))
        return 3

    monkeypatch.setattr(commands, "subprocess", SimpleNamespace(call=call))
    assert commands.run("ccq", "linking", ["dead-letters", "list"]) == 3
    [(command, told)] = called
    assert command[1:] == ["-m", "services.linking", "dead-letters", "list"]
    assert told["MANDAT_STARTED_AS"] == "./mandat run linking"
    assert "linking" in told["MANDAT_DATABASE_URL"] and told["MANDAT_KEYRING"].startswith(str(keys))


def test_without_a_stack_or_such_a_service_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "STATE", tmp_path)
    with pytest.raises(Problem, match=r"\./mandat up"):
        commands.run("ccq", "linking", ["dead-letters", "list"])
    with pytest.raises(Problem, match="linking"):
        commands.run("ccq", "link", ["dead-letters", "list"])


def test_a_command_beside_a_stack_with_other_ports_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, str]] = []
    monkeypatch.setattr(commands, "STATE", tmp_path)
    keys = tmp_path / "data" / "ccq" / "keys"
    keys.mkdir(parents=True)
    (keys / "sealing.json").write_text("{}")
    (tmp_path / "data" / "ccq" / "postgres").mkdir()
    (tmp_path / "data" / "ccq" / "postgres" / "superuser.password").write_text("none")

    def call(_command: list[str], env: dict[str, str], **_: object) -> int:
        told.append(env)
        return 0

    monkeypatch.setattr(commands, "subprocess", SimpleNamespace(call=call))
    (tmp_path / "data" / "ccq" / commands.SHIFTED).write_text("1000")
    commands.run("ccq", "linking", ["dead-letters", "list"])
    usual = Ports()
    assert told[0]["MANDAT_GATEWAY_PORT"] == str(usual.linking + 1000)
    assert f":{usual.postgres + 1000}/" in told[0]["MANDAT_DATABASE_URL"]
    assert told[0]["MANDAT_KAFKA_SERVERS"].endswith(str(usual.kafka + 1000))


def test_a_port_that_is_taken_is_named_with_what_wants_it_and_the_option_to_choose_others() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=rf"Port {port} .* Kafka .* --shift-ports"):
            replace(Ports.free(), kafka=port).check()


@pytest.mark.parametrize("shift", [-8_000, 60_000])
def test_ports_that_are_none_or_only_roots_are_refused(shift: int) -> None:
    with pytest.raises(Problem, match="--shift-ports takes a number"):
        commands.up("ccq", fresh=False, shift_ports=shift)


def test_the_audit_of_each_service_is_verified_also_after_one_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, list[str]]] = []

    def run(agency: str, service: str, arguments: list[str]) -> int:
        asked.append((service, arguments))
        return 1 if service == "linking" else 0

    monkeypatch.setattr(commands, "run", run)
    assert commands.verify_audit("ccq", None, None) == 1
    assert "anew" in capsys.readouterr().out
    assert sorted(asked) == [(service, ["audit", "verify"]) for service in sorted(SERVICES)]
    asked.clear()
    assert commands.verify_audit("ccq", "accounts", tmp_path / "kept") == 0
    assert asked == [("accounts", ["audit", "verify", "--heads", str(tmp_path / "kept")])]


@pytest.mark.parametrize(
    ("first", "service"),
    [
        ("\ufeffRecord;kind;number", "authorizations"),
        ('{"record": "contact"}', "authorizations"),
        ('{"organization": {"kind": "firm"}}', "authorizations"),
        ('{"user_name": "demo", "files": [{"organization": {"kind": "firm"}}]}', "linking"),
        ("user_name,hash", "linking"),
    ],
)
def test_each_file_of_an_import_goes_to_the_service_that_it_is_for(tmp_path: Path, first: str, service: str) -> None:
    file = tmp_path / "extract"
    file.write_text(f"{first}\n", encoding="utf-8")
    assert commands._importer(file) == service


@pytest.mark.parametrize("first", ["# Mandat", "", "7", '"record"'])
def test_a_file_that_is_no_extract_is_sent_to_no_service(tmp_path: Path, first: str) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"{first}\n", encoding="utf-8")
    with pytest.raises(Problem, match=r"README\.md is neither an extract nor former credentials"):
        commands._importer(file)
