"""A credential is given once, in two mails to two persons, and to nobody whose account is known already."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
import structlog
from asyncpg import UniqueViolationError

from chassis.inbox import Claim
from chassis.letter import DeadLetter
from chassis.outcomes import Poison
from chassis.tokens import NotAuthenticated
from contracts.accounts import AccountOpened, CredentialDeliveries, EmailVerified, Person, TermsAccepted
from contracts.events import Event
from contracts.notifications import MailRequest
from services.accounts.credentials import storage
from services.accounts.credentials.handlers import draw, follow_contacts, issue_anew
from services.accounts.lapsing import storage as lapsing
from services.accounts.people import handlers as people
from services.accounts.tests.conftest import PASSWORD, Accounts, Signed
from services.accounts.tests.credentials import (
    ACTOR,
    CHOSEN,
    DELEGATE,
    PROFESSIONAL,
    Ordered,
    credential,
    first_sign_in,
    give,
    issued,
    mandating,
    temporary_passwords,
    user_names,
)
from services.accounts.tests.test_email_changes import change, undo
from tests.fixtures.cutting import Killed, killed_after


@pytest.fixture(autouse=True)
def mandates(accounts: Accounts) -> None:
    mandating(accounts)


async def test_each_half_goes_to_its_own_address_in_its_readers_language(accounts: Accounts) -> None:
    await give(accounts, ordered := Ordered())
    [(name_mail, name)], [(password_mail, password)] = await user_names(accounts), await temporary_passwords(accounts)
    assert (name.address, name.given_name, name_mail.language) == (PROFESSIONAL.email, "Hubert", "en")
    assert (password.address, password.given_name, password_mail.language) == (DELEGATE.email, "Odile", "fr")
    assert (name.delegate_name, password.professional_name) == ("Odile Fictive", "Hubert Exemple")
    assert name_mail.service == password_mail.service == "monthly_report"
    [one] = await issued(accounts)
    assert (one.contact_id, one.organization_id, one.generation, one.kept) == (
        ordered.contact_id, ordered.organization_id, 1, False,
    )  # fmt: skip
    assert one.deliveries == CredentialDeliveries(
        to_professional=name_mail.delivery_id, to_delegate=password_mail.delivery_id
    )
    [person] = await accounts.events(Person)
    assert (person.account_id, person.email, person.status) == (one.account_id, DELEGATE.email, "active")
    assert [event.account_id for event in await accounts.events(AccountOpened)] == [one.account_id]
    assert [event.account_id for event in await accounts.events(EmailVerified)] == [one.account_id]


async def test_no_row_log_event_or_mail_has_both_halves_and_none_has_the_password_but_its_mail(
    accounts: Accounts, capfd: pytest.CaptureFixture[str]
) -> None:
    await give(accounts, Ordered())
    user_name, password = await credential(accounts)
    await first_sign_in(accounts, user_name, password)
    plain = password.replace("-", "")
    contents = [repr(contents.model_dump()) for _, contents in [*await user_names(accounts)]]
    contents += [repr(contents.model_dump()) for _, contents in await temporary_passwords(accounts)]
    assert [(user_name in one, password in one) for one in contents] == [(True, False), (False, True)]
    rows = await accounts.everything()
    assert not [table for table, text in rows.items() if password in text or plain in text]
    assert [table for table, text in rows.items() if user_name in text] == ["user_names"]
    for mail, sealed in [*await accounts.mailed(MailRequest)]:
        assert user_name not in repr(mail) + repr(sealed) and password not in repr(mail) + repr(sealed)
    structlog.get_logger().info("logged")
    out, err = capfd.readouterr()
    assert "logged" in out + err  # so is whatever else is
    assert not [secret for secret in (user_name, password, plain) if secret in out + err]


async def test_a_user_name_says_nothing_of_its_person_and_is_never_given_twice(accounts: Accounts) -> None:
    await give(accounts, Ordered())
    user_name, _ = await credential(accounts)
    assert user_name[0] == "x" and user_name[1:].isdigit() and len(user_name) == 11
    another = await accounts.opened("autre@laforce.example")
    with pytest.raises(UniqueViolationError):
        async with accounts.pool.acquire() as connection:
            await storage.name(connection, another.account_id, user_name)


@pytest.mark.parametrize("generation", [1, 0])
async def test_the_same_or_an_older_generation_gives_nothing_again(accounts: Accounts, generation: int) -> None:
    await give(accounts, ordered := Ordered())
    if generation:
        await give(accounts, ordered)
    else:
        await give(accounts, ordered.again())
        await give(accounts, ordered)
    assert len(await issued(accounts)) == len(await temporary_passwords(accounts)) == 2 - generation


async def test_one_generation_that_comes_twice_at_once_is_given_once(accounts: Accounts) -> None:
    ordered = Ordered()
    await asyncio.gather(give(accounts, ordered), give(accounts, ordered))
    assert len(await issued(accounts)) == len(await temporary_passwords(accounts)) == 1


async def known(accounts: Accounts, email: str) -> Signed:
    """Somebody with an account that was linked to a file once."""
    signed = await accounts.opened(email)

    async def link(work: Any, _: None) -> None:
        await lapsing.linked(work.connection, signed.account_id)

    await accounts.unit.run(link, None, ACTOR)
    return signed


async def test_an_account_with_the_verified_address_that_was_linked_stays_as_it_is(accounts: Accounts) -> None:
    signed = await known(accounts, DELEGATE.email.upper())
    await give(accounts, Ordered())
    [one] = await issued(accounts)
    assert (one.account_id, one.kept, one.deliveries) == (signed.account_id, True, CredentialDeliveries())
    assert not await user_names(accounts) and not await temporary_passwords(accounts)
    assert (await accounts.sign_in(DELEGATE.email)).status_code == 200


async def test_whoever_registered_with_the_delegates_address_before_has_no_way_around_the_user_name(
    accounts: Accounts,
) -> None:
    elsewhere = await accounts.opened("avant@ailleurs.example", given_name="Passe", family_name="Partout")
    undoing = await change(accounts, elsewhere, DELEGATE.email)
    await give(accounts, Ordered())
    [one] = await issued(accounts)
    assert (one.account_id, one.kept) == (elsewhere.account_id, False)
    with pytest.raises(NotAuthenticated):
        await accounts.verifier.verify(elsewhere.access_token)
    user_name, password = await credential(accounts)
    for login, tried in ((DELEGATE.email, PASSWORD), (user_name, PASSWORD), (DELEGATE.email, password)):
        assert (await accounts.sign_in(login, tried)).status_code == 401
    assert (await undo(accounts, undoing)).json()["code"] == "undo_refused"
    person = (await accounts.events(Person))[-1]
    assert (person.email, person.given_name, person.family_name) == (DELEGATE.email, "Odile", "Fictive")
    assert (await accounts.sign_in(user_name, password)).json()["code"] == "password_to_change"
    assert (await first_sign_in(accounts, user_name, password)).status_code == 201
    accepted = await accounts.pool.fetch("select terms_version from accounts where account_id = $1", one.account_id)
    assert [row["terms_version"] for row in accepted] == ["2026-01"]
    assert len(await accounts.events(TermsAccepted)) == 0  # the terms of then are still those of now


async def test_a_second_practice_gives_a_delegate_no_second_password(accounts: Accounts) -> None:
    await give(accounts, Ordered())
    user_name, password = await credential(accounts)
    await give(accounts, Ordered())
    first, second = await issued(accounts)
    assert (second.account_id, second.kept) == (first.account_id, True)
    assert len(await user_names(accounts)) == len(await temporary_passwords(accounts)) == 1
    assert (await first_sign_in(accounts, user_name, password)).status_code == 201


async def test_two_practices_at_once_open_one_account_and_send_one_password(accounts: Accounts) -> None:
    await asyncio.gather(*(give(accounts, Ordered()) for _ in range(2)))
    first, second = await issued(accounts)
    assert first.account_id == second.account_id and {first.kept, second.kept} == {True, False}
    assert len(await temporary_passwords(accounts)) == len(await accounts.events(AccountOpened)) == 1


async def test_a_registration_of_the_address_at_the_same_moment_and_a_credential_open_one_account(
    accounts: Accounts,
) -> None:
    registration_id = (await accounts.register(DELEGATE.email)).json()["registration_id"]
    code = await accounts.code(registration_id)
    _, verified = await asyncio.gather(give(accounts, Ordered()), accounts.verify(registration_id, code))
    [one] = await issued(accounts)
    [opened] = await accounts.events(AccountOpened)
    assert opened.account_id == one.account_id and not one.kept
    assert verified.status_code in (201, 422)
    assert len(await user_names(accounts)) == len(await temporary_passwords(accounts)) == 1
    assert (await accounts.sign_in(DELEGATE.email)).status_code == 401


async def test_a_rising_generation_brings_another_password_to_the_corrected_address_and_voids_the_old(
    accounts: Accounts,
) -> None:
    await give(accounts, ordered := Ordered())
    user_name, old = await credential(accounts)
    corrected = DELEGATE.model_copy(update={"email": "odile@ailleurs.example"})
    await give(accounts, ordered.again(delegate=corrected, halves=("temporary_password",)))
    _, new = await credential(accounts)
    assert [contents.address for _, contents in await temporary_passwords(accounts)] == [
        DELEGATE.email, corrected.email,
    ]  # fmt: skip
    assert len(await user_names(accounts)) == 1
    first, second = await issued(accounts)
    assert second.account_id == first.account_id and second.deliveries.to_professional is None
    assert (await accounts.events(Person))[-1].email == corrected.email
    assert (await first_sign_in(accounts, user_name, old)).status_code == 401
    assert (await first_sign_in(accounts, user_name, new)).status_code == 201


async def test_a_user_name_that_goes_again_leaves_the_password_that_was_sent(accounts: Accounts) -> None:
    await give(accounts, ordered := Ordered())
    user_name, password = await credential(accounts)
    corrected = PROFESSIONAL.model_copy(update={"email": "hubert@ailleurs.example"})
    await give(accounts, ordered.again(professional=corrected, halves=("user_name",)))
    names = [contents for _, contents in await user_names(accounts)]
    assert [(one.address, one.user_name) for one in names] == [
        (PROFESSIONAL.email, user_name), (corrected.email, user_name),
    ]  # fmt: skip
    assert len(await temporary_passwords(accounts)) == 1
    assert (await issued(accounts))[-1].deliveries.to_delegate is None
    assert (await first_sign_in(accounts, user_name, password)).status_code == 201


async def test_a_generation_whose_forerunner_never_came_brings_both_halves(accounts: Accounts) -> None:
    await give(accounts, ordered := Ordered())
    await give(accounts, ordered.again().again(halves=("user_name",)))
    assert len(await user_names(accounts)) == len(await temporary_passwords(accounts)) == 2


async def test_whoever_has_chosen_a_password_keeps_it_whatever_generation_comes(accounts: Accounts) -> None:
    await give(accounts, ordered := Ordered())
    user_name, password = await credential(accounts)
    await first_sign_in(accounts, user_name, password)
    await give(accounts, ordered.again(delegate=DELEGATE.model_copy(update={"email": "odile@ailleurs.example"})))
    assert (await issued(accounts))[-1].kept
    assert len(await temporary_passwords(accounts)) == 1
    assert (await accounts.sign_in(user_name, CHOSEN)).status_code == 200


async def test_a_corrected_address_that_has_an_account_is_the_delegates_and_the_first_password_is_void(
    accounts: Accounts,
) -> None:
    await give(accounts, ordered := Ordered())
    user_name, password = await credential(accounts)
    other = await known(accounts, "odile@ailleurs.example")
    await give(accounts, ordered.again(delegate=DELEGATE.model_copy(update={"email": "odile@ailleurs.example"})))
    last = (await issued(accounts))[-1]
    assert (last.account_id, last.kept) == (other.account_id, True)
    assert (await first_sign_in(accounts, user_name, password)).status_code == 401


async def test_an_account_that_an_agent_closed_is_not_walked_around(accounts: Accounts) -> None:
    signed = await accounts.opened(DELEGATE.email)
    await accounts.post(f"/v1/accounts/{signed.account_id}/deactivation", {"reason": "misuse"}, accounts.agent)
    await give(accounts, Ordered())
    [one] = await issued(accounts)
    assert (one.account_id, one.kept) == (signed.account_id, True)
    assert (await accounts.sign_in(DELEGATE.email)).status_code == 401


async def test_who_closed_the_account_is_given_another_with_another_user_name(accounts: Accounts) -> None:
    await give(accounts, ordered := Ordered())
    user_name, password = await credential(accounts)
    tokens = (await first_sign_in(accounts, user_name, password)).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await accounts.post("/v1/account/deactivation", {"password": CHOSEN}, headers)).status_code == 204
    await give(accounts, ordered.again())
    first, second = await issued(accounts)
    assert second.account_id != first.account_id and not second.kept
    assert (await user_names(accounts))[-1][1].user_name != user_name


async def test_another_password_after_a_talk_goes_to_the_account_and_not_to_the_professional(
    accounts: Accounts,
) -> None:
    await give(accounts, Ordered())
    user_name, old = await credential(accounts)
    await first_sign_in(accounts, user_name, old)
    account_id = (await issued(accounts))[0].account_id
    drawn = await draw(accounts.unit.tools.hasher)

    async def anew(work: Any, _: None) -> None:
        await issue_anew(work, await people.lock(work, account_id), drawn)

    await accounts.unit.run(anew, None, ACTOR)
    assert len(await user_names(accounts)) == 1
    _, new = await credential(accounts)
    assert (await temporary_passwords(accounts))[-1][1].address == DELEGATE.email
    assert (await accounts.sign_in(user_name, CHOSEN)).status_code == 401
    assert (await accounts.sign_in(user_name, new)).json()["code"] == "password_to_change"


async def test_a_credential_that_is_not_ours_to_open_parks_and_gives_nothing(accounts: Accounts) -> None:
    state = Ordered().state(accounts)
    assert state.credential is not None
    sealed = accounts.unit.tools.sealer.seal("notifications", DELEGATE)
    stolen = state.model_copy(update={"credential": state.credential.model_copy(update={"addresses": sealed})})
    with pytest.raises(Poison, match="seal"):
        await accounts.unit.run(follow_contacts, [stolen], ACTOR)
    assert not await accounts.events(Event)


async def test_a_process_that_dies_when_it_has_given_one_leaves_both_mails_and_gives_it_once(
    accounts: Accounts,
) -> None:
    state = Ordered().state(accounts)
    claim = Claim("accounts.authorizations.contacts", uuid4(), "authorizations.contacts", b"", False, letter=_no_letter)
    with pytest.raises(Killed), killed_after(1):
        await accounts.unit.receive_all(follow_contacts, [state], [claim])
    assert await accounts.unit.receive_all(follow_contacts, [state], [claim]) == [False]
    assert (
        len(await user_names(accounts)) == len(await temporary_passwords(accounts)) == len(await issued(accounts)) == 1
    )


def _no_letter(_: str) -> DeadLetter:
    raise AssertionError
