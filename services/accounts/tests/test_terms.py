"""The terms of use: read in both languages, accepted again when they change, kept for ever."""

from types import MappingProxyType

import pytest

from chassis.tokens import GoodElsewhere, Person, Verifier
from contracts.accounts import TermsAccepted
from contracts.agency.profile import Terms
from services.accounts.tests.conftest import BASE, Accounts, Signed, signed

NEWER = Terms(version="2027-01", fr="# Conditions nouvelles", en="# New terms")


def new_terms(accounts: Accounts) -> None:
    """The agency puts a new version into force."""
    known = accounts.unit.tools.agency.terms_versions
    accounts.agency(terms=NEWER, terms_versions=MappingProxyType({**known, NEWER.version: NEWER}))


def elsewhere(accounts: Accounts) -> Verifier:
    """How every other service looks at tokens."""
    verifier = Verifier(BASE, (), accounts.pool, clock=accounts.clock.of_tokens)
    verifier._keys = accounts.verifier._keys
    return verifier


async def accept(accounts: Accounts, person: Signed, version: str = NEWER.version) -> tuple[int, dict[str, object]]:
    answer = await accounts.client.post(
        "/v1/account/terms-acceptances", json={"terms_version": version}, headers=person.headers
    )
    return answer.status_code, answer.json()


async def test_the_terms_come_in_the_callers_language(accounts: Accounts) -> None:
    english = await accounts.client.get("/v1/terms", headers={"Accept-Language": "en-CA, fr;q=0.5"})
    french = await accounts.client.get("/v1/terms")
    assert english.json()["text"].startswith("# Terms of use")
    assert french.json()["text"].startswith("# Conditions d’utilisation")
    assert french.json()["version"] == english.json()["version"] == "2026-01"
    assert (french.headers["content-language"], english.headers["content-language"]) == ("fr", "en")


async def test_an_older_version_can_still_be_read(accounts: Accounts) -> None:
    new_terms(accounts)
    older = await accounts.client.get("/v1/terms?version=2026-01")
    newer = await accounts.client.get("/v1/terms")
    assert (older.json()["version"], older.json()["in_force"]) == ("2026-01", False)
    assert (newer.json()["text"], newer.json()["in_force"]) == (NEWER.fr, True)
    assert (await accounts.client.get("/v1/terms?version=1999-01")).json()["code"] == "not_found"


async def test_before_registering_one_reads_for_whom_accounts_are(accounts: Accounts) -> None:
    french = (await accounts.client.get("/v1/registration-notice")).json()
    english = (await accounts.client.get("/v1/registration-notice", headers={"Accept-Language": "en"})).json()
    expected = "La création d’un compte est réservée aux clients de la CCQ et à leurs contacts autorisés."
    assert french["for_whom"] == expected
    assert english["for_whom"].startswith("Accounts are reserved for clients")
    assert (french["terms_version"], french["shortest_password"], french["longest_password"]) == ("2026-01", 15, 128)


async def test_new_terms_let_a_person_into_accounts_alone_until_they_are_accepted(accounts: Accounts) -> None:
    before = await accounts.opened()
    new_terms(accounts)
    answer = await accounts.refresh(before.refresh_token)
    assert answer.json()["terms_current"] is False
    person = signed(answer)
    with pytest.raises(GoodElsewhere):
        await elsewhere(accounts).verify(person.access_token)

    own = (await accounts.client.get("/v1/account", headers=person.headers)).json()
    assert (own["terms_version"], own["terms_current"]) == ("2026-01", False)
    status, own = await accept(accounts, person)
    assert (status, own["terms_version"], own["terms_current"]) == (201, "2027-01", True)

    after = await accounts.refresh(person.refresh_token)
    assert after.json()["terms_current"] is True
    assert isinstance(await elsewhere(accounts).verify(after.json()["access_token"]), Person)


async def test_signing_in_says_that_the_terms_have_changed_and_signing_out_is_still_possible(
    accounts: Accounts,
) -> None:
    await accounts.opened()
    new_terms(accounts)
    answer = await accounts.sign_in()
    assert answer.json()["terms_current"] is False
    person = signed(answer)
    listed = (await accounts.client.get("/v1/sessions", headers=person.headers)).json()["items"]
    ended = await accounts.client.delete(f"/v1/sessions/{listed[0]['session_id']}", headers=person.headers)
    assert ended.status_code == 204


async def test_only_the_version_in_force_can_be_accepted_and_once_is_enough(accounts: Accounts) -> None:
    person = await accounts.opened()
    new_terms(accounts)
    status, refused = await accept(accounts, person, "2026-01")
    assert (status, refused["code"]) == (422, "terms_not_current")
    first = await accept(accounts, person)
    accounts.clock.advance(hours=0.5)
    assert await accept(accounts, person) == first
    [accepted] = await accounts.events(TermsAccepted)
    assert (accepted.account_id, accepted.terms_version) == (person.account_id, "2027-01")
    kept = await accounts.pool.fetch("select terms_version from terms_acceptances order by accepted_at")
    assert [row["terms_version"] for row in kept] == ["2026-01", "2027-01"]


async def test_a_registration_begun_under_older_terms_opens_an_account_that_has_yet_to_accept(
    accounts: Accounts,
) -> None:
    registration = (await accounts.register()).json()["registration_id"]
    new_terms(accounts)
    verified = await accounts.verify(registration, await accounts.code(registration))
    assert (verified.status_code, verified.json()["terms_current"]) == (201, False)


async def test_a_change_raises_the_version_that_others_see(accounts: Accounts) -> None:
    person = await accounts.opened()
    new_terms(accounts)
    before = (await accounts.client.get("/v1/account", headers=person.headers)).headers["etag"]
    await accept(accounts, person)
    after = (await accounts.client.get("/v1/account", headers=person.headers)).headers["etag"]
    assert int(after.strip('"')) > int(before.strip('"'))
