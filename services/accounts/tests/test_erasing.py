"""Erasing the person of an account: what goes, what stays, and that nothing brings the person back."""

from uuid import uuid4

from contracts.accounts import AccountErased, Person
from services.accounts.tests.conftest import Accounts, Signed
from services.accounts.tests.test_email_changes import change

OWN, NEW = "membre@laforce.example", "membre.nouveau@laforce.example"
REASON = {"reason": "asked_by_person"}


async def closed(accounts: Accounts, person: Signed) -> str:
    path = f"/v1/accounts/{person.account_id}"
    answer = await accounts.post(f"{path}/deactivation", {"reason": "asked_by_person"}, accounts.agent)
    assert answer.status_code == 200
    return path


async def rows_about(accounts: Accounts, needle: str) -> list[str]:
    """Every table of the database in which a row, written out, holds the text."""
    tables = await accounts.unit.pool.fetch("select tablename from pg_tables where schemaname = 'public'")
    query = 'select exists (select from "{}" t where t::text ilike $1)'
    names = sorted(table["tablename"] for table in tables)
    return [name for name in names if await accounts.unit.pool.fetchval(query.format(name), f"%{needle}%")]


async def test_nothing_of_an_erased_person_stays_in_any_table(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    await change(accounts, person, NEW)
    path = await closed(accounts, person)
    assert "people" in await rows_about(accounts, "membre")
    assert (await accounts.post(f"{path}/erasure", REASON, accounts.agent)).status_code == 204
    left = await rows_about(accounts, "membre") + await rows_about(accounts, "laforce")
    assert [table for table in left if table not in ("outbox", "state_echoes")] == []
    assert await accounts.unit.pool.fetchval("select count(*) from state_echoes where payload is not null") == 0
    [erased] = await accounts.events(AccountErased)
    assert erased.account_id == person.account_id


async def test_the_last_thing_that_is_told_of_an_erased_account_is_a_tombstone(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    path = await closed(accounts, person)
    await accounts.post(f"{path}/erasure", REASON, accounts.agent)
    again = await accounts.post(f"{path}/erasure", REASON, accounts.agent)
    assert again.status_code == 204
    rows = await accounts.unit.pool.fetch(
        "select payload is null as tombstone from outbox where topic like '%' || $1 and key = $2 order by id",
        Person.topics()[0].name,
        str(person.account_id),
    )
    assert [row["tombstone"] for row in rows][-3:] == [False, True, True]  # again, for who was restored from before
    audited = await accounts.unit.pool.fetch("select detail, actor_kind from audit where action = 'account_erased'")
    assert [row["detail"]["reason"] for row in audited] == ["asked_by_person"]


async def test_only_an_agent_erases_and_only_what_was_closed(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    path = f"/v1/accounts/{person.account_id}/erasure"
    early = await accounts.post(path, REASON, accounts.agent)
    assert (early.status_code, early.json()["code"]) == (409, "account_not_closed")
    assert (await accounts.post(path, REASON, person.headers)).status_code == 403
    assert (await accounts.post(f"/v1/accounts/{uuid4()}/erasure", REASON, accounts.agent)).status_code == 404


async def test_nobody_reopens_an_erased_account_and_its_address_registers_anew(accounts: Accounts) -> None:
    person = await accounts.opened(OWN)
    path = await closed(accounts, person)
    await accounts.post(f"{path}/erasure", REASON, accounts.agent)
    for act, reason in (("reactivation", "mistake"), ("deactivation", "misuse")):
        assert (await accounts.post(f"{path}/{act}", {"reason": reason}, accounts.agent)).status_code == 404
    assert (await accounts.sign_in(OWN)).json()["code"] == "sign_in_refused"
    again = await accounts.opened(OWN)
    assert again.account_id != person.account_id
    assert (await accounts.sign_in(OWN)).json()["account_id"] == str(again.account_id)
