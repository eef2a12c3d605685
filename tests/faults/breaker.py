"""Carries a schedule out: breaks, mends, and starts again whatever ended, as an orchestrator would."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from local.kafka import Kafka
from local.postgres import Postgres
from local.stack import Member
from tests.faults.ground import MEMBERS, Ground
from tests.faults.mail_host import Mode
from tests.faults.schedule import MAIL_HOST, Fault

BACK_OFF = 2.0
"""Seconds before a process that ended by itself, as it may while its database is away, is started again."""


@dataclass
class Breaker:
    """Breaks one ground. What it did when stands in breaker.log beside the logs of the processes."""

    ground: Ground
    restarts: Counter[str] = field(default_factory=Counter)
    _down: set[Member] = field(default_factory=set)
    _turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def carry_out(self, faults: Sequence[Fault]) -> None:
        """Break everything at its time; returns when all is mended."""
        began = asyncio.get_running_loop().time()

        async def one(fault: Fault) -> None:
            await asyncio.sleep(began + fault.at - asyncio.get_running_loop().time())
            if self._turns[fault.target].locked():
                self._tell(f"{fault.target}: {fault.how} left out, it is not yet mended")
                return
            async with self._turns[fault.target]:
                self._tell(f"{fault.target}: {fault.how}")
                await self._break(fault)
                self._tell(f"{fault.target}: mended")

        await asyncio.gather(*[one(fault) for fault in faults])

    async def keep_alive(self) -> None:
        """Start again what ended by itself, until cancelled."""
        while True:
            await asyncio.sleep(BACK_OFF)
            for member in MEMBERS:
                if member not in self._down and not self.ground.child(member).running:
                    self.restarts[member.name] += 1
                    self._tell(f"{member.name}: ended by itself, started again")
                    await asyncio.to_thread(self.ground.launch, member)

    async def _break(self, fault: Fault) -> None:
        match fault.target, fault.how:
            case "kafka", how:
                await self._server(self.ground.kafka, how, fault.seconds)
            case "postgres", how:
                await self._server(self.ground.postgres, how, fault.seconds)
            case target, mode if target == MAIL_HOST:
                await asyncio.to_thread(self.ground.set_mail_host, Mode(mode))
                await asyncio.sleep(fault.seconds)
                await asyncio.to_thread(self.ground.set_mail_host, Mode.NORMAL)
            case name, _:
                member = next(member for member in MEMBERS if member.name == name)
                self._down.add(member)
                await asyncio.to_thread(self.ground.processes.kill, self.ground.child(member))
                await asyncio.sleep(fault.seconds)
                await asyncio.to_thread(self.ground.launch, member)
                self._down.discard(member)

    async def _server(self, server: Kafka | Postgres, how: str, seconds: float) -> None:
        await asyncio.to_thread(server.kill if how == "kill -9" else server.stop)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(server.start)

    def _tell(self, what: str) -> None:
        with (self.ground.logs / "breaker.log").open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')}  {what}\n")
