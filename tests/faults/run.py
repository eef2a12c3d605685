"""One run: start the stack, load it, break it, let it settle, read everything, check."""

import asyncio
import contextlib
import json
import random
import shutil
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import httpx

from local import STATE, Problem
from tests.faults.breaker import Damage, StackBreaker
from tests.faults.checker import Report, check
from tests.faults.client import PATIENCE, Client, Pace
from tests.faults.collecting import collect, open_attachments, settled
from tests.faults.crowd import crowd
from tests.faults.embedded import Embedded
from tests.faults.evidence import Evidence, Place
from tests.faults.ground import Ground
from tests.faults.history import History, Kind
from tests.faults.schedule import EVERY_WAY, LOOSE, Breakage, Fault, plan

COMING = 180.0
"""Seconds that the managers may take to join before anything is broken."""

LONGER = 300.0
"""Seconds that the load goes on, when people on a busy machine have not yet asked for everything that a run wants."""

LIMITS = httpx.Limits(max_connections=100)

FOLDER = STATE / "faults"
"""Where a run leaves its evidence."""


@dataclass(frozen=True)
class Run:
    """Which agency's stack, how long (seconds), how much, and from which seed.

    `settling` is the stated time (seconds) for the backlog; `at_most` the seconds for everything once the stack is up.
    What is not answered within `answer_within` seconds is asked again; the managers join within `joining` seconds. Of
    each kind in `wanted` one command must have been accepted before the load ends.
    """

    seed: int
    seconds: float
    agency: str
    size: int = 4
    newcomers: int = 6
    commands_a_second: float = 15.0
    code_minutes: int = 10
    settling: float = 120.0
    at_most: float | None = None
    ways: Sequence[Breakage] = EVERY_WAY
    between: tuple[float, float] = LOOSE
    answer_within: float = PATIENCE
    joining: float = COMING
    wanted: frozenset[Kind] = frozenset()


@dataclass
class Outcome:
    """What came of a run."""

    schedule: Sequence[Fault]
    report: Report
    history: History
    damage: Damage
    evidence: Evidence

    def lines(self) -> list[str]:
        """Everything that the report says."""
        told = [f"  {count:7,}  {what}" for what, count in sorted(self.history.summary().items())]
        return ["Asked:", *told, "Broken:", *self.damage.lines(), "Found:", *self.report.lines()]


def play(run: Run, folder: Path = FOLDER, say: Callable[[str], None] = print) -> Outcome:
    """Carry a run out in a folder of its own, whose earlier content is removed.

    Raises Problem when the stack does not start, nobody can join, or the run is not over in time.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    schedule = plan(run.seed, run.seconds, run.ways, run.between)
    say(f"{run.agency}, seed {run.seed}: {len(schedule)} faults in {run.seconds:.0f} s of load, kept in {folder}")
    for fault in schedule:
        say(str(fault))
    ground = Embedded(folder, run.agency, run.size, run.code_minutes)
    with ground:
        say("The stack is up.")
        outcome = asyncio.run(_in_time(run, ground, schedule, say))
    _keep(outcome, folder)
    shutil.rmtree(folder / "data", ignore_errors=True)
    return outcome


async def _in_time(run: Run, ground: Embedded, schedule: Sequence[Fault], say: Callable[[str], None]) -> Outcome:
    last = ""

    def said(line: str) -> None:
        nonlocal last
        last = line
        say(line)

    limit = asyncio.timeout(run.at_most)
    try:
        async with limit:
            return await _play(run, ground, schedule, said)
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise Problem(f"The run was not over after {run.at_most:g} s. It last said: {last}") from error


async def _play(run: Run, ground: Embedded, schedule: Sequence[Fault], say: Callable[[str], None]) -> Outcome:
    history, breaker = History(), StackBreaker(ground)
    keeping = asyncio.create_task(breaker.keep_alive())
    async with loaded(run, ground, history, say):
        await asyncio.gather(breaker.carry_out(schedule), asyncio.sleep(run.seconds))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGER):
                while not run.wanted <= history.accepted_kinds():
                    await asyncio.sleep(0.2)
    say("The load has ended, and everything is mended.")
    evidence = await left_behind(run, ground, history, breaker.damage.sent_again, say)
    keeping.cancel()
    return Outcome(schedule, check(evidence), history, breaker.damage, evidence)


@contextlib.asynccontextmanager
async def loaded(run: Run, ground: Ground, history: History, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Everybody at work, as long as the block lasts; afterwards all have left. Raises Problem when not all can join."""
    ending, at_work = asyncio.Event(), asyncio.Event()
    async with httpx.AsyncClient(timeout=run.answer_within, trust_env=False, limits=LIMITS) as http:
        client = Client(ground, http, history, random.Random(run.seed), Pace(run.commands_a_second), ending)
        loading = asyncio.create_task(crowd(client, run.newcomers, at_work))
        say("The managers join.")
        try:
            async with asyncio.timeout(run.joining):
                await at_work.wait()
        except TimeoutError as error:
            raise Problem(
                f"Not every manager could join within {run.joining:g} s, and nothing was broken yet."
            ) from error
        say("Everybody is at work.")
        try:
            yield
        finally:
            ending.set()
            await loading


async def left_behind(
    run: Run, ground: Ground, history: History, sent_again: Collection[Place], say: Callable[[str], None]
) -> Evidence:
    """Lets everything settle that a load has begun, and reads it."""
    began = asyncio.get_running_loop().time()
    backlog = await settled(ground, run.settling, say)
    opened = await open_attachments(ground, history)
    await ground.begin_day()  # whoever is still to be told of something is told now
    backlog = backlog if backlog.remaining() else await settled(ground, run.settling, say)
    say(f"Settled after {asyncio.get_running_loop().time() - began:.0f} s.")
    return await collect(ground, history, sent_again, backlog, opened)


def _keep(outcome: Outcome, folder: Path) -> None:
    """Leave what a person needs to find out why: the report and all evidence; the logs are there already."""
    (folder / "report.txt").write_text("\n".join([*map(str, outcome.schedule), *outcome.lines()]) + "\n")
    (folder / "findings.txt").write_text("".join(f"{finding}\n" for finding in outcome.report.findings))
    for name, rows in {
        "commands": [asdict(command) for command in outcome.evidence.commands],
        "records": [asdict(record) for record in outcome.evidence.records],
        "mails": [asdict(copy) for copy in outcome.evidence.copies],
    }.items():
        text = "".join(json.dumps(row, default=_text, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.ndjson").write_text(text, encoding="utf-8")
    tables = json.dumps(outcome.evidence.tables, default=_text, ensure_ascii=False, indent=1)
    (folder / "tables.json").write_text(tables, encoding="utf-8")


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
