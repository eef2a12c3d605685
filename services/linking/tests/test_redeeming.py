"""Promises about POST /v1/links: one winner, one answer to whatever is wrong, delays and no locks."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis import slowing
from contracts.accounts import Person, SessionsRevoked
from contracts.authorizations import Contact, FunctionSpan, Organization
from contracts.linking import LinkRefused, ProfileLinked
from contracts.notifications import Contents, ProfileLinkedMail
from services.linking.codes import storage as codes
from services.linking.codes.domain import make_code
from services.linking.contacts import storage as contacts
from services.linking.tests.world import Clock, Linking, a_contact, an_account, an_organization, changed
from tests.fixtures.patience import PATIENCE

WRONG = make_code(7)


async def stand(linking: Linking, **changes: Any) -> tuple[Organization, Contact, Person, str]:
    """An organization, a contact with a code, and an account that may redeem it."""
    organization, account = an_organization(), an_account()
    contact = a_contact(organization, **changes)
    await linking.send(organization, contact, account)
    return organization, contact, account, await linking.code(contact.contact_id)


async def bindings(linking: Linking) -> list[tuple[UUID, UUID]]:
    rows = await linking.unit.pool.fetch("select account_id, contact_id from bindings where unlinked_at is null")
    return [(row["account_id"], row["contact_id"]) for row in rows]


async def reasons(linking: Linking) -> list[str]:
    return [refused.reason for refused in await linking.published(LinkRefused)]


async def until_somebody_waits(linking: Linking) -> None:
    """Until another transaction waits for a lock."""
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(PATIENCE):
        while not await linking.unit.pool.fetchval(waiting):
            pass


async def test_redeeming_links_the_account_and_says_so_in_the_callers_language(linking: Linking) -> None:
    organization, contact, account, code = await stand(linking)
    typed = f"{code[:4]} {code[4:8]}-{code[8:]}".lower()
    answer = await linking.redeem(account.account_id, "300 0001", typed, accept_language="en-CA")
    assert answer.status_code == 201, answer.text
    body = answer.json()
    [event] = await linking.published(ProfileLinked)
    assert answer.headers["Location"] == "/v1/profiles"
    assert answer.headers["Mandat-After"]
    assert body["profiles"] == [body["profile"]]
    assert body == {
        "link_id": str(event.link_id),
        "profiles": body["profiles"],
        "not_linked": [],
        "profile": {
            "link_id": str(event.link_id),
            "contact_id": str(contact.contact_id),
            "organization": {
                "organization_id": str(organization.organization_id),
                "number": "5000001",
                "name": "LAFORCE COMPTABLE INC.",
            },
            "functions": [{"code": "staff_member", "name": "Staff member"}],
            "active": True,
            "manages": False,
            "linked_at": "2026-12-01T17:00:00Z",
        },
        "message": "Your account is now linked to the file of LAFORCE COMPTABLE INC. (number 5000001)."
        " Select a profile to continue.",
    }
    assert (event.account_id, event.contact_id, event.method) == (
        account.account_id,
        contact.contact_id,
        "linking_coordinates",
    )
    assert await bindings(linking) == [(account.account_id, contact.contact_id)]


async def test_the_person_is_told_by_mail_to_the_accounts_address_in_its_language(linking: Linking) -> None:
    organization, _, _, code = await stand(linking)
    account = an_account(email="mine@mail.example", given_name="Alex", language="en", portal="nu")
    await linking.send(account)
    assert (await linking.redeem(account.account_id, "3000001", code)).status_code == 201
    [mail] = await linking.published(ProfileLinkedMail)
    assert linking.notifications.open(mail.sealed, Contents) == Contents(address="mine@mail.example", given_name="Alex")
    assert (mail.recipient_id, mail.language, mail.function) == (account.account_id, "en", "staff_member")
    assert (mail.organization_name, mail.portal) == (organization.legal_name, "nu")


async def test_a_contact_whose_function_begins_later_may_link_now(linking: Linking) -> None:
    functions = (FunctionSpan(type="administrator", starts_on="2027-01-04"),)
    _, _, account, code = await stand(linking, functions=functions)
    answer = await linking.redeem(account.account_id, "3000001", code)
    assert answer.json()["profile"]["functions"] == []
    [mail] = await linking.published(ProfileLinkedMail)
    assert mail.function == "administrator"


async def test_every_refusal_is_the_same_byte_for_byte(linking: Linking, clock: Clock) -> None:
    organization, contact, owner, code = await stand(linking)
    second = a_contact(organization, client_number="3000002")
    lapsed = a_contact(organization, client_number="3000003")
    blocked = a_contact(organization, client_number="3000004")
    codeless = a_contact(organization, client_number="3000005", linking_code_generation=0)
    await linking.send(lapsed)
    old_code = await linking.code(lapsed.contact_id)
    clock.now += timedelta(days=31)
    await linking.send(changed(contact, linking_code_generation=2), second, blocked, codeless)
    code = await linking.code(contact.contact_id)
    blocked_code = await linking.code(blocked.contact_id)
    await linking.send(changed(blocked, functions=()))
    assert (await linking.redeem(owner.account_id, "3000001", code)).status_code == 201
    clock.now += timedelta(hours=1)

    other = an_account()
    await linking.send(other)
    answers = {
        "unknown number": await linking.redeem(other.account_id, "9999999", code),
        "wrong code": await linking.redeem(other.account_id, "3000002", WRONG),
        "mistyped code": await linking.redeem(other.account_id, "3000002", "not a code"),
        "another contact's code": await linking.redeem(other.account_id, "3000002", old_code),
        "expired code": await linking.redeem(other.account_id, "3000003", old_code),
        "used code, linked contact": await linking.redeem(other.account_id, "3000001", code),
        "blocked contact": await linking.redeem(other.account_id, "3000004", blocked_code),
        "contact without code": await linking.redeem(other.account_id, "3000005", WRONG),
        "second contact here": await linking.redeem(owner.account_id, "3000002", await linking.code(second.contact_id)),
    }
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 422)
    assert len({answer.content for answer in answers.values()}) == 1
    assert len({str(sorted(answer.headers.items())) for answer in answers.values()}) == 1
    assert answers["wrong code"].json()["code"] == "link_refused"
    assert "firmecomptable@ccq.org" in answers["wrong code"].json()["detail"]
    assert await reasons(linking) == [
        "wrong_code",
        "wrong_code",
        "wrong_code",
        "expired_code",
        "already_linked",
        "wrong_code",
        "other_profile_here",
    ]


async def test_an_unknown_number_costs_a_comparison_too(linking: Linking, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, account, _ = await stand(linking)
    compared: list[str] = []
    keyring = type(linking.unit.tools.keyring)
    real = keyring.matches

    def counted(self: Any, purpose: str, value: str, kept: str) -> bool:
        compared.append(kept)
        return real(self, purpose, value, kept)

    monkeypatch.setattr(keyring, "matches", counted)
    for number in ("3000001", "9999999"):
        for typed in (WRONG, "mistyped"):
            compared.clear()
            await linking.redeem(account.account_id, number, typed)
            assert len(compared) == 1


async def test_a_refusal_is_audited_by_ids_alone(linking: Linking) -> None:
    _, contact, account, _ = await stand(linking)
    await linking.redeem(account.account_id, "3000001", WRONG)
    await linking.redeem(account.account_id, "8888888", WRONG)
    rows = await linking.unit.pool.fetch("select * from audit where action = 'link_refused' order by id")
    assert [(row["actor_id"], row["object_id"], row["detail"]["reason"]) for row in rows] == [
        (str(account.account_id), contact.contact_id, "wrong_code"),
        (str(account.account_id), None, "nothing_found"),
    ]
    assert "8888888" not in await linking.everything_kept()


async def test_a_code_is_taken_to_the_last_second_of_its_last_day_and_not_later(linking: Linking, clock: Clock) -> None:
    _, contact, account, code = await stand(linking)
    _, late, _, late_code = await stand(linking, client_number="3000002")
    ends_at = await linking.unit.pool.fetchval(
        "select expires_at from linking_codes where contact_id = $1", contact.contact_id
    )
    clock.now = ends_at
    assert (await linking.redeem(account.account_id, late.client_number, late_code)).status_code == 422
    clock.now = ends_at - timedelta(seconds=1)
    assert (await linking.redeem(account.account_id, contact.client_number, code)).status_code == 201


async def test_a_number_borne_in_two_organizations_links_where_the_code_belongs(linking: Linking) -> None:
    """The number is the person's, so every live contact that bears it is tried."""
    _, here, account, here_code = await stand(linking)
    _, there, _, there_code = await stand(linking)
    assert (await linking.redeem(account.account_id, "3000001", there_code)).status_code == 201
    assert await bindings(linking) == [(account.account_id, there.contact_id)]
    assert (await linking.redeem(account.account_id, "3000001", here_code)).status_code == 201
    assert {profile["contact_id"] for profile in await linking.profiles(account.account_id)} == {
        str(here.contact_id),
        str(there.contact_id),
    }


