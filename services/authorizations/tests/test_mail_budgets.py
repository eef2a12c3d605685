"""Who manages an organization writes to nobody as often as they like: a mailbox is counted, whoever's file it is in."""

from uuid import UUID, uuid4

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.limits import LimitName
from services.authorizations.access.domain import AsProfile
from services.authorizations.mailing.budgets import refuse_mail
from services.authorizations.tests.conftest import TEST, Firm
from services.authorizations.tests.test_batches import accepted, added, batch
from services.authorizations.tests.test_corrections import correct, so_far
from services.authorizations.tools import Tools

FROM_ONE: LimitName = "mails_per_mailbox_from_one_organization"
FROM_ALL: LimitName = "mails_per_mailbox"
OF_CALLER: LimitName = "mails_per_caller"


async def leave(firm: Firm, name: LimitName, number: int) -> None:
    """As if so many were left of whatever has been counted under a name."""
    count = firm.opened.tools.agency.limits.attempts[name].count
    await firm.opened.unit.pool.execute("update limits set spent = $2 where name = $1", name, count - number)


async def refused_now(firm: Firm, organization_id: UUID, address: str) -> Refusal | None:
    """The refusal of one more mail to the address, about an organization's file."""

    async def count(work: Work[Tools], _: None) -> Refusal | None:
        return await refuse_mail(work, AsProfile(uuid4(), uuid4()), organization_id, address)

    outcome: Refusal | None = (await firm.opened.unit.run(count, None, TEST)).outcome
    return outcome


async def test_one_mailbox_is_written_to_so_often_whatever_contact_case_or_tag(firm: Firm) -> None:
    await added(firm, "cible@example.org")
    await leave(firm, FROM_ONE, 1)
    await added(firm, "Cible+deux@example.org")
    before = await so_far(firm)
    third = {"family_name": "Zyxwvu", "given_name": "Démo", "email": "cible+trois@example.org", "language": "fr"}
    refused = await firm.add_member(contact=third | {"telephones": []})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_mails")
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert await so_far(firm) == before
    await added(firm, "autre@example.org")


async def test_beyond_the_budget_nobody_is_corrected_without_a_word_and_others_still_are(firm: Firm) -> None:
    contact_id = UUID(await added(firm, "cible@example.org"))
    await leave(firm, FROM_ONE, 1)
    assert (await correct(firm, contact_id, language="en")).status_code == 200
    before = await so_far(firm)
    refused = await correct(firm, contact_id, language="fr")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_mails")
    assert await so_far(firm) == before
    other = UUID(await added(firm, "autre@example.org"))
    assert (await correct(firm, other, language="en")).status_code == 200


async def test_a_former_address_is_warned_however_much_it_was_written_to(firm: Firm) -> None:
    contact_id = UUID(await added(firm, "cible@example.org"))
    await leave(firm, FROM_ONE, 0)
    assert (await correct(firm, contact_id, email="nouvelle@example.org")).status_code == 200
    assert len(await firm.opened.published("AddressReplacedMail")) == 1


async def test_an_organization_spends_a_part_of_a_mailbox_and_leaves_the_rest_to_others(firm: Firm) -> None:
    await added(firm, "cible@example.org")
    await leave(firm, FROM_ONE, 0)
    assert await refused_now(firm, firm.firm_id, "cible@example.org") is not None
    assert await refused_now(firm, uuid4(), "cible@example.org") is None
    await leave(firm, FROM_ALL, 0)
    assert await refused_now(firm, uuid4(), "CIBLE+x@example.org") is not None


async def test_contacts_who_share_a_mailbox_are_sent_codes_together_or_not_at_all(firm: Firm) -> None:
    sharing = [await added(firm, f"commune+{number}@example.org") for number in range(3)]
    alone = await added(firm, "seule@example.org")
    await firm.opened.unit.pool.execute("delete from limits where name = $1", FROM_ALL)
    await leave(firm, FROM_ONE, 2)
    made = await accepted(firm, contact_ids=[*sharing, alone])
    assert (made["skipped"], made["states"]) == ({"too_many_codes": 3}, {"skipped": 3, "waiting": 1})


async def test_a_caller_causes_so_many_mails_whatever_they_are_and_an_agents_are_not_counted(firm: Firm) -> None:
    member = await added(firm, "cible@example.org")
    await leave(firm, OF_CALLER, 0)
    answers = [
        await firm.add_member(),
        await correct(firm, UUID(member), language="en"),
        await batch(firm, contact_ids=[member]),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(429, "too_many_mails")] * 3
    assert (await batch(firm, firm.agent, contact_ids=[member])).status_code == 202


async def test_no_address_rests_among_the_counts(firm: Firm) -> None:
    await added(firm, "cible@example.org")
    keys = await firm.opened.unit.pool.fetch("select key from limits where name like 'mails_per_%'")
    assert len(keys) == 3
    assert not any(b"cible" in row["key"] for row in keys)
