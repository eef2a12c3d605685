"""What a run tells as it happens, and keeps for the page: steps with their times, facts, promises."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from local.journeys.narrator import PromiseBroken

PAGE = "docs/operations/cluster-test.md"


@dataclass
class Step:
    """One step: what it shows, and what was seen."""

    title: str
    lines: list[str] = field(default_factory=list)
    seconds: float = 0.0
    held: int = 0
    broken: str = ""


@dataclass
class Told:
    """Prints each line as it comes. `steps` is what the page is made of."""

    say: Callable[[str], None]
    steps: list[Step] = field(default_factory=list)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """One step, with its time. What goes wrong in it is noted, and raised."""
        step = Step(title)
        self.steps.append(step)
        self.say(f"\n━━ {title}")
        began = time.monotonic()
        try:
            yield step
        except BaseException as error:
            step.broken = str(error) or type(error).__name__
            raise
        finally:
            step.seconds = time.monotonic() - began
            self.say(f"   {step.seconds:.0f} s")

    @contextlib.contextmanager
    def took(self, what: str) -> Iterator[None]:
        """A part of the step, with its time."""
        began = time.monotonic()
        yield
        self.shows(f"{what}: {time.monotonic() - began:.0f} s")

    def shows(self, line: str) -> None:
        """A fact."""
        self.steps[-1].lines.append(line)
        self.say(f"   {line}")

    def holds(self, condition: object, promise: str) -> None:
        """A promise. Raises PromiseBroken when it does not hold."""
        if not condition:
            raise PromiseBroken(promise)
        self.steps[-1].held += 1
        self.steps[-1].lines.append(f"✓ {promise}")
        self.say(f"   ✓ {promise}")

    @property
    def whole(self) -> bool:
        """Whether nothing went wrong."""
        return not any(step.broken for step in self.steps)


def page(
    steps: Sequence[Step], versions: Mapping[str, str], commits: tuple[str, str], began: datetime, command: str
) -> str:
    """The page of a run, in Markdown: what it ran on, and step by step what was seen and how long it took."""
    seconds = sum(step.seconds for step in steps)
    held = sum(step.held for step in steps)
    outcome = "Every step held" if all(not step.broken for step in steps) else "A step did not hold"
    lines = [
        "# The last run of `./mandat cluster-test`",
        "",
        "Written by the command itself; [what it does](try-on-a-cluster.md). Do not edit.",
        "",
        f"{outcome}: {held} promises in {_minutes(seconds)}, begun {began:%d %B %Y, %H:%M} UTC.",
        "",
        "```",
        command,
        "```",
        "",
        "| what | which |",
        "|---|---|",
        f"| installed first | commit {commits[0]} |",
        f"| upgraded to | commit {commits[1]} |",
        *(f"| {name} | {version} |" for name, version in versions.items()),
        "",
        "| step | time |",
        "|---|---:|",
        *(f"| {number}. {step.title} | {_minutes(step.seconds)} |" for number, step in enumerate(steps, 1)),
    ]
    for number, step in enumerate(steps, 1):
        lines += ["", f"## {number}. {step.title}", ""]
        lines += [f"- {line}" for line in step.lines]
        if step.broken:
            lines += ["", "It did not hold:", "", "```", step.broken, "```"]
    return "\n".join(lines) + "\n"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60} min {int(seconds) % 60:02} s"
