"""Promises about linking codes: who is sent one, when, and when it dies."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.authorizations import Contact, FunctionSpan
from contracts.events import Span
from contracts.linking import LinkingCodeIssued
from contracts.notifications import CampaignCoordinatesMail, CoordinatesContents, LinkingCoordinatesMail
from services.linking.tests.world import Clock, Linking, a_contact, an_account, an_organization, changed

MANAGES = (Span(starts_on="2020-01-01"),)


async def alive(linking: Linking, contact: Contact) -> list[int]:
    """Generations of the contact's live codes."""
    rows = await linking.unit.pool.fetch(
        "select generation from linking_codes where contact_id = $1 and ended_at is null", contact.contact_id
    )
    return [row["generation"] for row in rows]


async def ended_by(linking: Linking, contact: Contact) -> list[str]:
    rows = await linking.unit.pool.fetch(
        "select ended_by from linking_codes where contact_id = $1 and ended_at is not null order by generation",
        contact.contact_id,
    )
    return [row["ended_by"] for row in rows]


@pytest.mark.parametrize("organization_first", [True, False])
async def test_a_code_goes_out_once_contact_and_organization_are_known_in_either_order(
    linking: Linking, organization_first: bool
) -> None:
    organization = an_organization()
    contact = a_contact(organization)
    first, last = (organization, contact) if organization_first else (contact, organization)

    await linking.send(first)
    assert await linking.published(LinkingCoordinatesMail) == []

    await linking.send(last)
    [issued] = await linking.published(LinkingCodeIssued)
    [mail] = await linking.published(LinkingCoordinatesMail)
    [coordinates] = await linking.coordinates(contact.contact_id)
    assert (issued.contact_id, issued.generation, issued.delivery_id) == (contact.contact_id, 1, mail.delivery_id)
    assert (mail.organization_name, mail.organization_number) == ("LAFORCE COMPTABLE INC.", "5000001")
    assert (coordinates.address, coordinates.client_number) == ("camille@laforce.example", "3000001")


async def test_contacts_and_their_organization_arriving_at_once_all_get_one_code(linking: Linking) -> None:
    organization = an_organization()
    contacts = [a_contact(organization, client_number=f"30000{n:02}") for n in range(20)]
    states = [*contacts[:10], organization, *contacts[10:]]
    await asyncio.gather(*(linking.send(state) for state in states))
    mailed = [mail.recipient_id for mail in await linking.published(LinkingCoordinatesMail)]
    assert sorted(mailed) == sorted(contact.contact_id for contact in contacts)


async def test_the_mail_says_what_to_do_until_when_and_whom_to_ask(linking: Linking) -> None:
    organization = an_organization()
    manager = a_contact(organization, given_name="Ève", family_name="Roy", manages=MANAGES, linking_code_generation=0)
    former = a_contact(
        organization,
        family_name="Ancien",
        manages=(Span(starts_on="2020-01-01", ends_on="2026-11-30"),),
        linking_code_generation=0,
    )
    stranger = a_contact(an_organization(), manages=MANAGES, linking_code_generation=0)
    contact = a_contact(organization, manages=MANAGES, language="en")
    await linking.send(organization, manager, former, stranger, contact)
    [mail] = await linking.published(LinkingCoordinatesMail)
    [coordinates] = await linking.coordinates(contact.contact_id)
    assert coordinates.responsible == ("Ève Roy",)
    assert mail.expires_on == date(2026, 12, 31)  # 1 December and 30 days
    assert mail.expires_at == datetime(2027, 1, 1, 5, tzinfo=UTC)  # when that day ends in Montréal
    assert (mail.language, mail.priority, mail.portal) == ("en", "normal", None)
    assert mail.replaces == f"linking_coordinates:{contact.contact_id}"
    assert mail.deduplication_id == f"linking_coordinates:{contact.contact_id}:1"


async def test_the_mail_says_what_was_corrected_together_with_asking_for_its_code(linking: Linking) -> None:
    organization = an_organization()
    contact = a_contact(organization, linking_code_changes=("email", "telephones"))
    await linking.send(contact, organization)  # the code is owed until its organization is known
    await linking.send(changed(contact, linking_code_generation=2, linking_code_changes=()))
    assert [mail.changed for mail in await linking.published(LinkingCoordinatesMail)] == [("email", "telephones"), ()]


