"""500 registrations, 16 at a time: accepted and mails a second, and the last mail after the last 202."""

import asyncio
import time
from collections.abc import Sequence

import aiosmtplib
import httpx

from bench.measuring import SHOWN, milliseconds, own_stack, say, spread, table
from bench.registering import Asked, Registrations
from local.stack import Stack

COUNT, AT_ONCE = 500, 16
WARM_UP = 20
COLUMNS = ("accepted/s", "mails/s", "last mail after last 202, ms")
AIM = "aim: the last mail within 1 s of the last 202"


def run(small: bool) -> None:
    """Once without the password's hash, once as people get it."""
    count = COUNT // 10 if small else COUNT
    rows = []
    for label, hashed in (("without the password hash", False), ("as it is, with Argon2id", True)):
        with own_stack(hashed=hashed) as stack:
            rows += asyncio.run(_measure(stack, label, count))
    table(f"{count} registrations, {AT_ONCE} at a time ({AIM})", COLUMNS, rows)


async def _measure(stack: Stack, label: str, count: int) -> list[tuple[str, Sequence[str]]]:
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with httpx.AsyncClient(timeout=30, limits=limits) as http:
        registrations = await Registrations.on(stack, http)
        sample = await registrations.warm_up(WARM_UP)
        asked = await _side_by_side(registrations, count)
        arrived = await registrations.arrivals([one.address for one in asked])
        begun, last_answer = min(one.begun_at for one in asked), max(one.answered_at for one in asked)
        last_mail = max(arrived[one.address] for one in asked)
        say(f"\n{label}: 202 answered → DATA ended, ms")
        waits = [milliseconds(one.answered_at, arrived[one.address]) for one in asked]
        say(f"  {', '.join(SHOWN)}: {', '.join(spread(waits))}")
        floor = await _straight(stack, sample, count)
    return [
        (
            label,
            (
                f"{count / milliseconds(begun, last_answer) * 1000:.0f}",
                f"{count / milliseconds(begun, last_mail) * 1000:.0f}",
                f"{max(0.0, milliseconds(last_answer, last_mail)):.0f}",
            ),
        ),
        ("  floor: the mails alone, sent straight", ("–", f"{floor:.0f}", "–")),
    ]


async def _side_by_side(registrations: Registrations, count: int) -> list[Asked]:
    left, asked = iter(range(count)), []

    async def caller() -> None:
        for _ in left:
            asked.append(await registrations.register())

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return asked


async def _straight(stack: Stack, sample: dict[str, str], count: int) -> float:
    """Mails a second, the same bytes over as many warm connections as notifications has."""
    content = (stack.folder / "outside" / "mails" / f"{sample['id']}.eml").read_bytes()
    left = iter(range(count))

    async def carry() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=stack.ports.smtp, use_tls=False, start_tls=False) as line:
            for number in left:
                await line.sendmail(sample["from"], [f"straight-{number}@floor.example"], content)

    began = time.perf_counter()
    await asyncio.gather(*(carry() for _ in range(4)))
    return count / (time.perf_counter() - began)
