"""Several SMTP commands sent at once, and their answers read one by one (RFC 2920): two round trips a mail, not four.

aiosmtplib sends a command when the one before is answered, and drops an answer that comes before it asks. So this
stands between its connection and its protocol, takes the answers to what was sent together, and passes all else on.
"""

import asyncio
import re

import aiosmtplib
from aiosmtplib import SMTPResponse, SMTPServerDisconnected
from aiosmtplib.protocol import SMTPProtocol

EXTENSION = "pipelining"
ANSWER = re.compile(rb"(?:\d{3}-[^\n]*\n)*\d{3}(?!-)[^\n]*\n")  # RFC 5321, 4.2.1: a hyphen says that a line follows
LONGEST = 32_768  # bytes of answers that are not read yet, as aiosmtplib has it; whoever sends more is hung up on


class Pipeline(asyncio.Protocol):
    """One connection that is made and greeted, of a host that offers the extension."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        """Raises SMTPServerDisconnected when the connection is gone."""
        if client.protocol is None or client.transport is None:
            raise SMTPServerDisconnected("the host hung up")
        self._behind: SMTPProtocol = client.protocol
        self._transport = client.transport
        self._transport.set_protocol(self)
        self._expected = 0
        self._received = b""
        self._more: asyncio.Future[None] | None = None
        self._lost = False

    def serves(self, client: aiosmtplib.SMTP) -> bool:
        """Whether it stands on the connection that the client has now."""
        return self._behind is client.protocol

    def send(self, *commands: str) -> None:
        """Send commands, whose answers are to be read in their order. Raises SMTPServerDisconnected."""
        self._expected, self._received = len(commands), b""
        self._behind.write("".join(f"{command}\r\n" for command in commands).encode("ascii"))

    async def answer(self) -> SMTPResponse:
        """The next answer. Raises SMTPServerDisconnected; waits for as long as the host does not answer."""
        while (found := ANSWER.match(self._received)) is None:
            if self._lost:
                raise SMTPServerDisconnected("the host hung up")
            self._more = asyncio.get_running_loop().create_future()
            await self._more
        self._received = self._received[found.end() :]
        self._expected -= 1
        lines = found[0].decode("utf-8", "surrogateescape").rstrip("\r\n").split("\n")
        return SMTPResponse(int(lines[-1][:3]), "\n".join([line[4:].strip() for line in lines]))

    async def rest(self) -> list[int]:
        """The codes of the answers that nobody has read. Raises as `answer`."""
        return [(await self.answer()).code for _ in range(self._expected)]

    def data_received(self, data: bytes) -> None:
        """Keep answers that are expected here; the others are aiosmtplib's."""
        if not self._expected:
            self._behind.data_received(data)
            return
        self._received += data
        if len(self._received) > LONGEST:
            self._transport.close()
        self._wake()

    def eof_received(self) -> bool:
        """The host says no more."""
        self._lost = True
        self._wake()
        return self._behind.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._lost = True
        self._wake()
        self._behind.connection_lost(error)

    def pause_writing(self) -> None:
        """Too much waits to be sent."""
        self._behind.pause_writing()

    def resume_writing(self) -> None:
        """It was sent."""
        self._behind.resume_writing()

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)
