"""Promises about POST /v1/links with a former credential: all its files, once, and a guess learns nothing."""

import asyncio
import hashlib
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.accounts import Person
from contracts.agency.linking import FormerCredential
from contracts.authorizations import Contact, Organization
from contracts.events import Span
from contracts.linking import LinkRefused, ProfileLinked
from contracts.notifications import LinkedElsewhereMail, ProfileLinkedMail
from services.linking.former_credentials import schemes
from services.linking.former_credentials.chores import forget_past
from services.linking.tests.former import PASSWORD, bring_in, credential, file_of
from services.linking.tests.world import Clock, Linking, a_contact, an_account, an_organization, changed

USER_NAME = "demo.ancienne"


async def stand(linking: Linking, folder: Path) -> tuple[list[tuple[Organization, Contact]], Person]:
    """One person's files at two employers, one credential for both, and the person's account."""
    shw = an_organization(kind="employer", number="1000001", legal_name="ENTREPRISE SHW INC.")
    plumber = an_organization(kind="employer", number="1000002", legal_name="PLOMBERIE INC.")
    files = [(shw, a_contact(shw)), (plumber, a_contact(plumber, client_number="3000002"))]
    account = an_account(email="camille@laforce.example")
    await linking.send(account, *(state for file in files for state in file))
    outcome = await bring_in(linking, folder, credential(USER_NAME, *(file_of(c, o) for o, c in files)))
    assert outcome == {"created": 1}
    return files, account


async def kept(linking: Linking) -> int:
    count: int = await linking.unit.pool.fetchval("select count(*) from former_credentials")
    return count


async def test_one_credential_links_every_file_it_stood_for_and_shows_them(linking: Linking, tmp_path: Path) -> None:
    _, account = await stand(linking, tmp_path)
    answer = await linking.redeem_former(account.account_id, USER_NAME, PASSWORD, accept_language="en")
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert sorted(profile["organization"]["number"] for profile in body["profiles"]) == ["1000001", "1000002"]
    assert body["profile"] == body["profiles"][0] and body["link_id"] == body["profile"]["link_id"]
    assert body["message"].startswith("Your account is now linked to: ")
    assert "ENTREPRISE SHW INC. (1000001)" in body["message"] and "PLOMBERIE INC. (1000002)" in body["message"]
    assert len(await linking.profiles(account.account_id)) == 2
    events = await linking.published(ProfileLinked)
    assert [event.method for event in events] == ["former_credential"] * 2
    assert len(await linking.published(ProfileLinkedMail)) == 2
    assert await linking.published(LinkedElsewhereMail) == []


async def test_a_credential_is_redeemed_once_and_its_hash_is_gone(linking: Linking, tmp_path: Path) -> None:
    files, account = await stand(linking, tmp_path)
    another = an_account()
    await linking.send(another)
    assert (await linking.redeem_former(account.account_id, USER_NAME, PASSWORD)).status_code == 201
    assert await kept(linking) == 0
    again = await linking.redeem_former(another.account_id, USER_NAME, PASSWORD)
    assert (again.status_code, again.json()["code"]) == (422, "link_refused")
    lines = credential(USER_NAME, *(file_of(c, o) for o, c in files))
    assert await bring_in(linking, tmp_path, lines) == {"redeemed": 1}
    assert (await linking.redeem_former(another.account_id, USER_NAME, PASSWORD)).status_code == 422
    assert await linking.profiles(another.account_id) == []


async def test_of_ten_accounts_redeeming_one_credential_at_once_one_wins_all_its_files(
    linking: Linking, tmp_path: Path
) -> None:
    await stand(linking, tmp_path)
    accounts = [an_account() for _ in range(10)]
    await linking.send(*accounts)
    answers = await asyncio.gather(*(linking.redeem_former(a.account_id, USER_NAME, PASSWORD) for a in accounts))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 9}
    assert sorted([len(await linking.profiles(account.account_id)) for account in accounts]) == [0] * 9 + [2]


