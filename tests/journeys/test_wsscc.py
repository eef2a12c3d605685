"""The page of WSSCC Connect, in French and in English at once on one stack, and what the stack leaves behind."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from contracts.agency import load
from contracts.topics import Kind
from local import ROOT
from local.guarded import GuardedKafka
from local.journeys import trail
from local.journeys.portal import Language
from local.journeys.wsscc import play
from local.journeys.wsscc.stage import Cast, cast
from local.ports import SERVICES
from local.stack import Stack
from tests.fixtures.digits import holds
from tests.journeys.aftermath import everything_arrived, everything_starts_again_with_other_keys
from tests.journeys.both import IN_EITHER_LANGUAGE, Played, every_mail, play_both, stack_of
from tests.journeys.flooding import flood
from tests.journeys.guarding import lets_make_what_is_published_on, refuses_what_is_not_named
from tests.journeys.racing import race

ROUNDS = int(os.environ.get("MANDAT_TEST_ROUNDS", "20"))
"""Of the race; its long form has 200."""

SAME_WORD = {"Invitation", "Nunavut"}
"""Written alike in both languages."""


@pytest.fixture(scope="module")
def stack(stack_folder: Path) -> Iterator[Stack]:
    """The stack of the demo, on free ports, with a Kafka that allows each service what the contracts name and no more:
    a right that their list lacks fails the journey.
    """
    with stack_of("wsscc", stack_folder, guarded=True) as made:
        yield made


@pytest.fixture(scope="module")
async def played(stack: Stack) -> Mapping[Language, Played]:
    """The journey in both languages side by side, each to its end."""
    return await play_both(play, stack)


@pytest.fixture(scope="module")
async def mails(stack: Stack, played: Mapping[Language, Played]) -> list[dict[str, Any]]:
    """Every mail that arrived."""
    return await every_mail(stack)


def people(playing: Cast) -> set[str]:
    """The addresses of those who have an account."""
    who = (playing.first, playing.worker, playing.stranger, playing.invited, playing.early)
    return {one.email for one in who}


@IN_EITHER_LANGUAGE
async def test_every_step_of_the_page_holds(played: Mapping[Language, Played], language: Language) -> None:
    assert played[language].told.count("✓") >= 45


@IN_EITHER_LANGUAGE
@pytest.mark.parametrize(
    "promise",
    [
        "whoever follows the link without the password confirms nothing",
        "the letter is ready to print",
        "code and payroll are always shown as optional",
        "wrong name, number of nobody, inactive employer: the same refusal",
        "the first person is the access administrator",
        "until then nothing changes",
        "refused, with the reason in the person's language",
        "the very next check says no, to every function of that employer",
        "renewed: the code before is dead, and a letter with the new one is due",
        "one is released, the last one never",
        "the worker may act; who never had the code manages nothing",
        "inactive: at once nobody may",
        "what was withdrawn is what the preview said",
        "and are asked who shall be the access administrator",
        "signed in with the new password",
    ],
)
async def test_everybody_has_their_part(played: Mapping[Language, Played], language: Language, promise: str) -> None:
    assert f"✓ {promise}" in played[language].told


@IN_EITHER_LANGUAGE
async def test_everybody_is_written_to_in_their_language_and_led_to_where_they_began(
    mails: list[dict[str, Any]], language: Language
) -> None:
    playing = cast(language)
    own = [mail for mail in mails if set(mail["to"]) & people(playing)]
    assert {address for mail in own for address in mail["to"]} == people(playing)
    assert {dict(mail["headers"])["Content-Language"] for mail in own} == {language}
    led_to = {found for mail in own for found in re.findall(r"https://connect\.[a-z]+\.ca/[a-z]+", mail["text"])}
    assert led_to == {f"https://connect.{playing.portal}.ca/{language}"}


async def test_no_reader_of_one_language_is_shown_a_text_of_the_other(played: Mapping[Language, Played]) -> None:
    french, english = played["fr"].texts, played["en"].texts
    assert len(french) > 50 and len(english) > 50
    assert french & english <= SAME_WORD


async def test_of_two_first_persons_at_the_same_moment_one_manages_and_one_asks(stack: Stack) -> None:
    for number, ended in enumerate(await race(stack, ROUNDS)):
        standing = sorted((claim["state"], claim["outcome"]) for claim in ended.claims)
        assert standing == [("decided", "administrator"), ("waiting", None)], number
        assert (ended.contacts, ended.requests) == (1, 1), number


async def test_who_claims_and_takes_back_in_turns_fills_no_mailbox_and_keeps_no_notice_of_security_from_it(
    stack: Stack,
) -> None:
    limits = load(ROOT / "agencies" / "wsscc").limits
    one_by_one = limits.attempts["claim_mails_per_mailbox_from_one_organization"].count
    of_each = Counter(await flood(stack, one_by_one + 2))
    assert sorted(of_each.values()) == [1, one_by_one]  # who manages it now: told in any case


async def test_no_public_event_names_a_person_or_holds_a_code(stack: Stack, mails: list[dict[str, Any]]) -> None:
    events = await trail.everything(stack.kafka_clients)
    assert "linking.claims" in {event.topic.name for event in events}
    public = " ".join(json.dumps(e.data, ensure_ascii=False) for e in events if e.topic.kind is Kind.PUBLIC)
    private = {address for mail in mails for address in mail["to"]} | {cast("fr").first.family_name}
    assert public and not [one for one in private if one in public]
    assert not holds(public, "104729")


async def test_no_address_stands_in_a_log(stack: Stack, played: Mapping[Language, Played]) -> None:
    for log in (stack.logs / f"{name}.log" for name in SERVICES):
        text = log.read_text(encoding="utf-8")
        assert text and "coop.example" not in text and "aurora.example" not in text, log.name


async def test_a_broker_refuses_services_and_subscribers_what_the_contracts_do_not_name(
    stack: Stack, played: Mapping[Language, Played]
) -> None:
    assert isinstance(stack.kafka, GuardedKafka)
    await refuses_what_is_not_named(stack.kafka)
    await lets_make_what_is_published_on(stack.kafka)


async def test_nothing_is_left_in_an_outbox_and_nothing_is_parked(
    stack: Stack, played: Mapping[Language, Played]
) -> None:
    await everything_arrived(stack)


async def test_every_service_starts_again_with_other_keys_on_what_the_journey_left(
    stack: Stack, played: Mapping[Language, Played]
) -> None:
    assert await everything_starts_again_with_other_keys(stack) == {
        "signing_keys.private_jwk", "organization_codes.kept", "organization_files.facts",
    }  # fmt: skip
