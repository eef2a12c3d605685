"""Claims: received, told to authorizations, shown to whoever made them as they are decided there."""

import asyncio
import math
import re
import shutil
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from chassis import slowing
from contracts.authorizations import (
    AdministratorAppointed,
    ClaimRefused,
    ContactBinding,
    Organization,
    ReportedPayroll,
    RequestDecided,
    RequestLapsed,
    RequestSubmitted,
    RequestWithdrawn,
)
from contracts.linking import OrganizationClaimed, ProfileLinked
from services.linking.claims import watching
from services.linking.tests.coded import WSSCC, an_employer, code_of
from services.linking.tests.conftest import Opening
from services.linking.tests.world import Linking, a_contact, an_account, changed
from tests.fixtures.digits import holds
from tests.fixtures.patience import PATIENCE

PAYROLL = ReportedPayroll(year=2026, amount=Decimal(100_000))
DAYS = 30


class World:
    """The service with an employer that has a code, and one account."""

    def __init__(self, linking: Linking, employer: Organization, account_id: UUID, code: str) -> None:
        self.linking, self.employer, self.account_id, self.code = linking, employer, account_id, code

    async def claim(self, account_id: UUID | None = None, **changes: Any) -> httpx.Response:
        """POST /v1/links as somebody without the code."""
        headers = self.linking.bearer(account_id or self.account_id) | changes.pop("headers", {})
        body = {
            "method": "organization_code",
            "organization_name": "Les Constructions Ete Nord Canada",
            "organization_number": "1000001",
            "capacity": "worker",
        }
        return await self.linking.http.post("/v1/links", json=body | changes, headers=headers)

    async def claimed(self, account_id: UUID | None = None, **changes: Any) -> UUID:
        """The id of a claim that was received."""
        answer = await self.claim(account_id, **changes)
        assert answer.status_code == 202, answer.text
        return UUID(answer.json()["claim_id"])

    async def show(self, claim_id: UUID, account_id: UUID | None = None, query: str = "") -> httpx.Response:
        headers = self.linking.bearer(account_id or self.account_id) | {"Accept-Language": "en"}
        return await self.linking.http.get(f"/v1/claims/{claim_id}{query}", headers=headers)

    async def standing(self, claim_id: UUID) -> tuple[str, str | None, str | None]:
        """State, outcome and who decides."""
        shown = (await self.show(claim_id)).json()
        return shown["state"], shown["outcome"], shown["decider"]

    def fact(self, fact: Any, claim_id: UUID | None, /, **content: Any) -> Any:
        """What authorizations tells of a claim."""
        values: dict[str, Any] = {"organization_id": self.employer.organization_id, "sequence": 1, "claim_id": claim_id}
        if fact in (RequestDecided, RequestLapsed, RequestSubmitted, RequestWithdrawn):
            values["request_id"] = uuid4()
        return fact(**values | content)

    def submitted(self, claim_id: UUID | None, **content: Any) -> Any:
        values = {"kind": "access_request", "decider": "organization", "lapses_on": "2026-12-20"}
        return self.fact(RequestSubmitted, claim_id, **values | content)

    def appointed(self, claim_id: UUID) -> Any:
        return self.fact(AdministratorAppointed, claim_id, contact_id=uuid4(), relation_id=uuid4())


@pytest.fixture
async def world(opening: Opening) -> World:
    linking = await opening(WSSCC)
    employer, account = an_employer(linking, payroll=PAYROLL), an_account()
    await linking.send(employer, account)
    code = await code_of(linking, employer)
    assert code is not None
    return World(linking, employer, account.account_id, code)


