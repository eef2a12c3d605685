"""The RAMQ's page about delegating, in French and in English at once on one stack, and what the stack leaves behind."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from contracts.topics import Kind
from local.journeys import trail
from local.journeys.portal import LINKING_CODE, ONE_TIME_CODE, Language
from local.journeys.ramq import play
from local.journeys.ramq.mandating import LINK
from local.journeys.ramq.processing import TEMPORARY_PASSWORD, USER_NAME
from local.journeys.ramq.stage import Cast, cast
from local.ports import SERVICES
from local.stack import Stack
from tests.fixtures.patience import PATIENCE
from tests.journeys.aftermath import everything_arrived, everything_starts_again_with_other_keys
from tests.journeys.both import IN_EITHER_LANGUAGE, Played, every_mail, play_both, stack_of
from tests.journeys.bouncing import bounce_and_send_anew
from tests.journeys.killing import Kill, approve_and_kill
from tests.journeys.scraped import nothing_personal


@pytest.fixture(scope="module")
def stack(stack_folder: Path) -> Iterator[Stack]:
    """The stack of the demo, on free ports."""
    with stack_of("ramq", stack_folder) as made:
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
    """The addresses of those who play."""
    return {who.email for who in playing.everybody}


@IN_EITHER_LANGUAGE
@pytest.mark.parametrize(
    "promise",
    [
        "the answers lead to the form of a mandate",
        "whatever else is answered leads to a text that says what to do instead",
        "the account is linked to the practice",
        "each of the list is accepted or refused on its own, with the reason",
        "the text to sign is there, and its hash",
        "one password signs each of the list, and each person has a mail",
        "a profession without the service is refused",
        "the same person does not sign both sides",
        "another spelling of the professional's address is the same address",
        "the address of another person is refused",
        "a shared address is refused, and the mandate waits",
        "signed by both: it waits for agents",
        "the mandate waits outside the queue, and keeps both signatures",
        "the question does not go to the shared address",
        "with an address of one's own it stands in the queue again",
        "signed by both, it stands in the queue",
        "approved, it is a dated right of the person mandated",
        "never both in one mail",
        "the temporary password works once",
        "yes, and the explanation names the mandate",
        "for any other service: no",
        "the same account acts for the second professional, and no second password was sent",
        "two signatures, each with its text, and nothing was changed since",
        "printed by the professional",
        "printed by an agent",
        "printed by the delegate",
        "each has a user name of their own",
        "already mandated, with no end date: the mandate in force is named instead",
        "a corrected mandate is another text, which nobody has signed yet",
        "refused with a reason, it gives nothing",
        "withdrawn, it waits for nobody, and its mail leads nowhere",
        "one file for each form; otherwise it is refused",
        "both confirm their address, and it stands in the same queue",
        "an agent has it to review, with what was said",
        "all four gateways refuse what the account was signed in with",
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


KILLS = [
    Kill("accounts", None, "fr"),
    Kill("accounts", 0.02, "en"),
    Kill("authorizations", 0.0, "fr"),
    Kill("notifications", None, "en"),
    Kill("notifications", 0.03, "fr"),
]


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: f"{kill.service}-{kill.seconds}-{kill.language}")
async def test_killed_between_approval_and_the_two_mails_both_arrive_once(
    stack: Stack, played: Mapping[Language, Played], kill: Kill
) -> None:
    """Once: there is one mail of each, and a copy of it only where the mail host had it and nobody had noted that."""
    before, after = await approve_and_kill(stack, kill)
    assert 0 in before.sent and (kill.seconds is not None or before.sent == (0, 0))
    assert after.sent == (1, 1)
    assert after.copies == (1, 1) or (kill.service == "notifications" and kill.seconds is not None)


async def test_a_temporary_password_that_bounced_is_dead_and_another_one_reaches_its_person(
    stack: Stack, played: Mapping[Language, Played]
) -> None:
    await bounce_and_send_anew(stack)


async def test_no_public_event_names_a_person(
    stack: Stack, played: Mapping[Language, Played], mails: list[dict[str, Any]]
) -> None:
    events = await trail.everything(stack.kafka_clients)
    public = " ".join(json.dumps(e.data, ensure_ascii=False) for e in events if e.topic.kind is Kind.PUBLIC)
    private = {address for mail in mails for address in mail["to"]}
    for who in (*cast("fr").everybody, *cast("en").everybody):
        private |= {who.email, who.family_name, f"{who.given_name} {who.family_name}"}
    assert public and not [one for one in private if one in public]


def secrets(mails: list[dict[str, Any]]) -> dict[str, set[str]]:
    """What the mails of the run brought and nobody else is to have, by what it is, as it may be spelled."""
    found: dict[str, set[str]] = {}
    for name, form in (
        ("user name", USER_NAME), ("temporary password", TEMPORARY_PASSWORD), ("linking code", LINKING_CODE),
        ("one-time code", ONE_TIME_CODE), ("mandate's token", LINK),
    ):  # fmt: skip
        matches = [match for mail in mails for match in form.finditer(mail["text"])]
        if form is LINK:
            found[name] = {match[2] for match in matches}
        elif form is TEMPORARY_PASSWORD:
            found[name] = {spelled for match in matches for spelled in (match[1], match[1].replace("-", ""))}
        else:
            found[name] = {spelled for match in matches for spelled in (match[0], "".join(match.groups()))}
    return found


def standing_in(text: str, secret: str) -> bool:
    """Whether it stands there by itself: six digits also stand by chance in longer numbers, ids and ciphertexts."""
    return secret in text and re.search(rf"(?<![\w.-]){re.escape(secret)}(?![\w-])", text) is not None


async def test_no_address_user_name_password_code_or_token_stands_in_a_log_a_record_or_a_dead_letter(
    stack: Stack, played: Mapping[Language, Played]
) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        mails: list[dict[str, Any]] = (await http.get(f"{stack.inbox}/mails")).json()  # those after the kills too
    kept = secrets(mails)
    assert {name: len(values) >= 2 for name, values in kept.items()} == dict.fromkeys(kept, True)
    addresses = {address for mail in mails for address in mail["to"]}
    for name in SERVICES:
        log = (stack.logs / f"{name}.log").read_text(encoding="utf-8")
        assert log and not [address for address in addresses if address in log], name
        assert not [(name, what) for what, values in kept.items() for one in values if standing_in(log, one)]
    for event in await trail.everything(stack.kafka_clients):
        record = f"{event.key} {json.dumps(event.data, ensure_ascii=False)}"
        found = [what for what, values in kept.items() for one in values if standing_in(record, one)]
        assert not found, event.name
    for name in SERVICES:
        connection = await asyncpg.connect(stack.postgres.url(name))
        try:
            parked = " ".join(str(dict(row)) for row in await connection.fetch("select * from dead_letters"))
        finally:
            await connection.close()
        assert not [(name, what) for what, values in kept.items() for one in values if standing_in(parked, one)]


async def test_nothing_is_left_in_an_outbox_and_nothing_is_parked(
    stack: Stack, played: Mapping[Language, Played]
) -> None:
    await everything_arrived(stack)


async def test_what_is_measured_tells_nothing_of_anybody(stack: Stack, played: Mapping[Language, Played]) -> None:
    await nothing_personal(stack)


async def test_every_service_starts_again_with_other_keys_on_what_the_journey_left(
    stack: Stack, played: Mapping[Language, Played]
) -> None:
    assert await everything_starts_again_with_other_keys(stack) == {
        "signing_keys.private_jwk", "attachments.content", "person_keys.locked", "credentials.own_addresses",
    }  # fmt: skip
