"""Each issuer's keys are fetched by themselves: who is slow or away costs its own people little and others nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from joserfc.jwk import ECKey, KeySet

from chassis import issuer_keys
from chassis.issuer_keys import IssuerKeys

KEY = ECKey.generate_key("P-256", {"kid": "1"})


@dataclass
class Server:
    """Serves one key set once it may answer; `is_away`: nothing but failures."""

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    is_away: bool = False
    asked: int = 0
    base: str = ""

    @property
    def keys(self) -> IssuerKeys:
        return IssuerKeys(f"{self.base}/jwks")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        await self.may_answer.wait()
        body = json.dumps(KeySet([KEY]).as_dict(private=False)).encode()
        status = b"503 Away" if self.is_away else b"200 OK"
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body)
        writer.close()


@pytest.fixture(autouse=True)
def _hours_for_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in ("FETCH", "RETRY", "AFTER_FAILURE"):
        monkeypatch.setattr(issuer_keys, seconds, 3600.0)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    served = Server()
    listening = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.base = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield served
        served.may_answer.set()


async def test_all_who_need_a_slow_issuers_keys_wait_for_one_fetch_together(server: Server) -> None:
    keys = server.keys
    waiting = [asyncio.create_task(keys.for_key("1")) for _ in range(10)]
    while not server.asked:
        await asyncio.sleep(0.01)
    server.may_answer.set()

    assert all(found is not None for found in await asyncio.gather(*waiting))
    assert server.asked == 1


async def test_an_issuer_that_has_just_failed_is_not_asked_again_for_a_while(server: Server) -> None:
    keys, server.is_away = server.keys, True
    server.may_answer.set()

    assert [await keys.for_key("1") for _ in range(5)] == [None] * 5
    assert server.asked == 1


async def test_a_key_that_nobody_publishes_is_not_asked_for_at_every_token(server: Server) -> None:
    keys = server.keys
    server.may_answer.set()
    for _ in range(5):
        await keys.for_key("unknown")
    assert server.asked == 1


async def test_who_names_a_known_key_waits_for_no_fetch_and_is_let_in_while_the_issuer_is_away(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = server.keys
    keys.learn(KeySet([KEY]))
    monkeypatch.setattr(issuer_keys, "REFRESH", -1.0)

    assert await keys.for_key("1") is not None
    while not server.asked:
        await asyncio.sleep(0.01)
    server.is_away = True
    server.may_answer.set()
    assert keys._fetching is not None
    assert not await keys._fetching
    assert await keys.for_key("1") is not None


async def test_keys_of_an_issuer_that_is_away_for_too_long_hold_no_more(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, server.is_away = server.keys, True
    server.may_answer.set()
    keys.learn(KeySet([KEY]))
    monkeypatch.setattr(issuer_keys, "STALE", -1.0)

    assert await keys.for_key("1") is None
