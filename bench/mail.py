"""From the POST of a registration to the end of SMTP DATA, beside the same mail sent straight to the same inbox.

Without the password's hash, which costs the same whoever carries the mail.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import aiosmtplib
import asyncpg
import httpx

from bench.measuring import (
    SHOWN,
    bare_commits,
    commits,
    milliseconds,
    now,
    own_stack,
    say,
    spread,
    table,
    times_the_floor,
)
from bench.registering import Asked, Registrations
from bench.topics import everything_on
from contracts.cloudevents import read_envelope
from contracts.topics import NOTIFICATIONS_REQUESTS
from local.stack import Stack

RATES = (
    (1, 60),
    (5, 200),
)  # registrations a second, and how many; with the warm-up far below the network's 1,000 an hour
WARM_UP = 10  # registrations that are not counted: they open connections and fill caches
AIM = "aim at 1 a second, from the POST: p50 under 30 ms, p99 under 100 ms"

IN_NOTIFICATIONS = """
select event_id, applied_at, pg_xact_commit_timestamp(xmin) as kept_at from inbox where event_id = any($1::uuid[])
"""


@dataclass(frozen=True)
class Travelled:
    """The instants of one mail's way, in their order."""

    committed: datetime
    sent: datetime
    claimed: datetime
    kept: datetime
    data_ended: datetime


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
    since, flushes = now(), []

    async def between() -> None:
        await straight.send()
        flushes.append(await commit())

    asked = await registrations.at_rate(rate, count, between)
    arrived = await registrations.arrivals(since, 2 * count)
    travelled = await _ways(stack, asked, arrived)
    commit_side = [milliseconds(way.committed, way.data_ended) for way in travelled]
    whole_way = [milliseconds(one.begun_at, arrived[one.address]) for one in asked]
    floor = [milliseconds(instant, arrived[address]) for address, instant in straight.begun.items()]
    table(
        f"{rate} a second, in ms ({AIM})",
        SHOWN,
        [
            ("POST begun → DATA ended", spread(whole_way)),
            ("registration committed → DATA ended", spread(commit_side)),
            ("floor: the same mail sent straight", spread(floor)),
            ("times the floor", times_the_floor(whole_way, floor)),
            ("beside: one empty commit", spread(flushes)),
            ("202 answered → DATA ended", spread([milliseconds(a.answered_at, arrived[a.address]) for a in asked])),
            ("hop: committed → relay sends", spread([milliseconds(w.committed, w.sent) for w in travelled])),
            ("hop: sent → claimed by notifications", spread([milliseconds(w.sent, w.claimed) for w in travelled])),
            ("hop: claimed → kept, committed", spread([milliseconds(w.claimed, w.kept) for w in travelled])),
            ("hop: kept → DATA ended", spread([milliseconds(w.kept, w.data_ended) for w in travelled])),
        ],
    )


async def _ways(stack: Stack, asked: Sequence[Asked], arrived: dict[str, datetime]) -> list[Travelled]:
    """Put together, afterwards, what the databases and the topic remember of each registration's mail."""
    committed = await commits(stack, "accounts", "registration_accepted", [found.registration_id for found in asked])
    requests = {
        json.loads(held.record.value).get("replaces"): (read_envelope(held.record.headers).id, held.sent_at)
        for held in await everything_on(stack.kafka.servers, NOTIFICATIONS_REQUESTS)
    }
    events: dict[str, tuple[UUID, datetime]] = {
        found.registration_id: requests[f"verification:{found.registration_id}"] for found in asked
    }
    connection = await asyncpg.connect(stack.postgres.url("notifications"))
    try:
        rows = await connection.fetch(IN_NOTIFICATIONS, [event_id for event_id, _ in events.values()])
    finally:
        await connection.close()
    kept = {row["event_id"]: (row["applied_at"], row["kept_at"]) for row in rows}
    return [
        Travelled(committed[one.registration_id], sent_at, *kept[event_id], arrived[one.address])
        for one in asked
        for event_id, sent_at in [events[one.registration_id]]
    ]
