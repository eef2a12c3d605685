"""Promises about DELETE /v1/links/{id}: only the link ends, once, and the contact can be linked again."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import httpx

from contracts.accounts import Person
from contracts.authorizations import Contact
from contracts.linking import ProfileLinked, ProfileUnlinked
from contracts.notifications import Contents, ProfileUnlinkedMail
from services.linking.tests.world import Clock, Linking, a_contact, an_account, an_organization, changed


async def stand(linking: Linking) -> tuple[Contact, Person, UUID]:
    """A contact, the account that is linked to it, and the link."""
    organization, account = an_organization(), an_account()
    contact = a_contact(organization)
    await linking.send(organization, contact, account)
    answer = await linking.redeem(account.account_id, "3000001", await linking.code(contact.contact_id))
    return contact, account, UUID(answer.json()["link_id"])


async def unlink(linking: Linking, account_id: UUID, link_id: UUID) -> httpx.Response:
    return await linking.http.delete(f"/v1/links/{link_id}", headers=linking.bearer(account_id))


async def test_unlinking_ends_the_profile_and_says_so(linking: Linking, clock: Clock) -> None:
    contact, account, link_id = await stand(linking)
    answer = await unlink(linking, account.account_id, link_id)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Mandat-After"]
    assert await linking.profiles(account.account_id) == []
    [linked] = await linking.published(ProfileLinked)
    [unlinked] = await linking.published(ProfileUnlinked)
    assert (unlinked.link_id, unlinked.account_id, unlinked.contact_id) == (
        link_id,
        account.account_id,
        contact.contact_id,
    )
    assert unlinked.linked_at == linked.linked_at < unlinked.unlinked_at
    [mail] = await linking.published(ProfileUnlinkedMail)
    assert linking.notifications.open(mail.sealed, Contents).address == account.email
    assert await linking.unit.pool.fetchval("select object_id from audit where action = 'profile_unlinked'") == (
        contact.contact_id
    )


async def test_unlinking_again_or_twenty_times_at_once_changes_nothing(linking: Linking) -> None:
    _, account, link_id = await stand(linking)
    answers = await asyncio.gather(*(unlink(linking, account.account_id, link_id) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {204: 20}
    assert len(await linking.published(ProfileUnlinked)) == len(await linking.published(ProfileUnlinkedMail)) == 1


async def test_nobody_ends_somebody_elses_link(linking: Linking) -> None:
    _, account, link_id = await stand(linking)
    stranger = an_account()
    await linking.send(stranger)
    theirs = await unlink(linking, stranger.account_id, link_id)
    unknown = await unlink(linking, stranger.account_id, uuid4())
    assert (theirs.status_code, theirs.content) == (404, unknown.content)
    assert (await linking.http.delete(f"/v1/links/{link_id}")).status_code == 401
    assert len(await linking.profiles(account.account_id)) == 1


async def test_an_unlinked_contact_is_linked_again_by_a_new_code_and_not_by_the_old_one(linking: Linking) -> None:
    contact, account, link_id = await stand(linking)
    old = await linking.code(contact.contact_id)
    await unlink(linking, account.account_id, link_id)
    another = an_account()
    await linking.send(another)
    assert (await linking.redeem(another.account_id, "3000001", old)).status_code == 422
    await linking.send(changed(contact, linking_code_generation=2))
    new = await linking.code(contact.contact_id)
    assert new != old
    assert (await linking.redeem(another.account_id, "3000001", new)).status_code == 201
    assert await linking.profiles(account.account_id) == []
    assert len(await linking.profiles(another.account_id)) == 1


async def test_a_link_that_an_agent_ended_ends_once_and_the_same_state_brings_the_new_code(linking: Linking) -> None:
    contact, account, link_id = await stand(linking)
    ended = changed(
        contact, ended_link_id=link_id, linking_code_generation=contact.linking_code_generation + 1,
        email="au-dossier@laforce.example",
    )  # fmt: skip
    await linking.send(ended, changed(ended))
    assert await linking.profiles(account.account_id) == []
    [unlinked] = await linking.published(ProfileUnlinked)
    assert (unlinked.link_id, unlinked.account_id) == (link_id, account.account_id)
    assert len(await linking.published(ProfileUnlinkedMail)) == 1
    assert (await linking.coordinates(contact.contact_id))[-1].address == "au-dossier@laforce.example"
    other = an_account()
    await linking.send(other)
    code = await linking.code(contact.contact_id)
    assert (await linking.redeem(other.account_id, contact.client_number, code)).status_code == 201


async def test_a_state_that_names_an_earlier_link_ends_no_later_one(linking: Linking) -> None:
    contact, account, link_id = await stand(linking)
    again = changed(contact, ended_link_id=link_id, linking_code_generation=contact.linking_code_generation + 1)
    await linking.send(again)
    code = await linking.code(contact.contact_id)
    assert (await linking.redeem(account.account_id, contact.client_number, code)).status_code == 201
    await linking.send(changed(again))
    assert len(await linking.profiles(account.account_id)) == 1
