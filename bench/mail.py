"""From the commit of a registration to the end of SMTP DATA, beside the same mail sent straight to the same inbox."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
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
from bench.topics import everything_on
from contracts.cloudevents import read_envelope
from contracts.topics import NOTIFICATIONS_REQUESTS
from local import Problem
from local.stack import Stack

RATES = (
    (1, 60),
    (5, 200),
)  # registrations a second, and how many; with the warm-up far below the network's 1,000 an hour
WARM_UP = 10  # registrations that are not counted: they open connections and fill caches
PATIENCE = 15.0  # seconds for the last mail to arrive
AIM = "aim: p50 under 60 ms, p99 under 250 ms"

IN_NOTIFICATIONS = """
select event_id, applied_at, pg_xact_commit_timestamp(xmin) as kept_at from inbox where event_id = any($1::uuid[])
"""


@dataclass(frozen=True)
class Asked:
    """One registration: to whom its mail goes, and when the 202 had arrived."""

    registration_id: str
    address: str
    answered_at: datetime


@dataclass(frozen=True)
class Travelled:
    """The instants of one mail's way, in their order."""

    committed: datetime
    sent: datetime
    claimed: datetime
    kept: datetime
    data_ended: datetime


class Registrations:
    """Registers people who differ by their address, and sends the same mail straight to the inbox."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient, straight: aiosmtplib.SMTP, terms: str) -> None:
        """`straight` is connected."""
        self._stack = stack
        self._http = http
        self._straight = straight
        self._terms = terms
        self._count = 0
        self.sample = b""
        self._sender = ""

    async def register(self) -> Asked:
        """One registration of an address that nobody has."""
        self._count += 1
        address = f"person-{self._count}@bench.example"
        body = {
            "email": address,
            "password": "quatre mésanges au verger",
            "given_name": "Démo",
            "family_name": "Mesure",
            "language": "fr",
            "terms_version": self._terms,
        }
        answer = await self._http.post(f"{self._stack.gateway('accounts')}/v1/registrations", json=body)
        answered_at = now()
        if answer.status_code != 202:
            raise Problem(f"A registration answered {answer.status_code}: {answer.text[:300]}")
        return Asked(answer.json()["registration_id"], address, answered_at)

    async def send_straight(self) -> tuple[str, datetime]:
        """The bytes of a mail that arrived, over a warm connection. Returns its address and when it was begun."""
        self._count += 1
        address = f"straight-{self._count}@bench.example"
        begun = now()
        await self._straight.sendmail(self._sender, [address], self.sample)
        return address, begun

    async def arrivals(self, since: datetime, count: int) -> dict[str, datetime]:
        """Address → the end of DATA, of the mails since an instant; waits until there are so many."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            mails = await self._mails(since)
            if len(mails) >= count:
                return {mail["to"][0]: datetime.fromisoformat(mail["received_at"]) for mail in mails}
            if asyncio.get_running_loop().time() > deadline:
                raise Problem(f"Only {len(mails)} of {count} mails arrived within {PATIENCE:.0f} seconds.")
            await asyncio.sleep(0.5)

    async def warm_up(self) -> None:
        """Registers a few, and keeps the bytes of a mail that arrived."""
        since = now()
        for _ in range(WARM_UP):
            await self.register()
            await asyncio.sleep(0.2)
        await self.arrivals(since, WARM_UP)
        newest = (await self._mails(since))[-1]
        self._sender = newest["from"]
        self.sample = (self._stack.folder / "outside" / "mails" / f"{newest['id']}.eml").read_bytes()
        for _ in range(WARM_UP):
            await self.send_straight()

    async def _mails(self, since: datetime) -> list[dict[str, Any]]:
        answer = await self._http.get(f"{self._stack.inbox}/mails", params={"since": since.isoformat()})
        found: list[dict[str, Any]] = answer.json()
        return found


def run(small: bool) -> None:
    """Measure, and print a table per rate."""
    with own_stack() as stack:
        asyncio.run(_measure(stack, small))


async def _measure(stack: Stack, small: bool) -> None:
    straight = aiosmtplib.SMTP(hostname="127.0.0.1", port=stack.ports.smtp, use_tls=False, start_tls=False)
    async with httpx.AsyncClient(timeout=20) as http, straight:
        terms = await http.get(f"{stack.gateway('accounts')}/v1/terms")
        registrations = Registrations(stack, http, straight, terms.json()["version"])
        await registrations.warm_up()
        say(f"\nThe mail has {len(registrations.sample):,} bytes.")
        for rate, count in RATES:
            async with bare_commits(stack, "accounts") as commit:
                await _at_rate(stack, registrations, commit, rate, count // 10 if small else count)


async def _at_rate(
    stack: Stack, registrations: Registrations, commit: Callable[[], Awaitable[float]], rate: int, count: int
) -> None:
    """Begin registrations at fixed instants, whatever became of the earlier ones; straight mails go between them."""
    loop, since = asyncio.get_running_loop(), now()
    began = loop.time()
    asking, begun, flushes = [], {}, []
    for number in range(count):
        await asyncio.sleep(began + number / rate - loop.time())
        asking.append(asyncio.create_task(registrations.register()))
        await asyncio.sleep(began + (number + 0.5) / rate - loop.time())
        address, instant = await registrations.send_straight()
        begun[address] = instant
        flushes.append(await commit())
    asked = await asyncio.gather(*asking)
    arrived = await registrations.arrivals(since, 2 * count)
    travelled = await _ways(stack, asked, arrived)
    commit_side = [milliseconds(way.committed, way.data_ended) for way in travelled]
    floor = [milliseconds(instant, arrived[address]) for address, instant in begun.items()]
    table(
        f"{rate} a second, in ms ({AIM})",
        SHOWN,
        [
            ("registration committed → DATA ended", spread(commit_side)),
            ("floor: the same mail sent straight", spread(floor)),
            ("times the floor", times_the_floor(commit_side, floor)),
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