async def test_a_repeated_request_gets_the_same_answer_and_its_password_is_kept_under_a_key_alone(
    linking: Linking, tmp_path: Path
) -> None:
    _, account = await stand(linking, tmp_path)
    first = await linking.redeem_former(account.account_id, USER_NAME, PASSWORD, idempotency_key="one")
    again = await linking.redeem_former(account.account_id, USER_NAME, PASSWORD, idempotency_key="one")
    assert (first.status_code, first.json()) == (201, again.json())
    other = await linking.redeem_former(account.account_id, USER_NAME, "another", idempotency_key="one")
    assert other.json()["code"] == "idempotency_key_reused"
    digest = await linking.unit.pool.fetchval("select body_digest from idempotency_keys")
    guessed = {"method": "former_credential", "user_name": USER_NAME, "password": PASSWORD}
    body = httpx.Request("POST", "http://x", json=guessed).content
    assert digest != hashlib.sha256(body).digest()


async def test_whatever_is_wrong_the_answer_is_the_same_and_no_name_is_told(linking: Linking, tmp_path: Path) -> None:
    files, _ = await stand(linking, tmp_path)
    organization, _ = files[0]
    manager = a_contact(
        organization, client_number="3000009", family_name="Secrète", manages=(Span(starts_on="2020-01-01"),)
    )
    await linking.send(manager)
    stranger = an_account()
    await linking.send(stranger)
    wrong = [
        await linking.redeem_former(stranger.account_id, USER_NAME, "pas le bon"),
        await linking.redeem_former(stranger.account_id, "personne", PASSWORD),
        await linking.redeem(stranger.account_id, "9999999", "x"),
    ]
    assert {answer.status_code for answer in wrong} == {422}
    assert len({answer.content for answer in wrong}) == 1
    assert "Secrète" not in wrong[0].text


async def test_an_unknown_user_name_costs_the_work_of_a_known_one(
    linking: Linking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, account = await stand(linking, tmp_path)
    done: list[schemes.Setting] = []
    real = schemes.digest

    def counted(setting: schemes.Setting, password: bytes) -> bytes:
        done.append(setting)
        return real(setting, password)

    monkeypatch.setattr(schemes, "digest", counted)
    for user_name in (USER_NAME, "personne"):
        await linking.redeem_former(account.account_id, user_name, "pas le bon")
    assert len(done) == 2 and done[0] == done[1]


async def test_neither_user_name_nor_password_nor_the_imported_hash_stands_anywhere(
    linking: Linking, tmp_path: Path
) -> None:
    _, account = await stand(linking, tmp_path)
    rows = await linking.everything_kept()
    await linking.redeem_former(account.account_id, USER_NAME, "pas le bon")
    await linking.redeem_former(account.account_id, USER_NAME, PASSWORD)
    rows += await linking.everything_kept()
    digest = schemes.read(credential("x")["hash"]).digest.hex()
    assert not [secret for secret in (USER_NAME, PASSWORD, "pas le bon", digest) if secret in rows]


async def test_capitals_and_spaces_around_the_user_name_do_not_matter_where_the_data_says_so(
    linking: Linking, tmp_path: Path
) -> None:
    _, account = await stand(linking, tmp_path)
    assert (await linking.redeem_former(account.account_id, " DEMO.Ancienne ", PASSWORD)).status_code == 201


async def test_what_somebody_else_holds_is_not_linked_but_told_for_review(linking: Linking, tmp_path: Path) -> None:
    files, account = await stand(linking, tmp_path)
    (_, taken), (_, free) = files
    other = an_account()
    await linking.send(other)
    code = await linking.code(taken.contact_id)
    assert (await linking.redeem(other.account_id, taken.client_number, code)).status_code == 201
    answer = await linking.redeem_former(account.account_id, USER_NAME, PASSWORD)
    assert [p["contact_id"] for p in answer.json()["profiles"]] == [str(free.contact_id)]
    [refused] = await linking.published(LinkRefused)
    assert (refused.contact_id, refused.account_id, refused.reason) == (
        taken.contact_id,
        account.account_id,
        "already_linked",
    )
    assert await kept(linking) == 0


async def test_a_credential_of_which_nothing_could_be_linked_is_not_spent(linking: Linking, tmp_path: Path) -> None:
    files, account = await stand(linking, tmp_path)
    await linking.send(*(changed(contact, functions=()) for _, contact in files))
    assert (await linking.redeem_former(account.account_id, USER_NAME, PASSWORD)).status_code == 422
    assert await kept(linking) == 1
    await linking.send(*(contact.model_copy(update={"version": 3}) for _, contact in files))
    assert (await linking.redeem_former(account.account_id, USER_NAME, PASSWORD)).status_code == 201


async def test_a_code_that_waits_dies_when_its_contact_is_linked_by_a_former_credential(
    linking: Linking, tmp_path: Path
) -> None:
    files, account = await stand(linking, tmp_path)
    _, contact = files[0]
    code = await linking.code(contact.contact_id)
    await linking.redeem_former(account.account_id, USER_NAME, PASSWORD)
    ended = await linking.unit.pool.fetchval(
        "select ended_by from linking_codes where contact_id = $1", contact.contact_id
    )
    assert ended == "linked"
    other = an_account()
    await linking.send(other)
    assert (await linking.redeem(other.account_id, contact.client_number, code)).status_code == 422


async def test_guessing_is_delayed_and_its_owner_is_still_heard(linking: Linking, tmp_path: Path, clock: Clock) -> None:
    _, owner = await stand(linking, tmp_path)
    guessers = [an_account() for _ in range(2)]
    await linking.send(*guessers)
    guessed = [
        await linking.redeem_former(guesser.account_id, USER_NAME, f"essai {number}")
        for guesser in guessers
        for number in range(6)
    ]
    assert Counter(answer.status_code for answer in guessed) == {422: 11, 429: 1}
    clock.now += timedelta(hours=1)
    assert (await linking.redeem_former(guessers[1].account_id, USER_NAME, PASSWORD)).status_code == 429
    assert (await linking.redeem_former(owner.account_id, USER_NAME, PASSWORD)).status_code == 201


async def test_after_the_last_day_the_method_is_gone_and_its_hashes_with_it(
    linking: Linking, tmp_path: Path, clock: Clock
) -> None:
    _, account = await stand(linking, tmp_path)
    await linking.unit.run(forget_past, None, linking.unit.origin.itself)
    assert await kept(linking) == 1
    method = linking.unit.tools.agency.linking_methods["former_credential"]
    assert isinstance(method, FormerCredential)
    clock.now = clock.now.replace(year=method.until.year + 1)
    methods = (await linking.http.get("/v1/linking-methods")).json()["items"]
    assert [method["code"] for method in methods] == ["linking_coordinates"]
    answer = await linking.redeem_former(account.account_id, USER_NAME, PASSWORD)
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/method"]
    await linking.unit.run(forget_past, None, linking.unit.origin.itself)
    assert await kept(linking) == 0


async def test_each_method_takes_its_own_fields_and_no_others(linking: Linking) -> None:
    right: dict[str, Any] = {"method": "former_credential", "user_name": "a", "password": "b"}
    wrong = [
        ({"method": "former_credential", "user_name": "a"}, ["#/password"]),
        (right | {"linking_code": "x"}, ["#/linking_code"]),
        (right | {"method": "linking_coordinates"}, ["#/client_number", "#/linking_code", "#/user_name", "#/password"]),
    ]
    for body, pointers in wrong:
        answer = await linking.http.post("/v1/links", json=body, headers=linking.bearer(an_account().account_id))
        assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, pointers)


