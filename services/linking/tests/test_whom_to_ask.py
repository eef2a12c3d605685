"""Promises about who is named in a refusal, and who is told of a link from another address."""

from pathlib import Path
from typing import Any

from contracts.authorizations import Contact, Organization
from contracts.events import Span
from contracts.notifications import LinkedElsewhereContents, LinkedElsewhereMail
from services.linking.codes.domain import make_code
from services.linking.tests.former import PASSWORD, bring_in, credential, file_of
from services.linking.tests.world import Clock, Linking, a_contact, an_account, an_organization

ALWAYS = (Span(starts_on="2020-01-01"),)
WRONG = make_code(7)


def a_manager(organization: Organization, **changes: Any) -> Contact:
    values: dict[str, Any] = {
        "client_number": "3000009",
        "given_name": "Renée",
        "family_name": "Responsable",
        "email": "renee@laforce.example",
        "manages": ALWAYS,
    }
    return a_contact(organization, **values | changes)


async def stand(linking: Linking) -> tuple[Organization, Contact, Contact]:
    """A firm with its responsible person and a member who has a code."""
    organization = an_organization()
    manager, member = a_manager(organization), a_contact(organization)
    await linking.send(organization, manager, member)
    return organization, manager, member


async def warnings(linking: Linking) -> list[tuple[str, str]]:
    """To whom went a warning, and whose file it names."""
    mails = await linking.published(LinkedElsewhereMail)
    opened = [linking.notifications.open(mail.sealed, LinkedElsewhereContents) for mail in mails]
    return [(contents.address, contents.contact_name) for contents in opened]


async def test_a_guess_is_told_no_name_whatever_client_number_it_hits(linking: Linking) -> None:
    await stand(linking)
    stranger = an_account()
    await linking.send(stranger)
    hit = await linking.redeem(stranger.account_id, "3000001", WRONG)
    missed = await linking.redeem(stranger.account_id, "9999999", WRONG)
    assert hit.content == missed.content
    assert "Responsable" not in hit.text


async def test_whoever_has_an_expired_code_is_told_whom_to_ask_for_another(linking: Linking, clock: Clock) -> None:
    _, _, member = await stand(linking)
    account = an_account()
    code = await linking.code(member.contact_id)
    clock.now = clock.now.replace(year=2027)
    await linking.send(account)
    in_french = await linking.redeem(account.account_id, "3000001", code, accept_language="fr")
    in_english = await linking.redeem(account.account_id, "3000001", code, accept_language="en")
    assert in_french.json()["code"] == "link_refused"
    assert (
        "adressez-vous d’abord à une personne responsable de votre organisation (Renée Responsable)"
        in (in_french.json()["detail"])
    )
    detail = in_english.json()["detail"]
    assert detail.index("Renée Responsable") < detail.index("firmecomptable@ccq.org")


async def test_a_linked_account_is_told_its_own_responsible_persons_whatever_it_typed(linking: Linking) -> None:
    _, manager, member = await stand(linking)
    elsewhere = an_organization(number="5000002")
    stranger = a_manager(elsewhere, client_number="3000008", family_name="Étrangère")
    account = an_account(email=member.email)
    await linking.send(account, elsewhere, stranger)
    await linking.redeem(account.account_id, "3000001", await linking.code(member.contact_id))
    answers = [await linking.redeem(account.account_id, number, WRONG) for number in ("3000009", "3000008", "1")]
    assert len({answer.content for answer in answers}) == 1
    assert manager.family_name in answers[0].text and "Étrangère" not in answers[0].text


async def test_a_person_responsible_is_not_told_to_ask_themselves(linking: Linking) -> None:
    _, manager, _ = await stand(linking)
    account = an_account(email=manager.email)
    await linking.send(account)
    await linking.redeem(account.account_id, "3000009", await linking.code(manager.contact_id))
    assert "Responsable" not in (await linking.redeem(account.account_id, "1", WRONG)).text


async def test_a_link_from_another_address_is_told_to_the_one_on_file_and_to_the_responsible_persons(
    linking: Linking,
) -> None:
    organization, _, member = await stand(linking)
    past = a_manager(
        organization, client_number="3000010", manages=(Span(starts_on="2020-01-01", ends_on="2020-12-31"),)
    )
    account = an_account(email="other@mail.example")
    await linking.send(account, past)
    await linking.redeem(account.account_id, "3000001", await linking.code(member.contact_id))
    assert await warnings(linking) == [
        ("camille@laforce.example", ""),
        ("renee@laforce.example", "Camille Tremblay"),
    ]
    for event in await everything_public(linking):
        assert "laforce.example" not in event and "mail.example" not in event


async def test_a_former_credential_redeemed_from_another_address_is_told_of_for_every_file(
    linking: Linking, tmp_path: Path
) -> None:
    firm, _, member = await stand(linking)
    employer = an_organization(kind="employer", number="1000001", legal_name="PLOMBERIE INC.")
    chief = a_manager(employer, client_number="3000008", given_name="Paul", email="paul@plomberie.example")
    own = a_contact(employer, client_number="3000002", email="camille@plomberie.example")
    account = an_account(email="other@mail.example")
    await linking.send(employer, chief, own, account)
    await bring_in(linking, tmp_path, credential("ancien", file_of(member, firm), file_of(own, employer)))
    assert (await linking.redeem_former(account.account_id, "ancien", PASSWORD)).status_code == 201
    assert sorted(await warnings(linking)) == [
        ("camille@laforce.example", ""),
        ("camille@plomberie.example", ""),
        ("paul@plomberie.example", "Camille Tremblay"),
        ("renee@laforce.example", "Camille Tremblay"),
    ]


async def test_a_link_from_the_address_on_file_warns_nobody(linking: Linking) -> None:
    _, _, member = await stand(linking)
    account = an_account(email="Camille@laforce.example")
    await linking.send(account)
    await linking.redeem(account.account_id, "3000001", await linking.code(member.contact_id))
    assert await warnings(linking) == []


async def everything_public(linking: Linking) -> list[str]:
    rows = await linking.unit.pool.fetch("select payload from outbox where topic like '%linking.events'")
    return [bytes(row["payload"]).decode() for row in rows]
