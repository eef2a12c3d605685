"""A mail host that can be told to misbehave, in a process of its own. It remembers every mail it took and every
connection that broke.

`python -m tests.faults.mail_host --smtp-port … --control-port …`; on 127.0.0.1, unless `--host` says otherwise.
PUT /mode/NAME changes how it behaves, GET /mails?to=ADDRESS shows one person's mails, GET /taken and GET /broken are
for the checker, GET /dropped says how many mails it took without saying so.
"""

import argparse
import asyncio
import email
import email.policy
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from enum import StrEnum
from typing import Any

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

HOST = "127.0.0.1"
SLOWNESS = 0.7
"""Seconds from the end of DATA to the answer, while slow: many times what a relay takes, far below any patience."""


class Mode(StrEnum):
    """How the host behaves."""

    NORMAL = "normal"
    SLOW = "slow"
    REFUSES = "refuses"  # nobody listens, and open connections end
    DROPS = "drops"  # takes the mail, and breaks the connection instead of saying so
    DEFERS = "defers"  # answers 451 to every mail


@dataclass(frozen=True)
class Taken:
    """One mail that the host keeps, whether or not it `answered`. `received_at` is when its data had ended."""

    message_id: str
    to: str
    connection: int
    received_at: datetime
    answered: bool
    message: EmailMessage = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        part = self.message.get_body(("plain",))
        return {
            "message_id": self.message_id,
            "to": self.to,
            "connection": self.connection,
            "received_at": self.received_at.isoformat(),
            "answered": self.answered,
            "subject": str(self.message["subject"] or ""),
            "text": part.get_content() if isinstance(part, EmailMessage) else "",
        }


@dataclass
class MailHost:
    """What the host has seen, and how it behaves now."""

    mode: Mode = Mode.NORMAL
    taken: list[Taken] = field(default_factory=list)
    broken: dict[int, datetime] = field(default_factory=dict)
    dropped: set[tuple[str, str]] = field(default_factory=set)
    open: set["Door"] = field(default_factory=set)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.mode is Mode.DEFERS:
            return "451 4.3.2 Not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd when the data of a mail have ended."""
        assert isinstance(server, Door)
        now = datetime.now(UTC)
        message = email.message_from_bytes(envelope.original_content or b"", policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        answers = self.mode is not Mode.DROPS
        for address in envelope.rcpt_tos:
            taken = Taken(str(message["message-id"]), address, server.number, now, answers, message)
            self.taken.append(taken)
            if not answers:
                self.dropped.add((taken.message_id, address))
        match self.mode:
            case Mode.DROPS:
                server.abort()
            case Mode.SLOW:
                await asyncio.sleep(SLOWNESS)
        return "250 2.0.0 Kept"

    async def handle_QUIT(self, server: SMTP, _session: Session, _envelope: Envelope) -> str:
        assert isinstance(server, Door)
        server.polite = True
        return "221 Bye"


class Door(SMTP):
    """One connection. It broke unless it ended with QUIT."""

    def __init__(self, host: MailHost) -> None:
        super().__init__(host, hostname="localhost", ident="A mail host", enable_SMTPUTF8=True)
        self.number = next(host.numbers)
        self.polite = False
        self._host = host

    def abort(self) -> None:
        """Break the connection: what was not yet said is not said."""
        assert isinstance(self.transport, asyncio.Transport)
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._host.open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._host.open.discard(self)
        if not self.polite:
            self._host.broken[self.number] = datetime.now(UTC)
        super().connection_lost(error)


async def serve(smtp_port: int, control_port: int, address: str = HOST) -> None:
    """Serves both until the process is told to stop."""
    host, loop = MailHost(), asyncio.get_running_loop()

    async def listen() -> asyncio.Server:
        return await loop.create_server(lambda: Door(host), address, smtp_port)

    listening: list[asyncio.Server] = [await listen()]

    async def change(request: Request) -> Response:
        host.mode = Mode(request.path_params["mode"])
        if host.mode is Mode.REFUSES:
            while listening:
                listening.pop().close()
            for door in list(host.open):
                door.abort()
        elif not listening:
            listening.append(await listen())
        return Response(status_code=204)

    async def mails(request: Request) -> Response:
        wanted = request.query_params["to"]
        return JSONResponse([mail.as_json() for mail in host.taken if mail.to == wanted])

    async def taken(_request: Request) -> Response:
        return JSONResponse([mail.as_json() for mail in host.taken])

    async def broken(_request: Request) -> Response:
        return JSONResponse({number: at.isoformat() for number, at in host.broken.items()})

    async def dropped(_request: Request) -> Response:
        return JSONResponse(len(host.dropped))

    control = Starlette(
        routes=[
            Route("/mode/{mode}", change, methods=["PUT"]),
            Route("/mails", mails),
            Route("/taken", taken),
            Route("/broken", broken),
            Route("/dropped", dropped),
        ]
    )
    server = uvicorn.Server(
        uvicorn.Config(control, host=address, port=control_port, log_level="warning", timeout_graceful_shutdown=2)
    )
    await server.serve()
    for one in listening:
        one.close()


def main(arguments: Sequence[str]) -> None:
    """Runs the process."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mail_host", description=__doc__)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--control-port", type=int, required=True)
    parser.add_argument("--host", default=HOST)
    options = parser.parse_args(arguments)
    asyncio.run(serve(options.smtp_port, options.control_port, options.host))


if __name__ == "__main__":
    main(sys.argv[1:])
