"""Where reports come back to: an LMTP and SMTP server in the worker, for the mail host beside us.

It answers 250 when what a report says stands in the database, and 451 when it could not be written: then the host
keeps the report and comes again. Nothing is queued here.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from chassis.database import COLLISIONS, neighbour_failed
from chassis.work import Actor, Unit
from services.notifications import metrics
from services.notifications.bounces import handlers, reports
from services.notifications.bounces.handlers import Effect, TakeReport
from services.notifications.bounces.reports import Complained, Failed, Finding, Ignored, Report
from services.notifications.bounces.return_path import ReturnPath
from services.notifications.tools import Tools

log = structlog.get_logger()
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's: it repeats what callers say, with addresses

LARGEST_REPORT = 256 * 1024  # bytes; our mails have some 20 KB, and a report quotes one at most
MOST_CONNECTIONS = 16  # at once, each with one report in hand: more wait outside (421)
CONVERSATION = 60.0  # seconds for a command and its answer, for DATA with the whole report

TAKEN = "250 2.0.0 OK"
TAKE_LATER = "451 4.3.0 cannot be recorded now, come again"
NOT_HERE = "550 5.1.1 no such address here"
ONE_AT_A_TIME = "452 4.5.3 one recipient at a time"  # each report is about one mail; LMTP wants an answer for each
TOO_MANY = b"421 4.3.2 too many connections, come again\r\n"

HOST = Actor("mail_host", "bounces")


class BounceServer:
    """Listens until it is stopped. aiosmtpd calls the methods handle_…."""

    def __init__(self, unit: Unit[Tools], return_path: ReturnPath, host: str, port: int) -> None:
        """`port` 0 takes any; `self.port` then tells which, once it is open."""
        self._unit = unit
        self._return_path = return_path
        self._host = host
        self.port = port
        self.open: set[_Conversation] = set()
        self._server: asyncio.Server | None = None
        self._reading = asyncio.Lock()  # in a thread and one at a time: one that is hard to read holds up no mail

    async def run(self) -> None:
        """Serve until cancelled. What is in hand then is broken off: without 250 the mail host comes again."""
        await self.start()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.stop()

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._server = await asyncio.get_running_loop().create_server(self._admit, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        log.info("bounce server open", port=self.port)

    def stop(self) -> None:
        """Listen no more, and end every conversation."""
        if self._server is not None:
            self._server.close()
        for conversation in list(self.open):
            if conversation.transport is not None:
                conversation.transport.close()

    def _admit(self) -> asyncio.Protocol:
        return _TurnedAway() if len(self.open) >= MOST_CONNECTIONS else _Conversation(self)

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Sequence[str]
    ) -> str:
        """A recipient: the envelope sender of one of our mails, or where feedback loops write to."""
        if envelope.rcpt_tos:
            return ONE_AT_A_TIME
        if self._return_path.read(address) is None and not self._return_path.is_without_token(address):
            metrics.REPORTS.labels("forged").inc()
            return NOT_HERE
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """A whole report."""
        content = envelope.original_content or b""
        async with self._reading:
            report = await asyncio.to_thread(reports.read, content)
        delivery_id = self._mail(envelope.rcpt_tos[0], report)
        if isinstance(report.finding, Ignored) or delivery_id is None:
            metrics.REPORTS.labels(_named(report.finding, delivery_id)).inc()
            return TAKEN
        try:
            taken = await self._unit.run(handlers.take_report, TakeReport(delivery_id, report.finding), HOST)
        except Exception as error:
            if not (isinstance(error, COLLISIONS) or neighbour_failed(error)):
                raise
            log.warning("report waits for the database", error=type(error).__name__)
            return TAKE_LATER
        effect = taken.outcome
        named = _named(report.finding, delivery_id) if effect is Effect.APPLIED else effect.value
        metrics.REPORTS.labels(named).inc()
        log.info("report taken", delivery_id=str(delivery_id), finding=named)
        return NOT_HERE if effect is Effect.UNKNOWN else TAKEN

    async def handle_exception(self, error: Exception) -> str:
        """A fault of ours must not cost a report: aiosmtpd would answer 500."""
        log.error("report not taken", exc_info=error)
        return TAKE_LATER

    def _mail(self, recipient: str, report: Report) -> UUID | None:
        """The mail that a report is about: the recipient names it, or the complaint of a feedback loop quotes it."""
        found = (self._return_path.read(address) for address in (recipient, *report.return_paths))
        return next((delivery_id for delivery_id in found if delivery_id is not None), None)


def _named(finding: Finding, delivery_id: UUID | None) -> str:
    match finding:
        case Ignored(why):
            return why
        case _ if delivery_id is None:
            return "nameless"
        case Failed():
            return "failed"
        case Complained():
            return "complaint"


class _Conversation(SMTP):
    """One connection. Greets LMTP (LHLO) as well as SMTP (EHLO): with one recipient the rest is the same (RFC 2033)."""

    line_length_limit = LARGEST_REPORT  # reports quote lines longer than they should be

    def __init__(self, server: BounceServer) -> None:
        super().__init__(
            server,
            data_size_limit=LARGEST_REPORT,
            hostname="localhost",
            ident="Mandat bounces",
            timeout=CONVERSATION,
            loop=asyncio.get_running_loop(),
        )
        self._server = server

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, arg: str) -> None:
        """LMTP's greeting."""
        await self.smtp_EHLO(arg)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        self._server.open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Count it no more."""
        self._server.open.discard(self)
        super().connection_lost(error)


class _TurnedAway(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: Any) -> None:
        """Say so and hang up."""
        transport.write(TOO_MANY)
        transport.close()