async def test_a_partial_redemption_shows_each_file_that_was_not_linked_and_why_in_the_callers_language(
    linking: Linking, tmp_path: Path
) -> None:
    """One of each: free, somebody else's, no longer active, never brought in; with a repeated request the same."""
    names = ("LIBRE INC.", "PRISE INC.", "FERMÉE INC.", "DOUBLE INC.")
    employers = [an_organization(kind="employer", number=f"100000{n}", legal_name=name) for n, name in enumerate(names)]
    files = [(one, a_contact(one, client_number=f"300000{n}")) for n, one in enumerate(employers)]
    account, holder = an_account(), an_account()
    await linking.send(account, holder, *(state for file in files for state in file))
    own = a_contact(employers[3], client_number="3000009")
    await linking.send(own)
    for who, contact in ((holder, files[1][1]), (account, own)):
        code = await linking.code(contact.contact_id)
        assert (await linking.redeem(who.account_id, contact.client_number, code)).status_code == 201
    await linking.send(changed(employers[2], status="inactive"))
    nowhere = {"client_number": "3000099", "organization": {"kind": "employer", "number": "1000099"}}
    await bring_in(linking, tmp_path, credential(USER_NAME, *(file_of(c, o) for o, c in files), nowhere))

    sent = {"idempotency_key": "one", "accept_language": "en"}
    answer = await linking.redeem_former(account.account_id, USER_NAME, PASSWORD, **sent)
    assert [profile["organization"]["number"] for profile in answer.json()["profiles"]] == ["1000000"]
    left_out = {one["reason"]: one for one in answer.json()["not_linked"]}
    assert {(r, o["organization_number"], o["organization_name"]) for r, o in left_out.items()} == {
        ("already_linked", "1000001", "PRISE INC."),
        ("not_active", "1000002", "FERMÉE INC."),
        ("other_profile_here", "1000003", "DOUBLE INC."),
        ("unknown", "1000099", None),
    }
    assert left_out["already_linked"]["message"].startswith("This file is already linked to another account.")
    assert "firmecomptable@ccq.org" in left_out["unknown"]["message"]
    again = await linking.redeem_former(account.account_id, USER_NAME, PASSWORD, **sent)
    assert again.json() == answer.json()
    french = await linking.redeem_former(account.account_id, USER_NAME, PASSWORD, idempotency_key="one")
    assert {one["message"] for one in french.json()["not_linked"]}.isdisjoint(
        one["message"] for one in left_out.values()
    )


