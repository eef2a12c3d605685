"""The demo's journey, played against the whole stack of processes, and what the stack leaves behind."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from uuid_utils.compat import uuid7

from chassis import settings as environment
from chassis.service import platform
from chassis.settings import Settings
from chassis.work import Actor
from contracts.cloudevents import Envelope
from local.journeys import trail
from local.journeys.account import closed_by_an_agent
from local.journeys.ccq import play
from local.journeys.ccq.first_connection import create_account
from local.journeys.ccq.stage import Journey
from local.journeys.narrator import Narrator
from local.journeys.portal import Portal, Someone
from local.ports import SERVICES, Ports
from local.stack import Stack
from services.authorizations.app import service
from services.authorizations.imports.running import carry_out, files, receive
from services.authorizations.notices.chores import tell
from tests.fixtures.patience import PATIENCE
from tests.journeys.aftermath import everything_arrived, everything_starts_again
from tests.journeys.scraped import nothing_personal, what_operators_need

LATE = re.compile(r"Cet\s+avis\s+est\s+en\s+retard")


@pytest.fixture(scope="module")
def stack(stack_folder: Path) -> Iterator[Stack]:
    """The stack of the demo, on free ports."""
    made = Stack("ccq", stack_folder / "stack", Ports.free(), stack_folder / "logs", say=lambda _: None)
    with made:
        yield made


@pytest.fixture(scope="module")
async def told(stack: Stack) -> list[str]:
    """What the demo prints; the journey has been played when a test receives it."""
    lines: list[str] = []
    await play(stack, Narrator(say=lines.append, colour=False))
    return lines


async def test_every_step_of_the_guide_holds(told: list[str]) -> None:
    assert sum(line.lstrip().startswith("✓") for line in told) >= 50


async def test_both_languages_are_played(told: list[str]) -> None:
    text = "\n".join(told)
    assert "Votre compte est maintenant lié" in text and "Your account is now linked" in text
    assert "n’est plus membre de la firme" in text and "no longer a member of the firm" in text


async def test_firm_client_agent_and_another_system_each_have_their_part(told: list[str]) -> None:
    text = "\n".join(told)
    for part in (
        "she manages ENTREPRISE SHW INC.",
        "one confirmed, one corrected: nothing is left to settle",
        "approved, the relation is inactive and still in the list",
        "the firm is told why, and no name",
        "the right account has the file, by the new coordinates",
        "Gestion de main-d’œuvre: no, with the reason in both languages",
        "Gestion de main-d’œuvre: yes",
        "competency_certificate, write, for Démo Travailleuse: yes",
        "the document is there for agents, and for nobody else",
        "nothing was changed, is missing or was cut off since it was sealed",
    ):
        assert f"✓ {part}" in text


async def test_a_digest_of_what_ends_arrives_in_the_inbox_once_for_each_reader_and_says_that_it_is_late(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day is a parameter: a worker at noon in two days, after a day on which none worked."""
    for name, value in stack.environment("authorizations").items():
        monkeypatch.setenv(name, value)
    async with platform(service, environment.read(Settings)) as (_, unit):
        today = datetime.now(unit.origin.time_zone).date()
        ending = {
            "record": "membership", "kind": "firm", "number": "5000001", "client_number": "3000002",
            "type": "administrator", "starts_on": today.isoformat(), "ends_on": (today + timedelta(days=8)).isoformat(),
            "subjects": [{"subject": "profile", "level": "read"}],
        }  # fmt: skip
        extract = tmp_path / "extract.ndjson"
        extract.write_text(json.dumps(ending), encoding="utf-8")
        actor = Actor("operator", "import")
        done = await carry_out(unit, await receive(unit, files([extract]), actor, dry_run=False))
        assert (done.created, done.rejected) == (1, 0)
        noon = datetime.combine(today + timedelta(days=2), time(12), unit.origin.time_zone).astimezone(UTC)
        then = replace(unit, origin=replace(unit.origin, clock=lambda: noon))
        since = datetime.now(UTC)
        for _ in range(2):
            while await tell(then) is not None:
                pass
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        portal = Portal(stack, Narrator(say=lambda _: None), http)
        for address in ("responsable@laforce.example", "membre@laforce.example"):
            mail = await portal.mail(address, since, "the digest", LATE)
            assert mail["subject"] == "Relations et autorisations\u00a0: à voir – LAFORCE COMPTABLE INC."
            text = " ".join(mail["text"].split())
            assert "Personne administratrice" in text
        found = (await http.get(f"{stack.inbox}/mails", params={"since": since.isoformat()})).json()
        assert len([mail for mail in found if LATE.search(mail["text"])]) == 2
    await everything_arrived(stack)
    events = await trail.everything(stack.kafka_clients)
    asked = [event.key for event in events if event.name == "EndsDigestMail" and event.time >= noon]
    assert len(asked) == len(set(asked)) == 2


