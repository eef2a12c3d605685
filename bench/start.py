"""Cold and warm start to ready, and the memory of each process, beside Kafka alone and an empty Python process."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.measuring import AGENCY, own_folder, say, table
from local import Problem
from local.kafka import Kafka
from local.ports import SERVICES, Ports
from local.stack import Stack

RUNS = 3
SETTLE = 3.0  # seconds after ready before memory is read: what a start allocates and frees is gone by then
LIBRARIES = "fastapi, asyncpg, aiokafka, faststream.kafka"
MIB = 1024  # KiB

SIGNS = (
    *((f"services.{service}", service) for service in SERVICES),
    ("local.outside", "inbox"),
    ("kafka.Kafka", "Kafka"),
    ("postgres", "PostgreSQL, all processes"),
)
"""What stands in a process's command line → what it is. Anything else below us is the launcher's own."""


@dataclass(frozen=True)
class Memory:
    """KiB. `shared_out` is PSS: pages that several processes share are divided among them."""

    resident: int
    shared_out: int

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(self.resident + other.resident, self.shared_out + other.shared_out)


def run(small: bool) -> None:
    """Measure, and print three tables."""
    if not Path("/proc/self/smaps_rollup").exists():
        raise Problem("Memory is read from /proc, which this system does not have: start measures on Linux only.")
    kafka, imports, cold, warm = [], [], [], []
    steps: dict[str, dict[str, list[float]]] = {"cold": {}, "warm": {}}
    memory: dict[str, Memory] = {}
    for number in range(1 if small else RUNS):
        say(f"\nRun {number + 1}")
        kafka.append(_kafka_alone())
        seconds, empty = _empty_process()
        imports.append(seconds)
        with own_folder() as folder:
            ports = Ports.free()
            cold.append(_start(folder, ports, steps["cold"], lambda: None))
            warm.append(_start(folder, ports, steps["warm"], lambda: memory.update(_memory_below_us())))
    floor = median(kafka)
    table(
        "Start to ready, in s (jars and environment are there)",
        ("min", "median", "max", "× Kafka alone"),
        [
            ("cold: a new data folder", [*_range(cold), f"× {median(cold) / floor:.1f}"]),
            ("warm: the same folder again", [*_range(warm), f"× {median(warm) / floor:.1f}"]),
            ("floor: Kafka alone, a new folder", [*_range(kafka), ""]),
            (f"floor: python -c 'import {LIBRARIES}'", [*_range(imports), ""]),
        ],
    )
    table(
        "Steps, median s (those of a group side by side)",
        ("cold", "warm"),
        [(step, [f"{median(steps[kind][step]):.1f}" for kind in ("cold", "warm")]) for step in steps["cold"]],
    )
    _tell_memory(memory, empty)


def _start(folder: Path, ports: Ports, steps: dict[str, list[float]], look: Callable[[], None]) -> float:
    """Start the stack and stop it again; returns seconds to ready. `look` is called while it is up."""

    def hear(line: str) -> None:
        name, seconds, _ = line.rsplit(maxsplit=2)
        steps.setdefault(name.strip(), []).append(float(seconds))

    stack = Stack(AGENCY, folder / "data", ports, folder / "logs", hear)
    began = time.monotonic()
    with stack:
        seconds = time.monotonic() - began
        say(f"  ready after {seconds:.1f} s")
        time.sleep(SETTLE)
        look()
    return seconds


def _kafka_alone() -> float:
    with own_folder() as folder:
        ports = Ports.free()
        kafka = Kafka(folder / "kafka", ports.kafka, ports.kafka_controller, folder / "kafka.log")
        began = time.monotonic()
        try:
            kafka.start()
            return time.monotonic() - began
        finally:
            kafka.processes.stop_all()


def _empty_process() -> tuple[float, Memory]:
    """A Python process that has imported what every service imports, and does nothing."""
    began = time.monotonic()
    code = f"import {LIBRARIES}; print(flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process:
        process.stdout.readline()
        seconds = time.monotonic() - began
        memory = _memory(process.pid)
        process.terminate()
    return seconds, memory


def _memory_below_us() -> dict[str, Memory]:
    """Of every process that descends from this one, by what it is."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it ended meanwhile
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found: dict[str, Memory] = {}
    for pid in _descendants(os.getpid(), parents):
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            name = next((name for sign, name in SIGNS if sign in command), None)
            if name is not None:
                found[name] = found.get(name, Memory(0, 0)) + _memory(pid)
    return found


def _descendants(pid: int, parents: Mapping[int, int]) -> Iterator[int]:
    for child in [child for child, parent in parents.items() if parent == pid]:
        yield child
        yield from _descendants(child, parents)


def _memory(pid: int) -> Memory:
    """Raises OSError when the process has ended."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return Memory(sizes["Rss"], sizes["Pss"])


def _tell_memory(memory: Mapping[str, Memory], empty: Memory) -> None:
    services = [(service, memory[service]) for service in SERVICES]
    others = [(name, memory[name]) for name in ("inbox", "PostgreSQL, all processes", "Kafka")]
    every = [found for _, found in (*services, *others)]
    whole = sum(every[1:], every[0])
    table(
        f"Memory {SETTLE:.0f} s after ready, in MiB",
        ("RSS", "PSS", "RSS × floor"),
        [
            *((name, [*_sizes(found), f"× {found.resident / empty.resident:.1f}"]) for name, found in services),
            (f"floor: python -c 'import {LIBRARIES}'", [*_sizes(empty), ""]),
            *((name, [*_sizes(found), ""]) for name, found in others),
            ("all together (PSS counts shared pages once)", ["", _sizes(whole)[1], ""]),
        ],
    )


def _sizes(memory: Memory) -> list[str]:
    return [f"{memory.resident / MIB:.0f}", f"{memory.shared_out / MIB:.0f}"]


def _range(seconds: Sequence[float]) -> list[str]:
    return [f"{value:.1f}" for value in (min(seconds), median(seconds), max(seconds))]
