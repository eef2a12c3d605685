"""A tombstone erases what is known, and a state that arrives late brings nothing back."""

from uuid import uuid4

from contracts.accounts import Person
from contracts.authorizations import Contact, Organization
from contracts.linking import ProfileUnlinked
from contracts.notifications import ProfileUnlinkedMail
from services.linking.tests.world import Linking, a_contact, an_account, an_organization, changed

NAME, ADDRESS = "Archambault-Nguyen", "archambault.nguyen@mail.example"


async def test_a_forgotten_account_links_nothing_and_its_person_is_gone(linking: Linking) -> None:
    organization, account = an_organization(), an_account(family_name=NAME, email=ADDRESS)
    contact = a_contact(organization)
    await linking.send(organization, contact, account)

    await linking.forget(Person, account.account_id)
    await linking.send(changed(account))

    kept = await linking.everything_kept()
    assert NAME not in kept and ADDRESS not in kept
    answer = await linking.redeem(account.account_id, contact.client_number, await linking.code(contact.contact_id))
    assert answer.status_code == 401


async def test_a_forgotten_contacts_code_is_dead_and_its_person_is_gone(linking: Linking) -> None:
    organization, account = an_organization(), an_account()
    contact = a_contact(organization, family_name=NAME, email=ADDRESS, client_number="3999777")
    await linking.send(organization, contact, account)
    code = await linking.code(contact.contact_id)

    await linking.forget(Contact, contact.contact_id)
    await linking.send(changed(contact, linking_code_generation=2), changed(organization))

    kept = await linking.everything_kept()
    assert NAME not in kept and ADDRESS not in kept
    assert await linking.unit.pool.fetchval("select count(*) from contacts where client_number = '3999777'") == 0
    assert (await linking.redeem(account.account_id, "3999777", code)).json()["code"] == "link_refused"
    assert len(await linking.coordinates(contact.contact_id)) == 1


async def test_who_was_linked_to_a_forgotten_contact_is_told_and_may_be_another_of_its_organization(
    linking: Linking,
) -> None:
    organization, account = an_organization(), an_account()
    erased, another = a_contact(organization), a_contact(organization)
    await linking.send(organization, account, erased, another)
    await linking.redeem(account.account_id, erased.client_number, await linking.code(erased.contact_id))

    await linking.forget(Contact, erased.contact_id)

    [unlinked] = await linking.published(ProfileUnlinked)
    assert (unlinked.contact_id, unlinked.account_id) == (erased.contact_id, account.account_id)
    assert len(await linking.published(ProfileUnlinkedMail)) == 1
    assert await linking.profiles(account.account_id) == []
    code = await linking.code(another.contact_id)
    assert (await linking.redeem(account.account_id, another.client_number, code)).status_code == 201


async def test_the_contact_of_a_forgotten_account_is_free_for_who_comes_back(linking: Linking) -> None:
    organization, erased, another = an_organization(), an_account(), an_account()
    contact = a_contact(organization)
    await linking.send(organization, contact, erased, another)
    await linking.redeem(erased.account_id, contact.client_number, await linking.code(contact.contact_id))

    await linking.forget(Person, erased.account_id)
    await linking.forget(Person, erased.account_id)

    [unlinked] = await linking.published(ProfileUnlinked)
    assert (unlinked.contact_id, unlinked.account_id) == (contact.contact_id, erased.account_id)
    assert await linking.published(ProfileUnlinkedMail) == []
    await linking.send(changed(contact, linking_code_generation=2))
    code = await linking.code(contact.contact_id)
    assert (await linking.redeem(another.account_id, contact.client_number, code)).status_code == 201


async def test_a_forgotten_organization_is_nobodys_any_more(linking: Linking) -> None:
    organization, account = an_organization(legal_name=NAME), an_account()
    contact = a_contact(organization)
    await linking.send(organization, contact, account)
    code = await linking.code(contact.contact_id)

    await linking.forget(Organization, organization.organization_id)
    await linking.send(changed(organization))

    assert await linking.unit.pool.fetchval("select count(*) from organizations where name <> '' or active") == 0
    assert (await linking.redeem(account.account_id, contact.client_number, code)).json()["code"] == "link_refused"


async def test_what_was_never_known_stays_unknown_after_its_tombstone(linking: Linking) -> None:
    organization = an_organization(legal_name=NAME)
    contact, account = a_contact(organization, family_name=NAME), an_account(family_name=NAME)
    await linking.forget(Person, account.account_id)
    await linking.forget(Contact, contact.contact_id)
    await linking.forget(Organization, organization.organization_id)

    await linking.send(organization, contact, account)

    assert NAME not in await linking.everything_kept()


async def test_a_tombstone_that_comes_twice_is_one(linking: Linking) -> None:
    contact = a_contact(an_organization())
    await linking.send(contact)
    for _ in range(2):
        await linking.forget(Contact, contact.contact_id)
        await linking.forget(Contact, uuid4())
