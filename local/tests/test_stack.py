"""The stack refuses to start in a clear sentence, and stops what it had started."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from local import ROOT, Problem, ports
from local.ports import FIRST_FREE, LAST_FREE, Ports, free_ports
from local.stack import Member, Stack
from tests.fixtures.patience import PATIENCE


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_port_in_use_is_named_with_what_wants_it(tmp_path: Path) -> None:
    ports = Ports.free()
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", ports.kafka))
        occupant.listen()
        with pytest.raises(Problem, match=f"Port {ports.kafka} is in use, and Kafka needs it"):
            Stack("ccq", tmp_path / "data", ports, tmp_path / "logs").start()


def test_free_ports_are_different_and_free() -> None:
    ports = Ports.free()
    assert len(ports.uses()) == 14
    ports.check()


def test_too_little_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12 - 10**8, 10**8))
    with pytest.raises(Problem, match="Only 100 MB of disk are free"):
        Stack("ccq", tmp_path / "data", Ports.free(), tmp_path / "logs").start()


def test_a_part_that_fails_stops_the_parts_beside_it(tmp_path: Path) -> None:
    stack = Stack("ccq", tmp_path / "data", Ports.free(), tmp_path / "logs")
    sleep = stack.processes.start("sleeper", [sys.executable, "-c", "import time; time.sleep(3600)"], tmp_path / "log")

    def fails() -> None:
        stack.processes.run("migration", [sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "failed.log")

    def waits() -> None:
        sleep.wait_until(lambda: False, timeout=PATIENCE)

    with pytest.raises(Problem, match=r"migration failed \(exit code 3\)"):
        stack._together(waits, fails)
    assert not sleep.running


def test_each_service_is_told_its_own_database_keys_and_ports(tmp_path: Path) -> None:
    stack = Stack("ccq", tmp_path, Ports(), tmp_path / "logs")
    stack.postgres.folder.mkdir()
    stack.postgres._password_file.write_text("secret of the superuser")
    stack.keyrings.make()
    told = {service: stack.environment(service) for service in ("accounts", "linking")}
    for name in ("MANDAT_DATABASE_URL", "MANDAT_KEYRING", "MANDAT_GATEWAY_PORT", "MANDAT_OPERATIONS_PORT"):
        assert told["accounts"][name] != told["linking"][name]
    assert told["accounts"]["MANDAT_ISSUER_BASE"] == told["linking"]["MANDAT_ISSUER_BASE"]
    assert "MANDAT_MACHINES" not in told["linking"]
    assert stack.machine[1] not in told["accounts"]["MANDAT_MACHINES"]
    assert stack.keyrings.private("accounts").stat().st_mode & 0o077 == 0


def test_each_process_of_a_service_answers_operators_on_a_port_of_its_own(tmp_path: Path) -> None:
    members = (Member("accounts", "api"), Member("accounts", "worker"), Member("accounts", "worker", 2))
    stack = Stack("ccq", tmp_path, Ports.free(), tmp_path / "logs", members=members)
    assert [member.name for member in members] == ["accounts-api", "accounts-worker", "accounts-worker-2"]
    assert len(set(stack._operations.values())) == 3
    assert stack._operations[members[0]] == stack.ports.accounts_operations


def test_free_ports_are_none_that_an_outgoing_connection_may_be_given() -> None:
    assert all(FIRST_FREE <= port < LAST_FREE for port in Ports.free().uses())


def test_free_ports_can_be_asked_for_in_any_number() -> None:
    assert len(set(free_ports(5))) == 5


def test_a_port_that_one_process_has_chosen_is_not_chosen_by_another_before_it_is_bound() -> None:
    [chosen] = free_ports(1)
    choose = f"from local import ports; raise SystemExit(0 if ports._reserve({chosen}) else 3)"
    assert subprocess.run([sys.executable, "-c", choose], cwd=ROOT, check=False).returncode == 3
    os.close(ports._held.pop(chosen))
    assert subprocess.run([sys.executable, "-c", choose], cwd=ROOT, check=False).returncode == 0
