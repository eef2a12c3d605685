"""A mail host that does as it is told, with everything it took."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

Answer = Callable[[Envelope], str]


def _takes(_: Envelope) -> str:
    return "250 2.0.0 OK"


@dataclass
class Host:
    """An SMTP server. `answers` decides what comes back after DATA, `unwelcome` whom RCPT refuses."""

    answers: Answer = _takes
    taken: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    unwelcome: set[str] = field(default_factory=set)
    connections: int = 0
    port: int = 0
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, on the same port as before."""
        loop = asyncio.get_running_loop()

        def protocol() -> SMTP:
            self.connections += 1
            return SMTP(self, hostname="localhost", loop=loop)

        self._server = await loop.create_server(protocol, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more."""
        assert self._server is not None
        self._server.close()

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """What aiosmtpd calls for a recipient."""
        if address in self.unwelcome:
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """What aiosmtpd calls with a whole mail."""
        answer = self.answers(envelope)
        if answer.startswith("2"):
            content: Any = envelope.content
            async with self._arrived:
                self.taken.append(BytesParser(policy=policy.default).parsebytes(content))
                self.recipients.append(list(envelope.rcpt_tos))
                self._arrived.notify_all()
        return answer

    async def took(self, count: int) -> list[EmailMessage]:
        """Wait until so many mails have arrived."""
        async with asyncio.timeout(10), self._arrived:
            await self._arrived.wait_for(lambda: len(self.taken) >= count)
        return self.taken


def part(mail: EmailMessage, subtype: str) -> str:
    """The text or the HTML of a mail."""
    body = mail.get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")
