"""Another person uses an account: who may report it, what agents see, what ends by whom, and who is told."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from uuid_utils.compat import uuid7

from contracts.accounts import MisuseSuspected, Person
from contracts.agency.limits import Budget
from contracts.agency.misuse import Misuse, MisuseReason
from contracts.agency.text import Text
from services.authorizations.accounts.handlers import follow_account, forget_account
from services.authorizations.misuse import chores
from services.authorizations.misuse.handlers import follow_suspicion
from services.authorizations.tests.asking import sides
from services.authorizations.tests.conftest import TEST, Firm, Someone
from services.authorizations.tests.test_by_mandate import mandate

REASON = MisuseReason(code="shared", name=Text(fr="Identifiants partagés", en="Shared credentials"))
WORDS = "Une certaine Ginette s’en sert aussi, le soir."


@dataclass
class Misused:
    """The guide's firm, its responsible person, a member, and an agent who looks."""

    firm: Firm
    member: Someone

    async def report(self, headers: dict[str, str], **about: Any) -> httpx.Response:
        body = {"reason": "shared", "words": WORDS} | about
        return await self.firm.client.post("/v1/reports", json=body, headers=headers)

    async def suspect(self, account_id: UUID, signal: Any = "travel") -> None:
        now = datetime.now(UTC)
        suspected = MisuseSuspected(
            account_id=account_id, signal=signal, since=now, until=now, places=("montreal", "paris"), kilometres=5502
        )
        await self.firm.opened.unit.run(follow_suspicion, suspected, TEST)

    async def reviews(self) -> list[dict[str, Any]]:
        """Reviews of misuse as an agent lists them."""
        listed = await self.firm.client.get("/v1/requests?kind=review", headers=self.firm.agent)
        assert listed.status_code == 200, listed.text
        return [row for row in listed.json()["items"] if row["reason"] == "misuse"]

    async def status(self, someone: Someone, status: Any, version: int) -> None:
        """Accounts tells that the account is closed, or open again."""
        person = Person(
            account_id=someone.account_id, version=version, status=status, epoch=version,
            status_since=datetime.now(UTC) - timedelta(hours=1) + timedelta(minutes=version), email="x@example.org",
            given_name="Aline", family_name="Adjointe", language="fr",
        )  # fmt: skip
        await self.firm.opened.unit.run(follow_account, person, TEST)

    async def decide(self, outcome: str, **more: Any) -> httpx.Response:
        [review] = await self.reviews()
        path, headers = f"/v1/requests/{review['request_id']}", self.firm.agent
        etag = (await self.firm.client.get(path, headers=headers)).headers["etag"]
        body = {"outcome": outcome, **more}
        return await self.firm.client.post(f"{path}/decision", json=body, headers=headers | {"If-Match": etag})


def with_misuse(firm: Firm, **changes: Any) -> None:
    """Give the agency reasons to report for, a budget, and mandates."""
    agency = firm.opened.tools.agency
    attempts = {**agency.limits.attempts, "misuse_reports_per_account": Budget(count=3, per_seconds=86400)}
    given: dict[str, Any] = {
        "misuse": Misuse(reasons=(REASON,)),
        "misuse_reasons": {REASON.code: REASON},
        "limits": agency.limits.model_copy(update={"attempts": attempts}),
        "features": agency.features | {"mandates"},
    }
    object.__setattr__(firm.opened.tools, "agency", replace(agency, **(given | changes)))


@pytest.fixture
async def misused(firm: Firm) -> Misused:
    with_misuse(firm)
    return Misused(firm, await firm.member())


