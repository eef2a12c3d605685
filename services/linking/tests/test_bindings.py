"""Links that authorizations has made with an approved claim: registered once; where another is in the way, never."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from contracts.authorizations import Contact, ContactBinding, FunctionSpan, Organization
from contracts.linking import LinkRefused, ProfileLinked, ProfileUnlinked
from contracts.notifications import LinkedElsewhereMail, ProfileLinkedMail
from services.linking.tests.world import Linking, a_contact, an_account, an_organization, changed

SINCE = datetime(2026, 12, 1, 16, 59, 59, tzinfo=UTC)


def bound(account_id: UUID) -> ContactBinding:
    return ContactBinding(link_id=uuid4(), account_id=account_id, method="linking_coordinates", since=SINCE)


def a_bound_contact(organization: Organization, account_id: UUID, **changes: Any) -> Contact:
    values: dict[str, Any] = {"linking_code_generation": 0, "binding": bound(account_id)}
    return a_contact(organization, **values | changes)


async def test_a_link_that_is_told_with_a_contact_is_registered_and_told_on(linking: Linking) -> None:
    account, organization = an_account(), an_organization()
    contact = a_bound_contact(organization, account.account_id)
    await linking.send(organization, account, contact)
    [linked] = await linking.published(ProfileLinked)
    assert contact.binding is not None
    assert (linked.link_id, linked.linked_at) == (contact.binding.link_id, SINCE)
    [profile] = await linking.profiles(account.account_id)
    assert (profile["contact_id"], profile["link_id"]) == (str(contact.contact_id), str(linked.link_id))
    assert await linking.coordinates(contact.contact_id) == []
    assert await linking.published(ProfileLinkedMail) == []  # the decision's own mail tells more


async def test_it_is_registered_before_the_account_or_the_organization_is_known(linking: Linking) -> None:
    account, organization = an_account(), an_organization()
    await linking.send(a_bound_contact(organization, account.account_id))
    assert len(await linking.published(ProfileLinked)) == 1
    await linking.send(account, organization)
    assert len(await linking.profiles(account.account_id)) == 1


async def test_it_is_registered_once_and_stays_ended_once_it_was(linking: Linking) -> None:
    account, organization = an_account(), an_organization()
    contact = a_bound_contact(organization, account.account_id)
    await linking.send(organization, account, contact)
    [profile] = await linking.profiles(account.account_id)
    ended = await linking.http.delete(f"/v1/links/{profile['link_id']}", headers=linking.bearer(account.account_id))
    assert ended.status_code == 204
    later = (FunctionSpan(type="director", starts_on="2021-01-01"),)
    await linking.send(changed(contact, functions=later))
    assert await linking.profiles(account.account_id) == []
    assert len(await linking.published(ProfileLinked)) == 1


async def test_of_an_account_that_is_another_contact_there_it_never_stood_and_an_agent_is_asked(
    linking: Linking,
) -> None:
    account, organization = an_account(), an_organization()
    first = a_contact(organization)
    await linking.send(organization, account, first)
    code = await linking.code(first.contact_id)
    assert (await linking.redeem(account.account_id, "3000001", code)).status_code == 201
    second = a_bound_contact(organization, account.account_id, client_number="7000001")
    await linking.send(second, changed(second, family_name="Gagnon"))
    assert second.binding is not None
    [unlinked] = await linking.published(ProfileUnlinked)
    assert (unlinked.link_id, unlinked.unlinked_at) == (second.binding.link_id, unlinked.linked_at)
    [refused] = await linking.published(LinkRefused)
    assert (refused.contact_id, refused.reason) == (second.contact_id, "other_profile_here")
    assert [profile["contact_id"] for profile in await linking.profiles(account.account_id)] == [str(first.contact_id)]


async def test_of_a_contact_that_somebody_else_is_it_never_stood_and_an_agent_is_asked(linking: Linking) -> None:
    holder, comer, organization = an_account(), an_account(), an_organization()
    contact = a_contact(organization)
    await linking.send(organization, holder, comer, contact)
    code = await linking.code(contact.contact_id)
    assert (await linking.redeem(holder.account_id, "3000001", code)).status_code == 201
    await linking.send(changed(contact, binding=bound(comer.account_id)))
    [refused] = await linking.published(LinkRefused)
    assert (refused.account_id, refused.reason) == (comer.account_id, "already_linked")
    assert len(await linking.profiles(holder.account_id)) == 1


async def test_a_contact_with_a_code_under_way_needs_it_no_more_and_the_address_on_file_is_told(
    linking: Linking,
) -> None:
    account, organization = an_account(), an_organization()
    contact = a_contact(organization)
    await linking.send(organization, account, contact)
    code = await linking.code(contact.contact_id)
    await linking.send(changed(contact, binding=bound(account.account_id), email=account.email))
    other = an_account()
    await linking.send(other)
    assert (await linking.redeem(other.account_id, "3000001", code)).status_code == 422
    [warning] = await linking.published(LinkedElsewhereMail)
    assert warning.recipient_id == contact.contact_id
    opened = linking.notifications.open(warning.sealed, LinkedElsewhereMail.contents)
    assert opened.address == contact.email
