"""Promises about batches of linking codes: who asks for whom, who gets none and why, what becomes of each mail."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from uuid_utils.compat import uuid7

from contracts.linking import LinkingCodeIssued
from contracts.notifications import MailBounced, MailDeferred, MailExpired, MailFact, MailSent, MailSuppressed
from services.authorizations.linking_codes import storage
from services.authorizations.linking_codes.deliveries import follow_deliveries
from services.authorizations.linking_codes.handlers import follow_issue, raise_portion
from services.authorizations.tests.asking import sides
from services.authorizations.tests.conftest import TEST, Firm

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


async def batch(firm: Firm, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    """Ask for codes; the firm's responsible person does unless other headers say who."""
    return await firm.client.post("/v1/linking-code-batches", json=body, headers=headers or firm.responsible.headers)


async def accepted(firm: Firm, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
    """The batch that was accepted."""
    answer = await batch(firm, headers, **body)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def people(firm: Firm, batch_id: str, headers: dict[str, str] | None = None, **query: Any) -> dict[str, Any]:
    """The persons of a batch, as the list shows them."""
    answer = await firm.client.get(
        f"/v1/linking-code-batches/{batch_id}/items", params=query, headers=headers or firm.responsible.headers
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def issue(firm: Firm, contact_id: UUID | str, generation: int = 1) -> UUID:
    """Linking issues a code; the delivery of its mail."""
    issued = LinkingCodeIssued(
        contact_id=UUID(str(contact_id)), organization_id=firm.firm_id, generation=generation,
        delivery_id=uuid7(), expires_at=NOW,
    )  # fmt: skip
    await firm.opened.unit.run(follow_issue, issued, TEST)
    return issued.delivery_id


async def tell(firm: Firm, *facts: MailFact) -> None:
    """Notifications tells of mails."""
    await firm.opened.unit.run(follow_deliveries, facts, TEST)


async def added(firm: Firm, email: str, **changes: Any) -> str:
    """One more member of the firm, whose name is like nobody else's."""
    letters = hashlib.sha256(email.encode()).hexdigest().translate(str.maketrans("0123456789", "ghijklmnop")).title()
    family_name, given_name = letters[:9], letters[9:16].title()
    person = {"family_name": family_name, "given_name": given_name, "email": email, "telephones": [], "language": "fr"}
    answer = await firm.add_member(contact=person | changes)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["contact_id"])


async def generations(firm: Firm, contact_id: UUID | str) -> list[tuple[int, str]]:
    """What linking was told of a contact's codes: generations and how urgent they are."""
    states = [s for s in await firm.opened.published("Contact") if s["contact_id"] == str(contact_id)]
    return [(s["linking_code_generation"], s["linking_code_priority"]) for s in states]


async def test_one_person_gets_a_code_at_once_and_somebody_waits_for_it(firm: Firm) -> None:
    member = await firm.contact("3000002")
    made = await accepted(firm, contact_ids=[str(member)])
    assert (made["requested"], made["states"], made["organization_id"]) == (1, {"waiting": 1}, str(firm.firm_id))
    assert (await generations(firm, member))[-1] == (1, "normal")


async def test_a_single_code_does_not_wait_behind_a_campaign(firm: Firm) -> None:
    await accepted(firm, firm.agent, organizations={"kinds": ["employer"]}, functions=["responsible_person"])
    member = await firm.contact("3000002")
    await accepted(firm, contact_ids=[str(member)])
    assert (await generations(firm, member))[-1][0] == 1


async def test_an_organizations_batch_has_its_turn_before_a_campaign_that_was_first(firm: Firm) -> None:
    await accepted(firm, firm.agent, organizations={"kinds": ["employer"]}, functions=["responsible_person"])
    made = await accepted(firm, never_linked=True)
    async with firm.opened.unit.pool.acquire() as connection, connection.transaction():
        [first, *_] = await storage.next_items(connection, 10)
    assert str(first.batch_id) == made["batch_id"]


async def test_all_who_never_linked_are_sent_one_and_nobody_else(firm: Firm) -> None:
    await firm.member()
    made = await accepted(firm, never_linked=True)
    assert made["requested"] == 1
    [item] = (await people(firm, made["batch_id"]))["items"]
    assert (item["contact_id"], item["family_name"]) == (str(await firm.contact("3000002")), "Membre")


async def test_who_was_linked_once_is_not_among_those_who_never_linked(firm: Firm) -> None:
    member = await firm.member()
    await firm.opened.unit.pool.execute(
        "update bindings set during = tstzrange(lower(during), now()) where contact_id = $1", member.contact_id
    )
    assert (await accepted(firm, never_linked=True))["requested"] == 1
    assert (await accepted(firm, contact_ids=[str(member.contact_id)]))["states"] == {"waiting": 1}


async def test_who_gets_no_code_is_counted_with_the_reason_in_both_languages(firm: Firm) -> None:
    without, left = await added(firm, "sans@example.org"), await added(firm, "partie@example.org")
    pool = firm.opened.unit.pool
    await pool.execute("update personal_fields set email = null where owner_id = $1", UUID(without))
    assert (await firm.remove(UUID(left))).status_code == 200
    linked = str(firm.responsible.contact_id)
    made = await accepted(firm, contact_ids=[without, left, linked])
    assert made["skipped"] == {"no_address": 1, "not_a_member": 1, "linked": 1}
    assert (made["requested"], made["states"], made["without_address"]) == (3, {"skipped": 3}, 1)
    texts = {item["contact_id"]: item["reason_text"] for item in (await people(firm, made["batch_id"]))["items"]}
    assert texts[linked] == "Un compte est déjà lié à ce dossier."
    english = await people(firm, made["batch_id"], firm.responsible.headers | {"Accept-Language": "en"})
    assert "The file holds no e-mail address." in {item["reason_text"] for item in english["items"]}


async def test_an_inactive_organizations_persons_get_no_code(firm: Firm) -> None:
    client = firm.clients["ENTREPRISE SHW INC."]
    await firm.opened.unit.pool.execute("update statuses set active = false where owner_id = $1", client)
    made = await accepted(firm, firm.agent, organization_ids=[str(client)], functions=["responsible_person"])
    assert made["skipped"] == {"organization_inactive": 1}


async def test_who_was_linked_or_lost_the_address_before_their_turn_gets_no_code(firm: Firm) -> None:
    body = {"organizations": {"kinds": ["employer"]}, "functions": ["responsible_person"]}
    made = await accepted(firm, firm.agent, **body)
    assert made["states"] == {"waiting": 2}
    linked, erased = await firm.contact("3000003"), await firm.contact("3000004")
    await firm.link(linked)
    await firm.opened.unit.pool.execute("update personal_fields set email = null where owner_id = $1", erased)
    before = len(await generations(firm, linked))
    assert (await firm.opened.unit.run(raise_portion, 10, TEST)).outcome == 2
    found = await firm.client.get(f"/v1/linking-code-batches/{made['batch_id']}", headers=firm.agent)
    assert found.json()["skipped"] == {"linked": 1, "no_address": 1}
    assert len(await generations(firm, linked)) == before


async def test_who_is_linked_before_linking_issues_the_code_is_no_longer_waited_for(firm: Firm) -> None:
    member = await firm.contact("3000002")
    made = await accepted(firm, contact_ids=[str(member)])
    await firm.link(member)
    assert (await people(firm, made["batch_id"], state="skipped"))["items"][0]["reason"] == "linked"


async def test_those_who_manage_ask_for_nobody_outside_their_organization(firm: Firm) -> None:
    stranger = str(await firm.contact("3000003"))
    for named in (stranger, str(uuid4())):
        refused = await batch(firm, contact_ids=[named])
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    bodies: list[dict[str, Any]] = [
        {"organization_ids": [str(firm.firm_id)], "functions": ["staff_member"]},
        {"organizations": {"kinds": ["employer"]}, "never_linked": True},
        {},
    ]
    for body in bodies:
        refused = await batch(firm, **body)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


async def test_a_member_who_does_not_manage_asks_for_nobody_and_sees_no_batch(firm: Firm) -> None:
    made = await accepted(firm, contact_ids=[str(await firm.contact("3000002"))])
    member = await firm.member()
    refused = await batch(firm, member.headers, contact_ids=[str(member.contact_id)])
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    for path in ("", "/items"):
        seen = await firm.client.get(f"/v1/linking-code-batches/{made['batch_id']}{path}", headers=member.headers)
        assert seen.status_code == 404


async def test_another_organization_sees_and_resends_no_batch(firm: Firm, tmp_path: Path) -> None:
    both = await sides(firm, tmp_path)
    member = str(await firm.contact("3000002"))
    made = await accepted(firm, contact_ids=[member])
    await tell(firm, MailBounced(delivery_id=await issue(firm, member), status="5.1.1"))
    path = f"/v1/linking-code-batches/{made['batch_id']}"
    assert (await firm.client.get(path, headers=both.employer.headers)).status_code == 404
    assert (await firm.client.get(f"{path}/items", headers=both.employer.headers)).status_code == 404
    sent = await firm.client.post(f"{path}/resend", json={"of": "undelivered"}, headers=both.employer.headers)
    assert sent.status_code == 404
    assert await firm.opened.unit.pool.fetchval("select count(*) from linking_code_batches") == 1


async def test_an_agent_reissues_for_anyone_so_a_sole_responsible_person_is_never_stuck(firm: Firm) -> None:
    sole = await firm.contact("3000003")
    made = await accepted(firm, firm.agent, contact_ids=[str(sole)])
    assert (made["states"], (await generations(firm, sole))[-1]) == ({"waiting": 1}, (1, "normal"))
    rows = await firm.opened.unit.pool.fetch("select * from audit where action = 'linking_code_requested'")
    assert [row["object_id"] for row in rows] == [sole]
    assert rows[0]["detail"]["requested_by"].startswith("agent:")


async def test_an_agent_selects_organizations_by_kind_number_and_status(firm: Firm) -> None:
    client = firm.clients["ENTREPRISE SHW INC."]
    await firm.opened.unit.pool.execute("update statuses set active = false where owner_id = $1", client)

    async def requested(**organizations: Any) -> tuple[int, int]:
        body = {"organizations": organizations, "functions": ["responsible_person"]}
        made = await accepted(firm, firm.agent, **body)
        return made["requested"], made["unknown_numbers"]

    assert await requested(kinds=["employer"]) == (1, 0)
    assert await requested(kinds=["employer"], active=None) == (2, 0)
    assert await requested(kinds=["employer"], active=False) == (1, 0)
    assert await requested(kinds=["employer", "firm"]) == (2, 0)
    assert await requested(numbers=["5000001", "1999999"]) == (1, 1)
    assert await requested(kinds=["employer"], numbers=["5000001"]) == (0, 1)
    for body in ({"organizations": {"active": True}, "never_linked": True}, {"organizations": {"kinds": ["firm"]}}):
        assert (await batch(firm, firm.agent, **body)).status_code == 422


FACTS: dict[str, list[MailFact]] = {
    "deferred": [MailDeferred(delivery_id=uuid4(), next_attempt_at=NOW)],
    "sent": [MailDeferred(delivery_id=uuid4(), next_attempt_at=NOW), MailSent(delivery_id=uuid4(), sent_at=NOW)],
    "undelivered": [MailSent(delivery_id=uuid4(), sent_at=NOW), MailBounced(delivery_id=uuid4(), status="5.1.1")],
    "expired": [
        MailDeferred(delivery_id=uuid4(), next_attempt_at=NOW),
        MailExpired(delivery_id=uuid4(), reason="expired"),
    ],
}


@pytest.mark.parametrize("state", FACTS)
async def test_the_state_of_each_mail_is_shown_in_whatever_order_it_is_told(firm: Firm, state: str) -> None:
    for order in permutations((None, *FACTS[state])):
        member = await added(firm, f"{uuid4().hex}@example.org")
        made = await accepted(firm, contact_ids=[member])
        issued = LinkingCodeIssued(
            contact_id=UUID(member), organization_id=firm.firm_id, generation=2, delivery_id=uuid7(), expires_at=NOW
        )
        for told in order:
            if told is None:
                await firm.opened.unit.run(follow_issue, issued, TEST)
            else:
                await tell(firm, told.model_copy(update={"delivery_id": issued.delivery_id}))
        [item] = (await people(firm, made["batch_id"]))["items"]
        assert (item["state"], order) == (state, order)


async def test_a_mail_is_accepted_once_its_code_is_issued_and_what_is_told_together_counts_alike(firm: Firm) -> None:
    member = await firm.contact("3000002")
    made = await accepted(firm, contact_ids=[str(member)])
    delivery_id = await issue(firm, member)
    [item] = (await people(firm, made["batch_id"], state="accepted"))["items"]
    assert item["issued_at"] and item["told_at"] is None
    bounced = MailBounced(delivery_id=delivery_id, status="5.1.1")
    await tell(firm, bounced, MailSent(delivery_id=delivery_id, sent_at=NOW))
    assert (await people(firm, made["batch_id"]))["items"][0]["state"] == "undelivered"


async def test_a_code_of_a_later_generation_is_that_of_every_earlier_batch_that_still_waits(firm: Firm) -> None:
    member = str(await firm.contact("3000002"))
    batches = [await accepted(firm, contact_ids=[member]) for _ in range(3)]
    newest, after = [generation for generation, _ in (await generations(firm, member))[-2:]]
    assert after == newest + 1
    delivery_id = await issue(firm, member, newest)  # linking has seen that state first, and knows no older one
    found = [(await people(firm, made["batch_id"]))["items"][0] for made in batches]
    assert [item["state"] for item in found] == ["accepted", "accepted", "waiting"]
    await tell(firm, MailSent(delivery_id=delivery_id, sent_at=NOW))
    assert [(await people(firm, made["batch_id"]))["items"][0]["state"] for made in batches[:2]] == ["sent", "sent"]


async def test_a_suppressed_mail_is_undelivered_and_totals_count_every_state(firm: Firm) -> None:
    other, member = await added(firm, "autre@example.org"), str(await firm.contact("3000002"))
    made = await accepted(firm, contact_ids=[other, member, str(firm.responsible.contact_id)])
    await tell(firm, MailSuppressed(delivery_id=await issue(firm, other, 2), reason="no_such_address"))
    found = await firm.client.get(f"/v1/linking-code-batches/{made['batch_id']}", headers=firm.responsible.headers)
    assert found.json()["states"] == {"undelivered": 1, "waiting": 1, "skipped": 1}
    assert (found.json()["requested"], found.json()["issued"]) == (3, 1)


async def test_the_persons_of_a_batch_are_paged_by_name_and_filtered_by_state(firm: Firm) -> None:
    names = ["Zoé", "Élie", "Alain"]
    ids = [await added(firm, f"{n}@example.org", family_name=name) for n, name in enumerate(names)]
    made = await accepted(firm, contact_ids=ids)
    await tell(firm, MailSent(delivery_id=await issue(firm, ids[1], 2), sent_at=NOW))
    first = await people(firm, made["batch_id"], limit=2)
    then = await people(firm, made["batch_id"], limit=2, cursor=first["next_cursor"])
    shown = [item["family_name"] for page in (first, then) for item in page["items"]]
    assert (shown, first["total"], then["next_cursor"]) == (["Alain", "Élie", "Zoé"], 3, None)
    assert [i["family_name"] for i in (await people(firm, made["batch_id"], state="sent"))["items"]] == ["Élie"]


async def resend(firm: Firm, batch_id: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return await firm.client.post(
        f"/v1/linking-code-batches/{batch_id}/resend",
        json={"of": "undelivered"},
        headers=headers or firm.responsible.headers,
    )


async def test_what_did_not_arrive_is_sent_again_to_the_address_as_it_stands_now(firm: Firm) -> None:
    bounced, expired, fine = [await added(firm, f"{n}@example.org") for n in range(3)]
    made = await accepted(firm, contact_ids=[bounced, expired, fine])
    await tell(
        firm,
        MailBounced(delivery_id=await issue(firm, bounced, 2), status="5.1.1"),
        MailExpired(delivery_id=await issue(firm, expired, 2), reason="expired"),
        MailSent(delivery_id=await issue(firm, fine, 2), sent_at=NOW),
    )
    await firm.opened.unit.pool.execute(
        "update personal_fields set email = 'corrigee@example.org' where owner_id = $1", UUID(bounced)
    )
    again = await resend(firm, made["batch_id"])
    assert (again.status_code, again.json()["requested"]) == (202, 2)
    assert again.headers["location"].endswith(again.json()["batch_id"])
    assert (await generations(firm, bounced))[-1][0] == 3
    state = [s for s in await firm.opened.published("Contact") if s["contact_id"] == bounced][-1]
    assert state["email"] == "corrigee@example.org"


async def test_nothing_is_sent_again_where_all_arrived_or_a_newer_code_was_asked_for(firm: Firm) -> None:
    member = str(await firm.contact("3000002"))
    made = await accepted(firm, contact_ids=[member])
    refused = await resend(firm, made["batch_id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_resend")
    await tell(firm, MailBounced(delivery_id=await issue(firm, member), status="5.1.1"))
    assert (await resend(firm, made["batch_id"], firm.agent)).status_code == 202
    assert (await resend(firm, made["batch_id"], firm.agent)).status_code == 409


async def test_a_mail_that_a_newer_one_replaced_is_not_sent_again(firm: Firm) -> None:
    member = str(await firm.contact("3000002"))
    first = await accepted(firm, contact_ids=[member])
    delivery_id = await issue(firm, member)
    await accepted(firm, contact_ids=[member])
    await tell(firm, MailExpired(delivery_id=delivery_id, reason="replaced"))
    assert (await resend(firm, first["batch_id"])).status_code == 409


async def refusals(firm: Firm, times: int, ids: Sequence[str]) -> list[int]:
    return [(await batch(firm, contact_ids=list(ids))).status_code for _ in range(times)]


async def test_nobodys_mailbox_is_flooded_by_those_who_manage_and_agents_still_can_send(firm: Firm) -> None:
    member = str(await firm.contact("3000002"))
    assert await refusals(firm, 6, [member]) == [202] * 5 + [429]
    refused = await batch(firm, firm.responsible.headers | {"Accept-Language": "en"}, contact_ids=[member])
    assert (refused.json()["code"], refused.json()["title"]) == ("too_many_codes", "Too many linking codes")
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    other = await added(firm, "autre@example.org")
    made = await accepted(firm, contact_ids=[member, other])
    assert (made["skipped"], made["states"]) == ({"too_many_codes": 1}, {"skipped": 1, "waiting": 1})
    assert (await batch(firm, firm.agent, contact_ids=[member])).status_code == 202


async def test_an_organization_sends_so_many_codes_an_hour_and_a_refusal_sends_none(firm: Firm) -> None:
    member, other = str(await firm.contact("3000002")), await added(firm, "autre@example.org")
    await batch(firm, contact_ids=[other])
    await firm.opened.unit.pool.execute("update limits set spent = 999 where name = 'linking_codes_per_organization'")
    before = len(await firm.opened.published("Contact"))
    assert (await batch(firm, contact_ids=[member, other])).json()["code"] == "too_many_codes"
    assert len(await firm.opened.published("Contact")) == before
    assert (await batch(firm, contact_ids=[member])).status_code == 202


async def test_a_repeated_key_makes_one_batch(firm: Firm) -> None:
    member = await firm.contact("3000002")
    headers = firm.responsible.headers | {"Idempotency-Key": "once"}
    first, second = [await accepted(firm, headers, contact_ids=[str(member)]) for _ in range(2)]
    assert first["batch_id"] == second["batch_id"]
    assert (await generations(firm, member))[-1][0] == 1


async def test_mails_that_are_none_of_a_batch_are_forgotten_and_those_of_one_are_kept(firm: Firm) -> None:
    member = str(await firm.contact("3000002"))
    made = await accepted(firm, contact_ids=[member])
    await tell(firm, MailSent(delivery_id=await issue(firm, member), sent_at=NOW))
    strangers = [MailSent(delivery_id=uuid4(), sent_at=NOW) for _ in range(3)]
    await tell(firm, *strangers)
    pool = firm.opened.unit.pool
    assert await storage.forget_deliveries(pool, timedelta(days=1), 10) == 0
    assert await storage.forget_deliveries(pool, timedelta(0), 2) == 2
    assert await storage.forget_deliveries(pool, timedelta(0), 2) == 1
    assert (await people(firm, made["batch_id"]))["items"][0]["state"] == "sent"


async def test_an_agent_who_looks_at_the_persons_of_a_batch_is_noted_in_the_organizations_file(firm: Firm) -> None:
    made = await accepted(firm, contact_ids=[str(await firm.contact("3000002"))])
    await people(firm, made["batch_id"], firm.agent)
    [row] = await firm.opened.unit.pool.fetch("select * from audit where action = 'file_viewed'")
    assert (row["organization_id"], str(row["object_id"])) == (firm.firm_id, made["batch_id"])


def with_campaign(firm: Firm, **changes: Any) -> str:
    """Put a campaign that is going on into the agency's data, whatever day it is."""
    today = datetime.now(UTC).date()
    agency = firm.opened.tools.agency
    campaign = agency.campaigns["launch_of_services"].model_copy(
        update={"starts_on": today + timedelta(days=5), "ends_on": today + timedelta(days=60)} | changes
    )
    object.__setattr__(firm.opened.tools, "agency", replace(agency, campaigns={campaign.code: campaign}))
    return str(campaign.code)


async def test_a_campaign_goes_to_the_responsible_persons_of_a_selection_and_says_so_to_linking(firm: Firm) -> None:
    campaign = with_campaign(firm)
    both = {"kinds": ["employer", "firm"]}
    made = await accepted(firm, firm.agent, organizations=both, campaign=campaign)
    assert (made["campaign"], made["requested"], made["skipped"]) == (campaign, 3, {"linked": 1})
    assert (await firm.opened.unit.run(raise_portion, 10, TEST)).outcome == 2
    states = (await firm.opened.published("Contact"))[-2:]
    assert {s["contact_id"] for s in states} == {str(await firm.contact(n)) for n in ("3000003", "3000004")}
    assert {(s["linking_code_campaign"], s["linking_code_priority"]) for s in states} == {(campaign, "bulk")}


async def test_an_ordinary_code_after_a_campaigns_is_no_longer_the_campaigns(firm: Firm) -> None:
    member = str(await firm.contact("3000003"))
    await accepted(firm, firm.agent, contact_ids=[member], campaign=with_campaign(firm))
    await accepted(firm, firm.agent, contact_ids=[member])
    told = [s["linking_code_campaign"] for s in await firm.opened.published("Contact") if s["contact_id"] == member]
    assert told[-2:] == ["launch_of_services", None]


async def test_what_a_campaign_could_not_deliver_is_sent_again_as_its_mail_while_it_goes_on(firm: Firm) -> None:
    member = str(await firm.contact("3000003"))
    made = await accepted(firm, firm.agent, contact_ids=[member], campaign=with_campaign(firm))
    await tell(firm, MailBounced(delivery_id=await issue(firm, member), status="5.1.1"))
    again = (await resend(firm, made["batch_id"], firm.agent)).json()
    assert again["campaign"] == "launch_of_services"
    await tell(firm, MailBounced(delivery_id=await issue(firm, member, 2), status="5.1.1"))
    with_campaign(firm, ends_on=datetime.now(UTC).date() - timedelta(days=2))
    assert (await resend(firm, again["batch_id"], firm.agent)).json()["campaign"] is None


async def test_a_campaign_that_is_over_or_unknown_is_refused_and_managers_name_none(firm: Firm) -> None:
    code = with_campaign(firm, ends_on=datetime.now(UTC).date() - timedelta(days=2))
    ids = [str(await firm.contact("3000003"))]
    refused = await batch(firm, firm.agent, contact_ids=ids, campaign=code)
    assert (refused.status_code, refused.json()["code"]) == (409, "campaign_over")
    unknown = await batch(firm, firm.agent, contact_ids=ids, campaign="unknown")
    assert (unknown.status_code, unknown.json()["fields"]) == (422, ["campaign"])
    assert (await batch(firm, contact_ids=ids, campaign=with_campaign(firm))).status_code == 422