async def test_the_code_stands_nowhere_but_in_the_sealed_mail(
    linking: Linking, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    organization, account = an_organization(), an_account()
    contact = a_contact(organization)
    await linking.send(organization, contact, account)
    code = await linking.code(contact.contact_id)
    await linking.redeem(account.account_id, contact.client_number, f"{code[:-1]}*")
    answer = await linking.redeem(account.account_id, contact.client_number, code)
    assert answer.status_code == 201, answer.text
    kept = await linking.everything_kept()
    assert "linking_code_issued" in kept
    for said in (kept, caplog.text, *capfd.readouterr(), answer.text):
        assert code[:-1] not in said


async def test_personal_fields_stand_in_one_table_only(linking: Linking) -> None:
    organization, account = an_organization(), an_account()
    contact = a_contact(organization, given_name="Camille-Contact", family_name="Contact-Tremblay")
    await linking.send(organization, contact, account)
    code = await linking.code(contact.contact_id)
    await linking.redeem(account.account_id, contact.client_number, code)
    await linking.unit.pool.execute("delete from people")
    kept = await linking.everything_kept()
    for personal in (contact.email, contact.given_name, contact.family_name, account.email, account.family_name):
        assert str(personal) not in kept


async def test_a_state_that_is_not_newer_changes_nothing(linking: Linking) -> None:
    organization, account = an_organization(version=3), an_account(version=3)
    contact = a_contact(organization, version=3)
    await linking.send(organization, contact, account)
    code = await linking.code(contact.contact_id)
    stale = {"version": 2, "email": "old@laforce.example", "linking_code_generation": 9, "client_number": "3999999"}
    await linking.send(
        contact,
        contact.model_copy(update=stale),
        organization.model_copy(update={"version": 2, "legal_name": "OLD", "status": "inactive"}),
        account.model_copy(update={"version": 2, "status": "deactivated"}),
    )
    assert len(await linking.published(LinkingCodeIssued)) == 1
    assert (await linking.redeem(account.account_id, contact.client_number, code)).status_code == 201
    [profile] = await linking.profiles(account.account_id)
    assert profile["organization"]["name"] == organization.legal_name


async def test_a_risen_generation_kills_the_older_code(linking: Linking) -> None:
    organization, account = an_organization(), an_account()
    contact = a_contact(organization)
    await linking.send(organization, account, contact)
    older = await linking.code(contact.contact_id)
    await linking.send(changed(contact, linking_code_generation=4))
    newer = await linking.code(contact.contact_id)
    assert [issued.generation for issued in await linking.published(LinkingCodeIssued)] == [1, 4]
    assert await alive(linking, contact) == [4]
    assert await ended_by(linking, contact) == ["replaced"]
    assert (await linking.redeem(account.account_id, contact.client_number, older)).status_code == 422
    assert (await linking.redeem(account.account_id, contact.client_number, newer)).status_code == 201


async def test_an_older_code_dies_when_a_newer_is_asked_for_though_none_can_be_sent_yet(linking: Linking) -> None:
    organization, account = an_organization(), an_account()
    contact = a_contact(organization)
    await linking.send(organization, account, contact)
    older = await linking.code(contact.contact_id)
    without_address = changed(contact, linking_code_generation=2, email=None)
    await linking.send(without_address)
    assert len(await linking.published(LinkingCodeIssued)) == 1
    assert (await linking.redeem(account.account_id, contact.client_number, older)).status_code == 422
    await linking.send(changed(without_address, email="late@laforce.example"))
    assert (await linking.redeem(account.account_id, contact.client_number, older)).status_code == 422
    newer = await linking.code(contact.contact_id)
    assert (await linking.redeem(account.account_id, contact.client_number, newer)).status_code == 201


async def test_a_change_that_raises_no_generation_issues_nothing(linking: Linking) -> None:
    organization = an_organization()
    contact = a_contact(organization)
    await linking.send(organization, contact, changed(contact, family_name="Roy"), changed(organization, number="9"))
    assert len(await linking.published(LinkingCodeIssued)) == 1
    assert await alive(linking, contact) == [1]


async def test_a_changed_address_kills_the_code_and_brings_none(linking: Linking) -> None:
    organization, account = an_organization(), an_account()
    contact = a_contact(organization)
    await linking.send(organization, account, contact)
    code = await linking.code(contact.contact_id)
    await linking.send(changed(contact, email="new@laforce.example"))
    assert await alive(linking, contact) == []
    assert await ended_by(linking, contact) == ["address_changed"]
    assert len(await linking.published(LinkingCodeIssued)) == 1
    assert (await linking.redeem(account.account_id, contact.client_number, code)).status_code == 422


async def test_a_changed_address_with_a_new_generation_sends_the_new_code_there(linking: Linking) -> None:
    organization = an_organization()
    contact = a_contact(organization)
    await linking.send(organization, contact, changed(contact, email="new@laforce.example", linking_code_generation=2))
    assert [mail.address for mail in await linking.coordinates(contact.contact_id)] == [
        "camille@laforce.example",
        "new@laforce.example",
    ]
    assert await alive(linking, contact) == [2]


async def test_a_contact_without_address_is_owed_its_code_until_one_arrives(linking: Linking) -> None:
    organization = an_organization()
    contact = a_contact(organization, email=None)
    await linking.send(organization, contact)
    assert await linking.published(LinkingCodeIssued) == []
    with_address = changed(contact, email="late@laforce.example")
    await linking.send(with_address)
    assert [mail.address for mail in await linking.coordinates(contact.contact_id)] == ["late@laforce.example"]


async def test_a_blocked_contact_is_owed_its_code_until_it_is_unblocked(linking: Linking) -> None:
    organization = an_organization()
    contact = a_contact(organization, functions=())
    await linking.send(organization, contact)
    assert await linking.published(LinkingCodeIssued) == []
    await linking.send(changed(contact, functions=(FunctionSpan(type="staff_member", starts_on="2027-01-01"),)))
    assert len(await linking.published(LinkingCodeIssued)) == 1


async def test_an_inactive_organization_owes_codes_until_it_is_active(linking: Linking) -> None:
    organization = an_organization(status="inactive")
    contact = a_contact(organization)
    await linking.send(organization, contact)
    assert await linking.published(LinkingCodeIssued) == []
    await linking.send(changed(organization, status="active"))
    assert len(await linking.published(LinkingCodeIssued)) == 1


async def test_a_linked_contact_gets_no_code_and_is_owed_none(linking: Linking) -> None:
    organization, account = an_organization(), an_account()
    contact = a_contact(organization)
    await linking.send(organization, contact, account)
    code = await linking.code(contact.contact_id)
    assert (await linking.redeem(account.account_id, contact.client_number, code)).status_code == 201
    await linking.send(changed(contact, linking_code_generation=2), changed(organization))
    assert len(await linking.published(LinkingCodeIssued)) == 1
    assert await linking.unit.pool.fetchval("select count(*) from contacts where generation > settled_generation") == 0


async def test_a_date_that_no_calendar_has_is_refused_before_it_is_kept(linking: Linking) -> None:
    organization = an_organization()
    broken = a_contact(organization, manages=(Span(starts_on="2026-02-30"),))
    with pytest.raises(ValueError, match="day is out of range"):
        await linking.send(organization, broken)
    assert await linking.unit.pool.fetchval("select count(*) from contacts") == 0


@pytest.mark.parametrize("organization_first", [True, False])
async def test_the_code_of_a_batch_is_asked_for_as_bulk_also_when_it_was_owed_for_a_while(
    linking: Linking, organization_first: bool
) -> None:
    organization = an_organization()
    contact = a_contact(organization, linking_code_priority="bulk")
    await linking.send(*((organization, contact) if organization_first else (contact, organization)))
    [mail] = await linking.published(LinkingCoordinatesMail)
    assert mail.priority == "bulk"
    await linking.send(changed(contact, linking_code_generation=2, linking_code_priority="normal"))
    assert [mail.priority for mail in await linking.published(LinkingCoordinatesMail)] == ["bulk", "normal"]


async def test_a_campaigns_code_lives_thirty_days_longer_than_it_and_its_mail_says_the_dates(linking: Linking) -> None:
    campaign = linking.unit.tools.agency.campaigns["launch_of_services"]
    organization = an_organization()
    contact = a_contact(organization, manages=MANAGES, linking_code_campaign=campaign.code, language="en")
    await linking.send(organization, contact)
    [mail] = await linking.published(CampaignCoordinatesMail)
    [issued] = await linking.published(LinkingCodeIssued)
    assert await linking.published(LinkingCoordinatesMail) == []
    assert (mail.starts_on, mail.ends_on) == (campaign.starts_on, campaign.ends_on)
    assert mail.expires_on == campaign.ends_on + timedelta(days=30)
    assert mail.expires_at == issued.expires_at > datetime(2027, 4, 30, tzinfo=UTC)
    assert (mail.campaign_name, mail.introduction) == (campaign.name.en, campaign.introduction.en)
    assert mail.delivery_id == issued.delivery_id


@pytest.mark.parametrize("campaign_first", [True, False])
async def test_a_campaigns_code_and_an_ordinary_one_replace_each_other(linking: Linking, campaign_first: bool) -> None:
    organization, account = an_organization(), an_account()
    codes: list[str | None] = ["launch_of_services", None] if campaign_first else [None, "launch_of_services"]
    contact = a_contact(organization, linking_code_campaign=codes[0])
    newer = changed(contact, linking_code_generation=2, linking_code_campaign=codes[1])
    await linking.send(organization, account, contact, newer)
    [ordinary] = await linking.published(LinkingCoordinatesMail)
    [sent] = await linking.published(CampaignCoordinatesMail)
    assert ordinary.replaces == sent.replaces
    by_campaign = linking.notifications.open(sent.sealed, CoordinatesContents).code
    by_itself = await linking.code(contact.contact_id)
    dead, alive = (by_campaign, by_itself) if campaign_first else (by_itself, by_campaign)
    assert (await linking.redeem(account.account_id, contact.client_number, dead)).status_code == 422
    assert (await linking.redeem(account.account_id, contact.client_number, alive)).status_code == 201


async def test_a_campaigns_code_is_taken_on_its_last_day_and_not_after(linking: Linking, clock: Clock) -> None:
    organization, account = an_organization(), an_account()
    contact = a_contact(organization, linking_code_campaign="launch_of_services")
    await linking.send(organization, account, contact)
    [mail] = await linking.published(CampaignCoordinatesMail)
    code = linking.notifications.open(mail.sealed, CoordinatesContents).code
    clock.now = mail.expires_at
    assert (await linking.redeem(account.account_id, contact.client_number, code)).status_code == 422
    clock.now = mail.expires_at - timedelta(seconds=1)
    assert (await linking.redeem(account.account_id, contact.client_number, code)).status_code == 201


@pytest.mark.parametrize("campaign", ["launch_of_services", "of_newer_data"])
async def test_a_code_of_a_campaign_that_is_over_or_not_known_here_is_an_ordinary_one(
    linking: Linking, clock: Clock, campaign: str
) -> None:
    if campaign == "launch_of_services":
        clock.now = datetime(2027, 4, 1, 17, tzinfo=UTC)
    organization = an_organization()
    await linking.send(organization, a_contact(organization, linking_code_campaign=campaign))
    [mail] = await linking.published(LinkingCoordinatesMail)
    assert mail.expires_on == clock.now.date() + timedelta(days=30)


async def test_issuing_leaves_an_audit_row_of_ids(linking: Linking) -> None:
    organization = an_organization()
    contact = a_contact(organization)
    await linking.send(organization, contact)
    [row] = await linking.unit.pool.fetch("select * from audit")
    assert (row["action"], row["organization_id"], row["object_id"]) == (
        "linking_code_issued",
        organization.organization_id,
        contact.contact_id,
    )
    assert row["detail"].keys() == {"generation", "delivery_id", "expires_at"}
