"""Which faults come when: a pure function of a seed, so that a run can be repeated."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from contracts.notifications import Feature
from tests.faults.embedded import MEMBERS
from tests.faults.mail_host import Mode

PROCESSES = tuple(member.name for member in MEMBERS)
SERVERS = ("kafka", "postgres")
MAIL_HOST = "mail-host"
RECORDS = "records"
WORK = "authorizations' work"
TELLERS = ("authorizations-worker", "authorizations-worker-2")
"""Who does it: the workers of the service whose work takes many transactions."""


@dataclass(frozen=True)
class Fault:
    """`how` something is broken, `at` seconds after the load began, and for how many `seconds`."""

    at: float
    target: str
    how: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.at:7.1f} s  {self.target:<24}{self.how:<8} for {self.seconds:4.1f} s"


@dataclass(frozen=True)
class Breakage:
    """One way to break one thing, and the shortest and longest time until it is mended."""

    target: str
    how: str
    shortest: float
    longest: float


EVERY_WAY = (
    *(Breakage(name, "kill -9", 0.0, 2.0) for name in PROCESSES),
    *(Breakage(server, how, 0.5, 3.0) for server in SERVERS for how in ("stop", "kill -9")),
    *(Breakage(MAIL_HOST, mode.value, 2.0, 5.0) for mode in Mode if mode is not Mode.NORMAL),
    Breakage(RECORDS, "again", 0.0, 0.0),
    *(Breakage(WORK, amid, 0.0, 0.02) for amid in ("import", "round", "claim")),
)

NEEDED_FOR: Mapping[str, Feature] = {"batch": "linking_coordinates", "claim": "organization_code"}
"""Amid which work only those are killed who have it to do."""

LONG_WAYS = (
    *EVERY_WAY,
    *(Breakage(WORK, amid, 0.0, 0.02) for amid in ("seal", "batch")),
    Breakage(MAIL_HOST, Mode.REFUSES.value, 62.0, 72.0),
)
"""With more: nobody listens for longer than a one-time code of a long run is good, so that codes expire unsent."""


def ways_of(features: Collection[Feature], ways: Sequence[Breakage]) -> Sequence[Breakage]:
    """Those that can break something of an agency which has these features."""
    return [way for way in ways if NEEDED_FOR.get(way.how) in {None, *features}]


DENSE, LOOSE = (0.4, 1.9), (0.5, 6.5)
"""Shortest and longest time (seconds) from one fault to the next: every way once in 22 s, or in a minute. A long run
leaves people time to come through between two faults of what they need."""

REST = {False: 1.0, True: 6.0}
"""Seconds that something must have been whole before it is broken again; a server takes some to come up."""


def plan(
    seed: int, seconds: float, ways: Sequence[Breakage] = EVERY_WAY, between: tuple[float, float] = LOOSE
) -> Sequence[Fault]:
    """The faults of a run: every way to break something once before any comes a second time, by time.

    One thing is broken in one way at a time; several things may be broken at once. All are mended by the end.
    """
    chance = random.Random(seed)
    faults: list[Fault] = []
    at, busy_until = chance.uniform(0.5, 1.5), dict.fromkeys((way.target for way in ways), 0.0)
    waiting: list[Breakage] = []
    while at < seconds:
        waiting = waiting or chance.sample(ways, len(ways))
        way = next((way for way in waiting if busy_until[way.target] <= at), None)
        if way is not None:
            waiting.remove(way)
            lasts = chance.uniform(way.shortest, way.longest)
            faults.append(Fault(round(at, 2), way.target, way.how, round(min(lasts, max(0.0, seconds - at)), 2)))
            busy_until[way.target] = at + lasts + REST[way.target in SERVERS]
        at += chance.uniform(*between)
    return faults
