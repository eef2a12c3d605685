"""What a caller who means harm can make of the server to which reports come back."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

import pytest
from uuid_utils.compat import uuid7

from services.notifications.bounces import reports
from services.notifications.bounces import server as bounces
from services.notifications.bounces.reading import Reader
from services.notifications.bounces.reports import Ignored, Report
from services.notifications.bounces.server import MOST_COMMANDS, MOST_FAULTS, BounceServer
from services.notifications.tests.rig import RETURN_PATH, Rig
from tests.fixtures.patience import PATIENCE

BARE = b"bounces@notifications.example"
NOTHING = Report(Ignored("other"))


@pytest.fixture
async def server(rig: Rig) -> AsyncIterator[BounceServer]:
    found = BounceServer(rig.unit, RETURN_PATH, "127.0.0.1", 0, feedback_loops=False)
    await found.start()
    yield found
    found.stop()


class Caller:
    """Somebody on the line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def at(cls, server: BounceServer) -> "Caller":
        """Greeted, with an empty envelope sender."""
        found = cls(*await asyncio.open_connection("127.0.0.1", server.port))
        with contextlib.suppress(ConnectionError):
            await found.reader.readline()
        await found.says(b"LHLO x")
        await found.says(b"MAIL FROM:<>")
        return found

    async def says(self, line: bytes) -> bytes:
        """The last line of the answer; none when the server has hung up."""
        self.writer.write(line + b"\r\n")
        answer = b""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                while (answer := await self.reader.readline())[3:4] == b"-":
                    pass
        return answer

    async def is_left(self) -> None:
        """Wait until the server has hung up."""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                await self.reader.read()
        await self.close()

    async def close(self) -> None:
        """Hang up, if the server has not."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):  # a broken pipe, where the server was gone before we had written all
            await self.writer.wait_closed()


class Slow:
    """Reports that are read when the test says so."""

    def __init__(self) -> None:
        self.begun: list[bytes] = []
        self.together = 0
        self.most_together = 0
        self.go = threading.Event()

    def __call__(self, content: bytes) -> Report:
        self.begun.append(content)
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        self.go.wait(PATIENCE)
        self.together -= 1
        return NOTHING


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    found = Slow()
    monkeypatch.setattr(reports, "read", found)
    return found


async def _until_begun(slow: Slow, number: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(slow.begun) < number:
            await asyncio.sleep(0.01)


async def test_who_hangs_up_while_a_report_is_read_makes_no_second_thread(slow: Slow) -> None:
    reader = Reader()
    given_up = [asyncio.create_task(reader.read(b"%d" % number)) for number in range(4)]
    await _until_begun(slow, 1)
    for task in given_up:
        task.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    honest = asyncio.create_task(reader.read(b"honest"))
    await asyncio.sleep(0)
    assert slow.begun == [b"0"] and not honest.done()
    slow.go.set()
    assert await honest == NOTHING
    assert (slow.begun, slow.most_together) == ([b"0", b"honest"], 1)
    reader.close()


async def test_no_report_that_waits_is_read_after_the_stop(server: BounceServer, slow: Slow) -> None:
    callers = [await Caller.at(server) for _ in range(3)]
    for caller in callers:
        await caller.says(b"RCPT TO:<" + RETURN_PATH.of(uuid7()).encode() + b">")
        await caller.says(b"DATA")
        caller.writer.write(b"Subject: x\r\n\r\n.\r\n")
    await _until_begun(slow, 1)
    server.stop()
    slow.go.set()
    for caller in callers:
        await caller.is_left()
    assert len(slow.begun) == 1


async def test_the_address_without_a_token_is_taken_only_where_feedback_loops_are_registered(
    rig: Rig, server: BounceServer
) -> None:
    caller = await Caller.at(server)
    assert (await caller.says(b"RCPT TO:<" + BARE + b">")).startswith(b"550")
    await caller.close()


@pytest.mark.parametrize("line", [b"RCPT TO:<", b"RCPT TO:<@", b"MAIL FROM:<"])
async def test_a_command_that_cannot_be_read_is_the_callers_fault_and_a_few_end_the_connection(
    server: BounceServer, caplog: pytest.LogCaptureFixture, line: bytes
) -> None:
    caller = await Caller.at(server)
    for _ in range(MOST_FAULTS):
        assert (await caller.says(line)).startswith(b"501")
    await caller.is_left()
    assert "Traceback" not in caplog.text and "ERROR" not in caplog.text


async def test_nobody_holds_a_connection_by_saying_nothing_often(server: BounceServer) -> None:
    caller = await Caller.at(server)
    for _ in range(MOST_COMMANDS):
        assert (await caller.says(b"NOOP")).startswith(b"250")
    assert (await caller.says(b"NOOP")).startswith(b"421")
    await caller.is_left()


async def test_a_connection_has_an_end_whatever_is_said(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounces, "LONGEST_CONNECTION", 0.1)
    server = BounceServer(rig.unit, RETURN_PATH, "127.0.0.1", 0, feedback_loops=False)
    await server.start()
    caller = await Caller.at(server)
    await caller.is_left()
    assert not server.open
    server.stop()


async def test_a_line_without_end_is_not_heard_out(server: BounceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounces, "MOST_HEARD", 300_000)
    caller = await Caller.at(server)
    await caller.says(b"RCPT TO:<" + RETURN_PATH.of(uuid7()).encode() + b">")
    await caller.says(b"DATA")
    caller.writer.write(b"x" * 400_000)
    await caller.is_left()