async def test_once_an_agent_closes_an_account_each_of_the_four_gateways_refuses_its_token(stack: Stack) -> None:
    lines: list[str] = []
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        narrator = Narrator(say=lines.append, colour=False)
        journey = Journey(Portal(stack, narrator, http), narrator)
        who = Someone("abusee@laforce.example", "une phrase de passe de plus", "Démo", "Abusée", "fr")
        await create_account(journey, who)
        await closed_by_an_agent(journey, who, "L’utilisation par une autre personne")
    for name in SERVICES:
        assert any(f"accounts → {name}: the token is refused there" in line for line in lines)


async def test_no_mail_token_or_code_stands_in_a_log(stack: Stack, told: list[str]) -> None:
    secrets = [line.split(":")[1].strip() for line in told if "the code in the mail" in line]
    for log in stack.logs.glob("*.log"):
        if log.stem not in SERVICES:
            continue
        text = log.read_text(encoding="utf-8")
        assert "laforce.example" not in text, log.name
        assert not any(code.replace(" ", "") in text.split() for code in secrets)


async def test_every_event_on_every_topic_is_one_of_the_contracts(stack: Stack, told: list[str]) -> None:
    events = await trail.everything(stack.kafka_clients)
    assert {event.topic.name for event in events} >= {
        "accounts.events", "accounts.people", "linking.events", "authorizations.events",
        "authorizations.organizations", "authorizations.contacts", "notifications.requests", "notifications.events",
    }  # fmt: skip


async def test_nothing_is_left_in_an_outbox_and_nothing_is_parked(stack: Stack, told: list[str]) -> None:
    await everything_arrived(stack)


async def test_a_message_that_does_not_parse_is_parked_and_the_partition_moves_on(
    stack: Stack, told: list[str]
) -> None:
    events = await trail.everything(stack.kafka_clients)
    person = next(event for event in reversed(events) if event.topic.name == "accounts.people")
    newer = person.data | {"version": person.data["version"] + 1, "given_name": "Renommée"}
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka.servers) as producer:
        key = person.key.encode()
        await producer.send_and_wait("accounts.people", b"{not json", key=key, headers=[("ce_type", b"?")])
        good = _envelope(person)
        await producer.send_and_wait("accounts.people", json.dumps(newer).encode(), key=key, headers=good.headers())
    for name in ("linking", "authorizations"):
        connection = await asyncpg.connect(stack.postgres.url(name))
        try:
            async with asyncio.timeout(PATIENCE):
                while not await connection.fetchval("select count(*) from inbox where event_id = $1", good.id):
                    await asyncio.sleep(0.05)
            reason = await connection.fetchval("select reason from dead_letters where topic = 'accounts.people'")
            assert reason == "Malformed: header ce_specversion is missing"
        finally:
            await connection.close()


async def test_operations_answer_on_a_port_of_their_own_and_not_on_the_gateway(stack: Stack, told: list[str]) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        for name in SERVICES:
            for path in ("/livez", "/readyz", "/openapi.json"):
                assert (await http.get(stack.operations(name) + path)).status_code == 200
            metrics = (await http.get(stack.operations(name) + "/metrics")).text
            assert "# HELP mandat_outbox_depth" in metrics
            for path in ("/livez", "/metrics", "/openapi.json", "/docs"):
                assert (await http.get(stack.gateway(name) + path)).status_code == 404


async def test_what_operators_watch_is_measured_and_tells_nothing_of_anybody(stack: Stack, told: list[str]) -> None:
    await what_operators_need(stack)
    await nothing_personal(stack)


async def test_every_service_starts_again_on_what_the_journey_left(stack: Stack, told: list[str]) -> None:
    await everything_starts_again(stack)


def _envelope(event: trail.Seen) -> Envelope:
    return Envelope(
        id=uuid7(),
        source="urn:mandat:ccq:accounts",
        type="mandat.accounts.Person.v1",
        time=event.time,
        dataschema="urn:mandat:schema:accounts.Person:1",
        partitionkey=event.key,
    )
