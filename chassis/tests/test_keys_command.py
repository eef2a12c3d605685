"""An operator makes, rotates and publishes keys by command, and in no step does anything become unreadable."""

import io
import json
import stat
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from joserfc.jwk import KeySet
from pydantic import BaseModel

from chassis import keys
from chassis.commands import keys as command
from chassis.entry import AnyService
from chassis.keys import Keyring
from chassis.sealing import Sealer, Vault

pytestmark = pytest.mark.usefixtures("logs_put_back")


def keys_command(service: str, arguments: list[str]) -> int:
    return command.main(service, not_asked_for, arguments)


def not_asked_for() -> AnyService:
    raise AssertionError("the service was imported")


class Secret(BaseModel):
    """What is sealed in these tests."""

    code: str


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The keyring of a service, as an operator made it."""
    found = tmp_path / "library.json"
    assert keys_command("library", ["new", str(found)]) == 0
    return found


def step(file: Path, name: str, use: str) -> Keyring:
    assert keys_command("library", [name, str(file), "--use", use]) == 0
    return keys.read(file)


def test_a_new_keyring_is_its_owners_alone_and_never_written_over(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = file.read_text()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert keys_command("library", ["new", str(file)]) == 1
    assert "stands already" in capsys.readouterr().err
    assert file.read_text() == before
    assert [one.name for one in file.parent.iterdir()] == ["library.json"]


def test_at_each_step_of_a_rotation_processes_of_the_step_before_read_what_is_made(file: Path) -> None:
    rings = [keys.read(file)]
    for name in ("add", "promote"):
        for use in keys.USES:
            step(file, name, use)
        rings.append(keys.read(file))
    old, new = rings[0], rings[-1]
    assert old.digest("code", "7K3M").startswith("1:")
    assert new.digest("code", "7K3M").startswith("2:")

    for earlier, later in pairwise(rings):
        for makes, reads in ((earlier, later), (later, earlier)):
            public = KeySet([*makes.sealing])
            assert reads.matches("code", "7K3M", makes.digest("code", "7K3M"))
            assert makes.lookup("code", "7K3M") in reads.lookups("code", "7K3M")
            assert Vault(reads).unlock(Vault(makes).lock(b"kept")) == b"kept"
            sealed = Sealer(makes, public).seal("library", Secret(code="7"))
            assert Sealer(reads, public).open(sealed, Secret).code == "7"


def test_seals_go_to_the_new_key_only_once_it_is_promoted_and_published(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def published() -> list[str]:
        capsys.readouterr()
        assert keys_command("library", ["public", str(file)]) == 0
        content = capsys.readouterr().out
        assert '"d"' not in content
        assert keys.SUPERSEDED not in content
        return [key["kid"] for key in json.loads(content)["keys"]]

    step(file, "add", "sealing")
    assert published() == ["library.1", "library.2"]
    step(file, "promote", "sealing")
    assert published() == ["library.2", "library.1"]


def test_a_step_that_was_done_is_not_done_twice(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step(file, "add", "digests")
    assert keys_command("library", ["add", str(file), "--use", "digests"]) == 1
    assert "promote it first" in capsys.readouterr().err

    step(file, "promote", "digests")
    assert keys_command("library", ["promote", str(file), "--use", "digests"]) == 1
    assert "add another first" in capsys.readouterr().err


def test_a_keyring_of_another_service_or_a_damaged_one_is_refused_and_shows_no_key(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys_command("archive", ["add", str(file), "--use", "digests"]) == 1
    assert "is the keyring of library, not of archive" in capsys.readouterr().err

    secret = json.loads(file.read_text())["digests"][0]["k"]
    file.write_text(file.read_text()[:-20])
    assert keys_command("library", ["list", str(file)]) == 1
    said = capsys.readouterr()
    assert "not a keyring" in said.err
    assert secret not in said.err + said.out


def test_the_list_says_which_key_is_in_use(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step(file, "add", "storage")
    step(file, "promote", "storage")
    step(file, "add", "digests")
    capsys.readouterr()

    assert keys_command("library", ["list", str(file)]) == 0
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert [(use, kid, standing.split(" 20")[0]) for use, kid, standing in lines] == [
        ("sealing", "library.1", "in use"),
        ("digests", "1", "in use"),
        ("digests", "2", "added, not in use yet"),
        ("storage", "2", "in use"),
        ("storage", "1", "superseded"),
    ]


def test_a_keyring_goes_through_as_a_filter(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(file.read_text()))
    assert keys_command("library", ["add", "-", "--use", "storage"]) == 0

    assert [key.kid for key in keys.parse(capsys.readouterr().out).storage] == ["1", "2"]
