"""A distributed guesser against organization codes, at the gateway: its chance as computed, and as observed.

It knows the agency's data, and is told nothing of others' tries; so it waits as long as the data make it wait, and no
try of it is wasted on a code that nobody would compare. One that does not wait has fewer tries that count.

Nobody can observe twenty in a million. So the guesser is told all digits but two, and what remains is as many codes as
a run can try; the same tries out of a million are the chance that the data allow a guesser who is told nothing. It
knows the payroll (before the year's report is filed everybody does), its accounts act together, from whatever networks,
and no code is tried twice.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from random import Random
from uuid import UUID

import httpx
import pytest

from chassis import slowing
from contracts.agency.limits import OrganizationCodeLimits
from contracts.agency.organization_codes import Growth
from contracts.authorizations import Organization
from services.linking.tests.coded import WSSCC, an_employer, code_of
from services.linking.tests.conftest import Opening
from services.linking.tests.world import Clock, Linking, an_account

ORGANIZATIONS = 40
UNKNOWN_DIGITS = 2
SPACE = 10**UNKNOWN_DIGITS
UNLIKELY = 3.0  # standard deviations: beyond them chance is no explanation
SEED = 6  # of codes and guesses: the same run each time

STANDING = """
select locked_at is not null as locked, (
    select count(*) from outbox
    where key = $1::uuid::text and convert_from(payload, 'UTF8') like '%"proven":true%'
) as proven
from organization_codes where organization_id = $1 and ended_at is null
"""


@dataclass(frozen=True)
class Assault:
    """How an assault on one organization went."""

    succeeded: bool
    compared: int
    took: timedelta


async def guess(linking: Linking, clock: Clock, account_id: UUID, number: str, code: str) -> httpx.Response:
    """POST /v1/links until its account is no longer told to wait."""
    body = {"method": "organization_code", "organization_name": "Été-Nord", "organization_number": number}
    body |= {"organization_code": code, "payroll": "0", "capacity": "worker"}
    while True:
        answer = await linking.http.post("/v1/links", json=body, headers=linking.bearer(account_id))
        if answer.status_code != 429:
            return answer
        clock.now += timedelta(seconds=int(answer.headers["Retry-After"]))


async def standing(linking: Linking, employer: Organization) -> tuple[bool, bool]:
    """Whether the organization's code is locked, and whether a claim of it was told as proven."""
    row = await linking.unit.pool.fetchrow(STANDING, employer.organization_id)
    assert row is not None
    return row["locked"], row["proven"] > 0


async def assault(
    linking: Linking, clock: Clock, employer: Organization, guesses: Iterator[str], accounts: Sequence[UUID]
) -> Assault:
    """Try code after code, each by another account, until one is right or none is looked at any more."""
    began, delays = clock.now, limits_of(linking).per_organization
    for compared, (code, account_id) in enumerate(zip(guesses, cycle(accounts), strict=False), start=1):
        clock.now = max(clock.now, began + least_time(delays, compared))
        answer = await guess(linking, clock, account_id, employer.number, code)
        assert answer.status_code == 202, answer.text
        locked, proven = await standing(linking, employer)
        if locked or proven:
            return Assault(proven, compared, clock.now - began)
    return Assault(False, SPACE, clock.now - began)


async def at_once(seconds: float) -> None:
    """In place of a pause that makes an answer even: nobody measures here how long one takes."""


def limits_of(linking: Linking) -> OrganizationCodeLimits:
    """What the agency's data allow a guesser."""
    allowed = linking.unit.tools.agency.limits.organization_codes
    assert allowed is not None
    return allowed


def least_time(delays: Growth, attempts: int) -> timedelta:
    """How long so many attempts take at least under delays that grow."""
    waits = range(max(0, attempts - delays.at_once))
    return timedelta(seconds=sum(min(delays.longest_seconds, delays.first_seconds * 2**n) for n in waits))


@pytest.mark.parametrize("accounts", [25, 200], ids=["twenty-five accounts", "two hundred accounts"])
async def test_the_chance_of_a_distributed_guesser_is_what_the_data_say_however_many_accounts_it_has(
    opening: Opening, clock: Clock, accounts: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slowing, "pause", at_once)
    linking = await opening(WSSCC)
    allowed, method = limits_of(linking), linking.unit.tools.organization_code
    assert method is not None
    random, people = Random(SEED), [an_account() for _ in range(accounts)]
    guessers = [person.account_id for person in people]
    await linking.send(*people)
    assaults = []
    for place in range(ORGANIZATIONS):
        code = f"{random.randrange(10**method.digits):0{method.digits}}"
        employer = an_employer(linking, number=f"{2_000_000 + place}", legal_name="ÉTÉ-NORD LTÉE", code=code)
        await linking.send(employer)
        assert await code_of(linking, employer) == code
        endings = [f"{ending:0{UNKNOWN_DIGITS}}" for ending in random.sample(range(SPACE), SPACE)]
        guesses = (code[:-UNKNOWN_DIGITS] + ending for ending in endings)
        found = await assault(linking, clock, employer, guesses, guessers)
        assaults.append(found)
        assert found.compared <= allowed.wrong_tries
        assert found.took >= least_time(allowed.per_organization, found.compared)
        if not found.succeeded:
            assert found.compared == allowed.wrong_tries
            clock.now += timedelta(days=2)
            await linking.send(rightful := an_account())
            told = await guess(linking, clock, rightful.account_id, employer.number, code)
            assert told.status_code == 202  # a locked code still takes a claim
            # … and even the right one proves nothing until a new letter goes out.
            assert await standing(linking, employer) == (True, False)
    successes = sum(found.succeeded for found in assaults)
    computed = allowed.wrong_tries / SPACE
    deviation = math.sqrt(ORGANIZATIONS * computed * (1 - computed))
    with capsys.disabled():
        print(  # noqa: T201 (what it is for)
            f"\n{accounts} accounts, {ORGANIZATIONS} organizations, {SPACE} codes each left to guess:"
            f" computed {computed:.3f}, observed {successes / ORGANIZATIONS:.3f}"
            f" ({successes}; expected {ORGANIZATIONS * computed:.0f} ± {UNLIKELY * deviation:.0f})."
            f" With {method.digits} unknown digits: {allowed.wrong_tries / 10**method.digits:.6f} a letter,"
            f" no sooner than in {least_time(allowed.per_organization, allowed.wrong_tries)}."
        )
    assert successes > 0
    assert abs(successes - ORGANIZATIONS * computed) <= UNLIKELY * deviation


async def test_a_guesser_that_does_not_wait_has_no_more_tries_that_count(
    opening: Opening, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slowing, "pause", at_once)
    linking = await opening(WSSCC)
    most, people = limits_of(linking).per_organization.at_once, [an_account() for _ in range(40)]
    await linking.send(*people, employer := an_employer(linking, legal_name="ÉTÉ-NORD LTÉE", code="000039"))
    for place, person in enumerate(people):
        answer = await guess(linking, clock, person.account_id, employer.number, f"{place:06}")
        assert answer.status_code == 202
    assert await linking.unit.pool.fetchval("select tries from organization_codes") == most
    assert await standing(linking, employer) == (False, False)
