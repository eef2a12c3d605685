"""The mail hosts in order of preference: which of them works, and what tells when one is back."""

import asyncio
import contextlib
import random
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import aiosmtplib
import structlog
from aiosmtplib import SMTPException, SMTPResponseException

from chassis.settings import read_secret
from services.notifications import metrics
from services.notifications.settings import HostAddress, NotificationsSettings

log = structlog.get_logger()

FIRST_PAUSE = 0.5  # seconds, doubled each time a host is still away
LONGEST_PAUSE = 15.0  # seconds: a one-time code lives 10 minutes
LOOK = 0.25  # seconds between looks whether an absent host's pause is over

TRANSPORT_FAILURES = (SMTPException, OSError, TimeoutError)


class HostUnavailable(Exception):
    """No mail host can be reached, or none works with us."""


@dataclass(frozen=True)
class Access:
    """How we come to a host: over TLS or not, who vouches for its certificate, how we sign in. No password is shown.

    A password that stands in a file is read for each connection.
    """

    tls: Literal["none", "starttls", "tls"] = "none"
    context: ssl.SSLContext | None = None
    username: str | None = None
    password: str | Path | None = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: NotificationsSettings) -> "Access":
        """What the settings say. Raises OSError, ssl.SSLError among them, when the CA file cannot be read."""
        return cls(
            settings.smtp_tls,
            None if settings.smtp_tls == "none" else ssl.create_default_context(cafile=settings.smtp_ca_file),
            settings.smtp_username,
            settings.smtp_password_file
            if settings.smtp_password is None
            else settings.smtp_password.get_secret_value(),
        )

    def __repr__(self) -> str:
        return f"Access({self.tls})"

    def client(self, address: HostAddress) -> aiosmtplib.SMTP:
        """A connection to be made once. Deadlines are the line's, one for opening and one for a transfer.

        Raises OSError when the password's file cannot be read.
        """
        return aiosmtplib.SMTP(
            hostname=address.name,
            port=address.port,
            use_tls=self.tls == "tls",
            start_tls=self.tls == "starttls",
            tls_context=self.context,
            username=self.username,
            password=read_secret(self.password) if isinstance(self.password, Path) else self.password,
            local_hostname=socket.gethostname(),
            timeout=None,
        )


@dataclass(frozen=True)
class Patience:
    """How long a host may take, in seconds.

    It is a relay that answers in milliseconds, so this is far below the minutes of RFC 5321, 4.5.3.2.
    """

    opening: float = 10.0  # to connect, greet, secure, sign in and name the sender
    transfer: float = 30.0  # from naming the recipient to the answer after DATA

    def to_open(self) -> asyncio.Timeout:
        """The deadline of an opening that begins now."""
        return asyncio.timeout(self.opening)

    def to_transfer(self, seconds: float) -> asyncio.Timeout:
        """The deadline of a transfer that begins now, of a mail that is good for so many seconds yet."""
        return asyncio.timeout(min(seconds, self.transfer))


class MailHost:
    """One mail host, and whether it works with us; shared by all lines, so that its absence costs one back-off."""

    def __init__(self, address: HostAddress, access: Access) -> None:
        self.address = address
        self._access = access
        self._pause = 0.0
        self._until = 0.0

    @property
    def away(self) -> bool:
        """Whether it failed when it was last tried."""
        return self._pause > 0

    @property
    def is_worth_a_try(self) -> bool:
        """Whether it is away, and its pause is over."""
        return self.away and asyncio.get_running_loop().time() >= self._until

    def client(self) -> aiosmtplib.SMTP:
        """A connection to it, not yet made."""
        return self._access.client(self.address)

    def failed(self, error: BaseException, *, tried: bool = False) -> None:
        """It could not be reached or refused to work with us. `tried`: when only looked whether it is back.

        Lines that fail at one moment count once.
        """
        if self.away and not tried:
            return
        self._pause = min(self._pause * 2, LONGEST_PAUSE) if self.away else FIRST_PAUSE
        self._until = asyncio.get_running_loop().time() + self._pause * random.uniform(0.75, 1.25)
        metrics.HOST_UNAVAILABLE.labels(str(self.address)).set(1)
        log.warning("mail host unavailable", host=str(self.address), reason=_reason(error), seconds=self._pause)

    def answered(self) -> None:
        """It works with us."""
        log.info("mail host available again", host=str(self.address))
        self._pause = self._until = 0.0
        metrics.HOST_UNAVAILABLE.labels(str(self.address)).set(0)


class MailHosts:
    """The hosts, the first first, and how many connections may be open to them."""

    def __init__(
        self, addresses: Sequence[HostAddress], access: Access, connections: int, patience: Patience | None = None
    ) -> None:
        self.connections = connections
        self.patience = patience or Patience()
        self._hosts = [MailHost(address, access) for address in addresses]
        for host in self._hosts:
            metrics.HOST_UNAVAILABLE.labels(str(host.address)).set(0)

    @classmethod
    def of(cls, settings: NotificationsSettings) -> "MailHosts":
        """Those that the settings name. Raises OSError when the CA file cannot be read."""
        return cls(settings.smtp_hosts, Access.of(settings), settings.smtp_connections)

    def __repr__(self) -> str:
        return f"MailHosts({', '.join(str(host.address) for host in self._hosts)})"

    @property
    def working(self) -> MailHost | None:
        """The first that works, as far as we know; None while all are away and everybody waits."""
        return next((host for host in self._hosts if not host.away), None)

    async def watch(self, sender: str, back: Callable[[], None]) -> None:
        """Try the hosts that are away, each after its pause, so that no mail pays for trying; `back` when one works.

        A trial goes as far as naming the sender, which is where a host that we may not use says so.
        """
        while True:
            for host in self._hosts:
                if host.is_worth_a_try and await self._works(host, sender):
                    host.answered()
                    back()
            await asyncio.sleep(LOOK)

    async def _works(self, host: MailHost, sender: str) -> bool:
        try:
            with contextlib.closing(host.client()) as client:
                async with self.patience.to_open():
                    await client.connect()
                    await client.mail(sender)
                    await client.quit()
        except TRANSPORT_FAILURES as error:
            host.failed(error, tried=True)
            return False
        return True


def _reason(error: BaseException) -> str:
    """What went wrong, for an operator; without the host's own words, which may name a person."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"it refuses our user name or password ({error.code})"
    if isinstance(error, SMTPResponseException):
        return f"{type(error).__name__} {error.code}"
    return type(error).__name__
