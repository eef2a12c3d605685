"""Carries a schedule out: breaks, mends, and starts again whatever ended, as an orchestrator would."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from local.kafka import START_TIMEOUT, Kafka
from local.postgres import Postgres
from tests.faults.embedded import MEMBERS, Embedded
from tests.faults.evidence import Place
from tests.faults.mail_host import Mode
from tests.faults.repeating import send_again
from tests.faults.schedule import MAIL_HOST, RECORDS, TELLERS, WORK, Fault

BACK_OFF = 2.0
"""Seconds before a process that ended by itself, as it may while its database is away, is started again."""

NEEDED = {RECORDS: ("kafka",), WORK: ("postgres", *TELLERS)}
"""What must be up, and stay so, while something is done. It is waited for as long as its own start may take."""

UP_AGAIN = START_TIMEOUT
"""Seconds that a fault waits for its target, which another has broken, to be up again; then it is left out."""

TO_DROP, COME = 6, 45.0
"""Mails that a host which drops them takes before it is mended, and the seconds that it waits longer for them: each
comes again after a pause unless a newer one has replaced it, as a newer code replaces many."""

STEPS = {
    "import": "select coalesce(sum(next_portion), 0)::int from imports",
    "round": "select -count(*)::int from digests_waiting",
    "seal": "select -count(*)::int from audit_unsealed",
    "claim": "select count(*)::int from claims where decided_at is not null",
    "batch": "select coalesce(sum(linking_code_generation), 0)::int from contacts",
}
"""Work of many transactions, and a number that rises with each."""

KILLS, BEGINS = 3, 10.0
"""How often such work is cut short, and for how many seconds its next step is waited for; then there was none."""

LOOK_EVERY = 0.1


@dataclass
class Damage:
    """What became of a schedule: a fault that was left out has proved nothing. `restarts` counts, by process, how
    often one was started again that had ended by itself; `sent_again` are the records that are not the platform's."""

    carried_out: list[Fault] = field(default_factory=list)
    left_out: list[Fault] = field(default_factory=list)
    restarts: Counter[str] = field(default_factory=Counter)
    sent_again: set[Place] = field(default_factory=set)

    def lines(self) -> list[str]:
        """The part of the report that says so."""
        done = Counter(f"{fault.target}: {fault.how}" for fault in self.carried_out)
        missed = Counter(
            f"{fault.target}: {fault.how}, left out: it was not up again, or met nothing" for fault in self.left_out
        )
        again = Counter({f"{name}: ended by itself, started again": count for name, count in self.restarts.items()})
        return [f"  {count:7,}  {what}" for counted in (done, missed, again) for what, count in sorted(counted.items())]


@dataclass
class Breaker(ABC):
    """Breaks one ground, one thing in one way at a time. What it did when stands in `log`."""

    log: Path
    damage: Damage = field(default_factory=Damage)
    turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @abstractmethod
    async def is_up(self, target: str) -> bool:
        """Whether something is there to be broken."""

    @abstractmethod
    async def break_and_mend(self, fault: Fault) -> bool:
        """Whether the fault met anything that it could break: a host that drops mails may be sent none."""

    async def carry_out(self, faults: Sequence[Fault]) -> None:
        """Break everything at its time; returns when all is mended."""
        began = asyncio.get_running_loop().time()

        async def one(fault: Fault) -> None:
            await asyncio.sleep(began + fault.at - asyncio.get_running_loop().time())
            if not await self._take_turns(fault.target):
                self.tell(f"{fault.target}: {fault.how} left out, it is not up again")
                self.damage.left_out.append(fault)
                return
            try:
                self.tell(f"{fault.target}: {fault.how}")
                met = await self.break_and_mend(fault)
                self.tell(f"{fault.target}: mended" + ("" if met else ", and had met nothing"))
                (self.damage.carried_out if met else self.damage.left_out).append(fault)
            finally:
                for target in _targets(fault.target):
                    self.turns[target].release()

        await asyncio.gather(*[one(fault) for fault in faults])

    async def _take_turns(self, target: str) -> bool:
        """Whether the target, and what it needs, are up and the caller's."""
        taken: list[str] = []
        for each in _targets(target):
            if not await self._take_turn(each, UP_AGAIN if each == target else START_TIMEOUT):
                for other in taken:
                    self.turns[other].release()
                return False
            taken.append(each)
        return True

    async def _take_turn(self, target: str, patience: float) -> bool:
        """Whether the target is up, and the caller's to break: who was told so gives the turn back."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while True:
                    await self.turns[target].acquire()
                    if await self.is_up(target):
                        return True
                    self.turns[target].release()
                    await asyncio.sleep(LOOK_EVERY)
        return False

    def tell(self, what: str) -> None:
        """Note something in the log."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')}  {what}\n")


