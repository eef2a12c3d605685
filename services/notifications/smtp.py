"""The way to the mail host: persistent connections, and one pause for everybody while it cannot be reached.

Whatever fails before a recipient is named is the host's fault, or our settings', and no mail pays for it; whatever
fails after that is about this one mail.
"""

import asyncio
import random
import re
import socket
from dataclasses import dataclass
from typing import Literal

import aiosmtplib
import structlog
from aiosmtplib import SMTPException, SMTPResponseException

from services.notifications import metrics
from services.notifications.composition import Letter
from services.notifications.domain import Refused, TryLater
from services.notifications.settings import NotificationsSettings

log = structlog.get_logger()

# Our host is a relay that answers in milliseconds, so these are far below the minutes of RFC 5321, 4.5.3.2.
OPENING = 15.0  # seconds to connect, greet, secure, sign in and name the sender
TRANSFER = 30.0  # seconds from naming the recipient to the host's answer after DATA
FIRST_PAUSE = 0.5  # seconds, doubled each time the host is still away
LONGEST_PAUSE = 15.0  # seconds: a one-time code lives 10 minutes
ENHANCED_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")  # RFC 2034, 4: it begins the text of the answer
CONNECTION_LOST = "4.4.2"  # RFC 3463: bad connection

TRANSPORT_FAILURES = (SMTPException, OSError, TimeoutError)


class HostUnavailable(Exception):
    """The mail host cannot be reached or refuses to work with us. The message names no address."""


@dataclass(frozen=True)
class MailHost:
    """Where our mails go, and how. The password is not shown."""

    host: str
    port: int
    connections: int
    tls: Literal["none", "starttls", "tls"]
    username: str | None
    password: str | None

    @classmethod
    def of(cls, settings: NotificationsSettings) -> "MailHost":
        """The host that the settings name."""
        password = settings.smtp_password
        return cls(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_connections,
            settings.smtp_tls,
            settings.smtp_username,
            None if password is None else password.get_secret_value(),
        )

    def __repr__(self) -> str:
        return f"MailHost({self.host}:{self.port}, {self.tls})"

    def client(self) -> aiosmtplib.SMTP:
        """A connection, not yet made. Deadlines are ours, one for opening and one for a transfer."""
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.tls == "tls",
            start_tls=self.tls == "starttls",
            username=self.username,
            password=self.password,
            local_hostname=socket.gethostname(),
            timeout=None,
        )


class Availability:
    """Whether the mail host may be tried; shared by all connections, so that its absence costs one back-off."""

    def __init__(self) -> None:
        self._pause = 0.0
        self._until = 0.0

    @property
    def seconds_to_wait(self) -> float:
        """How long everybody still waits; 0 when the host may be tried."""
        return max(0.0, self._until - asyncio.get_running_loop().time())

    @property
    def on_trial(self) -> bool:
        """Whether the host failed when it was last tried: then one mail tries it for all."""
        return self._pause > 0

    def failed(self, reason: str) -> None:
        """The host could not be reached. Several failures of one moment count once."""
        if self.seconds_to_wait:
            return
        self._pause = min(self._pause * 2, LONGEST_PAUSE) if self._pause else FIRST_PAUSE
        self._until = asyncio.get_running_loop().time() + self._pause * random.uniform(0.75, 1.25)
        metrics.HOST_UNAVAILABLE.set(1)
        log.warning("mail host unavailable, everybody waits", reason=reason, seconds=self._pause)

    def answered(self) -> None:
        """The host works with us."""
        log.info("mail host available again")
        self._pause = self._until = 0.0
        metrics.HOST_UNAVAILABLE.set(0)


class Line:
    """One persistent connection; carries one mail at a time."""

    def __init__(self, host: MailHost) -> None:
        self._client = host.client()

    async def send(self, letter: Letter, seconds: float) -> TryLater | Refused | None:
        """Bring a letter to the host within so many seconds of naming its recipient. None when it was taken.

        Raises HostUnavailable before the recipient is named, never after.
        """
        await self._open(letter.sender)
        data_begun = False
        try:
            async with asyncio.timeout(min(seconds, TRANSFER)):
                await self._client.rcpt(letter.recipient)
                data_begun = True
                await self._client.data(letter.message)
        except SMTPResponseException as answer:
            await self._reset()
            return _refusal(answer.code, answer.message)
        except TRANSPORT_FAILURES:
            self._client.close()
            metrics.MAYBE_TWICE.inc(data_begun)
            return TryLater(CONNECTION_LOST)
        return None

    async def close(self) -> None:
        """Say goodbye, if anybody listens."""
        if self._client.is_connected:
            try:
                async with asyncio.timeout(1):
                    await self._client.quit()
            except TRANSPORT_FAILURES:
                pass
        self._client.close()

    async def _open(self, sender: str) -> None:
        """Begin a mail. A connection that the host has closed meanwhile is made anew, once."""
        try:
            async with asyncio.timeout(OPENING):
                if self._client.is_connected:
                    try:
                        await self._client.mail(sender)
                        return
                    except SMTPException:
                        self._client.close()
                await self._client.connect()
                await self._client.mail(sender)
        except TRANSPORT_FAILURES as error:
            self._client.close()
            raise HostUnavailable(_named(error)) from None

    async def _reset(self) -> None:
        try:
            async with asyncio.timeout(OPENING):
                await self._client.rset()
        except TRANSPORT_FAILURES:
            self._client.close()


def _refusal(code: int, message: str) -> TryLater | Refused:
    """The host's answer to one mail: 4xx passes, 5xx stays (RFC 5321, 4.2.1). Its text may name the person: dropped."""
    found = ENHANCED_STATUS.match(message)
    permanent = 500 <= code < 600
    status = found.group() if found else f"{5 if permanent else 4}.0.0"
    return Refused(status) if permanent else TryLater(status)


def _named(error: BaseException) -> str:
    code = f" {error.code}" if isinstance(error, SMTPResponseException) else ""
    return f"{type(error).__name__}{code}"
