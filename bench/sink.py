"""A mail host that takes everything at once and keeps nothing: `python -m bench.sink`, which prints its port.

A real SMTP server, as small as one can be, so that what sends is measured and not what receives.
"""

import asyncio
import sys
from collections.abc import Iterator

END_OF_MESSAGE = b"\r\n.\r\n"
ANSWERS = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
    b"DATA": b"354 go ahead\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
}
OK = b"250 2.0.0 ok\r\n"


class _Conversation(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""
        self._in_message = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        answers = b"".join(self._answers())
        if answers:
            self._transport.write(answers)  # those to commands that came together go together (RFC 2920, 3.2)

    def _answers(self) -> Iterator[bytes]:
        while True:
            found, end, rest = self._buffer.partition(END_OF_MESSAGE if self._in_message else b"\r\n")
            if not end:
                return
            self._buffer = rest
            if self._in_message:
                self._in_message = False
                yield OK
                continue
            verb = found[:4].upper()
            self._in_message = verb == b"DATA"
            yield ANSWERS.get(verb, OK)


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(_Conversation, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
