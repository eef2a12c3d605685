"""A mail host that does as it is told, with everything it took."""

import asyncio
import contextlib
import ssl
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from enum import Enum
from typing import Any, Literal, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from services.notifications.sending.hosts import Patience
from tests.fixtures.patience import PATIENCE

Answer = Callable[[Envelope], str]
Step = Literal["mail", "rcpt", "data", "message"]


class Fault(Enum):
    """What a host may do instead of answering."""

    DROP = "hang up"
    SILENCE = "not answer until `speak` is called"


def _takes(_: Envelope) -> str:
    return "250 2.0.0 OK"


@dataclass
class Host:
    """An SMTP server. `answers` decides what comes back after DATA, `unwelcome` whom RCPT refuses.

    `acts` says what happens at a step of every conversation instead: an answer, or a fault. "data" is the command,
    "message" what follows it; a message that was answered by a fault was taken. With `certificate` it speaks TLS at
    once, or after STARTTLS; with `passwords` nobody else may name a sender. With `dsn` it hears what reports shall be
    like (RFC 3461), which are `wishes`; without, it refuses a sender that has any. With `pipelining` it offers to read
    commands ahead (RFC 2920), and `ahead` counts those that came with the one before them.
    """

    answers: Answer = _takes
    taken: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    senders: list[str | None] = field(default_factory=list)
    unwelcome: set[str] = field(default_factory=set)
    acts: dict[Step, str | Fault] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    certificate: ssl.SSLContext | None = None
    tls: Literal["none", "starttls", "tls"] = "none"
    passwords: Mapping[str, str] | None = None
    dsn: bool = False
    pipelining: bool = True
    wishes: list[str] = field(default_factory=list)
    signed_in: int = 0
    ahead: int = 0
    connections: int = 0
    port: int = field(kw_only=True)
    silent: int = 0
    deadlines: list[asyncio.Timeout] = field(default_factory=list)
    _speaks: asyncio.Event = field(default_factory=asyncio.Event)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    _server: asyncio.Server | None = None
    _open: set[SMTP] = field(default_factory=set)

    async def start(self) -> None:
        """Listen, on the same port as before."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connection, "127.0.0.1", self.port, ssl=self.certificate if self.tls == "tls" else None
        )

    async def stop(self) -> None:
        """Listen no more, and hang up."""
        assert self._server is not None
        self._server.close()
        for connection in self._open:
            _hang_up(connection)
        self._open.clear()

    def speak(self) -> None:
        """Answer at last, from now on always."""
        self.acts = {step: act for step, act in self.acts.items() if act is not Fault.SILENCE}
        self._speaks.set()

    async def reached(self, step: Step, times: int = 1) -> None:
        """Wait until conversations have come so far."""
        async with asyncio.timeout(PATIENCE):
            while self.steps.count(step) < times:
                await asyncio.sleep(0.005)

    def _connection(self) -> SMTP:
        self.connections += 1
        with warnings.catch_warnings(category=UserWarning, action="ignore"):  # it does not see TLS from the first byte
            connection = _Connection(
                self,
                hostname="localhost",
                loop=asyncio.get_running_loop(),
                tls_context=self.certificate if self.tls == "starttls" else None,
                authenticator=self._sign_in if self.passwords is not None else None,
                auth_required=self.passwords is not None,
                auth_require_tls=self.tls == "starttls",
            )
        self._open.add(connection)
        return connection

    def _sign_in(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword) and self.passwords is not None
        success = self.passwords.get(data.login.decode()) == data.password.decode()
        self.signed_in += success
        return AuthResult(success=success, handled=False)

    async def act(self, step: Step, server: SMTP) -> str | None:
        """The answer at a step, or None to go on as usual."""
        self.steps.append(step)
        act = self.acts.get(step)
        if act is Fault.DROP:
            _hang_up(server)
            await asyncio.Event().wait()  # until aiosmtpd finds the connection lost and ends this
        if act is Fault.SILENCE:
            await self._fall_silent()
        return act if isinstance(act, str) else None

    async def _fall_silent(self) -> None:
        self.silent += 1
        for deadline in self.deadlines:
            with contextlib.suppress(RuntimeError):  # one that is over
                deadline.reschedule(asyncio.get_running_loop().time() + MOMENT)
        try:
            await self._speaks.wait()
        finally:
            self.silent -= 1

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """What aiosmtpd calls for a greeting."""
        session.host_name = hostname
        offered = [*(["250-DSN"] if self.dsn else []), *(["250-PIPELINING"] if self.pipelining else [])]
        return [*responses[:-1], *offered, responses[-1]]

    async def handle_MAIL(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """What aiosmtpd calls for a sender."""
        if (answer := await self.act("mail", server)) is not None:
            return answer
        envelope.mail_from, envelope.mail_options = address, options
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """What aiosmtpd calls for a recipient."""
        if (answer := await self.act("rcpt", server)) is not None:
            return answer
        if address in self.unwelcome:
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        """What aiosmtpd calls with a whole mail."""
        answer = self.answers(envelope)
        if self.acts.get("message") is Fault.DROP:
            await self._take(envelope)
        if (told := await self.act("message", server)) is not None:
            return told
        if answer.startswith("2"):
            await self._take(envelope)
        return answer

    async def _take(self, envelope: Envelope) -> None:
        content: Any = envelope.content
        async with self._arrived:
            self.taken.append(BytesParser(policy=policy.default).parsebytes(content))
            self.recipients.append(list(envelope.rcpt_tos))
            self.senders.append(envelope.mail_from)
            self._arrived.notify_all()

    async def took(self, count: int) -> list[EmailMessage]:
        """Wait until so many mails have arrived."""
        async with asyncio.timeout(PATIENCE), self._arrived:
            await self._arrived.wait_for(lambda: len(self.taken) >= count)
        return self.taken


MOMENT = 0.3  # seconds


@dataclass(frozen=True)
class PatienceWithSilence(Patience):
    """Waits a moment for a host that does not answer, and for ever for one whose answer takes its time."""

    host: Host = field(kw_only=True)

    def to_open(self) -> asyncio.Timeout:
        """See Patience."""
        return self._deadline()

    def to_transfer(self, seconds: float) -> asyncio.Timeout:
        """See Patience."""
        return self._deadline()

    def _deadline(self) -> asyncio.Timeout:
        is_silent = self.host.silent and Fault.SILENCE in self.host.acts.values()
        deadline = asyncio.timeout(MOMENT if is_silent else None)
        self.host.deadlines.append(deadline)
        return deadline


def _hang_up(connection: SMTP) -> None:
    if connection.transport is not None:
        cast(asyncio.Transport, connection.transport).abort()


class _Connection(SMTP):
    def data_received(self, data: bytes) -> None:
        assert isinstance(self.event_handler, Host)
        self.event_handler.ahead += max(0, data.count(b"\r\n") - 1) if data.startswith(b"MAIL FROM") else 0
        super().data_received(data)

    async def smtp_MAIL(self, arg: str) -> None:
        host = self.event_handler
        assert isinstance(host, Host)
        path, *parameters = arg.split(" ")
        if host.dsn:
            host.wishes += [each for each in parameters if each.startswith("RET=")]
            parameters = [each for each in parameters if not each.startswith("RET=")]
        await super().smtp_MAIL(" ".join((path, *parameters)))

    async def smtp_DATA(self, arg: str) -> None:
        host = self.event_handler
        assert isinstance(host, Host)
        answer = await host.act("data", self)
        await (super().smtp_DATA(arg) if answer is None else self.push(answer))


def part(mail: EmailMessage, subtype: str) -> str:
    """The text or the HTML of a mail."""
    body = mail.get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")
