"""A block beats a request that is approved at the same moment, whichever comes first."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from chassis.work import Actor
from contracts.accounts import Person
from contracts.linking import OrganizationClaimed
from services.authorizations.access.domain import AsAgent
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.blocks.handlers import BlockPerson, block
from services.authorizations.claims.handlers import follow_claim
from services.authorizations.deciding.handlers import Decide, decide
from services.authorizations.periods import Period
from services.authorizations.relations.domain import Grant
from services.authorizations.requests.domain import Decision, GivenAccess, GivenSubject
from services.authorizations.tests.conftest import TEST
from services.authorizations.tests.employers import Employer, an_employer
from tests.fixtures.gateway import OpenService

AGENT = Actor("agent", "agent")
SUBJECT = "clearance_letter"


@pytest.fixture
async def employer(open_service: OpenService, tmp_path: Path) -> Employer:
    return await an_employer(open_service, tmp_path)


async def asks(employer: Employer, email: str) -> tuple[UUID, UUID]:
    """An account that asks for access to the employer, and its request."""
    unit, account_id = employer.at.opened.unit, uuid7()
    person = Person(
        account_id=account_id, version=1, status="active", status_since=datetime.now(UTC) - timedelta(days=1), epoch=0,
        email=email, given_name="Démo", family_name="Demande", language="fr",
    )  # fmt: skip
    await unit.run(follow_account, person, TEST)
    method = next(m.code for m in unit.tools.agency.linking_methods.values() if m.kind == "organization_code")
    claimed = OrganizationClaimed(
        organization_id=employer.organization_id, claim_id=uuid7(), account_id=account_id, method=method, proven=False,
        capacity="worker", locked=False, lapses_on=(datetime.now(UTC) + timedelta(days=30)).date().isoformat(),
    )  # fmt: skip
    await unit.run(follow_claim, claimed, TEST)
    request_id = await unit.pool.fetchval("select request_id from requests where asked_by_account_id = $1", account_id)
    return account_id, request_id


def approval(employer: Employer) -> Decision:
    """That a worker may obtain clearance letters from today on."""
    period = Period(employer.at.opened.tools.moment(datetime.now(UTC)).day)
    return Decision("approve", access=GivenAccess("worker", period, [GivenSubject(Grant(SUBJECT, "write"))]))


@pytest.mark.parametrize("first", ["block", "approval"])
async def test_a_block_beats_a_request_that_is_approved_at_the_same_moment(employer: Employer, first: str) -> None:
    unit, refused = employer.at.opened.unit, set[bool]()
    for turn in range(5):
        account_id, request_id = await asks(employer, f"asker{turn}@example.org")

        async def approve(request_id: UUID = request_id) -> bool:
            asked = Decide(AsAgent(), request_id, 1, approval(employer))
            return not isinstance((await unit.run(decide, asked, AGENT)).outcome, UUID)

        async def keep_out(account_id: UUID = account_id) -> bool:
            asked = BlockPerson(AsAgent(), employer.organization_id, None, account_id, "misuse_suspected")
            done = await unit.run(block, asked, AGENT)
            assert isinstance(done.outcome, UUID), done.outcome
            return False

        acts = (keep_out(), approve()) if first == "block" else (approve(), keep_out())
        refused.add(any(await asyncio.gather(*acts)))

        answer = await employer.at.check(account_id, SUBJECT, employer.organization_id)
        assert not answer["decision"], (first, turn)
        states = [s for s in await employer.at.opened.published("Contact") if s.get("binding")]
        own = [s for s in states if s["binding"]["account_id"] == str(account_id)]
        assert not own or own[-1]["functions"] == []
    assert refused  # either order occurs; which one a turn has is the machine's


async def test_in_either_order_one_after_the_other_the_person_may_do_nothing(employer: Employer) -> None:
    unit = employer.at.opened.unit
    early, early_request = await asks(employer, "early@example.org")
    late, late_request = await asks(employer, "late@example.org")
    refused = await unit.run(
        block, BlockPerson(AsAgent(), employer.organization_id, None, early, "misuse_suspected"), AGENT
    )
    assert isinstance(refused.outcome, UUID)
    decided = await unit.run(decide, Decide(AsAgent(), early_request, 1, approval(employer)), AGENT)
    assert (
        not isinstance(decided.outcome, UUID) and decided.outcome.code == "request_not_pending"
    )  # denied by the block

    decided = await unit.run(decide, Decide(AsAgent(), late_request, 1, approval(employer)), AGENT)
    assert isinstance(decided.outcome, UUID), decided.outcome
    contact_id = await unit.pool.fetchval("select contact_id from bindings where account_id = $1", late)
    assert (await employer.at.check(late, SUBJECT, employer.organization_id))["decision"]
    kept_out = await unit.run(
        block, BlockPerson(AsAgent(), employer.organization_id, contact_id, None, "misuse_suspected"), AGENT
    )
    assert isinstance(kept_out.outcome, UUID), kept_out.outcome
    answer = await employer.at.check(late, SUBJECT, employer.organization_id, explain=True)
    assert (answer["decision"], answer["context"]["reason"]["code"]) == (False, "blocked")
