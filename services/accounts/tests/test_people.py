"""What a person sees and corrects of their own account."""

import asyncio

import httpx
import pytest

from contracts.accounts import Person
from services.accounts.tests.conftest import Accounts, Signed


async def etag(accounts: Accounts, person: Signed) -> str:
    found: str = (await accounts.client.get("/v1/account", headers=person.headers)).headers["etag"]
    return found


async def correct(accounts: Accounts, person: Signed, tag: str | None, **fields: str) -> httpx.Response:
    headers = person.headers | ({} if tag is None else {"If-Match": tag})
    return await accounts.client.patch("/v1/account", json=fields, headers=headers)


async def test_name_and_language_are_corrected_and_others_learn_it(accounts: Accounts) -> None:
    person = await accounts.opened(language="fr")
    answer = await correct(accounts, person, await etag(accounts, person), given_name="Dana", language="en")
    assert answer.status_code == 200
    assert [answer.json()[name] for name in ("given_name", "family_name", "language")] == ["Dana", "Membre", "en"]
    assert answer.headers["etag"] == await etag(accounts, person)
    state = (await accounts.events(Person))[-1]
    assert (state.given_name, state.language, f'"{state.version}"') == ("Dana", "en", answer.headers["etag"])


async def test_of_two_windows_the_one_that_read_an_older_version_is_refused(accounts: Accounts) -> None:
    person = await accounts.opened()
    tag = await etag(accounts, person)
    names = ("Dana", "Danielle")
    answers = await asyncio.gather(*[correct(accounts, person, tag, given_name=name) for name in names])
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert (await correct(accounts, person, None, given_name="Dana")).json()["code"] == "precondition_required"
    assert (await correct(accounts, person, '"some other tag"', given_name="Dana")).status_code == 412


async def test_what_stays_the_same_is_no_change(accounts: Accounts) -> None:
    person = await accounts.opened()
    tag = await etag(accounts, person)
    assert (await correct(accounts, person, tag, given_name="Démo")).headers["etag"] == tag
    assert (await correct(accounts, person, tag)).headers["etag"] == tag
    assert len(await accounts.events(Person)) == 1


@pytest.mark.parametrize("fields", [{"given_name": ""}, {"given_name": "www.evil.example"}, {"email": "a@b.example"}])
async def test_what_is_wrong_is_refused(accounts: Accounts, fields: dict[str, str]) -> None:
    person = await accounts.opened()
    answer = await correct(accounts, person, await etag(accounts, person), **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_the_audit_names_the_fields_and_not_what_they_hold(accounts: Accounts) -> None:
    person = await accounts.opened()
    await correct(accounts, person, await etag(accounts, person), family_name="Exemple")
    detail = await accounts.pool.fetchval("select detail from audit where action = 'account_changed'")
    assert detail == {"fields": ["family_name"]}
