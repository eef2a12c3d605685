"""Where reports come back to: an LMTP and SMTP server in the worker, for the mail host beside us.

It answers 250 when what a report says stands in the database, and 451 when it could not be written: then the host
keeps the report and comes again. Nothing is queued here.
"""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ParamSpec
from uuid import UUID

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from chassis.database import COLLISIONS, neighbour_failed
from chassis.work import Actor, Unit
from services.notifications import metrics
from services.notifications.bounces import handlers
from services.notifications.bounces.handlers import Effect, TakeReport
from services.notifications.bounces.reading import Reader
from services.notifications.bounces.reports import Complained, Failed, Finding, Ignored, Report
from services.notifications.bounces.return_path import ReturnPath
from services.notifications.tools import Tools

log = structlog.get_logger()
P = ParamSpec("P")

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's: it repeats what callers say, with addresses

LARGEST_REPORT = 256 * 1024  # bytes; our mails have some 20 KB, and a report quotes one at most
MOST_CONNECTIONS = 16  # at once, each with one report in hand: more wait outside (421)
CONVERSATION = 60.0  # seconds for a command and its answer, for DATA with the whole report
LONGEST_CONNECTION = 120.0  # seconds, whatever is said meanwhile; the mail host then opens another
MOST_HEARD = 64 * LARGEST_REPORT  # bytes of one connection; a line without end is heard out before it is refused
MOST_REPORTS = 500  # of one connection
MOST_COMMANDS = 50  # of each kind that brings no report: NOOP, RSET …
CALL_LIMITS = {"*": MOST_COMMANDS, "MAIL": MOST_REPORTS, "RCPT": MOST_REPORTS, "DATA": MOST_REPORTS}
MOST_FAULTS = 3  # commands of one connection that aiosmtpd chokes on

TAKEN = "250 2.0.0 OK"
TAKE_LATER = "451 4.3.0 cannot be recorded now, come again"
NOT_UNDERSTOOD = "501 5.5.2 not understood"
NOT_HERE = "550 5.1.1 no such address here"
ONE_AT_A_TIME = "452 4.5.3 one recipient at a time"  # each report is about one mail; LMTP wants an answer for each
TOO_MANY = b"421 4.3.2 too many connections, come again\r\n"

HOST = Actor("mail_host", "bounces")


def _never_loses(hook: Callable[P, Awaitable[str]]) -> Callable[P, Awaitable[str]]:
    """A fault of ours must not cost a report: the mail host comes again."""

    @functools.wraps(hook)
    async def answer(*args: P.args, **kwargs: P.kwargs) -> str:
        try:
            return await hook(*args, **kwargs)
        except Exception as error:
            log.error("report not taken", exc_info=error)
            return TAKE_LATER

    return answer


class BounceServer:
    """Listens until it is stopped. aiosmtpd calls the methods handle_…."""

    def __init__(
        self, unit: Unit[Tools], return_path: ReturnPath, host: str, port: int, *, feedback_loops: bool
    ) -> None:
        """`port` 0 takes any; `self.port` then tells which, once it is open. `feedback_loops`: whether complaints come
        to the address without a token.
        """
        self._unit = unit
        self._return_path = return_path
        self._host = host
        self.port = port
        self.open: set[_Conversation] = set()
        self._server: asyncio.Server | None = None
        self._feedback_loops = feedback_loops
        self._reader = Reader()

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
        self._reader.close()

    def _admit(self) -> asyncio.Protocol:
        return _TurnedAway() if len(self.open) >= MOST_CONNECTIONS else _Conversation(self)

    @_never_loses
    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Sequence[str]
    ) -> str:
        """A recipient: the envelope sender of one of our mails, or where feedback loops write to."""
        if envelope.rcpt_tos:
            return ONE_AT_A_TIME
        if self._return_path.read(address) is None and not self._is_feedback(address):
            metrics.REPORTS.labels("forged").inc()
            return NOT_HERE
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    @_never_loses
    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """A whole report."""
        report = await self._reader.read(envelope.original_content or b"")
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

    def _is_feedback(self, address: str) -> bool:
        return self._feedback_loops and self._return_path.is_without_token(address)

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
            command_call_limit=CALL_LIMITS,
            loop=asyncio.get_running_loop(),
        )
        self._server = server
        self._heard = 0
        self._faults = 0
        self._end: asyncio.TimerHandle | None = None

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, arg: str) -> None:
        """LMTP's greeting."""
        await self.smtp_EHLO(arg)

    async def handle_exception(self, error: Exception) -> str:
        """What aiosmtpd chokes on is the caller's fault: ours are answered where they happen."""
        self._faults += 1
        log.info("command not understood", error=type(error).__name__)
        if self._faults >= MOST_FAULTS and self.transport is not None:
            self.loop.call_soon(self.transport.close)  # after the answer
        return NOT_UNDERSTOOD

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        self._server.open.add(self)
        self._end = self.loop.call_later(LONGEST_CONNECTION, self._hang_up)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take so much, and no more."""
        self._heard += len(data)
        if self._heard > MOST_HEARD:
            self._hang_up()
        else:
            super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Count it no more."""
        self._server.open.discard(self)
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(error)

    def _hang_up(self) -> None:
        """At once, also on one who does not read our answers."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()


class _TurnedAway(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: Any) -> None:
        """Say so and hang up."""
        transport.write(TOO_MANY)
        transport.close()
