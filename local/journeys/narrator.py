"""Tells a journey as it happens: the step in the guide, what was called, what came back, how long an effect took."""

import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

WIDTH = 118
COLUMN = 89
"""Where a line ends that says what was asked or awaited: beside it stands what became of it."""


class PromiseBroken(Exception):
    """A step did not do what the guide and the contract say."""


def _print(line: str) -> None:
    print(line, flush=True)


@dataclass
class Narrator:
    """Prints, and counts what held. `logs` says where to look when a step does not."""

    say: Callable[[str], None] = _print
    colour: bool = field(default_factory=sys.stdout.isatty)
    logs: str = ""
    held: int = 0
    _told: str = ""
    _asked: str = ""
    _answered: str = ""

    def step(self, guide: str, told: str) -> None:
        """A step of the guide, in its own words, and what is about to happen."""
        self._told, self._asked, self._answered = guide, "", ""
        self.say("")
        self.say(self._in("1;36", f"━━ {guide}"))
        for line in textwrap.wrap(told, WIDTH - 3):
            self.say(f"   {line}")

    def called(self, service: str, method: str, path: str, status: int, milliseconds: float, answer: str = "") -> None:
        """A request that was made. What it answered is shown only if the step does not hold."""
        self._asked, self._answered = f"{service}, {method} {path}", f"{status} {answer}".strip()
        mark = self._in("32" if status < 400 else "33", str(status))
        self._row(f"   → {service:<15}{method:<7}{path}", f"{mark} {milliseconds:6.0f} ms")

    def arrived(self, what: str, milliseconds: float) -> None:
        """An effect that was waited for."""
        self._row(f"   ⇢ {what}", self._in("35", f"after {milliseconds:5.0f} ms"))

    def shows(self, *lines: str) -> None:
        """What came back, in a few words."""
        for line in lines:
            for part in textwrap.wrap(line, WIDTH - 8) or [""]:
                self.say(f"       {part}")

    def holds(self, condition: object, promise: str) -> None:
        """A promise of the guide or the contract. Raises PromiseBroken when it does not hold."""
        if not condition:
            raise PromiseBroken(promise)
        self.held += 1
        self.say(f"   {self._in('32', '✓')} {promise}")

    def end(self, broken: str | None) -> None:
        """The last line."""
        self.say("")
        if broken is None:
            self.say(self._in("1;32", f"Every step held: {self.held} promises kept."))
        else:
            self.say(self._in("1;31", f"A step did not hold: {broken}"))
            facts = {"step": self._told, "last asked": self._asked, "answered": self._answered, "logs": self.logs}
            for name, fact in facts.items():
                if fact:
                    self.say(f"   {name + ':':<12}{fact}")

    def _row(self, left: str, right: str) -> None:
        """Two columns; where the left one is too long, the right one stands below its end."""
        *above, last = textwrap.wrap(left, WIDTH, subsequent_indent=" " * 7)
        if len(last) > COLUMN:
            above, last = [*above, last], ""
        for line in [*above, f"{last:<{COLUMN}} {right}"]:
            self.say(line)

    def _in(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colour else text