@pytest.fixture
def without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits waits for news and for nothing else: no time that is over answers."""

    async def wait(self: watching.Watch, claim_id: UUID, seen: int, _: float) -> None:
        await until_news(self, claim_id, seen, math.inf)

    until_news = watching.Watch._until_news
    monkeypatch.setattr(watching.Watch, "_until_news", wait)


async def test_a_claim_is_received_and_told_with_its_deadline(world: World) -> None:
    answer = await world.claim()
    assert answer.status_code == 202, answer.text
    shown = answer.json()
    last_day = date(2026, 12, 1) + timedelta(days=DAYS)
    assert (shown["state"], shown["outcome"], shown["deadline"]) == ("received", None, last_day.isoformat())
    assert answer.headers["location"] == f"/v1/claims/{shown['claim_id']}" and "mandat-after" in answer.headers
    [claimed] = await world.linking.published(OrganizationClaimed)
    assert (claimed.claim_id, claimed.account_id) == (UUID(shown["claim_id"]), world.account_id)
    assert (claimed.organization_id, claimed.lapses_on) == (world.employer.organization_id, last_day)
    assert (claimed.proven, claimed.locked, claimed.capacity) == (False, False, "worker")


async def test_who_has_the_code_hears_the_same_as_who_has_not(world: World) -> None:
    other = an_account()
    await world.linking.send(other)
    without = (await world.claim()).json()
    with_code = (await world.claim(other.account_id, organization_code=world.code, payroll="100000")).json()
    for answer in (without, with_code):
        for own in ("claim_id", "made_at"):
            answer.pop(own)
    assert without == with_code
    told = await world.linking.published(OrganizationClaimed)
    assert [(claimed.tried, claimed.proven) for claimed in told] == [(False, False), (True, True)]


async def test_no_code_stands_in_the_event_or_in_a_row_of_the_claim(world: World) -> None:
    await world.claimed(organization_code=world.code, payroll="100000")
    [claimed] = await world.linking.published(OrganizationClaimed)
    row = await world.linking.unit.pool.fetchval("select c::text from claims c")
    assert not holds(claimed.model_dump_json(), world.code) and not holds(row, world.code)


async def test_a_name_that_is_not_the_numbers_is_refused_like_a_number_of_nobody(world: World) -> None:
    wrong_name = await world.claim(organization_name="Somebody Else Inc.")
    nobody = await world.claim(organization_number="1999999")
    assert wrong_name.status_code == nobody.status_code == 422
    assert wrong_name.content == nobody.content and wrong_name.json()["code"] == "link_refused"
    assert await world.linking.published(OrganizationClaimed) == []


async def test_an_inactive_organization_cannot_be_claimed(world: World) -> None:
    await world.linking.send(changed(world.employer, status="inactive"))
    assert (await world.claim()).json()["code"] == "link_refused"


async def test_a_capacity_that_the_agency_does_not_know_is_named_with_those_it_does(world: World) -> None:
    refused = await world.claim(capacity="emperor")
    assert refused.status_code == 422
    [fault] = refused.json()["errors"]
    assert fault["pointer"] == "#/capacity" and "worker" in fault["detail"]
    methods = (await world.linking.http.get("/v1/linking-methods")).json()["items"]
    [method] = [method for method in methods if method["code"] == "organization_code"]
    fields = {field["name"]: field for field in method["fields"]}
    assert [choice["code"] for choice in fields["capacity"]["choices"]] == ["worker", "representative"]
    assert not fields["organization_code"]["required"] and not fields["payroll"]["required"]


async def test_who_waits_for_a_decision_there_is_told_so_at_once(world: World) -> None:
    claim_id = await world.claimed()
    refused = await world.claim()
    assert (refused.status_code, refused.json()["code"]) == (409, "claim_pending")
    assert refused.json()["next"]["href"] == f"/v1/claims/{claim_id}"
    assert len(await world.linking.published(OrganizationClaimed)) == 1


async def test_who_is_linked_there_is_told_so_at_once_and_whom_to_write_to_about_more(world: World) -> None:
    binding = ContactBinding(
        link_id=uuid4(), account_id=world.account_id, method="organization_code", since=world.linking.clock.now
    )
    await world.linking.send(a_contact(world.employer, binding=binding, linking_code_generation=0))
    refused = await world.claim()
    assert (refused.status_code, refused.json()["code"]) == (409, "linked_here")
    assert "soutien@wsscc.example" in refused.json()["detail"]


async def test_ten_claims_of_one_account_at_once_are_one(world: World) -> None:
    answers = await asyncio.gather(*[world.claim() for _ in range(10)])
    assert [answer.status_code for answer in answers].count(202) == 1
    assert len(await world.linking.published(OrganizationClaimed)) == 1


async def test_a_request_that_is_sent_again_is_answered_with_the_same_claim(world: World) -> None:
    key = {"Idempotency-Key": "once"}
    first = await world.claim(headers=key, organization_code=world.code)
    second = await world.claim(headers=key, organization_code=world.code)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["claim_id"] == second.json()["claim_id"]
    other = await world.claim(headers=key, organization_code="000000")
    assert other.json()["code"] == "idempotency_key_reused"
    assert not holds(await world.linking.everything_kept(), world.code)


async def test_a_claim_is_shown_to_nobody_else(world: World) -> None:
    claim_id, stranger = await world.claimed(), an_account()
    await world.linking.send(stranger)
    assert (await world.show(claim_id, stranger.account_id)).status_code == 404


async def test_the_person_sees_it_wait_and_then_decided_with_the_reason(world: World) -> None:
    claim_id = await world.claimed()
    asked = world.submitted(claim_id)
    await world.linking.send(asked)
    shown = (await world.show(claim_id)).json()
    assert (shown["state"], shown["decider"], shown["deadline"]) == ("waiting", "organization", "2026-12-20")
    assert shown["request_id"] == str(asked.request_id) and "access administrators must answer" in shown["message"]
    await world.linking.send(world.fact(RequestDecided, claim_id, outcome="reject", reason="not_with_us"))
    shown = (await world.show(claim_id)).json()
    assert (shown["state"], shown["outcome"], shown["decision_reason"]) == ("decided", "refused", "not_with_us")
    assert shown["decision_reason_name"]


@pytest.mark.parametrize(
    ("kind", "content", "outcome"),
    [
        (AdministratorAppointed, {"contact_id": uuid4(), "relation_id": uuid4()}, "administrator"),
        (RequestDecided, {"outcome": "approve"}, "granted"),
        (RequestDecided, {"outcome": "merge"}, "granted"),
        (RequestDecided, {"outcome": "reject", "reason": "not_with_us"}, "refused"),
        (ClaimRefused, {"reason": "contact_already"}, "refused"),
        (RequestLapsed, {}, "lapsed"),
        (RequestWithdrawn, {}, "withdrawn"),
    ],
)
async def test_each_way_a_claim_can_end_is_shown(world: World, kind: Any, content: Any, outcome: str) -> None:
    claim_id = await world.claimed()
    await world.linking.send(world.fact(kind, claim_id, **content))
    assert (await world.standing(claim_id))[:2] == ("decided", outcome)
    assert "blocked" not in str((await world.show(claim_id)).json())


async def test_why_it_was_refused_outright_never_shows(world: World) -> None:
    claim_id = await world.claimed()
    await world.linking.send(world.fact(ClaimRefused, claim_id, reason="contact_already"))
    shown = (await world.show(claim_id)).json()
    assert (shown["decision_reason"], "contact_already" in str(shown)) == (None, False)


async def test_what_is_told_late_changes_nothing_of_what_was_decided(world: World) -> None:
    claim_id = await world.claimed()
    asked = world.submitted(claim_id)
    await world.linking.send(world.fact(RequestDecided, claim_id, outcome="approve"), asked)
    assert (await world.standing(claim_id))[:2] == ("decided", "granted")
    await world.linking.send(world.fact(RequestLapsed, claim_id), world.fact(RequestWithdrawn, claim_id))
    assert (await world.standing(claim_id))[:2] == ("decided", "granted")


async def test_an_administrator_is_one_whichever_is_told_first(world: World) -> None:
    for order in ((0, 1), (1, 0)):
        account = an_account()
        await world.linking.send(account)
        answer = await world.claim(account.account_id)
        claim_id = UUID(answer.json()["claim_id"])
        told = [world.appointed(claim_id), world.fact(RequestDecided, claim_id, outcome="approve")]
        await world.linking.send(*[told[number] for number in order])
        shown = (await world.show(claim_id, account.account_id)).json()
        assert shown["outcome"] == "administrator"


async def test_what_is_told_of_a_claim_that_is_not_known_here_changes_nothing(world: World) -> None:
    claim_id = await world.claimed()
    await world.linking.send(
        world.submitted(uuid4()), world.appointed(uuid4()), world.fact(RequestDecided, None, outcome="approve")
    )
    assert await world.standing(claim_id) == ("received", None, None)


async def test_past_its_last_day_it_has_lapsed_and_may_be_claimed_anew(world: World) -> None:
    claim_id = await world.claimed()
    world.linking.clock.now += timedelta(days=DAYS)
    assert (await world.standing(claim_id))[0] == "received"
    assert (await world.claim()).json()["code"] == "claim_pending"
    world.linking.clock.now += timedelta(days=1)
    assert (await world.standing(claim_id))[:2] == ("decided", "lapsed")
    again = await world.claimed()
    assert again != claim_id and len(await world.linking.published(OrganizationClaimed)) == 2


@pytest.mark.usefixtures("without_end")
async def test_who_waits_hears_as_soon_as_there_is_news(world: World) -> None:
    claim_id = await world.claimed()
    waiting = asyncio.create_task(world.show(claim_id, query="?wait=30"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await world.linking.send(world.submitted(claim_id))
    shown = (await asyncio.wait_for(waiting, PATIENCE)).json()
    assert shown["state"] == "waiting"
    # What was seen is no news any more; what comes after it is.
    waiting = asyncio.create_task(world.show(claim_id, query=f"?wait=30&seen={shown['version']}"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await world.linking.send(world.appointed(claim_id))
    assert (await asyncio.wait_for(waiting, PATIENCE)).json()["outcome"] == "administrator"


@pytest.mark.usefixtures("without_end")
async def test_news_that_came_before_the_question_is_told_at_once(world: World) -> None:
    claim_id = await world.claimed()
    await world.linking.send(world.submitted(claim_id))
    shown = await asyncio.wait_for(world.show(claim_id, query="?wait=30&seen=1"), PATIENCE)
    assert shown.json()["state"] == "waiting"
    await world.linking.send(world.appointed(claim_id))
    decided = await asyncio.wait_for(
        world.show(claim_id, query=f"?wait=30&seen={shown.json()['version'] + 1}"), PATIENCE
    )
    assert decided.json()["state"] == "decided"


async def test_without_news_the_answer_comes_when_the_time_is_over(world: World) -> None:
    claim_id = await world.claimed()
    shown = await asyncio.wait_for(world.show(claim_id, query="?wait=1"), PATIENCE)
    assert (shown.status_code, shown.json()["state"]) == (200, "received")


async def test_nobody_is_linked_by_a_claim_alone(world: World) -> None:
    await world.claimed(organization_code=world.code, payroll="100000")
    assert await world.linking.profiles(world.account_id) == []
    assert await world.linking.published(ProfileLinked) == []


@pytest.mark.usefixtures("without_end")
async def test_one_account_has_only_so_many_places_to_wait_and_others_keep_theirs(world: World) -> None:
    claim_id, other = await world.claimed(), an_account()
    await world.linking.send(other)
    allowed = world.linking.unit.tools.agency.limits.organization_codes
    assert allowed is not None
    calls = [asyncio.create_task(world.show(claim_id, query="?wait=30")) for _ in range(allowed.waits_per_account + 1)]
    done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    [refused] = [call.result() for call in done]
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert refused.headers["Retry-After"] == "1"
    assert (await world.show(claim_id)).status_code == 200  # without a wait it is answered as ever
    theirs = (await world.claim(other.account_id)).json()["claim_id"]
    another = asyncio.create_task(world.show(theirs, other.account_id, query="?wait=30"))
    await asyncio.sleep(0.2)
    assert not another.done()
    await world.linking.send(world.submitted(claim_id), world.submitted(UUID(theirs)))
    answers = [await asyncio.wait_for(call, PATIENCE) for call in (*waiting, another)]
    assert [answer.json()["state"] for answer in answers] == ["waiting"] * (allowed.waits_per_account + 1)
    # Whoever was answered has made place.
    again = asyncio.create_task(world.show(claim_id, query="?wait=30&seen=2"))
    async with asyncio.timeout(PATIENCE):
        while not world.linking.unit.tools.claims._waiting.total():
            await asyncio.sleep(0.01)
    await world.linking.send(world.appointed(claim_id))
    assert (await asyncio.wait_for(again, PATIENCE)).json()["state"] == "decided"


@pytest.mark.usefixtures("without_end")
async def test_whoever_waits_is_answered_as_things_stand_once_the_process_is_told_to_stop(world: World) -> None:
    claim_id = await world.claimed()
    waiting = asyncio.create_task(world.show(claim_id, query="?wait=30"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    world.linking.unit.tools.claims.stopping.set()
    shown = await asyncio.wait_for(waiting, PATIENCE)
    assert (shown.status_code, shown.json()["state"]) == (200, "received")


@pytest.mark.usefixtures("without_end")
async def test_a_full_process_answers_at_once_as_things_stand(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    claim_id = await world.claimed()
    monkeypatch.setattr(watching, "MOST_WAITING", 0)
    shown = await asyncio.wait_for(world.show(claim_id, query="?wait=30"), PATIENCE)
    assert (shown.status_code, shown.json()["state"]) == (200, "received")


async def test_a_refusal_and_a_claim_leave_at_an_even_time_whatever_was_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(slowing, "pause", note)
    monkeypatch.setattr(slowing, "EVENLY", PATIENCE)
    wrong: list[dict[str, Any]] = [{"organization_number": "1999999"}, {"organization_name": "Somebody Else"}]
    for changes in wrong:
        assert (await world.claim(**changes)).json()["code"] == "link_refused"
    assert len(waited) == 2
    for code in (None, "000000", world.code):
        await world.linking.send(person := an_account())
        await world.claimed(account_id=person.account_id, organization_code=code, payroll="100000")
    assert len(waited) == 5 and all(0 < seconds < PATIENCE for seconds in waited)
    assert (await world.claim(account_id=person.account_id)).json()["code"] == "claim_pending"
    assert len(waited) == 5  # about oneself, one is told at once


@pytest.mark.usefixtures("without_end")
async def test_nobody_else_is_told_of_a_claim_by_waiting_for_it_whether_it_is_decided_or_not(world: World) -> None:
    claim_id, stranger = await world.claimed(), an_account()
    await world.linking.send(stranger)
    for told in ((), (world.submitted(claim_id),), (world.appointed(claim_id),)):
        await world.linking.send(*told)
        answer = await asyncio.wait_for(world.show(claim_id, stranger.account_id, query="?wait=30&seen=1"), PATIENCE)
        unknown = await world.show(uuid4(), stranger.account_id)
        assert answer.status_code == 404 and answer.content == unknown.content


async def test_a_claim_speaks_to_its_person_in_their_language(world: World) -> None:
    claim_id = await world.claimed()

    async def said(language: str) -> tuple[str, str]:
        headers = world.linking.bearer(world.account_id) | {"Accept-Language": language}
        shown = (await world.linking.http.get(f"/v1/claims/{claim_id}", headers=headers)).json()
        return shown["message"], shown["capacity_name"]

    for told in ((), (world.submitted(claim_id),), (world.fact(RequestDecided, claim_id, outcome="reject"),)):
        await world.linking.send(*told)
        (french, travailleur), (english, worker) = await said("fr-CA"), await said("en")
        assert (travailleur, worker) == ("Travailleur", "Worker")
        assert french != english and french and english
    assert (french, english) == ("Votre demande a été refusée.", "Your request was denied.")


async def test_what_an_agency_says_of_names_and_deadlines_is_what_holds(opening: Opening, tmp_path: Path) -> None:
    other = tmp_path / WSSCC.name
    shutil.copytree(WSSCC, other)
    linking_yaml, requests_yaml = other / "linking.yaml", other / "requests.yaml"
    suffixes = re.compile(r"legal_suffixes:\n(?:      - \w+\n)+")
    said, found = suffixes.subn("legal_suffixes: [gmbh]\n", linking_yaml.read_text(encoding="utf-8"))
    assert found == 1
    linking_yaml.write_text(said, encoding="utf-8")
    rule = re.compile(r"(access_request:\n(?:    .*\n)*?    days: )30")
    said, found = rule.subn(r"\g<1>12", requests_yaml.read_text(encoding="utf-8"))
    assert found == 1
    requests_yaml.write_text(said, encoding="utf-8")
    for agency, typed, deadline in ((WSSCC, "Nord Ltée", "2026-12-31"), (other, "Nord GmbH", "2026-12-13")):
        linking = await opening(agency)
        employer, account = an_employer(linking, legal_name="NORD", trade_names=()), an_account()
        await linking.send(employer, account)
        world = World(linking, employer, account.account_id, "")
        for name in ("Nord Ltée", "Nord GmbH"):
            answer = await world.claim(organization_name=name)
            assert answer.status_code == (202 if name == typed else 422), (agency, name)
            if name == typed:
                assert answer.json()["deadline"] == deadline
