"""Claims: the first who proves it manages the organization, once and alone; everybody else asks."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from chassis.outcomes import Poison
from contracts.linking import ProfileLinked
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.bindings.handlers import follow_link
from services.authorizations.claims.chores import decide_waiting
from services.authorizations.claims.handlers import follow_claim
from services.authorizations.statuses import set_status
from services.authorizations.tests.claiming import NUMBER, Claims, a_person, claims
from services.authorizations.tests.conftest import TEST, bring_in
from tests.fixtures.gateway import OpenService

ROUNDS = int(os.environ.get("MANDAT_TEST_ROUNDS", "20"))
"""Of the race; its long form has 200."""


@pytest.fixture
async def world(open_service: OpenService, tmp_path: Path) -> Claims:
    return await claims(open_service, tmp_path)


async def test_the_first_who_proves_it_manages_the_organization_in_one_transaction(world: Claims) -> None:
    account_id = await world.account("Ada")
    claimed = await world.claim(account_id, proven=True)

    [appointed] = await world.told("AdministratorAppointed")
    contact_id = await world.contact_of(account_id)
    assert (appointed["claim_id"], appointed["contact_id"]) == (str(claimed.claim_id), str(contact_id))
    [state] = await world.told("Contact")
    binding = state["binding"]
    assert (binding["account_id"], binding["method"]) == (str(account_id), "organization_code")
    assert state["linking_code_generation"] == 0 and len(state["manages"]) == 1
    assert (state["given_name"], state["email"]) == ("Ada", f"{account_id.hex}@example.org")
    assert await world.check(account_id, "clearance_letter", "write")
    administrator = await world.as_contact(account_id)
    listed = await world.client.get(f"/v1/organizations/{world.employer_id}/contacts", headers=administrator.headers)
    assert listed.status_code == 200, listed.text
    assert await world.told("RequestSubmitted") == []


async def test_the_first_is_told_and_so_is_the_address_on_file(world: Claims) -> None:
    account_id = await world.account("Ada")
    await world.claim(account_id, proven=True)
    [told] = await world.told("AccessDecidedMail")
    assert (told["recipient_id"], told["outcome"]) == (str(account_id), "approve")
    assert told["function"] == "access_administrator" and "clearance_letter" in told["subjects"]
    [notice] = await world.told("AdministratorsChangedMail")
    assert (notice["recipient_id"], notice["language"]) == (str(world.employer_id), "fr")
    assert notice["organization_number"] == NUMBER
    assert "Ada" not in str({**notice, "sealed": ""})


async def test_earlier_administrators_are_told_of_a_new_first_one(world: Claims) -> None:
    earlier = await world.administrator()
    await world.opened.unit.pool.execute(
        "update relations set ended_at = now() - interval '1 minute' where holder_id = $1", earlier.contact_id
    )
    await world.claim(await world.account("Ada"), proven=True)
    recipients = [mail["recipient_id"] for mail in await world.told("AdministratorsChangedMail")][1:]
    assert sorted(recipients) == sorted([str(world.employer_id), str(earlier.contact_id)])


async def test_somebody_without_the_code_never_becomes_the_first(world: Claims) -> None:
    account_id = await world.account()
    claimed = await world.claim(account_id, proven=False)
    assert await world.told("AdministratorAppointed") == []
    assert await world.contact_of(account_id) is None
    [submitted] = await world.told("RequestSubmitted")
    assert (submitted["kind"], submitted["decider"]) == ("access_request", "agents")
    assert submitted["claim_id"] == str(claimed.claim_id)
    assert submitted["lapses_on"] == claimed.lapses_on.isoformat()


async def test_a_locked_code_asks_agents_who_see_that_it_was(world: Claims) -> None:
    request_id = await world.request_of(await world.claim(await world.account(), locked=True))
    shown = (await world.show(request_id, world.agent)).json()
    assert shown["decider"] == "agents" and shown["asked"]["claim"]["locked"] is True


async def test_of_two_first_persons_at_the_same_moment_one_manages_and_one_asks(world: Claims) -> None:
    for number in range(ROUNDS):
        employer_id = await _another_employer(world, number)
        first, second = [
            world.claimed(await world.account(), organization_id=employer_id, proven=True) for _ in range(2)
        ]
        await asyncio.gather(world.tell(first), world.tell(second))
        appointed = await world.opened.unit.pool.fetch(
            "select contact_id from contacts where organization_id = $1", employer_id
        )
        asked = await world.opened.unit.pool.fetch(
            "select decider from requests where organization_id = $1", employer_id
        )
        assert (len(appointed), [row["decider"] for row in asked]) == (1, ["agents"]), number


async def _another_employer(world: Claims, number: int) -> UUID:
    pool = world.opened.unit.pool
    made: UUID = await pool.fetchval(
        "insert into organizations (organization_id, kind, number) values (gen_random_uuid(), 'employer', $1)"
        " returning organization_id",
        f"42{number:04}",
    )
    await pool.execute(
        "insert into personal_fields (owner_id, legal_name, language) values ($1, $2, 'en')", made, f"RACE {number}"
    )
    async with pool.acquire() as connection:
        now = world.opened.unit.origin.clock()
        await set_status(connection, made, True, now - timedelta(days=1), now)
    return made


async def test_a_claim_that_is_told_again_is_decided_once(world: Claims) -> None:
    first = world.claimed(await world.account(), proven=True)
    later = world.claimed(await world.account())
    for claimed in (first, first, later, later, first):
        await world.tell(claimed)
    assert len(await world.told("AdministratorAppointed")) == 1
    assert len(await world.told("RequestSubmitted")) == 1
    assert len(await world.told("AccessRequestedMail")) == 1
    assert await world.told("ClaimRefused") == []


async def test_fifty_copies_of_a_claim_at_once_are_one(world: Claims) -> None:
    claimed = world.claimed(await world.account(), proven=True)
    await asyncio.gather(*[world.tell(claimed) for _ in range(50)])
    assert len(await world.told("AdministratorAppointed")) == 1


async def test_the_link_that_linking_registers_is_the_one_made_here_and_changes_nothing(world: Claims) -> None:
    administrator = await world.administrator()
    state = (await world.told("Contact"))[-1]
    linked = ProfileLinked(
        contact_id=administrator.contact_id, organization_id=world.employer_id, account_id=administrator.account_id,
        link_id=state["binding"]["link_id"], method="organization_code", linked_at=state["binding"]["since"],
    )  # fmt: skip
    for _ in range(2):
        await world.opened.unit.run(follow_link, linked, TEST)
    assert (await world.told("Contact"))[-1] == state
    assert await world.opened.unit.pool.fetchval("select count(*) from bindings") == 1


async def test_a_claim_waits_for_its_account_and_is_decided_as_soon_as_that_is_known(world: Claims) -> None:
    person = a_person(given_name="Tard")
    await world.claim(person.account_id, proven=True)
    await decide_waiting(world.opened.unit)
    assert await world.told("AdministratorAppointed") == []
    await world.opened.unit.run(follow_account, person, TEST)
    await decide_waiting(world.opened.unit)
    await decide_waiting(world.opened.unit)
    assert len(await world.told("AdministratorAppointed")) == 1
    [state] = await world.told("Contact")
    assert state["given_name"] == "Tard"


async def test_an_account_that_is_a_contact_there_already_is_refused(world: Claims) -> None:
    administrator = await world.administrator()
    claimed = await world.claim(administrator.account_id)
    [refused] = await world.told("ClaimRefused")
    assert (refused["claim_id"], refused["reason"]) == (str(claimed.claim_id), "contact_already")
    assert await world.told("RequestSubmitted") == []


async def test_an_account_whose_request_waits_asks_once(world: Claims) -> None:
    account_id = await world.account()
    await world.claim(account_id)
    await world.claim(account_id)
    assert [refused["reason"] for refused in await world.told("ClaimRefused")] == ["asked_already"]
    assert len(await world.told("RequestSubmitted")) == 1


async def test_an_account_that_the_organization_keeps_out_is_refused_without_a_word_why(world: Claims) -> None:
    account_id = await world.account()
    blocked = await world.client.post(
        f"/v1/organizations/{world.employer_id}/blocks",
        json={"account_id": str(account_id), "reason": "misuse_suspected"},
        headers=world.agent,
    )
    assert blocked.status_code == 201, blocked.text
    claimed = await world.claim(account_id)
    assert [refused["reason"] for refused in await world.told("ClaimRefused")] == ["blocked"]
    told = [mail for mail in await world.told("AccessDecidedMail") if mail["recipient_id"] == str(account_id)]
    assert [(mail["outcome"], mail["decision_reason"]) for mail in told] == [("reject", "")]
    assert await world.request_of(claimed) is None


async def test_a_closed_account_is_refused(world: Claims) -> None:
    account_id = await world.account(status="deactivated")
    await world.claim(account_id, proven=True)
    assert [refused["reason"] for refused in await world.told("ClaimRefused")] == ["account_inactive"]


async def test_an_organization_that_is_inactive_by_now_is_not_added(world: Claims) -> None:
    now = world.opened.unit.origin.clock()
    async with world.opened.unit.pool.acquire() as connection:
        await set_status(connection, world.employer_id, False, now, now)
    await world.claim(await world.account(), proven=True)
    assert [refused["reason"] for refused in await world.told("ClaimRefused")] == ["organization_inactive"]
    assert await world.told("AdministratorAppointed") == []


async def test_a_claim_that_comes_after_its_last_day_has_lapsed(world: Claims) -> None:
    await world.claim(await world.account(), proven=True, lapses_on=world.today - timedelta(days=1))
    assert [refused["reason"] for refused in await world.told("ClaimRefused")] == ["lapsed"]


async def test_whoever_is_refused_is_not_told_why(world: Claims) -> None:
    account_id = await world.account()
    await world.claim(account_id)
    await world.claim(account_id)
    [told] = await world.told("AccessDecidedMail")
    assert (told["outcome"], told["decision_reason"], told["function"]) == ("reject", "", None)


async def test_a_claim_of_an_organization_that_does_not_exist_is_poison(world: Claims) -> None:
    with pytest.raises(Poison):
        await world.claim(await world.account(), organization_id=UUID(int=7))


async def test_an_import_brings_administrators_whom_no_claim_passes_over(world: Claims, tmp_path: Path) -> None:
    line = (
        '{"organization": {"kind": "employer", "number": "%s", "legal_name": "GLACE ET SEL LTÉE", "trade_names": [],'
        ' "status": "active", "email": null, "language": "fr"}, "contacts": [{"client_number": "3000009",'
        ' "family_name": "Gérante", "given_name": "Démo", "email": "gerante@glace.example", "telephones": [],'
        ' "language": "fr", "relations": [{"type": "access_administrator", "starts_on": "2025-10-27",'
        ' "subjects": "all"}]}]}'
    )
    extract = tmp_path / "more.ndjson"
    extract.write_text(line % NUMBER, encoding="utf-8")
    done = await bring_in(world.opened.unit, extract)
    assert done.rejected == 0
    await world.opened.unit.run(follow_claim, world.claimed(await world.account(), proven=True), TEST)
    # Agents decide: the administrator of the import has not linked an account yet.
    assert [event["decider"] for event in await world.told("RequestSubmitted")] == ["agents"]
    assert await world.told("AdministratorAppointed") == []
