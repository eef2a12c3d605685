"""From the POST of a registration to the end of SMTP DATA, beside the same mail sent straight to the same inbox.

Without the password's hash, which costs the same whoever carries the mail.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import aiosmtplib
import httpx

from bench.hops import hop_rows, travelled
from bench.measuring import (
    SHOWN,
    bare_commits,
    milliseconds,
    now,
    own_stack,
    say,
    spread,
    table,
    times_the_floor,
)
from bench.registering import Registrations
from local.stack import Stack

RATES = (
    (1, 60),
    (5, 200),
)  # registrations a second, and how many; with the warm-up far below the network's 1,000 an hour
WARM_UP = 10  # registrations that are not counted: they open connections and fill caches
AIM = "aim at 1 a second, from the POST: p50 under 30 ms, p99 under 100 ms"


class Straight:
    """Sends the same mail straight to the inbox, over a warm connection."""

    def __init__(self, line: aiosmtplib.SMTP, sender: str, content: bytes) -> None:
        """`line` is connected."""
        self._line = line
        self._sender = sender
        self._content = content
        self._count = 0
        self.begun: dict[str, datetime] = {}

    async def send(self) -> None:
        """One mail, to an address of its own."""
        self._count += 1
        address = f"straight-{self._count}@bench.example"
        self.begun[address] = now()
        await self._line.sendmail(self._sender, [address], self._content)


def run(small: bool) -> None:
    """Measure, and print a table per rate."""
    with own_stack(hashed=False) as stack:
        asyncio.run(_measure(stack, small))


async def _measure(stack: Stack, small: bool) -> None:
    line = aiosmtplib.SMTP(hostname="127.0.0.1", port=stack.ports.smtp, use_tls=False, start_tls=False)
    async with httpx.AsyncClient(timeout=20) as http, line:
        registrations = await Registrations.on(stack, http)
        sample = await registrations.warm_up(WARM_UP)
        content = (stack.folder / "outside" / "mails" / f"{sample['id']}.eml").read_bytes()
        say(f"\nThe mail has {len(content):,} bytes.")
        warming = Straight(line, sample["from"], content)
        for _ in range(WARM_UP):
            await warming.send()
        for rate, count in RATES:
            straight = Straight(line, sample["from"], content)
            async with bare_commits(stack, "accounts") as commit:
                await _at_rate(stack, registrations, straight, commit, rate, count // 10 if small else count)


async def _at_rate(
    stack: Stack,
    registrations: Registrations,
    straight: Straight,
    commit: Callable[[], Awaitable[float]],
    rate: int,
    count: int,
) -> None:
    """Registrations at fixed instants; straight mails go between them."""
    flushes: list[float] = []

    async def between() -> None:
        await straight.send()
        flushes.append(await commit())

    asked = await registrations.at_rate(rate, count, between)
    arrived = await registrations.arrivals([one.address for one in asked])
    straightly = await registrations.received(list(straight.begun))
    ways = await travelled(stack, asked, arrived)
    whole_way = [way.whole for way in ways]
    floor = [milliseconds(instant, straightly[address]) for address, instant in straight.begun.items()]
    table(
        f"{rate} a second, in ms ({AIM})",
        SHOWN,
        [
            ("POST begun → DATA ended", spread(whole_way)),
            (
                "registration committed → DATA ended",
                spread([milliseconds(way.committed, way.data_ended) for way in ways]),
            ),
            ("floor: the same mail sent straight", spread(floor)),
            ("times the floor", times_the_floor(whole_way, floor)),
            ("beside: one empty commit", spread(flushes)),
            ("202 answered → DATA ended", spread([milliseconds(way.answered, way.data_ended) for way in ways])),
            *hop_rows(ways),
        ],
    )
