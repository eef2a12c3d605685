"""Step 5 of the guide: subjects added to a contact's relation later, with dates of their own, never wider than held."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest

from services.authorizations.tests.conftest import Firm, Someone

MONTREAL = ZoneInfo("America/Toronto")


def noon(firm: Firm, days: int) -> datetime:
    """Noon in Montréal, so many days from now; today this moment, once noon has passed."""
    now = datetime.now(UTC)
    today: date = firm.opened.tools.moment(now).day
    return max(now, datetime.combine(today + timedelta(days=days), time(12), MONTREAL))


async def add(firm: Firm, relation_id: str, by: Someone | None = None, **body: Any) -> httpx.Response:
    """Post the form for a relation that there is."""
    default = {
        "subjects": [{"subject": "workforce", "level": "write"}],
        "attestations": await firm.attestations("addition"),
    }
    headers = (by or firm.responsible).headers
    return await firm.client.post(f"/v1/relations/{relation_id}/rights", json=default | body, headers=headers)


async def delegated(firm: Firm, **changes: Any) -> tuple[Someone, UUID, str]:
    """A member to whom one subject of a client is delegated: the member, the client, the delegation."""
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    subjects = [{"subject": "profile", "level": "read"}]
    made = await firm.delegate(member.contact_id, client_id, **{"subjects": subjects} | changes)
    assert made.status_code == 201, made.text
    return member, client_id, made.json()["relation_id"]


async def test_a_subject_added_later_has_its_own_end(firm: Firm) -> None:
    member, client_id, relation_id = await delegated(firm)
    added = await add(firm, relation_id, ends_on=noon(firm, 10).date().isoformat())
    assert (added.status_code, added.json()["relation_id"]) == (201, relation_id)
    event = (await firm.opened.published("RightAdded"))[-1]
    assert (event["organization_id"], event["subject"]) == (str(client_id), "workforce")
    for instant, decision in ((datetime.now(UTC), True), (noon(firm, 10), True), (noon(firm, 11), False)):
        at = instant.isoformat()
        assert (await firm.check(member.account_id, "workforce", client_id, at=at))["decision"] is decision
        assert (await firm.check(member.account_id, "profile", client_id, "read", at=at))["decision"]


async def test_a_right_ends_with_its_relation_whatever_end_the_form_gives(firm: Firm) -> None:
    last = noon(firm, 5).date().isoformat()
    member, client_id, relation_id = await delegated(firm, ends_on=last)
    assert (await add(firm, relation_id)).status_code == 201
    assert (await firm.opened.published("RightAdded"))[-1]["valid"]["ends_on"] == last
    at = noon(firm, 6).isoformat()
    assert not (await firm.check(member.account_id, "workforce", client_id, at=at))["decision"]


async def test_reading_can_be_raised_to_writing_and_not_be_given_twice(firm: Firm) -> None:
    member, client_id, relation_id = await delegated(firm)
    profile = [{"subject": "profile", "level": "write"}]
    assert not (await firm.check(member.account_id, "profile", client_id))["decision"]
    assert (await add(firm, relation_id, subjects=profile)).status_code == 201
    assert (await firm.check(member.account_id, "profile", client_id))["decision"]
    refused = await add(firm, relation_id, subjects=profile)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_held")


@pytest.mark.parametrize(
    ("subject", "code"),
    [("status_letter", "not_delegable"), ("workforce", "wider_than_held"), ("x", "unknown_subject")],
)
async def test_nothing_is_added_that_the_firm_cannot_pass_on(firm: Firm, subject: str, code: str) -> None:
    _, client_id, relation_id = await delegated(firm)
    await firm.opened.unit.pool.execute(
        "update rights set ended_at = now() where subject = 'workforce' and relation_id = $1",
        UUID(await firm.through(client_id)),
    )
    refused = await add(firm, relation_id, subjects=[{"subject": subject, "level": "read"}])
    assert (refused.status_code, refused.json()["code"]) == (422, code)


async def test_what_the_firm_loses_later_its_member_loses_with_it(firm: Firm) -> None:
    member, client_id, relation_id = await delegated(firm)
    assert (await add(firm, relation_id)).status_code == 201
    assert (await firm.check(member.account_id, "workforce", client_id))["decision"]
    await firm.opened.unit.pool.execute(
        "update rights set ended_at = now() where subject = 'workforce' and relation_id = $1",
        UUID(await firm.through(client_id)),
    )
    assert not (await firm.check(member.account_id, "workforce", client_id))["decision"]


async def test_nothing_is_added_to_a_relation_that_was_withdrawn_or_carries_everything(firm: Firm) -> None:
    member, client_id, relation_id = await delegated(firm)
    await firm.remove(member.contact_id, scope="relations", relations=[relation_id])
    refused = await add(firm, relation_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "relation_over")
    everything = (await firm.delegate(member.contact_id, client_id)).json()["relation_id"]
    refused = await add(firm, everything)
    assert (refused.status_code, refused.json()["code"]) == (422, "all_subjects_delegated")


async def test_only_those_who_manage_the_contacts_own_organization_add_to_its_relations(firm: Firm) -> None:
    member, _, relation_id = await delegated(firm)
    refused = await add(firm, relation_id, by=member)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    client = await firm.link(await firm.contact("3000003"))
    refused = await add(firm, relation_id, by=client)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_a_member_is_given_more_of_its_own_firm_too(firm: Firm) -> None:
    member = await firm.member()
    shown = await firm.client.get(f"/v1/contacts/{member.contact_id}", headers=firm.responsible.headers)
    assert (await add(firm, shown.json()["relations"][0]["relation_id"])).status_code == 201
    assert (await firm.check(member.account_id, "workforce", firm.firm_id))["decision"]
