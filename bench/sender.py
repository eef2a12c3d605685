"""Mails a second through notifications' sender and its connections, beside bare aiosmtplib with prepared bytes."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

import aiosmtplib
from joserfc.jwk import KeySet
from uuid_utils.compat import uuid7

from bench.measuring import AGENCY, now, own_folder, say, table
from chassis import keys
from chassis.bell import Bell
from chassis.database import Pool, create_pool
from chassis.keys import Keyring
from chassis.migrations import migrate
from chassis.sealing import Sealer
from chassis.work import Actor, Origin, Unit
from contracts.agency import Agency, load
from contracts.notifications import VerificationCodeContents, VerificationCodeMail
from local import ROOT, Problem
from local.ports import free_ports
from local.postgres import Postgres
from local.processes import Processes
from services.notifications.composing.composition import Composer, Message
from services.notifications.mails import handlers
from services.notifications.mails.domain import PRIORITIES, Attempt, HandedBack
from services.notifications.sending.hosts import Access, MailHosts
from services.notifications.sending.sender import Sender
from services.notifications.settings import HostAddress
from services.notifications.suppressions.checking import SuppressionList
from services.notifications.tools import Tools

MAILS = 5_000
CONNECTIONS = 16
TURNS = 3  # of floor and figure, one after the other
PORTION = 500  # requests of one intake
LOOK_EVERY = 0.02  # seconds between two looks at the table
PATIENCE = 300.0  # seconds for one turn
AIM = "aim: 0.5 of the floor"
BENCH = Actor("service", "bench")
URGENT = PRIORITIES["urgent"]


@dataclass(frozen=True)
class Ground:
    """What everything here runs on."""

    dsn: str
    smtp_port: int


@dataclass(frozen=True)
class Pace:
    """Mails `a_second`, and what each took of a core in this process, in ms: that tells less of the neighbours."""

    a_second: float
    core_ms: float


class Stopwatch:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self._begun, self._core = time.perf_counter(), time.process_time()

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.perf_counter() - self._begun

    def pace(self, count: int) -> Pace:
        """Of so many mails until now."""
        return Pace(count / self.seconds, (time.process_time() - self._core) * 1000 / count)


def run(small: bool) -> None:
    """Measure, and print one table."""
    with own_folder() as folder, _ground(folder) as ground:
        asyncio.run(_measure(ground, MAILS // 10 if small else MAILS))


@contextmanager
def _ground(folder: Path) -> Iterator[Ground]:
    """A durable database and a mail host, each a process of its own."""
    processes = Processes()
    [port] = free_ports(1)
    postgres = Postgres(folder / "postgres", port, folder / "postgres.log", durable=True, processes=processes)
    sink = subprocess.Popen([sys.executable, "-m", "bench.sink"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        postgres.start()
        dsn = postgres.create_database("notifications", "notifications")
        asyncio.run(migrate(dsn, ROOT / "services" / "notifications" / "migrations"))
        assert sink.stdout is not None
        yield Ground(dsn, int(sink.stdout.readline()))
    finally:
        sink.terminate()
        sink.communicate()
        processes.stop_all()


async def _measure(ground: Ground, count: int) -> None:
    agency = load(ROOT / "agencies" / AGENCY)
    keyring = keys.generate("notifications")
    pool = await create_pool(ground.dsn, 10, "bench")
    unit = _unit(pool, agency, keyring, ground.smtp_port)
    intake: list[float] = []
    bare: list[Pace] = []
    sent: list[Pace] = []
    try:
        for turn in range(TURNS):
            say(f"turn {turn + 1}: bare aiosmtplib, then the sender")
            intake.append(await _take_in(unit, count))
            bare.append(await _bare(ground, await _prepared(unit), count))
            sent.append(await _send(unit, count))
    finally:
        await pool.close()
    table(
        f"{count:,} mails over {CONNECTIONS} connections, a second ({AIM})",
        ("min", "median", "max"),
        [
            ("sender: claimed, opened, composed, sent, recorded", _shown([pace.a_second for pace in sent])),
            ("floor: bare aiosmtplib, prepared bytes", _shown([pace.a_second for pace in bare])),
            (
                "of the floor, turn by turn",
                _shown([ours.a_second / theirs.a_second for ours, theirs in zip(sent, bare, strict=True)], 2),
            ),
            ("beside: ms of a core for each mail, sender", _shown([pace.core_ms for pace in sent], 2)),
            ("beside: ms of a core for each mail, floor", _shown([pace.core_ms for pace in bare], 2)),
            (f"beside: requests taken in, {PORTION} at once", _shown(intake)),
        ],
    )


def _shown(values: list[float], decimals: int = 0) -> list[str]:
    return [f"{value:,.{decimals}f}" for value in (min(values), median(values), max(values))]


def _unit(pool: Pool, agency: Agency, keyring: Keyring, smtp_port: int) -> Unit[Tools]:
    """The service as its worker runs it, without the doors and the relay."""
    mails, outbox = Bell(pool, "mails"), Bell(pool, "outbox")
    mails.answered_here = outbox.answered_here = True
    tools = Tools(
        composer=Composer(agency),
        support=agency.profile.support_email,
        sealer=Sealer(keyring, KeySet(list(keyring.sealing))),
        mail_hosts=MailHosts([HostAddress("127.0.0.1", smtp_port)], Access(), CONNECTIONS),
        mails=mails,
        suppressions=SuppressionList(pool, keyring),
    )
    origin = Origin("notifications", "urn:mandat:bench", agency.version, "", agency.profile.zone, now, uuid7)
    return Unit(pool, tools, origin, outbox)


def _request(unit: Unit[Tools]) -> VerificationCodeMail:
    delivery_id = uuid7()
    contents = VerificationCodeContents(address=f"{delivery_id}@bench.example", given_name="Démo", code="471592")
    return VerificationCodeMail(
        recipient_id=uuid7(), delivery_id=delivery_id, handle=str(delivery_id), language="fr", priority="urgent",
        expires_at=now() + timedelta(hours=1), deduplication_id=str(delivery_id), minutes=10,
        sealed=unit.tools.sealer.seal("notifications", contents),
    )  # fmt: skip


async def _take_in(unit: Unit[Tools], count: int) -> float:
    """Requests a second into the table; sealing them is not counted."""
    portions = [[_request(unit) for _ in range(min(PORTION, count - start))] for start in range(0, count, PORTION)]
    watch = Stopwatch()
    for portion in portions:
        await unit.run(handlers.accept, portion, BENCH)
    return watch.pace(count).a_second


async def _prepared(unit: Unit[Tools]) -> Message:
    """One of the mails, as the sender composes it."""
    [mail] = await handlers.take(unit, handlers.Take({URGENT: 1}, frozenset()))
    await unit.run(handlers.conclude, (Attempt(mail, HandedBack()),), BENCH)
    composer = unit.tools.composer
    return composer.compose(mail, unit.tools.sealer.open(mail.sealed, composer.contents(mail.kind)), now())


async def _bare(ground: Ground, message: Message, count: int) -> Pace:
    """The pace of aiosmtplib alone: the same bytes again and again, over as many connections."""
    numbers = iter(range(count))

    async def carry(client: aiosmtplib.SMTP) -> None:
        for _ in numbers:
            await client.sendmail(message.sender, [message.recipient], message.content)

    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                aiosmtplib.SMTP(hostname="127.0.0.1", port=ground.smtp_port, use_tls=False, start_tls=False)
            )
            for _ in range(CONNECTIONS)
        ]
        watch = Stopwatch()
        await asyncio.gather(*map(carry, clients))
        return watch.pace(count)


async def _send(unit: Unit[Tools], count: int) -> Pace:
    """The pace from the sender's start until every mail is recorded as sent."""
    async with unit.pool.acquire() as looking:
        watch = Stopwatch()
        sending = asyncio.create_task(Sender(unit).run())
        while await looking.fetchval("select exists (select from mails where due_at is not null)"):
            if watch.seconds > PATIENCE:
                raise Problem("Not every mail was sent: see the sender's lines above.")
            await asyncio.sleep(LOOK_EVERY)
        pace = watch.pace(count)
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
    return pace