async def test_reports_and_signs_about_one_account_are_one_review_with_everything_that_was_said(
    misused: Misused,
) -> None:
    firm, member = misused.firm, misused.member
    first = await misused.report(firm.responsible.headers, contact_id=str(member.contact_id))
    again = await misused.report(member.headers, account_id=str(member.account_id), words=None)
    mandate_id = await mandate(firm, member)
    by_agent = await misused.report(firm.agent, mandate_id=str(mandate_id))
    await misused.suspect(member.account_id)
    for answer in (first, again, by_agent):
        assert (answer.status_code, set(answer.json())) == (201, {"report_id"})
    [review] = await misused.reviews()
    shown = review["asked"]["misuse"]
    assert (shown["account_id"], shown["account_active"]) == (str(member.account_id), True)
    assert shown["closing"] == f"/v1/accounts/{member.account_id}/deactivation"
    evidence = shown["evidence"]
    assert [(one["kind"], one["told_by"]["kind"]) for one in evidence] == [
        ("report", "account"), ("report", "account"), ("report", "agent"), ("signal", "test"),
    ]  # fmt: skip
    assert [one["mandate_id"] for one in evidence] == [None, None, str(mandate_id), None]
    assert [one["words"] for one in evidence] == [WORDS, None, WORDS, None]
    assert evidence[0]["organization_id"] == str(firm.firm_id) and evidence[1]["organization_id"] is None
    assert evidence[0]["name"] in (REASON.name.fr, REASON.name.en)
    assert evidence[3]["seen"]["places"] == ["montreal", "paris"] and evidence[3]["seen"]["kilometres"] == 5502


async def test_what_one_may_not_report_about_reads_as_what_does_not_exist(misused: Misused, tmp_path: Path) -> None:
    firm, member = misused.firm, misused.member
    two = await sides(firm, tmp_path)
    strangers = {"Authorization": f"Bearer {firm.opened.issuer.person(uuid7())}", "Accept-Language": "fr"}
    mine = {"account_id": str(firm.responsible.account_id)}
    refused = [
        await misused.report(two.employer.headers, contact_id=str(member.contact_id)),
        await misused.report(member.headers, contact_id=str(firm.responsible.contact_id)),
        await misused.report(member.headers, account_id=str(two.employer.account_id)),
        await misused.report(strangers, **mine),
        await misused.report(strangers, contact_id=str(uuid4())),
    ]
    [said] = {(r.status_code, r.json()["code"], r.json()["detail"]) for r in refused}
    assert said[:2] == (404, "not_found")
    assert await misused.reviews() == []


async def test_nothing_ends_by_reports(misused: Misused) -> None:
    firm, member = misused.firm, misused.member
    for _ in range(3):
        await misused.report(firm.responsible.headers, contact_id=str(member.contact_id))
    assert (await firm.check(member.account_id, "profile", firm.firm_id, "read"))["decision"]


async def test_a_person_reports_so_often_and_agents_as_often_as_they_must(misused: Misused) -> None:
    firm, member = misused.firm, misused.member
    about = {"contact_id": str(member.contact_id)}
    answers = [(await misused.report(firm.responsible.headers, **about)).status_code for _ in range(4)]
    assert answers == [201, 201, 201, 429]
    assert [(await misused.report(firm.agent, **about)).status_code for _ in range(4)] == [201] * 4


async def test_a_flood_of_guesses_is_counted_as_well(misused: Misused) -> None:
    answers = [(await misused.report(misused.member.headers, contact_id=str(uuid4()))).status_code for _ in range(4)]
    assert answers == [404, 404, 404, 429]


async def test_two_at_the_same_moment_are_one_review(misused: Misused) -> None:
    signals = ("travel", "networks_at_once", "many_devices", "many_sessions")
    await asyncio.gather(*(misused.suspect(misused.member.account_id, signal) for signal in signals))
    [review] = await misused.reviews()
    assert len(review["asked"]["misuse"]["evidence"]) == 4


async def test_a_report_that_is_sent_again_is_the_same_one(misused: Misused) -> None:
    headers = misused.firm.responsible.headers | {"Idempotency-Key": "a-report-1"}
    about = {"contact_id": str(misused.member.contact_id)}
    once, again = await misused.report(headers, **about), await misused.report(headers, **about)
    assert once.json() == again.json()
    [review] = await misused.reviews()
    assert len(review["asked"]["misuse"]["evidence"]) == 1


async def test_the_words_stand_in_no_event_and_no_audit_and_are_erased_with_time_or_with_the_account(
    misused: Misused,
) -> None:
    firm, member, pool = misused.firm, misused.member, misused.firm.opened.unit.pool
    await misused.report(firm.responsible.headers, contact_id=str(member.contact_id))
    for table in ("outbox", "audit", "requests", "misuse_evidence"):
        rows = await pool.fetch(f'select "{table}"::text as row from "{table}"')
        assert not any("Ginette" in row["row"] for row in rows), table
    assert (await misused.decide("reject", reason="not_established")).status_code == 200
    await chores.forget(firm.opened.unit)
    assert await pool.fetchval("select count(*) from personal_fields where words is not null") == 1
    await pool.execute("update requests set settled_at = now() - interval '800 days' where reason = 'misuse'")
    await chores.forget(firm.opened.unit)
    assert await pool.fetchval("select count(*) from personal_fields where words is not null") == 0

    await misused.report(firm.responsible.headers, contact_id=str(member.contact_id))
    await firm.opened.unit.run(forget_account, member.account_id, TEST)
    assert await pool.fetchval("select count(*) from personal_fields where words is not null") == 0


