"""Promises about organization codes: who has one, what a claim must know, and what guessing meets."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from prometheus_client import REGISTRY

from chassis import slowing
from contracts.authorizations import (
    AdministratorAppointed,
    ContactBinding,
    Organization,
    ReportedPayroll,
    RequestDecided,
)
from contracts.linking import OrganizationClaimed
from contracts.notifications import Contents, OrganizationCodeLockedMail
from services.linking.organization_codes.domain import folded, read_amount
from services.linking.tests.coded import WSSCC, an_employer, code_of
from services.linking.tests.conftest import Opening
from services.linking.tests.world import Clock, Linking, a_contact, an_account, changed
from tests.fixtures.digits import holds

NAME, NUMBER = "Les constructions été-nord (Canada)", "1000001"
REPORTED = ReportedPayroll(year=2026, amount=Decimal("125000.50"))


@pytest.fixture
async def coded(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> Linking:
    monkeypatch.setattr(slowing, "EVENLY", 0.0)
    return await opening(WSSCC)


async def claim(
    linking: Linking,
    code: str | None = None,
    payroll: str | None = None,
    *,
    name: str = NAME,
    number: str = NUMBER,
    account_id: UUID | None = None,
) -> httpx.Response:
    """POST /v1/links, by an account of its own unless one is named."""
    person = an_account() if account_id is None else an_account(account_id=account_id)
    await linking.send(person)
    body: dict[str, Any] = {"method": "organization_code", "organization_name": name, "organization_number": number}
    body |= {"organization_code": code, "payroll": payroll, "capacity": "worker"}
    return await linking.http.post("/v1/links", json=body, headers=linking.bearer(person.account_id))


async def outcome(linking: Linking, answer: httpx.Response) -> str:
    """The code of a refusal; of a claim, what authorizations is told."""
    if answer.status_code != 202:
        return str(answer.json()["code"])
    [told] = [
        claimed
        for claimed in await linking.published(OrganizationClaimed)
        if str(claimed.claim_id) == answer.json()["claim_id"]
    ]
    assert not (told.proven and told.locked)
    return "proven" if told.proven else "locked" if told.locked else "unproven"


async def tried(linking: Linking, *typed: str | None, **more: Any) -> str:
    """The outcome of a claim."""
    return await outcome(linking, await claim(linking, *typed, **more))


async def an_issued(linking: Linking, **changes: Any) -> tuple[Organization, str]:
    employer = an_employer(linking, **{"payroll": REPORTED} | changes)
    await linking.send(employer)
    code = await code_of(linking, employer)
    assert code is not None
    return employer, code


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_each_newly_active_organization_has_a_code_of_six_digits_of_its_own(coded: Linking) -> None:
    employers = [an_employer(coded, number=f"10000{place:02}") for place in range(30)]
    await coded.send(*employers)
    codes = [await code_of(coded, employer) for employer in employers]
    assert len(set(codes)) == 30
    assert all(code is not None and len(code) == 6 and code.isdigit() for code in codes)
    await coded.send(*(changed(employer) for employer in employers))
    assert [await code_of(coded, employer) for employer in employers] == codes


async def test_one_that_is_not_active_yet_is_owed_its_code_and_one_without_a_generation_is_not(coded: Linking) -> None:
    employer = an_employer(coded, status="inactive")
    other = an_employer(coded, number="2000000", code_generation=0)
    await coded.send(employer, other)
    assert await code_of(coded, employer) is None
    await coded.send(changed(employer, status="active"))
    assert await code_of(coded, employer) is not None
    assert await code_of(coded, other) is None


async def test_a_code_that_was_adopted_is_renewed_by_another_and_never_comes_back(coded: Linking) -> None:
    employer = an_employer(coded, code="104729")
    await coded.send(employer)
    assert await code_of(coded, employer) == "104729"
    await coded.send(changed(employer, code_generation=2))
    renewed = await code_of(coded, employer)
    assert renewed not in (None, "104729")
    assert await outcome(coded, await claim(coded, "104729", "0")) == "unproven"


async def test_a_code_that_the_organization_had_is_adopted_unless_an_active_one_has_it(coded: Linking) -> None:
    first, second = an_employer(coded, code="042042"), an_employer(coded, code="042042", number="1000002")
    await coded.send(first, second, third := an_employer(coded, code="12345", number="1000003"))
    assert await code_of(coded, first) == "042042"
    assert await code_of(coded, second) not in (None, "042042")
    drawn = await code_of(coded, third)
    assert drawn is not None and len(drawn) == 6


async def test_of_the_same_code_at_the_same_moment_one_organization_has_it(coded: Linking) -> None:
    employers = [an_employer(coded, code="042042", number=f"10000{place:02}") for place in range(8)]
    await asyncio.gather(*(coded.send(employer) for employer in employers))
    codes = [await code_of(coded, employer) for employer in employers]
    assert None not in codes
    assert len(set(codes)) == 8
    assert codes.count("042042") == 1


async def test_an_inactive_organizations_code_matches_nothing_and_comes_back_with_it(coded: Linking) -> None:
    employer, code = await an_issued(coded)
    await coded.send(inactive := changed(employer, status="inactive"))
    assert await code_of(coded, employer) is None
    assert await tried(coded, code, "125000") == "link_refused"
    await coded.send(changed(inactive, status="active"))
    assert await code_of(coded, employer) == code
    assert await tried(coded, code, "125000") == "proven"


async def test_the_digits_of_an_inactive_organization_are_free_and_it_gets_new_ones(coded: Linking) -> None:
    employer, code = await an_issued(coded)
    await coded.send(inactive := changed(employer, status="inactive"))
    await coded.send(heir := an_employer(coded, code=code, number="1000002"))
    await coded.send(changed(inactive, status="active"))
    assert await code_of(coded, heir) == code
    assert await code_of(coded, employer) not in (None, code)


async def test_code_and_payroll_together_prove_and_neither_alone(coded: Linking) -> None:
    _, code = await an_issued(coded)
    answers = {
        "both": await tried(coded, code, "125 000,50 $"),
        "as typed": await tried(coded, f" {code[:3]}-{code[3:]}", "$125,000"),
        "within the tolerance": await tried(coded, code, "137500"),
        "beyond it": await tried(coded, code, "137501"),
        "wrong code": await tried(coded, wrong(code), "125000"),
        "code alone": await tried(coded, code),
        "payroll alone": await tried(coded, None, "125000"),
        "neither": await tried(coded),
    }
    assert {why for why, answer in answers.items() if answer == "proven"} == {
        "both",
        "as typed",
        "within the tolerance",
    }
    assert set(answers.values()) == {"proven", "unproven"}


async def test_until_the_report_of_the_year_is_filed_the_answer_is_zero_and_nothing_else(
    coded: Linking, clock: Clock
) -> None:
    _, code = await an_issued(coded)
    assert await tried(coded, code, "0") == "unproven"
    clock.now = datetime(2027, 1, 1, 8, 0, tzinfo=UTC)  # the year began in Yellowknife an hour ago
    assert await tried(coded, code, "00 $") == "proven"
    assert await tried(coded, code, "100") == "unproven"
    assert await tried(coded, code, "125000.50") == "unproven"


async def test_whoever_names_no_active_organization_with_a_code_is_refused_alike(coded: Linking) -> None:
    _, code = await an_issued(coded)
    inactive = an_employer(coded, number="1000002", status="inactive")
    codeless = an_employer(coded, number="1000003", code_generation=0)
    await coded.send(inactive, codeless)
    answers = [
        await claim(coded, code, "125000", name="Another name"),
        await claim(coded, code, "125000", number="9999999"),
        await claim(coded, code, "125000", number=inactive.number),
        await claim(coded, code, "125000", number=codeless.number),
        await claim(coded, number="9999999"),
    ]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert (answers[0].status_code, answers[0].json()["code"]) == (422, "link_refused")


async def test_every_claim_costs_the_same_comparisons(coded: Linking, monkeypatch: pytest.MonkeyPatch) -> None:
    _, code = await an_issued(coded)
    done: list[str] = []
    tools = coded.unit.tools
    real_lookups, real_unlock = type(tools.keyring).lookups, type(tools.vault).unlock

    def lookups(self: Any, purpose: str, value: str) -> tuple[bytes, ...]:
        done.append(purpose)
        return real_lookups(self, purpose, value)

    def unlock(self: Any, kept: str) -> bytes:
        done.append("opened")
        return real_unlock(self, kept)

    monkeypatch.setattr(type(tools.keyring), "lookups", lookups)
    monkeypatch.setattr(type(tools.vault), "unlock", unlock)
    works = []
    for typed in ((code, "125000"), (wrong(code), "125000"), (code, "1"), (None, None), ("x", "many")):
        for number in (NUMBER, "9999999"):
            done.clear()
            await claim(coded, *typed, number=number)
            works.append(sorted(done))
    assert works == [["opened", "organization_code"]] * 10


async def test_an_account_that_goes_on_claiming_waits_longer_each_time_and_nobody_else_does(
    coded: Linking, clock: Clock
) -> None:
    await an_issued(coded)
    account = uuid4()
    answers = [await tried(coded, number="9999999", account_id=account) for _ in range(11)]
    assert answers == ["link_refused"] * 10 + ["too_many_attempts"]
    waits = []
    for _ in range(3):
        refused = await claim(coded, number="9999999", account_id=account)
        assert refused.status_code == 429
        waits.append(int(refused.headers["Retry-After"]))
        clock.now += timedelta(seconds=waits[-1])
        assert await tried(coded, number="9999999", account_id=account) == "link_refused"
    assert waits == [30, 60, 120]
    assert await tried(coded) == "unproven"


async def count_of(coded: Linking) -> int:
    """How many claims count for the accounts of a test, together."""
    found: int = await coded.unit.pool.fetchval("select sum(spent) from limits where name = 'claims_per_account'")
    return found


async def test_whether_a_code_was_right_shows_in_no_wait(coded: Linking) -> None:
    _, code = await an_issued(coded)
    claims = ((code, "125000"), (wrong(code), "125000"), (code, "1"), (None, None))
    for place, (typed, payroll) in enumerate(claims, start=1):
        assert (await claim(coded, typed, payroll)).status_code == 202
        assert await count_of(coded) == place


@pytest.mark.parametrize("granted", [True, False])
async def test_a_claim_that_was_granted_is_taken_back_from_its_accounts_count_once_and_no_other_is(
    coded: Linking, granted: bool
) -> None:
    employer, _ = await an_issued(coded)
    account_id = uuid4()
    answer = await claim(coded, account_id=account_id)
    assert await count_of(coded) == 1
    told: dict[str, Any] = {"organization_id": employer.organization_id, "claim_id": answer.json()["claim_id"]}
    decided = RequestDecided(**told, sequence=1, request_id=uuid4(), outcome="approve" if granted else "reject")
    appointed = AdministratorAppointed(**told, sequence=2, contact_id=uuid4(), relation_id=uuid4())
    await coded.send(decided, decided)
    await claim(coded, number="9999999", account_id=account_id)
    if granted:
        await coded.send(appointed)
    assert await count_of(coded) == (1 if granted else 2)


async def test_who_waits_for_a_decision_or_is_linked_there_tries_no_code(coded: Linking) -> None:
    employer, code = await an_issued(coded)
    waiting, linked = uuid4(), uuid4()
    assert await tried(coded, account_id=waiting) == "unproven"
    binding = ContactBinding(link_id=uuid4(), account_id=linked, method="organization_code", since=coded.clock.now)
    await coded.send(a_contact(employer, binding=binding, linking_code_generation=0))
    for account, answer in ((waiting, "claim_pending"), (linked, "linked_here")):
        for typed in (code, wrong(code)):
            assert await tried(coded, typed, "125000", account_id=account) == answer
    assert await coded.unit.pool.fetchval("select tries from organization_codes") == 0
    assert (
        await coded.unit.pool.fetchval("select count(*) from limits where name = 'codes_tried_per_organization'") == 0
    )


async def test_one_account_that_has_to_wait_spends_nothing_of_what_everybody_shares(coded: Linking) -> None:
    await an_issued(coded)
    account = uuid4()
    await asyncio.gather(*(claim(coded, number="9999999", account_id=account) for _ in range(40)))
    spent = await coded.unit.pool.fetchval("select spent from limits where name = 'organization_codes_in_all'")
    assert spent == 10


async def test_where_the_data_allow_fewer_tries_than_were_made_the_next_one_locks_and_tells(
    coded: Linking, clock: Clock
) -> None:
    _, code = await an_issued(coded)
    await coded.unit.pool.execute("update organization_codes set tries = 50")
    assert await tried(coded, code, "125000") == "locked"
    assert len(await coded.published(OrganizationCodeLockedMail)) == 1
    assert await tried(coded) == "locked"
    assert len(await coded.published(OrganizationCodeLockedMail)) == 1


async def test_tries_of_one_code_by_many_accounts_are_compared_only_so_often_and_nobody_is_told(
    coded: Linking, clock: Clock
) -> None:
    _, code = await an_issued(coded)
    answers = [await claim(coded, wrong(code), "125000") for _ in range(7)]
    assert [await outcome(coded, answer) for answer in answers] == ["unproven"] * 5 + ["locked"] * 2
    # Not even the right code is looked at meanwhile: its claim goes to those who decide.
    answers.append(await claim(coded, code, "125000"))
    assert await outcome(coded, answers[-1]) == "locked"
    assert await tried(coded) == "unproven"
    own = ("claim_id", "made_at")
    shown = [{name: value for name, value in answer.json().items() if name not in own} for answer in answers]
    assert shown == [shown[0]] * 8
    clock.now += timedelta(seconds=30)
    assert await tried(coded, code, "125000") == "proven"
    assert await tried(coded, code, "125000") == "proven"


async def test_the_try_that_locks_is_told_like_the_one_before_it(coded: Linking, clock: Clock) -> None:
    _, code = await an_issued(coded)
    await coded.unit.pool.execute("update organization_codes set tries = 18")
    told = [await tried(coded, wrong(code), "125000") for _ in range(2)]
    assert told == ["unproven"] * 2
    assert len(await coded.published(OrganizationCodeLockedMail)) == 1
    assert await tried(coded, wrong(code), "125000") == "locked"


async def test_the_last_try_that_the_data_allow_still_proves(coded: Linking) -> None:
    _, code = await an_issued(coded)
    await coded.unit.pool.execute("update organization_codes set tries = 19")
    assert await tried(coded, code, "125000") == "proven"
    assert await coded.published(OrganizationCodeLockedMail) == []


async def guess_until_locked(coded: Linking, clock: Clock, code: str) -> int:
    for tries in range(1, 100):
        clock.now += timedelta(hours=1)
        assert await tried(coded, wrong(code), "125000") == "unproven"
        if await coded.unit.pool.fetchval(
            "select locked_at is not null from organization_codes where ended_at is null"
        ):
            return tries
    raise AssertionError("it was never locked")


async def test_after_twenty_wrong_tries_however_slow_the_code_is_locked_and_claims_are_still_taken(
    coded: Linking, clock: Clock
) -> None:
    employer, code = await an_issued(coded)
    locked_before = REGISTRY.get_sample_value("mandat_organization_codes_locked_total")
    assert await guess_until_locked(coded, clock, code) == 20
    assert REGISTRY.get_sample_value("mandat_organization_codes_locked_total") == (locked_before or 0) + 1
    [mail] = await coded.published(OrganizationCodeLockedMail)
    told = coded.notifications.open(mail.sealed, Contents)
    assert (told.address, mail.language, mail.locked_at) == ("office@ete-nord.example", "fr", clock.now)
    assert await tried(coded, code, "125000") == "locked"
    assert await tried(coded) == "locked"
    await coded.send(changed(employer, code_generation=2))
    renewed = await code_of(coded, employer)
    assert renewed not in (None, code)
    clock.now += timedelta(hours=1)
    assert await tried(coded, code, "125000") == "unproven"
    clock.now += timedelta(hours=1)
    assert await tried(coded, renewed, "125000") == "proven"


async def test_whoever_proves_it_makes_the_tries_before_count_no_more(coded: Linking, clock: Clock) -> None:
    _, code = await an_issued(coded)
    for _ in range(19):
        clock.now += timedelta(hours=1)
        assert await tried(coded, wrong(code), "125000") == "unproven"
    clock.now += timedelta(hours=1)
    assert await tried(coded, code, "125000") == "proven"
    assert await guess_until_locked(coded, clock, code) == 20


async def test_twenty_wrong_codes_at_once_are_compared_no_more_often_than_the_data_allow(coded: Linking) -> None:
    _, code = await an_issued(coded)
    answers = await asyncio.gather(*(tried(coded, wrong(code), "125000") for _ in range(20)))
    assert Counter(answers) == {"unproven": 5, "locked": 15}


async def test_a_forgotten_organization_has_no_code_and_nothing_of_it_rests(coded: Linking) -> None:
    employer, code = await an_issued(coded)
    await coded.forget(Organization, employer.organization_id)
    assert await tried(coded, code, "125000") == "link_refused"
    kept = await coded.unit.pool.fetchval("select f::text from organization_files f")
    assert "ete-nord" not in kept
    assert "Yellowknife" not in kept


async def test_neither_code_nor_payroll_rests_in_clear_anywhere(coded: Linking) -> None:
    _, code = await an_issued(coded)
    await claim(coded, code, "125000.50")
    await claim(coded, "918273", "987654.32")
    kept = await coded.everything_kept()
    assert [
        secret for secret in (code, "918273", "125000", "987654") if f'"{secret}' in kept or f",{secret}," in kept
    ] == []
    rows = await coded.unit.pool.fetch("select kept from organization_codes union select facts from organization_files")
    assert all(row["kept"].count(".") == 4 for row in rows)


@pytest.mark.parametrize(
    ("name", "is_it"),
    [
        ("LES CONSTRUCTIONS ÉTÉ-NORD (CANADA) LTÉE", True),
        ("les constructions ete nord canada", True),
        ("Les Constructions  Été-Nord (Canada) Ltd.", True),
        ("LES CONSTRUCTIONS ETENORD CANADA Inc", True),
        ("sommer and sons", True),
        ("Sommer & Sons, Limited", True),
        ("Les constructions été-nord", False),
        ("Été-Nord", False),
        ("Ltée", False),
        ("-", False),
    ],
)
async def test_a_name_counts_without_case_accents_punctuation_and_legal_suffixes(
    coded: Linking, name: str, is_it: bool
) -> None:
    await an_issued(coded)
    assert await tried(coded, name=name) == ("unproven" if is_it else "link_refused")


def test_a_name_of_nothing_but_suffixes_keeps_one_and_accents_fold_in_every_script() -> None:
    assert folded("Corp. Ltd.", ("corp", "ltd"), ()) == "corp"
    assert folded("S.E.N.C.", ("senc",), ()) == "senc"
    assert folded("ᓄᓇᕗᑦ Œuvre d'Été", (), ()) == "ᓄᓇᕗᑦœuvredete"


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("125 000,50 $", "125000.50"),
        ("$125,000.50", "125000.50"),
        ("125.000,5", "125000.5"),
        ("125,000", "125000"),
        ("125 000", "125000"),
        ("1,250,000", "1250000"),
        ("00 $", "0"),
        ("0", "0"),
        ("12,34", "12.34"),
        ("", None),
        ("many", None),
        ("-5", None),
        ("1e9", None),
        ("9" * 40, None),
    ],
)
def test_amounts_are_read_as_people_write_them_in_both_languages(typed: str, amount: str | None) -> None:
    assert read_amount(typed) == (None if amount is None else Decimal(amount))


async def listed(coded: Linking, query: str) -> Any:
    answer = await coded.http.get(f"/v1/organization-codes{query}", headers=coded.agent)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_agents_find_whose_code_is_locked_and_a_new_one_ends_the_lock(coded: Linking, clock: Clock) -> None:
    employers = [an_employer(coded, number=f"10000{place:02}") for place in range(4)]
    await coded.send(*employers)
    await coded.unit.pool.execute("update organization_codes set tries = 19")
    for employer in employers[:3]:
        clock.now += timedelta(minutes=1)
        code = await code_of(coded, employer)
        assert code is not None
        await claim(coded, wrong(code), "0", number=employer.number)
    first = await listed(coded, "?locked=true&limit=2")
    assert (first["total"], [item["number"] for item in first["items"]]) == (3, ["1000000", "1000001"])
    rest = await listed(coded, f"?locked=true&cursor={first['next_cursor']}")
    assert ([item["number"] for item in rest["items"]], rest["next_cursor"]) == (["1000002"], None)
    assert (
        code is not None
        and not holds(str(first) + str(rest), code)
        and first["items"][0]["name"] == employers[0].legal_name
    )
    assert [item["number"] for item in (await listed(coded, "?locked=false"))["items"]] == ["1000003"]
    assert (await listed(coded, ""))["total"] == 4

    renewal = f"/v1/organization-codes/{employers[0].organization_id}/renewal"
    renewed = await coded.http.post(renewal, headers=coded.agent)
    assert (renewed.status_code, renewed.json()["locked_at"], renewed.json()["letter_due"]) == (201, None, True)
    await coded.send(changed(employers[1], status="inactive"))
    assert [item["number"] for item in (await listed(coded, "?locked=true"))["items"]] == ["1000002"]
    clock.now += timedelta(days=1)
    assert await tried(coded, renewed.json()["code"], "0", number="1000000") == "proven"
    rows = await coded.unit.pool.fetch("select actor_kind from audit where action = 'organization_codes_listed'")
    assert {row["actor_kind"] for row in rows} == {"agent"}


async def test_nobody_but_an_agent_sees_whose_codes_there_are(coded: Linking) -> None:
    await coded.send(person := an_account())
    refused = await coded.http.get("/v1/organization-codes?locked=true", headers=coded.bearer(person.account_id))
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_kind_of_caller")
    wrong_cursor = await coded.http.get("/v1/organization-codes?cursor=nonsense", headers=coded.agent)
    assert wrong_cursor.json()["code"] == "invalid_cursor"
