"""The RAMQ's page about delegating, in French and in English at once on one stack, and what the stack leaves behind."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.topics import Kind
from local.journeys import trail
from local.journeys.narrator import Narrator
from local.journeys.portal import Language, Service, Someone
from local.journeys.ramq import play
from local.journeys.ramq.stage import Cast, cast
from local.ports import SERVICES, Ports
from local.stack import Stack
from tests.journeys.aftermath import everything_arrived, everything_starts_again
from tests.journeys.killing import approve_and_kill

IN_EITHER_LANGUAGE = pytest.mark.parametrize("language", ["fr", "en"])


@dataclass(frozen=True)
class Played:
    """What the journey told in one language, and the texts that its readers were shown."""

    told: str
    texts: set[str]


@pytest.fixture(scope="module")
def stack(run_folder: Path) -> Iterator[Stack]:
    """The stack of the demo, on free ports."""
    folder = run_folder / "ramq"
    with Stack("ramq", folder / "stack", Ports.free(), folder / "logs", say=lambda _: None) as made:
        yield made


@pytest.fixture(scope="module")
async def played(stack: Stack) -> Mapping[Language, Played]:
    """The journey in both languages side by side, each to its end."""

    async def one(language: Language) -> Played:
        lines: list[str] = []
        texts = await play(stack, Narrator(say=lines.append, colour=False), language)
        return Played("\n".join(lines), texts[language])

    french, english = await asyncio.gather(one("fr"), one("en"))
    return {"fr": french, "en": english}


@pytest.fixture(scope="module")
async def mails(stack: Stack, played: Mapping[Language, Played]) -> list[dict[str, Any]]:
    """Every mail that arrived."""
    async with httpx.AsyncClient() as http:
        found: list[dict[str, Any]] = (await http.get(f"{stack.inbox}/mails")).json()
    return found


def people(playing: Cast) -> set[str]:
    """The addresses of those who play."""
    return {who.email for who in (playing.professional, playing.other_professional, playing.delegate)}


@IN_EITHER_LANGUAGE
@pytest.mark.parametrize(
    "promise",
    [
        "the answers lead to the form of a mandate",
        "whatever else is answered leads to a text that says what to do instead",
        "the account is linked to the practice",
        "each of the list is accepted or refused on its own, with the reason",
        "the text to sign is there, and its hash",
        "the same person does not sign both sides",
        "a shared address is refused, and the mandate waits",
        "signed by both: it waits for agents",
        "signed by both, it stands in the queue",
        "approved, it is a dated right of the person mandated",
        "never both in one mail",
        "the temporary password works once",
        "yes, and the explanation names the mandate",
        "for any other service: no",
        "the same account acts for the second professional, and no second password was sent",
        "two signatures, each with its text, and nothing was changed since",
        "a corrected mandate is another text, which nobody has signed yet",
        "refused with a reason, it gives nothing",
        "one file for each form; otherwise it is refused",
        "both confirm their address, and it stands in the same queue",
        "an agent has it to review, with what was said",
        "the password of before no longer works",
        "and the professional is not sent the new secret",
        "revoked, the very next check says no",
    ],
)
async def test_everybody_has_their_part(played: Mapping[Language, Played], language: Language, promise: str) -> None:
    assert f"✓ {promise}" in played[language].told


@IN_EITHER_LANGUAGE
async def test_everybody_is_written_to_in_their_language(mails: list[dict[str, Any]], language: Language) -> None:
    own = [mail for mail in mails if set(mail["to"]) & people(cast(language))]
    assert own and {dict(mail["headers"])["Content-Language"] for mail in own} == {language}


async def test_no_reader_of_one_language_is_shown_a_text_of_the_other(played: Mapping[Language, Played]) -> None:
    french, english = played["fr"].texts, played["en"].texts
    assert len(french) > 20 and len(english) > 20
    named = {practice.legal_name for one in (cast("fr"), cast("en")) for practice in (one.practice, one.other_practice)}
    assert french & english <= named  # agents have one queue


@pytest.mark.parametrize(
    ("number", "service", "seconds"), [(1, "accounts", 0.0), (2, "accounts", 0.05), (3, "authorizations", 0.0)]
)
async def test_killed_between_approval_and_the_two_mails_both_arrive_once(
    stack: Stack, played: Mapping[Language, Played], number: int, service: Service, seconds: float
) -> None:
    delegate = Someone(f"remplacante-{number}.demo@example.org", "", "Démo", f"Remplaçante {number}", "fr")
    assert await approve_and_kill(stack, service, seconds, delegate) == (1, 1)


async def test_no_public_event_names_a_person(stack: Stack, mails: list[dict[str, Any]]) -> None:
    events = await trail.everything(stack.kafka.servers)
    public = " ".join(json.dumps(e.data, ensure_ascii=False) for e in events if e.topic.kind is Kind.PUBLIC)
    private = {address for mail in mails for address in mail["to"]} | {cast("fr").professional.family_name}
    assert public and not [one for one in private if one in public]


async def test_no_address_stands_in_a_log(stack: Stack, played: Mapping[Language, Played]) -> None:
    addresses = people(cast("fr")) | people(cast("en"))
    for log in (stack.logs / f"{name}.log" for name in SERVICES):
        text = log.read_text(encoding="utf-8")
        assert text and not [address for address in addresses if address in text], log.name


async def test_nothing_is_left_in_an_outbox_and_nothing_is_parked(
    stack: Stack, played: Mapping[Language, Played]
) -> None:
    await everything_arrived(stack)


async def test_every_service_starts_again_on_what_the_journey_left(
    stack: Stack, played: Mapping[Language, Played]
) -> None:
    await everything_starts_again(stack)
