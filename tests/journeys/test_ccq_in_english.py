"""The same journey with the languages changed over: the firm and the agent in English, the client in French."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.journeys.ccq import play
from local.journeys.ccq.stage import employer, individual, new_member, responsible
from local.journeys.narrator import Narrator
from local.journeys.portal import Language
from local.ports import Ports
from local.stack import Stack
from tests.fixtures.patience import PATIENCE

OTHER = {"fr": "en", "en": "fr"}


@dataclass(frozen=True)
class Played:
    """What the journey told, which texts it was shown for readers of each language, and every mail that arrived."""

    told: str
    texts: dict[Language, set[str]]
    mails: list[dict[str, Any]]


def changed_over(folder: Path) -> None:
    """Everybody whom the demo has on file is there with the other language."""
    extract = folder / "demo" / "organizations.ndjson"
    lines = [json.loads(line) for line in extract.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        for file in (line["organization"], *line["contacts"]):
            file["language"] = OTHER[file["language"]]
    extract.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def stack(stack_folder: Path) -> Iterator[Stack]:
    """The stack of the demo, on free ports, with the languages on file changed over."""
    made = Stack("ccq", stack_folder / "stack", Ports.free(), stack_folder / "logs", say=lambda _: None)
    shutil.copytree(made.agency_folder, stack_folder / "ccq")
    made.agency_folder = stack_folder / "ccq"
    changed_over(made.agency_folder)
    with made:
        yield made


@pytest.fixture(scope="module")
async def played(stack: Stack) -> Played:
    """The journey, played to its end."""
    lines: list[str] = []
    texts = await play(stack, Narrator(say=lines.append, colour=False), "en")
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        mails = (await http.get(f"{stack.inbox}/mails")).json()
    return Played("\n".join(lines), texts, mails)


async def test_every_step_of_the_guide_holds_with_the_firm_in_english_and_its_client_in_french(played: Played) -> None:
    assert played.told.count("✓") >= 50
    assert "Your account is now linked" in played.told and "Votre compte est maintenant lié" in played.told
    assert "1–2 of 2" in played.told and "Responsible person" in played.told


async def test_everybody_is_written_to_in_the_language_of_the_file_or_account(played: Played) -> None:
    reads = {
        responsible().email: "en", individual().email: "en", "membre@laforce.example": "en",
        "ancienne.adresse@courriel.example": "en", employer().email: "fr", new_member().email: "fr",
    }  # fmt: skip
    written = {(address, dict(mail["headers"])["Content-Language"]) for mail in played.mails for address in mail["to"]}
    assert written == set(reads.items())


async def test_no_reader_of_one_language_is_shown_a_text_of_the_other(played: Played) -> None:
    french, english = played.texts["fr"], played.texts["en"]
    assert len(french) > 100 and len(english) > 100
    assert french & english == set()