async def test_a_stranger_and_who_linked_nothing_read_nothing_of_the_files(linking: Linking, tmp_path: Path) -> None:
    files, account = await stand(linking, tmp_path)
    await linking.send(*(changed(organization, status="inactive") for organization, _ in files))
    right = await linking.redeem_former(account.account_id, USER_NAME, PASSWORD)
    wrong = await linking.redeem_former(account.account_id, USER_NAME, "pas le bon")
    assert (right.status_code, right.content) == (422, wrong.content)
    assert "not_linked" not in right.json() and "PLOMBERIE" not in right.text


async def test_what_a_redemption_left_out_is_forgotten_after_two_days(
    linking: Linking, tmp_path: Path, clock: Clock
) -> None:
    files, account = await stand(linking, tmp_path)
    await linking.send(changed(files[0][0], status="inactive"))
    assert (await linking.redeem_former(account.account_id, USER_NAME, PASSWORD)).json()["not_linked"]
    count = "select count(*) from former_redemption_left_out"
    for days, kept_rows in ((1, 1), (2, 0)):
        clock.now += timedelta(days=days)
        await linking.unit.run(forget_past, None, linking.unit.origin.itself)
        assert await linking.unit.pool.fetchval(count) == kept_rows


async def test_account_after_account_guesses_no_more_than_a_hundred_a_day_and_the_owner_on_file_is_heard(
    linking: Linking, tmp_path: Path, clock: Clock
) -> None:
    _, owner = await stand(linking, tmp_path)
    budgets = linking.unit.tools.agency.limits.attempts
    free, shared = budgets["redemption_per_user_name"].count, budgets["redemption_per_user_name_by_others"].count
    guessers = [an_account(email=f"devin{n}@mail.example") for n in range(free + shared + 5)]
    stranger = an_account(email="ailleurs@mail.example")
    await linking.send(stranger, *guessers)
    answers = await asyncio.gather(*[linking.redeem_former(g.account_id, USER_NAME, "pas le bon") for g in guessers])
    assert Counter(answer.status_code for answer in answers) == {422: free + shared, 429: 5}

    waits = await linking.redeem_former(stranger.account_id, USER_NAME, PASSWORD)
    assert waits.status_code == 429 and int(waits.headers["retry-after"]) <= 6 * 3600
    clock.now += timedelta(seconds=int(waits.headers["retry-after"]))
    assert (await linking.redeem_former(stranger.account_id, USER_NAME, "pas le bon")).status_code == 422
    await asyncio.gather(*[linking.redeem_former(g.account_id, USER_NAME, "pas le bon") for g in guessers])
    assert (await linking.redeem_former(owner.account_id, USER_NAME, PASSWORD)).status_code == 201


async def test_a_name_that_nobody_has_is_counted_like_one_that_somebody_has(linking: Linking, tmp_path: Path) -> None:
    await stand(linking, tmp_path)
    told: dict[str, list[int]] = {}
    for user_name in (USER_NAME, "personne"):
        guessers = [an_account(email=f"{user_name}{n}@mail.example") for n in range(37)]
        await linking.send(*guessers)
        answers = [await linking.redeem_former(g.account_id, user_name, "pas le bon") for g in guessers]
        told[user_name] = [answer.status_code for answer in answers]
    assert told[USER_NAME] == told["personne"]
    assert told["personne"].count(429) == 2
