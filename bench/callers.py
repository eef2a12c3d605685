"""Callers over HTTP that cost next to nothing: bytes made beforehand, bare sockets, one loop.

They share the cores with what they call, so whatever they spend is taken from the figure: an HTTP client for asyncio
spends more on a request than a bare server does.
"""

import re
import select
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from local import Problem

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
PATIENCE = 30.0  # seconds for any answer


@dataclass(frozen=True)
class Target:
    """Requests of HTTP/1.1, asked by turns, and what every answer must contain ("" for anything)."""

    port: int
    requests: Sequence[bytes]
    expected: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What was answered to which request; both instants in seconds on the machine's clock."""

    number: int
    asked_at: float
    answered_at: float
    content: bytes


def request(method: str, path: str, headers: Mapping[str, str] = {}, body: bytes = b"") -> bytes:
    """A request on a connection that stays open."""
    shown = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in shown.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def ask(target: Target, callers: int, over: Callable[[int], bool]) -> list[Answer]:
    """Each caller asks again as soon as it is answered, on a connection of its own, until it is `over`.

    `over` is told how many were asked so far. Raises Problem for an answer that is not the expected one.
    """
    poll, connections = select.epoll(), dict[int, socket.socket]()
    asked, arrived, found = dict[int, tuple[int, float]](), dict[int, bytes](), list[Answer]()
    number = 0

    def ask_next(descriptor: int) -> None:
        nonlocal number
        if over(number):
            poll.unregister(descriptor)
            asked.pop(descriptor, None)
            return
        asked[descriptor], arrived[descriptor] = (number, time.time()), b""
        connections[descriptor].sendall(target.requests[number % len(target.requests)])
        number += 1

    try:
        for _ in range(callers):
            connection = socket.create_connection(("127.0.0.1", target.port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connections[connection.fileno()] = connection
            poll.register(connection.fileno(), select.EPOLLIN)
        for descriptor in connections:
            ask_next(descriptor)
        while asked:
            ready = poll.poll(PATIENCE)
            if not ready:
                raise Problem(f"No answer within {PATIENCE:.0f} s.")
            for descriptor, _ in ready:
                read = connections[descriptor].recv(65536)
                content = arrived[descriptor] = arrived[descriptor] + read
                if not read:
                    raise Problem(f"A connection ended: {content[:300]!r}")
                if _is_whole(content):
                    found.append(Answer(*asked[descriptor], time.time(), content))
                    ask_next(descriptor)
    finally:
        poll.close()
        for connection in connections.values():
            connection.close()
    for answer in found:
        if target.expected not in answer.content or not answer.content.startswith(b"HTTP/1.1 200"):
            raise Problem(f"An unexpected answer: {answer.content[:300]!r}")
    return found


def _is_whole(content: bytes) -> bool:
    end = content.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = LENGTH.search(content, 0, end)
    return len(content) >= end + 4 + (int(length[1]) if length else 0)