class StackBreaker(Breaker):
    """Breaks the embedded stack, and starts again whatever ended by itself."""

    def __init__(self, ground: Embedded) -> None:
        super().__init__(ground.logs / "breaker.log")
        self.ground = ground

    async def keep_alive(self) -> None:
        """Start again what ended by itself, until cancelled."""
        while True:
            await asyncio.sleep(BACK_OFF)
            for member in MEMBERS:
                if self.turns[member.name].locked() or self.ground.child(member).running:
                    continue
                async with self.turns[member.name]:
                    self.damage.restarts[member.name] += 1
                    self.tell(f"{member.name}: ended by itself, started again")
                    await asyncio.to_thread(self.ground.launch, member)

    async def is_up(self, target: str) -> bool:
        """Whether the process runs, if it is one."""
        return all(self.ground.child(member).running for member in MEMBERS if member.name == target)

    async def break_and_mend(self, fault: Fault) -> bool:
        """Break something in its way, and mend it after its time."""
        met = True
        match fault.target, fault.how:
            case "kafka", how:
                await self._server(self.ground.kafka, how, fault.seconds)
            case "postgres", how:
                await self._server(self.ground.postgres, how, fault.seconds)
            case target, _ if target == RECORDS:
                self.damage.sent_again |= await send_again(self.ground.kafka_clients)
            case target, mode if target == MAIL_HOST:
                before = await asyncio.to_thread(self.ground.dropped)
                await asyncio.to_thread(self.ground.set_mail_host, Mode(mode))
                await asyncio.sleep(fault.seconds)
                if mode == Mode.DROPS:
                    met = await self._until_dropped(before + TO_DROP) > before
                await asyncio.to_thread(self.ground.set_mail_host, Mode.NORMAL)
            case target, how if target == WORK:
                await self._kill_amid(how, fault.seconds)
            case name, _:
                await self._kill(name, after=fault.seconds)
        return met

    async def _kill(self, *names: str, after: float) -> None:
        members = [member for member in MEMBERS if member.name in names]
        kill = self.ground.processes.kill
        await asyncio.gather(*(asyncio.to_thread(kill, self.ground.child(member)) for member in members))
        await asyncio.sleep(after)
        for member in members:
            await asyncio.to_thread(self.ground.launch, member)

    async def _kill_amid(self, work: str, seconds: float) -> None:
        """Kill whoever does it so many seconds after a step of it was seen, and again when it has gone on."""
        if work == "round":
            await self.ground.begin_day()
        for kills in range(KILLS):
            if not await self._step(STEPS[work]) and kills > 0:
                return
            await asyncio.sleep(seconds)
            await self._kill(*TELLERS, after=0.0)

    async def _step(self, number: str) -> bool:
        """Whether a number rose soon enough."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + BEGINS
        async with self.ground.connected("authorizations") as connection:
            before = await connection.fetchval(number)
            while (now := await connection.fetchval(number)) <= before and loop.time() < deadline:
                before = now
                await asyncio.sleep(0.003)
        return bool(now > before)

    async def _until_dropped(self, mails: int) -> int:
        """How many mails the host has dropped by then, or when patience ends."""
        dropped = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(COME):
                while (dropped := await asyncio.to_thread(self.ground.dropped)) < mails:
                    await asyncio.sleep(LOOK_EVERY)
        return dropped

    async def _server(self, server: Kafka | Postgres, how: str, seconds: float) -> None:
        await asyncio.to_thread(server.kill if how == "kill -9" else server.stop)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(server.start)


def _targets(target: str) -> tuple[str, ...]:
    return (target, *NEEDED.get(target, ()))
