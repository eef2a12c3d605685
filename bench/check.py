"""The access check over HTTP at 1 and at 16 callers, with 5 million rights and with the demo data, beside one SELECT
behind a bare server.

The demo data stand in the stack's own database. The 5 million rights stand in another one of the same PostgreSQL, with
a process of the service's gateway of its own, which trusts the stack's tokens.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from bench.callers import Target, ask, request
from bench.measuring import own_stack, percentile, say, table
from bench.people import Cast, gather_cast, import_members
from bench.population import SMALL, Population, Size, fill
from chassis.migrations import migrate
from contracts.agency import load
from local import ROOT, Problem
from local.child import answers
from local.ports import free_ports
from local.stack import Stack

CALLERS = (1, 16)
ROUNDS = 3  # floor and checks by turns, so that a bad moment of the machine meets all; one more before, not counted
SECONDS = 2.0  # of one turn
QUESTIONS = 2_000  # different ones, asked by turns
DELEGATED = "monthly_report"
AIM = "aim of issue 5: 4,500 a second at 16 callers"
MIGRATIONS = ROOT / "services" / "authorizations" / "migrations"

# Delegations of everything that are in force today with everything they hang on; drawn by their ids.
IN_FORCE = """
select b.account_id, r.organization_id from relations r
join bindings b on b.contact_id = r.holder_id
join relations m on m.relation_id = r.membership and upper_inf(m.recorded) and m.ended_at is null
join relations t on t.relation_id = r.through and upper_inf(t.recorded) and t.ended_at is null
join statuses s on s.owner_id = r.organization_id and s.active
where r.holder_organization_id = $1 and r.all_rights and upper_inf(r.recorded) and r.ended_at is null
    and r.valid @> current_date
    and exists (select from rights h where h.relation_id = r.through and h.subject = $2
        and upper_inf(h.recorded) and h.ended_at is null)
order by md5(r.relation_id::text) limit $3
"""


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
    """Fill, measure, and print one table."""
    with own_stack() as stack:
        import_members(stack, 1)
        dsn = stack.postgres.create_database("large", "authorizations")
        people = asyncio.run(_fill(dsn, SMALL if small else Size()))
        say(f"\n{people.rights:,} rights in force or ended, filled in {people.seconds:.0f} s.")
        measure(stack, dsn, people.firm, SECONDS / 10 if small else SECONDS)


def measure(stack: Stack, dsn: str, firm: Any, seconds: float) -> None:
    """The checks in a filled database, those with the demo data, and the floor."""
    cast = asyncio.run(_cast(stack))
    targets = {
        "floor, one SELECT behind a bare server": _bare(stack, dsn),
        "the check, 5 million rights": asyncio.run(_large(stack, dsn, firm, cast)),
        "the check, demo data": questions(
            stack.ports.gateway("authorizations"), cast, [cast.question(cast.members[0])]
        ),
    }
    floor, *_ = targets
    rows = []
    for callers in CALLERS:
        found = {name: Measured() for name in targets}
        for turn in range(1 + ROUNDS):
            for name, target in targets.items():
                _load(target, callers, seconds, found[name] if turn else Measured())
        named = f"{callers} caller{'s' if callers > 1 else ''}"
        rows += [(f"{named}: {name}", _cells(found[name], found[floor])) for name in targets]
    table(f"Access check, by HTTP ({AIM})", ("a second", "of the floor", "p50 ms", "p99 ms"), rows)


def questions(port: int, cast: Cast, asked: Iterable[Mapping[str, Any]]) -> Target:
    """Questions whose answer is yes, asked by the machine."""
    headers = {"Authorization": f"Bearer {cast.machine.access_token}", "Content-Type": "application/json"}
    made = [request("POST", "/access/v1/evaluation", headers, json.dumps(one).encode()) for one in asked]
    return Target(port, made, b'"decision":true')


async def _fill(dsn: str, size: Size) -> Population:
    await migrate(dsn, MIGRATIONS)
    subjects = load(ROOT / "agencies" / "ccq").subjects
    delegable = [code for code, subject in subjects.items() if subject.delegable]
    return await fill(dsn, size, delegable, [code for code in subjects if code not in delegable])


async def _cast(stack: Stack) -> Cast:
    async with httpx.AsyncClient(timeout=20) as http:
        return await gather_cast(stack, http, 1)


async def _large(stack: Stack, dsn: str, firm: Any, cast: Cast) -> Target:
    """Yeses by delegation, the longest chain there is, of as many members and clients as there are questions."""
    connection = await asyncpg.connect(dsn)
    try:
        found: Sequence[Any] = await connection.fetch(IN_FORCE, firm, DELEGATED, QUESTIONS)
    finally:
        await connection.close()
    port, operations = list(free_ports(2))
    told = {
        "MANDAT_DATABASE_URL": dsn,
        "MANDAT_GATEWAY_PORT": str(port),
        "MANDAT_OPERATIONS_PORT": str(operations),
    }
    child = stack.processes.start(
        "The gateway of the large database",
        [sys.executable, "-m", "services.authorizations", "api"],
        stack.logs / "large.log",
        env=stack.environment("authorizations") | told,
        cwd=ROOT,
    )
    asked = (
        {
            "subject": {"type": "account", "id": str(row["account_id"])},
            "action": {"name": "write"},
            "resource": {"type": DELEGATED, "id": str(row["organization_id"])},
        }
        for row in found
    )
    target = questions(port, cast, asked)
    child.wait_until(lambda: _says_yes(target), 120)
    return target


def _says_yes(target: Target) -> bool:
    """Whether the first question is answered: the gateway has started, and has its issuer's keys."""
    try:
        return len(ask(target, 1, lambda number: number > 0)) == 1
    except (OSError, Problem):
        return False


def _bare(stack: Stack, dsn: str) -> Target:
    [port] = free_ports(1)
    child = stack.processes.start(
        "The bare server",
        [sys.executable, "-m", "bench.bare", str(port)],
        stack.logs / "bare.log",
        env={"BENCH_DATABASE_URL": dsn},
        cwd=ROOT,
    )
    child.wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), 10)
    return Target(port, [request("GET", "/")], b'"employer"')


def _load(target: Target, callers: int, seconds: float, measured: Measured) -> None:
    began = time.time()
    found = ask(target, callers, lambda _: time.time() >= began + seconds)
    measured.seconds += time.time() - began
    measured.latencies += [(answer.answered_at - answer.asked_at) * 1000 for answer in found]


def _cells(measured: Measured, floor: Measured) -> list[str]:
    share = f"{measured.rate / floor.rate:.2f}" if measured is not floor else ""
    latencies = [f"{percentile(measured.latencies, percent):.1f}" for percent in (50, 99)]
    return [f"{measured.rate:,.0f}", share, *latencies]
