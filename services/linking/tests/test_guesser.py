"""A distributed guesser against organization codes: its chance as computed, and as observed on the real database.

Nobody can observe twenty in a million. So the guesser is told all digits but two, and what remains is as many codes as
a run can try; the same tries out of a million are the chance that the data allow a guesser who is told nothing. It
knows the payroll (before the year's report is filed everybody does), its accounts act together, from whatever networks,
and no code is tried twice.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from random import Random
from uuid import UUID, uuid4

import pytest

from chassis.outcomes import Refusal
from chassis.work import Actor, Work
from contracts.agency.organization_codes import Growth
from services.linking.organization_codes.proving import Examined, Typed, examine
from services.linking.tests.coded import WSSCC, an_employer, code_of
from services.linking.tests.conftest import Opening
from services.linking.tests.world import Clock, Linking
from services.linking.tools import Tools

ORGANIZATIONS = 40
UNKNOWN_DIGITS = 2
SPACE = 10**UNKNOWN_DIGITS
UNLIKELY = 3.0  # standard deviations: beyond them chance is no explanation
SEED = 6  # of codes and guesses: the same run each time


@dataclass(frozen=True)
class Attempt:
    account_id: UUID
    typed: Typed


@dataclass(frozen=True)
class Assault:
    """How an assault on one organization went."""

    succeeded: bool
    compared: int
    took: timedelta


async def _examine(work: Work[Tools], attempt: Attempt) -> Examined | Refusal:
    method = work.tools.organization_code
    assert method is not None
    return await examine(work, attempt.account_id, method, attempt.typed)


async def assault(linking: Linking, clock: Clock, number: str, guesses: Iterator[str], accounts: list[UUID]) -> Assault:
    """Try code after code, each by the next account that need not wait, until one is right or none is looked at."""
    began, compared = clock.now, 0
    for code, account in zip(guesses, cycle(accounts), strict=False):
        attempt = Attempt(account, Typed("Été-Nord", number, code, "0"))
        while True:
            found = (await linking.unit.run(_examine, attempt, Actor("account", str(account)))).outcome
            if not isinstance(found, Refusal):
                break
            assert (found.code, found.retry_after is not None) == ("too_many_attempts", True)
            clock.now += timedelta(seconds=found.retry_after or 0)
        compared += 1
        if found.proven or found.locked:
            return Assault(found.proven, compared, clock.now - began)
    return Assault(False, compared, clock.now - began)


def least_time(delays: Growth, attempts: int) -> timedelta:
    """How long so many attempts take at least under delays that grow."""
    waits = range(max(0, attempts - delays.at_once))
    return timedelta(seconds=sum(min(delays.longest_seconds, delays.first_seconds * 2**n) for n in waits))


@pytest.mark.parametrize("accounts", [1, 200], ids=["one account", "two hundred accounts"])
async def test_the_chance_of_a_distributed_guesser_is_what_the_data_say_however_many_accounts_it_has(
    opening: Opening, clock: Clock, accounts: int, capsys: pytest.CaptureFixture[str]
) -> None:
    linking = await opening(WSSCC)
    allowed, method = linking.unit.tools.agency.limits.organization_codes, linking.unit.tools.organization_code
    assert allowed is not None
    assert method is not None
    random, guessers = Random(SEED), [uuid4() for _ in range(accounts)]
    assaults = []
    for place in range(ORGANIZATIONS):
        code = f"{random.randrange(10**method.digits):0{method.digits}}"
        employer = an_employer(linking, number=f"{2_000_000 + place}", legal_name="ÉTÉ-NORD LTÉE", code=code)
        await linking.send(employer)
        assert await code_of(linking, employer) == code
        endings = [f"{ending:0{UNKNOWN_DIGITS}}" for ending in random.sample(range(SPACE), SPACE)]
        guesses = (code[:-UNKNOWN_DIGITS] + ending for ending in endings)
        found = await assault(linking, clock, employer.number, guesses, guessers)
        assaults.append(found)
        assert found.compared <= allowed.wrong_tries
        assert found.took >= least_time(allowed.per_organization, found.compared)
        if not found.succeeded:
            assert found.compared == allowed.wrong_tries
            clock.now += timedelta(days=2)
            rightly = Attempt(uuid4(), Typed("Été-Nord", employer.number, code, "0"))
            told = (await linking.unit.run(_examine, rightly, Actor("account", str(rightly.account_id)))).outcome
            assert isinstance(told, Examined)
            assert (told.proven, told.locked) == (False, True)  # even the right code, until a new letter goes out
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
