"""Faults sown into a copy of agencies/ccq, to see them refused with file, line and reason."""

from pathlib import Path
from typing import NamedTuple

from contracts.agency import FaultyFiles

CCQ = Path(__file__).parents[2] / "agencies" / "ccq"
WSSCC = Path(__file__).parents[2] / "agencies" / "wsscc"


class Seed(NamedTuple):
    """Replace the first `old` in `file` by `new`; the fault stands on the line of the first `at`."""

    file: str
    old: str
    new: str
    at: str
    reason: str


def sow(folder: Path, seed: Seed) -> int:
    """Break the copy; the number of the line that must be named."""
    file = folder / seed.file
    sound = file.read_text(encoding="utf-8")
    assert seed.old in sound
    broken = sound.replace(seed.old, seed.new, 1)
    file.write_text(broken, encoding="utf-8")
    return broken[: broken.index(seed.at)].count("\n") + 1


def assert_named(error: FaultyFiles, folder: Path, seed: Seed, line: int) -> None:
    named = [f for f in error.faults if f.file == folder / seed.file and f.line == line]
    assert any(seed.reason in fault.reason for fault in named), str(error)
    assert str(error).startswith(str(folder))
    assert all(fault.reason.endswith(".") for fault in error.faults)
