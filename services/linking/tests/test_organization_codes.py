"""Promises about organization codes: who has one, what a claim must know, and what guessing meets."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY

from chassis.outcomes import Refusal
from chassis.work import Actor, Work
from contracts.authorizations import Organization, ReportedPayroll
from contracts.notifications import Contents, OrganizationCodeLockedMail
from services.linking.organization_codes.domain import folded, read_amount
from services.linking.organization_codes.proving import Examined, Typed, examine
from services.linking.tests.coded import WSSCC, an_employer, code_of
from services.linking.tests.conftest import Opening
from services.linking.tests.world import Clock, Linking, changed
from services.linking.tools import Tools

NAME, NUMBER = "Les constructions été-nord (Canada)", "1000001"
REPORTED = ReportedPayroll(year=2026, amount=Decimal("125000.50"))


@pytest.fixture
async def coded(opening: Opening) -> Linking:
    return await opening(WSSCC)


@dataclass(frozen=True)
class Asked:
    account_id: UUID
    typed: Typed


async def _examine(work: Work[Tools], asked: Asked) -> Examined | Refusal:
    found = work.tools.organization_code
    assert found is not None
    return await examine(work, asked.account_id, found, asked.typed)


async def claim(
    linking: Linking,
    code: str | None = None,
    payroll: str | None = None,
    *,
    name: str = NAME,
    number: str = NUMBER,
    account_id: UUID | None = None,
) -> Examined | Refusal:
    asked = Asked(account_id or uuid4(), Typed(name, number, code, payroll))
    return (await linking.unit.run(_examine, asked, Actor("account", str(asked.account_id)))).outcome


def outcome(found: Examined | Refusal) -> str:
    match found:
        case Refusal(code=code):
            return code
        case Examined(locked=True):
            return "locked"
        case Examined(proven=True):
            return "proven"
    return "unproven"


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
    assert outcome(await claim(coded, code, "125000")) == "link_refused"
    await coded.send(changed(inactive, status="active"))
    assert await code_of(coded, employer) == code
    assert outcome(await claim(coded, code, "125000")) == "proven"


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
        "both": await claim(coded, code, "125 000,50 $"),
        "as typed": await claim(coded, f" {code[:3]}-{code[3:]}", "$125,000"),
        "within the tolerance": await claim(coded, code, "137500"),
        "beyond it": await claim(coded, code, "137501"),
        "wrong code": await claim(coded, wrong(code), "125000"),
        "code alone": await claim(coded, code),
        "payroll alone": await claim(coded, None, "125000"),
        "neither": await claim(coded),
    }
    assert {why for why, answer in answers.items() if outcome(answer) == "proven"} == {
        "both",
        "as typed",
        "within the tolerance",
    }
    assert {outcome(answer) for answer in answers.values()} == {"proven", "unproven"}


async def test_until_the_report_of_the_year_is_filed_the_answer_is_zero_and_nothing_else(
    coded: Linking, clock: Clock
) -> None:
    _, code = await an_issued(coded)
    assert outcome(await claim(coded, code, "0")) == "unproven"
    clock.now = datetime(2027, 1, 1, 8, 0, tzinfo=UTC)  # the year began in Yellowknife an hour ago
    assert outcome(await claim(coded, code, "00 $")) == "proven"
    assert outcome(await claim(coded, code, "100")) == "unproven"
    assert outcome(await claim(coded, code, "125000.50")) == "unproven"


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
    assert {str(answer) for answer in answers} == {str(answers[0])}
    assert outcome(answers[0]) == "link_refused"


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


async def test_an_account_that_goes_on_claiming_waits_longer_each_time(coded: Linking, clock: Clock) -> None:
    await an_issued(coded)
    account = uuid4()
    answers = [await claim(coded, number="9999999", account_id=account) for _ in range(11)]
    assert [outcome(answer) for answer in answers] == ["link_refused"] * 10 + ["too_many_attempts"]
    waits = []
    for _ in range(3):
        refused = await claim(coded, account_id=account)
        assert isinstance(refused, Refusal)
        assert refused.retry_after is not None
        waits.append(refused.retry_after)
        clock.now += timedelta(seconds=refused.retry_after)
        assert outcome(await claim(coded, account_id=account)) == "unproven"
    assert waits == [30, 60, 120]
    assert outcome(await claim(coded)) == "unproven"


async def test_whoever_proves_one_code_after_another_waits_for_none_and_gains_no_guess_by_it(coded: Linking) -> None:
    _, code = await an_issued(coded)
    account = uuid4()
    for _ in range(9):
        await claim(coded, number="9999999", account_id=account)
    proofs = [outcome(await claim(coded, code, "125000", account_id=account)) for _ in range(12)]
    assert proofs == ["proven"] * 12
    assert outcome(await claim(coded, number="9999999", account_id=account)) == "link_refused"
    assert outcome(await claim(coded, number="9999999", account_id=account)) == "too_many_attempts"


async def test_where_the_data_allow_fewer_tries_than_were_made_the_next_one_locks_and_tells(
    coded: Linking, clock: Clock
) -> None:
    _, code = await an_issued(coded)
    await coded.unit.pool.execute("update organization_codes set tries = 50")
    assert outcome(await claim(coded, code, "125000")) == "locked"
    assert len(await coded.published(OrganizationCodeLockedMail)) == 1
    assert outcome(await claim(coded)) == "locked"
    assert len(await coded.published(OrganizationCodeLockedMail)) == 1


async def test_many_accounts_that_try_the_codes_of_one_organization_wait_together(coded: Linking, clock: Clock) -> None:
    _, code = await an_issued(coded)
    answers = [await claim(coded, wrong(code), "125000") for _ in range(7)]
    assert [outcome(answer) for answer in answers] == ["unproven"] * 5 + ["too_many_attempts"] * 2
    assert outcome(await claim(coded)) == "unproven"  # without a code nothing is guessed at
    clock.now += timedelta(seconds=30)
    assert outcome(await claim(coded, code, "125000")) == "proven"
    assert outcome(await claim(coded, code, "125000")) == "proven"


async def guess_until_locked(coded: Linking, clock: Clock, code: str) -> int:
    for tries in range(1, 100):
        clock.now += timedelta(hours=1)
        if outcome(await claim(coded, wrong(code), "125000")) == "locked":
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
    assert outcome(await claim(coded, code, "125000")) == "locked"
    assert outcome(await claim(coded)) == "locked"
    await coded.send(changed(employer, code_generation=2))
    renewed = await code_of(coded, employer)
    assert renewed not in (None, code)
    clock.now += timedelta(hours=1)
    assert outcome(await claim(coded, code, "125000")) == "unproven"
    clock.now += timedelta(hours=1)
    assert outcome(await claim(coded, renewed, "125000")) == "proven"


async def test_whoever_proves_it_makes_the_tries_before_count_no_more(coded: Linking, clock: Clock) -> None:
    _, code = await an_issued(coded)
    for _ in range(19):
        clock.now += timedelta(hours=1)
        assert outcome(await claim(coded, wrong(code), "125000")) == "unproven"
    clock.now += timedelta(hours=1)
    assert outcome(await claim(coded, code, "125000")) == "proven"
    assert await guess_until_locked(coded, clock, code) == 20


async def test_twenty_wrong_codes_at_once_are_compared_no_more_often_than_the_data_allow(coded: Linking) -> None:
    _, code = await an_issued(coded)
    answers = await asyncio.gather(*(claim(coded, wrong(code), "125000") for _ in range(20)))
    assert Counter(map(outcome, answers)) == {"unproven": 5, "too_many_attempts": 15}


async def test_a_forgotten_organization_has_no_code_and_nothing_of_it_rests(coded: Linking) -> None:
    employer, code = await an_issued(coded)
    await coded.forget(Organization, employer.organization_id)
    assert outcome(await claim(coded, code, "125000")) == "link_refused"
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
    assert outcome(await claim(coded, name=name)) == ("unproven" if is_it else "link_refused")


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
