"""An account is linked only to files of persons for whom its door is; of whatever else was right, nobody is told."""

from pathlib import Path

import httpx

from contracts.authorizations import Contact, FunctionSpan
from contracts.linking import LinkRefused
from services.linking.tests.former import PASSWORD, bring_in, credential, file_of
from services.linking.tests.world import Linking, a_contact, an_account, an_organization

PARTNER = (FunctionSpan(type="partner_representative", starts_on="2020-01-01"),)


async def _stand(linking: Linking) -> tuple[Contact, Contact]:
    """A firm's member and a partner's representative, each with a code."""
    firm, partner = an_organization(), an_organization(kind="partner", number="9000001", legal_name="PARTENAIRE DÉMO")
    member = a_contact(firm)
    representative = a_contact(partner, client_number="3000009", functions=PARTNER)
    await linking.send(firm, partner, member, representative)
    return member, representative


async def _redeem(linking: Linking, door: str | None, contact: Contact) -> httpx.Response:
    account = an_account(door=door)
    await linking.send(account)
    return await linking.redeem(account.account_id, contact.client_number, await linking.code(contact.contact_id))


async def test_each_door_links_its_own_files_and_no_others(linking: Linking) -> None:
    member, representative = await _stand(linking)
    for door, contact in ((None, representative), ("clients", representative), ("reserved_access", member)):
        refused = await _redeem(linking, door, contact)
        assert (refused.status_code, refused.json()["code"]) == (422, "link_refused")
    assert {event.reason for event in await linking.published(LinkRefused)} == {"other_door"}
    assert (await _redeem(linking, "reserved_access", representative)).status_code == 201
    assert (await _redeem(linking, None, member)).status_code == 201


async def test_a_door_that_is_not_in_the_data_yet_links_nothing(linking: Linking) -> None:
    member, representative = await _stand(linking)
    assert [(await _redeem(linking, "not_yet", one)).status_code for one in (member, representative)] == [422, 422]


async def test_a_refused_door_spends_no_code(linking: Linking) -> None:
    _, representative = await _stand(linking)
    assert (await _redeem(linking, None, representative)).status_code == 422
    assert (await _redeem(linking, "reserved_access", representative)).status_code == 201


async def test_of_a_former_credential_the_files_of_another_door_are_left_out(linking: Linking, tmp_path: Path) -> None:
    firm, partner = an_organization(), an_organization(kind="partner", number="9000001", legal_name="PARTENAIRE DÉMO")
    member, representative = a_contact(firm), a_contact(partner, client_number="3000009", functions=PARTNER)
    account = an_account()
    await linking.send(firm, partner, member, representative, account)
    await bring_in(linking, tmp_path, credential("démo", file_of(member, firm), file_of(representative, partner)))
    answer = await linking.redeem_former(account.account_id, "démo", PASSWORD)
    assert answer.status_code == 201, answer.text
    assert [left_out["reason"] for left_out in answer.json()["not_linked"]] == ["other_door"]
    assert [profile["contact_id"] for profile in await linking.profiles(account.account_id)] == [str(member.contact_id)]
    assert [event.reason for event in await linking.published(LinkRefused)] == ["other_door"]
