"""What is wrong with the environment is said in the environment's own words, and shows nothing of what it holds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chassis.settings import FaultySettings, Settings, read
from local import ROOT

WHOLE = {
    "MANDAT_AGENCY": "agency",
    "MANDAT_DATABASE_URL": "postgresql://x:hunter2@127.0.0.1/x",
    "MANDAT_GATEWAY_PORT": "1",
    "MANDAT_OPERATIONS_PORT": "2",
    "MANDAT_KEYRING": "ring.json",
    "MANDAT_SEALING_KEYS": "public.json",
    "MANDAT_ISSUER_BASE": "http://127.0.0.1:1",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)


def test_a_whole_environment_is_read() -> None:
    assert read(Settings).agency == Path("agency")


def test_each_fault_is_a_line_of_its_own_that_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MANDAT_DATABASE_URL")
    monkeypatch.setenv("MANDAT_GATEWAY_PORT", "hunter2")
    monkeypatch.setenv("MANDAT_DEMO_AGENT_ISSUERS", '[{"issuer": "hunter2"}]')
    with pytest.raises(FaultySettings) as caught:
        read(Settings)
    lines = str(caught.value).splitlines()
    assert lines[0] == "MANDAT_DATABASE_URL is not set"
    assert lines[1].startswith("MANDAT_GATEWAY_PORT: Input should be a valid integer")
    assert lines[2].startswith("MANDAT_DEMO_AGENT_ISSUERS, at 0.")
    assert "hunter2" not in str(caught.value) and "pydantic" not in str(caught.value)


def test_a_service_that_does_not_start_says_which_settings_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MANDAT_AGENCY", "MANDAT_KEYRING"):
        monkeypatch.delenv(name)
    command = [sys.executable, "-m", "chassis.tests.library", "api"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = [json.loads(line) for line in (ended.stdout + ended.stderr).splitlines()]
    assert ended.returncode == 1
    assert [line["error"] for line in said] == ["MANDAT_AGENCY is not set", "MANDAT_KEYRING is not set"]
