"""A contact that was given an account by a credential is linked to it, whichever is told first."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from contracts.accounts import CredentialIssued
from contracts.authorizations import Contact
from contracts.linking import LinkRefused, ProfileLinked, ProfileUnlinked
from contracts.notifications import ProfileLinkedMail
from services.linking.tests.world import Linking, a_contact, an_account, an_organization, changed


def given(contact: Contact, account_id: UUID, generation: int = 1) -> CredentialIssued:
    return CredentialIssued(
        account_id=account_id,
        contact_id=contact.contact_id,
        organization_id=contact.organization_id,
        generation=generation,
        kept=False,
        issued_at=datetime(2026, 12, 1, 16, 59, 59, tzinfo=UTC),
    )


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (3, 0, 1, 2), (2, 3, 0, 1)])
async def test_it_is_linked_once_in_whatever_order_it_is_told(linking: Linking, order: tuple[int, ...]) -> None:
    account, organization = an_account(), an_organization()
    contact = a_contact(organization, linking_code_generation=0)
    told = (account, organization, contact, given(contact, account.account_id))
    await linking.send(*(told[place] for place in order))
    await linking.send(changed(contact, family_name="Autre"), given(contact, account.account_id))
    [linked] = await linking.published(ProfileLinked)
    assert (linked.account_id, linked.contact_id, linked.method) == (
        account.account_id, contact.contact_id, "credential",
    )  # fmt: skip
    [profile] = await linking.profiles(account.account_id)
    assert profile["contact_id"] == str(contact.contact_id)
    assert await linking.published(ProfileLinkedMail) == []


async def test_it_ends_like_any_link_and_only_a_newer_credential_brings_it_back(linking: Linking) -> None:
    account, organization = an_account(), an_organization()
    contact = a_contact(organization, linking_code_generation=0)
    await linking.send(organization, account, contact, given(contact, account.account_id))
    [profile] = await linking.profiles(account.account_id)
    ended = await linking.http.delete(f"/v1/links/{profile['link_id']}", headers=linking.bearer(account.account_id))
    assert ended.status_code == 204
    await linking.send(changed(contact, family_name="Autre"), given(contact, account.account_id))
    assert await linking.profiles(account.account_id) == []
    await linking.send(given(contact, account.account_id, generation=2))
    assert len(await linking.profiles(account.account_id)) == 1


async def test_a_newer_credential_of_another_account_takes_the_place_of_the_first_and_an_older_one_does_nothing(
    linking: Linking,
) -> None:
    first, second, organization = an_account(), an_account(), an_organization()
    contact = a_contact(organization, linking_code_generation=0)
    await linking.send(organization, first, second, contact, given(contact, first.account_id))
    await linking.send(given(contact, second.account_id, generation=3))
    await linking.send(given(contact, first.account_id, generation=2))
    assert await linking.profiles(first.account_id) == []
    assert len(await linking.profiles(second.account_id)) == 1
    [unlinked] = await linking.published(ProfileUnlinked)
    assert unlinked.account_id == first.account_id
    assert await linking.published(LinkRefused) == []


async def test_a_contact_that_somebody_linked_otherwise_stays_theirs_and_an_agent_is_asked(linking: Linking) -> None:
    holder, comer, organization = an_account(), an_account(), an_organization()
    contact = a_contact(organization)
    await linking.send(organization, holder, comer, contact)
    code = await linking.code(contact.contact_id)
    assert (await linking.redeem(holder.account_id, "3000001", code)).status_code == 201
    await linking.send(given(contact, comer.account_id))
    [refused] = await linking.published(LinkRefused)
    assert (refused.account_id, refused.reason) == (comer.account_id, "already_linked")
    assert len(await linking.profiles(holder.account_id)) == 1


async def test_an_account_that_is_another_contact_there_stays_that_one_and_an_agent_is_asked(
    linking: Linking,
) -> None:
    account, organization = an_account(), an_organization()
    first = a_contact(organization)
    second = a_contact(organization, client_number="7000001", linking_code_generation=0)
    await linking.send(organization, account, first, second, given(first, account.account_id))
    await linking.send(given(second, account.account_id))
    [refused] = await linking.published(LinkRefused)
    assert (refused.contact_id, refused.reason) == (second.contact_id, "other_profile_here")


async def test_who_is_forgotten_is_linked_to_nobody(linking: Linking) -> None:
    account, organization = an_account(), an_organization()
    contact = a_contact(organization, linking_code_generation=0, contact_id=uuid4())
    await linking.send(organization, account, contact)
    await linking.forget(Contact, contact.contact_id)
    await linking.send(given(contact, account.account_id))
    assert await linking.published(ProfileLinked) == []