async def test_who_reports_about_themselves_is_not_shown_to_those_who_manage_their_organization(
    misused: Misused,
) -> None:
    firm, member = misused.firm, misused.member
    await misused.report(member.headers, account_id=str(member.account_id))
    path = f"/v1/organizations/{firm.firm_id}/audit?action=misuse_reported"
    assert (await firm.client.get(path, headers=firm.responsible.headers)).json()["items"] == []
    await misused.report(firm.responsible.headers, contact_id=str(member.contact_id))
    [entry] = (await firm.client.get(path, headers=firm.responsible.headers)).json()["items"]
    assert entry["about"]["contact_id"] == str(member.contact_id)
    [row] = (
        await firm.client.get(f"/v1/organizations/{firm.firm_id}/requests", headers=firm.responsible.headers)
    ).json()["items"] or [None]
    assert row is None


async def test_misuse_is_established_once_the_account_was_closed_and_a_check_says_why_it_says_no(
    misused: Misused,
) -> None:
    firm, member = misused.firm, misused.member
    mandate_id = await mandate(firm, member)
    await misused.suspect(member.account_id)
    early = await misused.decide("approve")
    assert (early.status_code, early.json()["code"]) == (409, "account_still_active")
    assert early.json()["next"]["href"] == f"/v1/accounts/{member.account_id}/deactivation"
    await misused.status(member, "deactivated", 2)
    answer = await firm.check(member.account_id, "profile", firm.firm_id, "read", explain=True)
    assert (answer["decision"], answer["context"]["reason"]["code"]) == (False, "account")
    assert answer["context"]["mandate_id"] == str(mandate_id)
    assert (await misused.decide("approve")).status_code == 200
    assert await misused.reviews() == []
    await misused.status(member, "active", 3)
    assert (await firm.check(member.account_id, "profile", firm.firm_id, "read"))["decision"]
    await misused.suspect(member.account_id)
    assert len(await misused.reviews()) == 1
    assert (await misused.decide("approve")).json()["code"] == "account_still_active"


async def test_those_for_whom_an_account_acts_by_a_mandate_hear_once_that_it_is_closed_and_open_again(
    misused: Misused,
) -> None:
    firm, member = misused.firm, misused.member
    await mandate(firm, member)
    await misused.status(member, "deactivated", 2)
    await misused.status(member, "deactivated", 3)
    await misused.status(member, "active", 4)
    for kind in ("MandatedAccountClosedMail", "MandatedAccountReopenedMail"):
        [mail] = await firm.opened.published(kind)
        assert mail["recipient_id"] == str(firm.responsible.contact_id)
        assert "Adjointe" not in str(mail)


async def test_nobody_hears_of_an_account_without_a_mandate_in_force_nor_where_there_are_none(
    misused: Misused,
) -> None:
    firm, member = misused.firm, misused.member
    await misused.status(member, "deactivated", 2)
    await mandate(firm, member)
    with_misuse(firm, features=frozenset())
    await misused.status(member, "active", 3)
    with_misuse(firm)
    await firm.opened.unit.pool.execute("update rights set ended_at = now() where request_id is not null")
    await misused.status(member, "deactivated", 4)
    assert await firm.opened.published("MandatedAccountClosedMail") == []
    assert await firm.opened.published("MandatedAccountReopenedMail") == []


async def test_an_agency_without_reasons_takes_no_reports(firm: Firm) -> None:
    answer = await Misused(firm, firm.responsible).report(
        firm.responsible.headers, contact_id=str(firm.responsible.contact_id)
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "not_offered")
    listed = await firm.client.get("/v1/report-reasons", headers=firm.responsible.headers)
    assert listed.json() == {"items": [], "total": 0}
