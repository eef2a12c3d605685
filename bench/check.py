"""The access check over HTTP at 1 and at 16 callers, beside one SELECT behind a bare server."""

import asyncio
import json
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from bench.measuring import own_stack, percentile, table
from bench.people import gather_cast, import_members
from local import ROOT, Problem
from local.child import answers
from local.ports import free_ports
from local.stack import Stack

CALLERS = (1, 16)
ROUNDS = 3  # floor and check by turns, so that a bad moment of the machine meets both; one more before, not counted
SECONDS = 2.0  # of one turn
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
AIM = "aim of issue 5: 4,500 a second at 16 callers"


@dataclass(frozen=True)
class Target:
    """One request, always the same bytes, and what every answer must contain."""

    port: int
    request: bytes
    expected: bytes

    @classmethod
    def of(
        cls, port: int, method: str, path: str, expected: bytes, headers: Mapping[str, str] = {}, body: bytes = b""
    ) -> "Target":
        """A request of HTTP/1.1 on a connection that stays open."""
        shown = {"Host": f"127.0.0.1:{port}", "Content-Length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in shown.items())
        return cls(port, f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body, expected)


@dataclass
class Measured:
    """Latencies in ms, and the seconds they took together."""

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


def run(small: bool) -> None:
    """Measure, and print one table."""
    with own_stack() as stack:
        import_members(stack, 1)
        check, bare = asyncio.run(_check(stack)), _bare(stack)
        seconds = SECONDS / 10 if small else SECONDS
        rows = []
        for callers in CALLERS:
            for warmed in (bare, check):
                asyncio.run(_load(warmed, callers, seconds, Measured()))
            found = {"check": Measured(), "bare": Measured()}
            for _ in range(ROUNDS):
                asyncio.run(_load(bare, callers, seconds, found["bare"]))
                asyncio.run(_load(check, callers, seconds, found["check"]))
            named = f"{callers} caller{'s' if callers > 1 else ''}"
            rows.append((f"{named}: the check", _cells(found["check"], found["bare"])))
            rows.append((f"{named}: floor, one SELECT behind a bare server", _cells(found["bare"])))
        table(f"Access check, by HTTP ({AIM})", ("a second", "of the floor", "p50 ms", "p99 ms"), rows)


async def _check(stack: Stack) -> Target:
    """A yes by delegation, the longest chain there is."""
    async with httpx.AsyncClient(timeout=20) as http:
        cast = await gather_cast(stack, http, 1)
    body = json.dumps(cast.question(cast.members[0])).encode()
    headers = {"Authorization": f"Bearer {cast.machine.access_token}", "Content-Type": "application/json"}
    port = stack.ports.gateway("authorizations")
    return Target.of(port, "POST", "/access/v1/evaluation", b'"decision":true', headers, body)


def _bare(stack: Stack) -> Target:
    port = next(free_ports(1))
    child = stack.processes.start(
        "The bare server",
        [sys.executable, "-m", "bench.bare", str(port)],
        stack.logs / "bare.log",
        env={"BENCH_DATABASE_URL": stack.postgres.url("authorizations")},
        cwd=ROOT,
    )
    child.wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), 10)
    return Target.of(port, "GET", "/", b'"employer"')


async def _load(target: Target, callers: int, seconds: float, measured: Measured) -> None:
    """Each caller asks again as soon as it is answered, on one connection of its own."""
    began = time.perf_counter()
    await asyncio.gather(*(_ask(target, began + seconds, measured.latencies) for _ in range(callers)))
    measured.seconds += time.perf_counter() - began


async def _ask(target: Target, until: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    try:
        while (begun := time.perf_counter()) < until:
            writer.write(target.request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            if target.expected not in body:
                raise Problem(f"An unexpected answer: {(head + body)[:300]!r}")
            latencies.append((time.perf_counter() - begun) * 1000)
    finally:
        writer.close()


def _cells(measured: Measured, floor: Measured | None = None) -> list[str]:
    share = f"{measured.rate / floor.rate:.2f}" if floor else ""
    latencies = [f"{percentile(measured.latencies, percent):.1f}" for percent in (50, 99)]
    return [f"{measured.rate:,.0f}", share, *latencies]
