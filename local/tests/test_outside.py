"""The inbox shows what was really sent, and the demo issuer signs for its demo agents only."""

import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import aiosmtplib
import httpx
import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, KeySet

from local import ROOT, Problem
from local.child import answers
from local.issuer import AGENTS, DemoIssuer
from local.ports import free_ports
from local.previews import Previews
from local.processes import Processes
from tests.fixtures.patience import PATIENCE


class Outside(NamedTuple):
    client: httpx.AsyncClient
    smtp_port: int
    folder: Path


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int, Path]]:
    """The process as the stack runs it: base URL, SMTP port, folder."""
    folder = tmp_path_factory.mktemp("outside")
    smtp_port, page_port = free_ports(2)
    ports = ["--smtp-port", str(smtp_port), "--page-port", str(page_port), "--folder", str(folder)]
    ports += ["--agency", str(ROOT / "agencies" / "ccq")]
    processes, base = Processes(), f"http://127.0.0.1:{page_port}"
    child = processes.start("outside", [sys.executable, "-m", "local.outside", *ports], folder / "log", cwd=ROOT)
    try:
        child.wait_until(lambda: answers(f"{base}/mails"), timeout=PATIENCE)
        yield base, smtp_port, folder
    finally:
        processes.stop_all()


@pytest.fixture
async def outside(process: tuple[str, int, Path]) -> AsyncIterator[Outside]:
    """The same, with an empty inbox."""
    base, smtp_port, folder = process
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=PATIENCE) as client:
        await client.delete("/mails")
        yield Outside(client, smtp_port, folder)


async def send(outside: Outside, to: str, subject: str = "Votre code\u00a0: 123456") -> None:
    message = EmailMessage()
    message["From"] = "Mandat <ne-pas-repondre@exemple.test>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content("Voici votre code, à utiliser d’ici 10 minutes.\n")
    message.add_alternative("<p>Voici votre <b>code</b>.</p><script>x</script>", subtype="html")
    message["Content-Language"] = "fr"  # after the parts: adding one moves such headers into it
    await aiosmtplib.send(message, hostname="127.0.0.1", port=outside.smtp_port)


async def test_a_sent_mail_is_shown_with_its_parts_and_headers(outside: Outside) -> None:
    before = datetime.now(UTC)
    await send(outside, "Camille@exemple.test")
    [mail] = (await outside.client.get("/mails", params={"to": "camille@exemple.test"})).json()
    assert mail["subject"] == "Votre code\u00a0: 123456"
    assert mail["from"] == "ne-pas-repondre@exemple.test"
    assert "d’ici 10 minutes" in mail["text"]
    assert "<b>code</b>" in mail["html"]
    assert ["Content-Language", "fr"] in mail["headers"]
    assert before <= datetime.fromisoformat(mail["received_at"]) <= datetime.now(UTC)
    assert (await outside.client.get(f"/mails/{mail['id']}")).json() == mail
    assert (outside.folder / "mails" / f"{mail['id']}.eml").read_bytes().startswith(b"From: Mandat")


async def test_a_name_from_elsewhere_that_points_here_reads_nothing(outside: Outside) -> None:
    for path in ("/mails", "/demo-issuer/jwks.json"):
        assert (await outside.client.get(path, headers={"Host": "evil.example"})).status_code == 400
        assert (await outside.client.get(path, headers={"Host": "localhost:8026"})).status_code == 200


async def test_mails_are_chosen_by_address_and_time(outside: Outside) -> None:
    await send(outside, "one@exemple.test")
    await send(outside, "two@exemple.test")
    later = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    assert len((await outside.client.get("/mails")).json()) == 2
    assert len((await outside.client.get("/mails", params={"to": "two@exemple.test"})).json()) == 1
    assert (await outside.client.get("/mails", params={"since": later})).json() == []
    assert (await outside.client.get("/mails", params={"since": "yesterday"})).status_code == 400
    await outside.client.delete("/mails")
    assert (await outside.client.get("/mails")).json() == []


async def test_the_page_lists_mails_and_keeps_their_content_in_a_sandbox(outside: Outside) -> None:
    empty = (await outside.client.get("/")).text
    assert "No mail yet" in empty and "Aucun courriel pour l’instant" in empty
    await send(outside, "one@exemple.test", "<script>alert(1)</script>")
    page = (await outside.client.get("/")).text
    assert "&lt;script&gt;alert(1)" in page
    [mail] = (await outside.client.get("/mails")).json()
    one = (await outside.client.get(f"/mails/{mail['id']}/page")).text
    assert 'sandbox=""' in one
    assert "Text part" in one and "Partie texte" in one
    assert "<script" not in page + one
    assert (await outside.client.get("/mails/999999/page")).status_code == 404


async def test_the_inbox_leads_to_a_page_with_every_kind_of_mail(outside: Outside) -> None:
    assert 'href="/previews"' in (await outside.client.get("/")).text
    page = await outside.client.get("/previews")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    kinds = [file.stem for file in (ROOT / "agencies" / "ccq" / "mails").iterdir()]
    assert all(f'id="{kind}.fr"' in page.text and f'id="{kind}.en"' in page.text for kind in kinds)
    assert (await outside.client.get("/previews")).text == page.text


async def test_mails_that_cannot_be_shown_are_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "agency.yaml").touch()
    with pytest.raises(Problem, match=r"agency\.yaml:1: The file is empty"):
        await Previews(tmp_path).page()


async def test_a_token_verifies_against_the_key_set_and_names_the_agent(outside: Outside) -> None:
    found = (await outside.client.get("/demo-issuer/.well-known/openid-configuration")).json()
    key_set = KeySet.import_key_set((await outside.client.get(found["jwks_uri"])).json())
    name = AGENTS["demo-agent-2"]
    token = (await outside.client.post("/demo-issuer/token", json={"name": name})).json()["access_token"]
    claims = jwt.decode(token, key_set, algorithms=["ES256"]).claims
    assert claims["iss"] == found["issuer"]
    assert (claims["sub"], claims["name"], claims["aud"]) == ("demo-agent-2", name, "mandat")
    assert claims["exp"] - claims["iat"] == 300
    stranger = ECKey.generate_key("P-256", {"kid": str(key_set.keys[0].kid)})
    with pytest.raises(BadSignatureError):
        jwt.decode(token, KeySet([stranger]), algorithms=["ES256"])


async def test_nobody_but_a_demo_agent_gets_a_token(outside: Outside) -> None:
    answer = await outside.client.post("/demo-issuer/token", json={"name": "somebody else"})
    assert answer.status_code == 400
    assert (await outside.client.post("/demo-issuer/token", content=b"[]")).status_code == 400


def test_the_issuer_keeps_its_key(tmp_path: Path) -> None:
    first = DemoIssuer.open("http://issuer.test", tmp_path / "key.json")
    again = DemoIssuer.open("http://issuer.test", tmp_path / "key.json")
    assert again.key_set() == first.key_set()
    assert (tmp_path / "key.json").stat().st_mode & 0o077 == 0
