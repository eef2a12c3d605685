"""One persistent connection to a mail host, which carries one mail at a time.

Whatever fails before the host has taken the sender's name is the host's fault, or our settings', and no mail pays for
it: the next host takes it, or it waits. Whatever fails after that is about this one mail. A host that reads commands
ahead (RFC 2920) is sent sender, recipient and DATA at once, and its answers are weighed one by one all the same.
"""

import asyncio
import re
from collections.abc import Callable

import aiosmtplib
from aiosmtplib import (
    SMTPDataError,
    SMTPException,
    SMTPHeloError,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from services.notifications import metrics
from services.notifications.composing.composition import Message
from services.notifications.mails.domain import HandedBack, Refused, TryLater
from services.notifications.sending.hosts import TRANSPORT_FAILURES, HostUnavailable, MailHost, MailHosts
from services.notifications.sending.pipelining import EXTENSION, Pipeline

COMPLETED, WILL_FORWARD = 250, 251  # the host's answers, here and below: RFC 5321, 4.2.3
START_OF_MAIL = 354  # to DATA: now the message
CLOSING = 421  # the host hangs up after this answer
ENHANCED_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")  # RFC 2034, 4: it begins the text of the answer
CONNECTION_LOST = "4.4.2"  # RFC 3463: bad connection
DATA = "DATA"
HEADERS_ONLY = "RET=HDRS"  # RFC 3461, 4.3: a report of failure quotes no body, so that no code travels back
GOODBYE = 1.0  # seconds for QUIT, which nobody waits for


class Line:
    """A connection to the host that is to be preferred at the moment."""

    def __init__(self, hosts: MailHosts) -> None:
        """Opened with its first mail."""
        self._hosts = hosts
        self._host: MailHost | None = None
        self._client: aiosmtplib.SMTP | None = None
        self._pipeline: Pipeline | None = None

    async def send(
        self, message: Message, seconds: float, still_ours: Callable[[], bool]
    ) -> TryLater | Refused | HandedBack | None:
        """Bring a message to a host within so many seconds of naming its recipient. None when it was taken.

        `still_ours` is asked when nothing is left to do but to hand over the message: from there on the host may have
        it. Raises HostUnavailable before the host has taken the sender's name, never after.
        """
        client = await self._open(message)
        message_begun = False
        try:
            async with self._hosts.patience.to_transfer(seconds):
                if self._pipeline is None:
                    await _command(client, _recipient(message), COMPLETED, WILL_FORWARD)
                    await _command(client, DATA, START_OF_MAIL)
                else:
                    _expect(await self._pipeline.answer(), COMPLETED, WILL_FORWARD)
                    _expect(await self._pipeline.answer(), START_OF_MAIL)
                if not still_ours():
                    client.close()  # a message without its end is none (RFC 5321, 4.1.1.4)
                    return HandedBack()
                message_begun = True
                await _hand_over(client, message.content)
        except SMTPResponseException as answer:
            await self._reset(client, hung_up=answer.code == CLOSING, over=message_begun)
            return _refusal(answer.code, answer.message)
        except TRANSPORT_FAILURES:
            client.close()
            metrics.MAYBE_TWICE.inc(message_begun)
            return TryLater(CONNECTION_LOST)
        return None

    async def close(self) -> None:
        """Say goodbye, if anybody listens."""
        client, self._client = self._client, None
        if client is None:
            return
        if client.is_connected:
            try:
                async with asyncio.timeout(GOODBYE):
                    await client.quit()
            except TRANSPORT_FAILURES:
                pass
        client.close()

    async def _open(self, message: Message) -> aiosmtplib.SMTP:
        """Begin a mail at the first host that works."""
        while (host := self._hosts.working) is not None:
            try:
                async with self._hosts.patience.to_open():
                    return await self._begin_at(host, message)
            except TRANSPORT_FAILURES as error:
                if self._client is not None:
                    self._client.close()
                host.failed(error)
        raise HostUnavailable

    async def _begin_at(self, host: MailHost, message: Message) -> aiosmtplib.SMTP:
        """Begin a mail at this host. A connection that it has closed meanwhile is made anew, once."""
        client = self._client
        if client is not None and client.is_connected and self._host is host:
            try:
                await self._name_sender(client, message)
                return client
            except SMTPException:
                client.close()
        await self.close()
        self._host, self._client = host, host.client()
        await self._client.connect()
        await self._name_sender(self._client, message)
        return self._client

    async def _reset(self, client: aiosmtplib.SMTP, *, hung_up: bool, over: bool) -> None:
        """Make the connection ready for the next mail. `over`: the answer after the message has ended this one."""
        if hung_up:
            client.close()
        if hung_up or over:
            return
        try:
            async with self._hosts.patience.to_open():
                if self._pipeline is not None and START_OF_MAIL in await self._pipeline.rest():
                    client.close()  # it waits for a message that has no recipient
                    return
                await client.rset()
        except TRANSPORT_FAILURES:
            client.close()

    async def _name_sender(self, client: aiosmtplib.SMTP, message: Message) -> None:
        if client.is_ehlo_or_helo_needed:
            try:
                await client.ehlo()
            except SMTPHeloError:
                await client.helo()
        sender = f"MAIL FROM:<{message.sender}>{f' {HEADERS_ONLY}' if client.supports_extension('dsn') else ''}"
        if not client.supports_extension(EXTENSION):
            self._pipeline = None
            await _command(client, sender, COMPLETED)
            return
        if self._pipeline is None or not self._pipeline.serves(client):
            self._pipeline = Pipeline(client)
        self._pipeline.send(sender, _recipient(message), DATA)
        _expect(await self._pipeline.answer(), COMPLETED)


def _recipient(message: Message) -> str:
    return f"RCPT TO:<{message.recipient}>"


async def _command(client: aiosmtplib.SMTP, command: str, *expected: int) -> None:
    """A command as it stands: its address was checked when the mail was composed, and needs no quoting.

    Raises SMTPResponseException when the answer is none of those that are expected.
    """
    _expect(await client.execute_command(command.encode("ascii")), *expected)


def _expect(answer: SMTPResponse, *expected: int) -> None:
    if answer.code not in expected:
        raise SMTPResponseException(answer.code, answer.message)


async def _hand_over(client: aiosmtplib.SMTP, message: bytes) -> None:
    """The message, whose lines end with CRLF, and its end; a period that begins a line is doubled (RFC 5321, 4.5.2).

    aiosmtplib's own `data` does this and the command before it in one, which hides whether the host may have it.
    """
    if client.protocol is None:
        raise SMTPServerDisconnected("the host hung up after DATA")
    client.protocol.write(message.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    answer = await client.protocol.read_response()
    if not 200 <= answer.code < 300:
        raise SMTPDataError(answer.code, answer.message)


def _refusal(code: int, message: str) -> TryLater | Refused:
    """The host's answer to one mail: 4xx passes, 5xx stays (RFC 5321, 4.2.1). Its text may name the person: dropped."""
    found = ENHANCED_STATUS.match(message)
    permanent = 500 <= code < 600
    status = found.group() if found else f"{5 if permanent else 4}.0.0"
    return Refused(status) if permanent else TryLater(status)
