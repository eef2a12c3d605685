"""What a person reads when ./mandat cannot do what was asked."""

import ast
import importlib.util
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from local import ROOT, Problem, checks, running
from local.__main__ import main
from tests.fixtures.patience import PATIENCE


@pytest.fixture
def launcher() -> ModuleType:
    loader = SourceFileLoader("mandat_launcher", str(ROOT / "mandat"))
    spec = importlib.util.spec_from_loader("mandat_launcher", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_an_old_python_is_refused_in_one_sentence(launcher: ModuleType) -> None:
    assert "needs Python 3.11 or newer, and this is 3.9.2" in launcher.refusal((3, 9, 2, "final", 0), "posix")
    assert launcher.refusal((3, 14, 0), "posix") is None
    assert "WSL" in launcher.refusal((3, 12, 0), "nt")


def test_an_old_python_can_read_the_launcher() -> None:
    ast.parse((ROOT / "mandat").read_text(), feature_version=(3, 4))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("Retrying … NewConnectionError('…: Temporary failure in name resolution')", "no network"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "SHA-256 differs"),
        ("error: something else", "What pip said is in"),
    ],
)
def test_what_pip_says_becomes_one_sentence(launcher: ModuleType, said: str, sentence: str) -> None:
    assert sentence in launcher.explain(said)


def test_help_needs_no_environment() -> None:
    result = subprocess.run([sys.executable, ROOT / "mandat", "--help"], capture_output=True, text=True, check=True)
    assert "demo" in result.stdout


def test_an_unknown_agency_is_one_sentence_that_lists_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["up", "--agency", "nowhere"]) == 1
    assert "There is no agency 'nowhere'; agencies/ has: ccq" in capsys.readouterr().err


def test_an_unknown_part_of_the_checks_is_one_sentence() -> None:
    with pytest.raises(Problem, match=r"There is no part 'nothing'; the parts are: format, lint"):
        checks.run(["nothing"])


@pytest.mark.parametrize(("keep_going", "runs"), [(False, ["a"]), (True, ["a", "b"])])
def test_the_checks_stop_at_the_first_failure_unless_told_otherwise(
    keep_going: bool, runs: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c"]
    monkeypatch.setattr(
        checks,
        "PARTS",
        {"a": [*command, "print('ran a'); raise SystemExit(1)"], "b": [*command, "print('ran b')"]},
    )
    assert checks.run([], keep_going=keep_going) == 1
    shown = capfd.readouterr().out
    assert [name for name in ("a", "b") if f"ran {name}" in shown] == runs
    assert "FAILED" in shown


def test_the_checks_are_told_of_operators_schemas_or_say_that_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(checks.CRDS, raising=False)
    shows = "import os; print(os.environ.get('MANDAT_CRDS', 'none'))"
    monkeypatch.setattr(checks, "PARTS", {"tests": [sys.executable, "-c", shows]})
    with pytest.raises(Problem, match="holds no JSON Schema"):
        checks.run([], crds=tmp_path)
    (tmp_path / "httproute-gateway-v1.json").touch()

    assert checks.run([], crds=tmp_path) == 0
    shown = capfd.readouterr().out
    assert str(tmp_path) in shown and "operators' own" not in shown
    [lacking] = [line for line in shown.splitlines() if "not held to schemas of" in line]
    assert "ExternalSecret, Gateway, Kafka," in lacking and "HTTPRoute" not in lacking and "Deployment" not in lacking
    assert checks.run([]) == 0
    assert "not held to the operators' own schemas" in capfd.readouterr().out


def test_only_one_stack_runs_and_down_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "running.lock"
    monkeypatch.setattr(running, "LOCK", lock)
    holder = (
        "import time; from pathlib import Path; from local import running\n"
        f"running.LOCK = Path({str(lock)!r})\n"
        "with running.only_one(): print('held', flush=True); time.sleep(3600)"
    )
    command = [sys.executable, "-c", holder]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with (
            pytest.raises(Problem, match=r"already running\. Stop it with \./mandat down"),
            running.only_one(),
        ):
            pass
        assert running.stop() == 0
        other.wait(timeout=PATIENCE)
    with running.only_one():
        pass
