"""Promises about a directory that the agency runs: asked over HTTP, and its failures count for nothing."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from services.linking.former_credentials.directory import DirectorySettings
from services.linking.tests.conftest import CCQ, Opening
from services.linking.tests.world import Linking, a_contact, an_account, an_organization

SECRET = "a secret of the tests alone"


class ADirectory:
    """A small HTTP server: it keeps what it was asked, and answers what the test says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer: bytes = said({"proven": False})
        self.silent = asyncio.Event()
        self.silent.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")
        )
        self.asked.append((head, json.loads(await reader.readexactly(length))))
        await self.silent.wait()
        writer.write(self.answer)
        writer.close()


def said(content: Any, status: str = "200 OK") -> bytes:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


@pytest.fixture
async def directory() -> AsyncIterator[tuple[ADirectory, str]]:
    """A directory, and where it listens."""
    made = ADirectory()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with server:
        yield made, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/former-credentials"


@pytest.fixture
def agency(tmp_path: Path) -> Path:
    """CCQ, as it would be with a directory."""
    folder = tmp_path / "ccq"
    shutil.copytree(CCQ, folder)
    policy = folder / "linking.yaml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("source: imported", "source: directory"), "utf-8")
    return folder


def settings(url: str, **changes: Any) -> dict[str, DirectorySettings]:
    values: dict[str, Any] = {"url": url, "secret": SecretStr(SECRET), "timeout_seconds": 30}
    return {"former_credential": DirectorySettings(**values | changes)}


async def test_what_the_directory_confirms_is_linked_once(
    opening: Opening, agency: Path, directory: tuple[ADirectory, str]
) -> None:
    server, url = directory
    linking = await opening(agency, settings(url))
    organization, account, another = an_organization(kind="employer"), an_account(), an_account()
    contact = a_contact(organization)
    await linking.send(organization, contact, account, another)
    assert (await linking.redeem_former(account.account_id, "démo", "mot de passe")).status_code == 422
    head, body = server.asked[0]
    assert body == {"user_name": "démo", "password": "mot de passe"}
    assert f"authorization: bearer {SECRET}" in head.lower()
    file = {"client_number": "3000001", "organization": {"kind": "employer", "number": "5000001"}}
    server.answer = said({"proven": True, "files": [file]})
    answer = await linking.redeem_former(account.account_id, "démo", "mot de passe")
    assert [p["contact_id"] for p in answer.json()["profiles"]] == [str(contact.contact_id)]
    link = f"/v1/links/{answer.json()['link_id']}"
    assert (await linking.http.delete(link, headers=linking.bearer(account.account_id))).status_code == 204
    assert (await linking.redeem_former(another.account_id, "démo", "mot de passe")).status_code == 422


ODD = {
    "an error": said({}, "500 Internal Server Error"),
    "our secret refused": said({"proven": False}, "401 Unauthorized"),
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "no JSON": said(b"<html>"),
    "another shape": said({"proven": "yes"}),
    "too much": said(b" " * 600_000),
    "nothing": b"",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_whatever_else_it_answers_the_caller_may_come_again_and_nothing_is_counted(
    opening: Opening, agency: Path, directory: tuple[ADirectory, str], odd: bytes
) -> None:
    server, url = directory
    linking = await opening(agency, settings(url))
    account = an_account()
    await linking.send(account)
    server.answer = odd
    for _ in range(12):
        answer = await linking.redeem_former(account.account_id, "demo", "x")
        assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "unavailable", "30")
    assert await spent(linking) == {0}
    server.answer = said({"proven": False})
    assert (await linking.redeem_former(account.account_id, "demo", "x")).status_code == 422
    assert await spent(linking) == {1}


async def test_a_directory_that_does_not_answer_in_time_or_at_all_is_unavailable(
    opening: Opening, agency: Path, directory: tuple[ADirectory, str]
) -> None:
    server, url = directory
    linking = await opening(agency, settings(url, timeout_seconds=0.1))
    account = an_account()
    await linking.send(account)
    server.silent.clear()
    assert (await linking.redeem_former(account.account_id, "demo", "x")).status_code == 503
    server.silent.set()
    away = await opening(agency, settings("http://127.0.0.1:1/"))
    await away.send(account)
    assert (await away.redeem_former(account.account_id, "demo", "x")).status_code == 503
    assert await spent(linking) == await spent(away) == {0}


async def test_a_method_without_its_directorys_settings_does_not_start(opening: Opening, agency: Path) -> None:
    with pytest.raises(ValueError, match="former_credential"):
        await opening(agency)


def test_a_directory_is_asked_over_https_unless_it_is_on_this_machine() -> None:
    with pytest.raises(ValidationError):
        DirectorySettings(url="http://directory.example/", secret=SecretStr(SECRET))


async def spent(linking: Linking) -> set[int]:
    """How often each account and user name was counted; what the deployment as a whole has to bear stays counted."""
    rows = await linking.unit.pool.fetch("select spent from limits where name not like '%_in_all'")
    return {row["spent"] for row in rows}