async def test_of_twenty_accounts_redeeming_one_code_at_once_one_wins(linking: Linking) -> None:
    _, contact, _, code = await stand(linking)
    accounts = [an_account() for _ in range(20)]
    await linking.send(*accounts)
    answers = await asyncio.gather(*(linking.redeem(account.account_id, "3000001", code) for account in accounts))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 19}
    assert len(await linking.published(ProfileLinked)) == len(await linking.published(ProfileLinkedMail)) == 1
    [(account_id, contact_id)] = await bindings(linking)
    assert contact_id == contact.contact_id
    winner = next(account for account, answer in zip(accounts, answers, strict=True) if answer.status_code == 201)
    assert account_id == winner.account_id


async def test_of_twenty_redemptions_by_one_account_at_once_one_wins(linking: Linking) -> None:
    _, _, account, code = await stand(linking)
    answers = await asyncio.gather(*(linking.redeem(account.account_id, "3000001", code) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 9, 429: 10}
    assert len(await bindings(linking)) == 1


async def test_an_account_becomes_one_contact_of_an_organization_even_when_it_redeems_two_at_once(
    linking: Linking,
) -> None:
    organization, _, account, code = await stand(linking)
    second = a_contact(organization, client_number="3000002")
    await linking.send(second)
    second_code = await linking.code(second.contact_id)
    answers = await asyncio.gather(
        linking.redeem(account.account_id, "3000001", code),
        linking.redeem(account.account_id, "3000002", second_code),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert len(await bindings(linking)) == 1
    assert await reasons(linking) == ["other_profile_here"]


async def test_a_code_that_dies_while_it_is_being_redeemed_links_nothing(linking: Linking) -> None:
    _, contact, account, code = await stand(linking)
    async with linking.unit.pool.acquire() as connection:
        async with connection.transaction():
            await contacts.lock_contact(connection, contact.contact_id)
            await codes.end_code(connection, contact.contact_id, "address_changed", linking.clock.now)
            redeeming = asyncio.create_task(linking.redeem(account.account_id, "3000001", code))
            await until_somebody_waits(linking)
        assert (await redeeming).status_code == 422
    assert await bindings(linking) == []


async def test_fifty_wrong_codes_at_once_are_compared_no_more_often_than_the_budget(linking: Linking) -> None:
    _, _, account, code = await stand(linking)
    answers = await asyncio.gather(*(linking.redeem(account.account_id, "3000001", WRONG) for _ in range(50)))
    assert Counter(answer.status_code for answer in answers) == {422: 10, 429: 40}
    assert len(await reasons(linking)) == 10
    next_one = await linking.redeem(account.account_id, "3000001", code)
    assert (next_one.status_code, next_one.json()["code"]) == (429, "too_many_attempts")
    assert await bindings(linking) == []


async def test_a_spent_budget_says_when_to_try_again_and_then_hears_the_right_code(
    linking: Linking, clock: Clock
) -> None:
    _, _, account, code = await stand(linking)
    for _ in range(10):
        await linking.redeem(account.account_id, "3000001", WRONG)
    refused = await linking.redeem(account.account_id, "3000001", code)
    assert refused.status_code == 429
    clock.now += timedelta(seconds=int(refused.headers["Retry-After"]))
    assert (await linking.redeem(account.account_id, "3000001", code)).status_code == 201


async def test_a_new_code_gives_no_new_attempts(linking: Linking) -> None:
    """ASVS 5.0 6.6.3."""
    _, contact, account, _ = await stand(linking)
    for _ in range(10):
        await linking.redeem(account.account_id, "3000001", WRONG)
    await linking.send(changed(contact, linking_code_generation=2))
    code = await linking.code(contact.contact_id)
    assert (await linking.redeem(account.account_id, "3000001", code)).status_code == 429


async def test_however_many_accounts_guess_at_a_number_its_owner_is_heard(linking: Linking) -> None:
    """Beyond the number's budget every account has one attempt per window: a delay for guessers, no lock."""
    _, _, owner, code = await stand(linking)
    guessers = [an_account() for _ in range(4)]
    await linking.send(*guessers)
    guessed = [await linking.redeem(guesser.account_id, "3000001", WRONG) for guesser in guessers for _ in range(5)]
    assert Counter(answer.status_code for answer in guessed) == {422: 12, 429: 8}
    assert (await linking.redeem(owner.account_id, "3000001", code)).status_code == 201


async def test_an_account_that_has_not_arrived_yet_is_asked_to_try_again_and_loses_no_attempt(
    linking: Linking,
) -> None:
    organization, newcomer = an_organization(), an_account()
    contact = a_contact(organization)
    await linking.send(organization, contact)
    code = await linking.code(contact.contact_id)
    for _ in range(12):
        early = await linking.redeem(newcomer.account_id, "3000001", code)
        assert (early.status_code, early.json()["code"]) == (409, "account_not_yet_known")
        assert early.headers["Retry-After"] == "1"
    await linking.send(newcomer)
    assert (await linking.redeem(newcomer.account_id, "3000001", code)).status_code == 201


async def test_the_same_idempotency_key_makes_one_link_and_one_answer(linking: Linking) -> None:
    _, _, account, code = await stand(linking)
    once = {"idempotency_key": "one"}
    first = await linking.redeem(account.account_id, "3000001", code, **once)
    again = await linking.redeem(account.account_id, "3000001", code, **once)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.json(), first.headers["Location"]) == (again.json(), again.headers["Location"])
    assert len(await linking.published(ProfileLinked)) == 1
    other_body = await linking.redeem(account.account_id, "3000001", WRONG, **once)
    assert (other_body.status_code, other_body.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_deactivated_account_or_an_ended_session_links_nothing(linking: Linking) -> None:
    _, _, account, code = await stand(linking)
    session_id = uuid4()
    await linking.send(
        SessionsRevoked(account_id=account.account_id, session_id=session_id, epoch=1, reason="signed_out")
    )
    ended = linking.bearer(account.account_id, session_id=session_id)
    assert (await linking.redeem(account.account_id, "3000001", code, **ended)).status_code == 401
    await linking.send(changed(account, epoch=2))
    assert (await linking.redeem(account.account_id, "3000001", code)).status_code == 401
    await linking.send(account.model_copy(update={"version": 3, "epoch": 2, "status": "deactivated"}))
    newer = linking.bearer(account.account_id, epoch=2)
    assert (await linking.redeem(account.account_id, "3000001", code, **newer)).status_code == 401
    assert await bindings(linking) == []


async def test_a_malformed_request_names_the_field_and_repeats_no_content(linking: Linking) -> None:
    right = {"method": "linking_coordinates", "client_number": "1", "linking_code": "x"}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"client_number": "1", "linking_code": "x"}, "#/method"),
        ({"method": "linking_coordinates", "linking_code": "x"}, "#/client_number"),
        (right | {"method": "xxxx"}, "#/method"),
        (right | {"linking_code": "x" * 65}, "#/linking_code"),
        (right | {"client_number": "xxxx\u0000"}, "#/client_number"),
        (right | {"extra": "xxxx"}, "#/extra"),
    ]
    for body, pointer in wrong:
        answer = await linking.http.post("/v1/links", json=body, headers=linking.bearer(uuid4()))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        assert "xxxx" not in answer.text


async def test_a_refusal_leaves_at_an_even_time_whether_or_not_somebody_bears_the_number(
    linking: Linking, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, account, code = await stand(linking)
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(slowing, "pause", note)
    monkeypatch.setattr(slowing, "EVENLY", PATIENCE)
    for number in ("3000001", "3999999"):
        assert (await linking.redeem(account.account_id, number, WRONG)).json()["code"] == "link_refused"
    assert len(waited) == 2
    assert all(seconds > 0 for seconds in waited)
    assert (await linking.redeem(account.account_id, "3000001", code)).status_code == 201
    assert len(waited) == 2
