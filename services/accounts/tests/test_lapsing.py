"""An account that nobody ever linked lapses: not before its day, not without a notice, and registering again works."""

from datetime import timedelta
from uuid import UUID, uuid4

from contracts.accounts import AccountDeactivated, Person
from contracts.linking import ProfileLinked
from contracts.notifications import AccountLapsedMail, AccountLapsingMail
from services.accounts.lapsing import chores
from services.accounts.lapsing.handlers import follow_link, lapse, tell
from services.accounts.tests.conftest import Accounts

OWN = "membre@laforce.example"


async def worker(accounts: Accounts) -> None:
    """What a worker does every hour."""
    for handler in (tell, lapse):
        await accounts.unit.run(handler, None, accounts.unit.origin.itself)


async def link(accounts: Accounts, account_id: UUID) -> None:
    linked = ProfileLinked(
        contact_id=uuid4(),
        organization_id=uuid4(),
        link_id=uuid4(),
        account_id=account_id,
        method="linking_coordinates",
        linked_at=accounts.clock(),
    )
    await accounts.unit.run(follow_link, linked, accounts.unit.origin.itself)


async def status(accounts: Accounts, account_id: UUID) -> str:
    found: str = await accounts.pool.fetchval("select status from accounts where account_id = $1", account_id)
    return found


async def test_its_person_is_told_two_weeks_before_and_it_lapses_on_that_day(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    opened = accounts.clock()
    accounts.clock.advance(days=75)
    await worker(accounts)
    assert await accounts.mailed(AccountLapsingMail) == []
    accounts.clock.advance(days=1.5)
    await worker(accounts)
    await worker(accounts)
    [(mail, contents)] = await accounts.mailed(AccountLapsingMail)
    assert (contents.address, mail.language) == (OWN, "fr")
    zone = accounts.unit.origin.time_zone
    assert mail.lapses_on >= (opened + timedelta(days=90)).astimezone(zone).date()

    accounts.clock.advance(days=13)
    await worker(accounts)
    assert await status(accounts, person.account_id) == "active"
    accounts.clock.advance(days=2)
    await worker(accounts)
    assert await status(accounts, person.account_id) == "deactivated"
    assert accounts.clock().astimezone(zone).date() >= mail.lapses_on
    [event] = await accounts.events(AccountDeactivated)
    assert (event.account_id, event.because) == (person.account_id, "never_linked")
    assert (await accounts.events(Person))[-1].status == "deactivated"
    assert len(await accounts.mailed(AccountLapsedMail)) == 1


async def test_where_the_agencys_data_do_not_say_when_none_lapses(accounts: Accounts) -> None:
    rules = accounts.unit.tools.agency.accounts
    accounts.agency(accounts=rules.model_copy(update={"unlinked_accounts": None}))
    person = await accounts.opened(OWN)
    accounts.clock.advance(days=400)
    await worker(accounts)
    await worker(accounts)
    assert await status(accounts, person.account_id) == "active"
    assert (await accounts.client.get("/v1/registration-notice")).json()["lapses_after_days"] is None


async def test_when_it_lapses_and_is_told_is_the_agencys_data(accounts: Accounts) -> None:
    rules = accounts.unit.tools.agency.accounts
    assert rules.unlinked_accounts
    sooner = rules.unlinked_accounts.model_copy(update={"lapse_after_days": 30, "notice_days": 7})
    accounts.agency(accounts=rules.model_copy(update={"unlinked_accounts": sooner}))
    person = await accounts.opened(OWN)
    standing: list[tuple[int, int, str]] = []
    for day in (22, 24, 29, 32):
        accounts.clock.advance(days=day - (standing[-1][0] if standing else 0))
        await worker(accounts)
        told = len(await accounts.mailed(AccountLapsingMail))
        standing.append((day, told, await status(accounts, person.account_id)))
    assert standing == [(22, 0, "active"), (24, 1, "active"), (29, 1, "active"), (32, 1, "deactivated")]


async def test_after_an_outage_the_notice_still_comes_first(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    accounts.clock.advance(days=400)
    await worker(accounts)
    assert await status(accounts, person.account_id) == "active"
    assert len(await accounts.mailed(AccountLapsingMail)) == 1
    accounts.clock.advance(days=14, hours=1)
    await worker(accounts)
    assert await status(accounts, person.account_id) == "deactivated"


async def test_an_account_that_was_linked_once_never_lapses(accounts: Accounts) -> None:
    early, late, never = [await accounts.opened(f"{n}@laforce.example") for n in ("un", "deux", "trois")]
    await link(accounts, early.account_id)
    accounts.clock.advance(days=80)
    await worker(accounts)
    assert {contents.address for _, contents in await accounts.mailed(AccountLapsingMail)} == {
        "deux@laforce.example",
        "trois@laforce.example",
    }
    await link(accounts, late.account_id)
    await link(accounts, late.account_id)
    accounts.clock.advance(days=80)
    await worker(accounts)
    standing = [await status(accounts, one.account_id) for one in (early, late, never)]
    assert standing == ["active", "active", "deactivated"]


async def test_registering_again_with_the_address_of_a_lapsed_account_opens_another(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    for _ in range(2):
        accounts.clock.advance(days=80)
        await worker(accounts)
    assert (await accounts.sign_in(OWN)).json()["code"] == "sign_in_refused"
    again = await accounts.opened(OWN)
    assert again.account_id != person.account_id
    assert (await accounts.sign_in(OWN)).json()["account_id"] == str(again.account_id)


async def test_an_account_that_an_agent_opens_again_has_its_whole_time_and_another_notice(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    for _ in range(2):
        accounts.clock.advance(days=80)
        await worker(accounts)
    path = f"/v1/accounts/{person.account_id}/reactivation"
    assert (await accounts.post(path, {"reason": "mistake"}, accounts.agent)).status_code == 200
    await worker(accounts)
    assert await status(accounts, person.account_id) == "active"
    accounts.clock.advance(days=80)
    await worker(accounts)
    assert len(await accounts.mailed(AccountLapsingMail)) == 2


async def test_an_account_of_before_this_was_kept_never_lapses(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    await accounts.pool.execute("update accounts set unlinked_since = null")
    accounts.clock.advance(days=1000)
    await worker(accounts)
    accounts.clock.advance(days=1000)
    await worker(accounts)
    assert await status(accounts, person.account_id) == "active"


async def test_a_worker_that_has_just_started_first_reads_the_links_that_waited(accounts: Accounts) -> None:
    await accounts.opened(OWN)
    accounts.clock.advance(days=1000)
    step = chores.lapsing(accounts.unit).args[1]  # type: ignore[attr-defined]
    assert await step() == chores.CATCH_UP
    assert await accounts.mailed(AccountLapsingMail) == []
    assert await step() is None
    assert len(await accounts.mailed(AccountLapsingMail)) == 1
