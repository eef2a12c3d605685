"""Steps 4 and 5 of the guide: adding members, delegating, and what is refused."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.authorizations.tests.conftest import DELEGABLE, Firm, Someone, bring_in

SUBJECTS = [{"subject": "profile", "level": "read"}]
TOMORROW = datetime.now(UTC).date() + timedelta(days=2)  # a day that has not begun anywhere on earth


async def test_adding_a_member_asks_for_coordinates_and_tells_of_each_fact(firm: Firm) -> None:
    added = await firm.add_member(
        subjects=[{"subject": "profile", "level": "read"}, {"subject": "payments_statements", "level": "write"}]
    )
    assert added.status_code == 201
    contact_id = added.json()["contact_id"]
    published = await firm.opened.published()
    names = [event["name"] for event in published[-5:]]
    assert names == ["ContactAdded", "RelationAdded", "RightAdded", "RightAdded", "Contact"]
    state = published[-1]
    assert (state["contact_id"], state["linking_code_generation"], state["functions"][0]["type"]) == (
        contact_id, 1, "staff_member",
    )  # fmt: skip
    assert state["manages"] == []


async def test_an_organization_adds_so_many_contacts_an_hour_and_no_more(firm: Firm) -> None:
    assert (await firm.add_member()).status_code == 201
    spent = await firm.opened.unit.pool.fetchval(  # in a window that does not end while this test runs
        "update limits set spent = 500, window_start = window_start + interval '1 hour'"
        " where name = 'contacts_per_organization' and key = $1 returning spent",
        UUID(str(firm.firm_id)).bytes,
    )
    assert spent == 500

    refused = await firm.add_member()

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert 0 < int(refused.headers["retry-after"]) <= 3600


async def test_the_events_of_one_organization_are_numbered_without_a_gap(firm: Firm) -> None:
    await asyncio.gather(*[firm.add_member() for _ in range(8)])
    numbers: dict[str, list[int]] = {}
    for event in await firm.opened.published():
        if "sequence" in event:
            numbers.setdefault(event["organization_id"], []).append(event["sequence"])
    assert numbers and all(found == list(range(1, len(found) + 1)) for found in numbers.values())


async def test_what_was_attested_is_kept_with_its_text_version_person_and_time(firm: Firm) -> None:
    added = await firm.add_member()
    rows = await firm.opened.unit.pool.fetch(
        "select code, version, text, account_id, contact_id from attestations where object_id = $1",
        UUID(added.json()["contact_id"]),
    )
    ticked = {(a["code"], a["version"]) for a in await firm.attestations("addition")}
    assert {(row["code"], row["version"]) for row in rows} == ticked
    assert {(row["account_id"], row["contact_id"]) for row in rows} == {
        (firm.responsible.account_id, firm.responsible.contact_id)
    }
    assert all(row["text"].startswith("J’atteste") for row in rows)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"attestations": []}, "attestation_missing"),
        ({"type": "accounting_firm"}, "unknown_relation_type"),
        ({"type": "nobody"}, "unknown_relation_type"),
        ({"subjects": [{"subject": "nothing", "level": "read"}]}, "unknown_subject"),
        ({"ends_on": "2020-01-01"}, "dates_refused"),
        ({"starts_on": "2027-02-01", "ends_on": "2027-01-01"}, "dates_refused"),
    ],
)
async def test_a_form_that_cannot_be_carried_out_is_refused_and_changes_nothing(
    firm: Firm, change: dict[str, Any], code: str
) -> None:
    before, contacts = len(await firm.opened.published()), await firm.opened.unit.pool.fetchval(CONTACTS)
    refused = await firm.add_member(**change)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert len(await firm.opened.published()) == before
    assert await firm.opened.unit.pool.fetchval(CONTACTS) == contacts


async def test_only_those_who_manage_the_organization_may_add(firm: Firm) -> None:
    member = await firm.member()
    refused = await firm.add_member(headers=member.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    client = await firm.link(await firm.contact("3000003"))
    elsewhere = await firm.add_member(headers=client.headers)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "not_found")


async def test_which_functions_manage_an_organization_is_the_agencys_data(firm: Firm) -> None:
    """The guide: responsible persons, administrators, directors …"""
    opened, types = firm.opened, firm.opened.tools.agency.relation_types
    people: dict[str, Someone] = {}
    for type in ("responsible_person", "administrator", "director", "staff_member", "authorized_individual"):
        people[type] = await firm.link(UUID((await firm.add_member(type=type)).json()["contact_id"]))

    ticked = await firm.attestations("addition")

    async def adds(someone: Someone) -> bool:
        form = {"contact": firm.stranger(), "type": "staff_member", "subjects": SUBJECTS, "attestations": ticked}
        path = f"/v1/organizations/{firm.firm_id}/contacts"
        return (await firm.client.post(path, json=form, headers=someone.headers)).status_code == 201

    assert [type for type in people if await adds(people[type])] == ["responsible_person", "administrator", "director"]
    swapped = {code: types[code].model_copy(update={"manages": code == "staff_member"}) for code in people}
    agency = replace(opened.tools.agency, relation_types={**types, **swapped})
    object.__setattr__(opened.unit, "tools", replace(opened.tools, agency=agency))
    assert [type for type in people if await adds(people[type])] == ["staff_member"]


async def test_the_same_form_twice_with_one_key_adds_one_contact(firm: Firm) -> None:
    headers = firm.responsible.headers | {"Idempotency-Key": str(uuid4())}
    answers = [await firm.add_member(headers=headers, contact=CONTACT) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["contact_id"] == answers[1].json()["contact_id"]
    other = await firm.add_member(headers=headers, contact=CONTACT | {"given_name": "Autre"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_repeated_key_shows_nothing_that_its_caller_may_no_longer_see(firm: Firm) -> None:
    second = await firm.link(UUID((await firm.add_member(type="responsible_person")).json()["contact_id"]))
    headers = second.headers | {"Idempotency-Key": str(uuid4())}
    assert (await firm.add_member(headers=headers, contact=CONTACT)).status_code == 201
    await firm.opened.unit.pool.execute(
        "update relations set type = 'staff_member' where holder_id = $1", second.contact_id
    )
    again = await firm.add_member(headers=headers, contact=CONTACT)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


async def test_client_numbers_are_drawn_from_the_agencys_range_each_once(firm: Firm) -> None:
    added = await asyncio.gather(*[firm.add_member() for _ in range(6)])
    numbers = [answer.json()["client_number"] for answer in added]
    profile = firm.opened.tools.agency.profile
    assert len(set(numbers)) == 6 and all(number in profile.client_numbers for number in numbers)


async def test_a_members_further_function_is_told_to_who_keeps_its_state(firm: Firm) -> None:
    member = await firm.member()
    body = {
        "organization_id": str(firm.firm_id), "type": "administrator", "subjects": SUBJECTS,
        "attestations": await firm.attestations("addition"),
    }  # fmt: skip
    path = f"/v1/contacts/{member.contact_id}/relations"
    added = await firm.client.post(path, json=body, headers=firm.responsible.headers)
    assert added.status_code == 201, added.text
    state = (await firm.opened.published())[-1]
    assert (state["name"], state["contact_id"]) == ("Contact", str(member.contact_id))
    assert {one["type"] for one in state["functions"]} == {"staff_member", "administrator"}
    assert len(state["manages"]) == 1


async def test_a_delegation_of_all_carries_what_the_firm_holds_and_may_delegate(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    assert (await firm.delegate(member.contact_id, client_id)).status_code == 201
    files = (await firm.client.get("/v1/authorized-files", headers=member.headers)).json()["items"]
    file = next(file for file in files if file["organization"]["organization_id"] == str(client_id))
    assert {subject["subject"] for subject in file["subjects"]} == DELEGABLE


async def test_a_delegation_of_chosen_subjects_carries_those_only(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    chosen = [{"subject": "monthly_report", "level": "read"}]
    assert (await firm.delegate(member.contact_id, client_id, subjects=chosen)).status_code == 201
    assert (await firm.check(member.account_id, "monthly_report", client_id, "read"))["decision"]
    denied = await firm.check(member.account_id, "monthly_report", client_id, "write", explain=True)
    assert (denied["decision"], denied["context"]["reason"]["code"]) == (False, "level")
    other = await firm.check(member.account_id, "payments_statements", client_id, "read", explain=True)
    assert (other["decision"], other["context"]["reason"]["code"]) == (False, "no_subject")


@pytest.mark.parametrize("subject", ["workforce_management", "site_identification", "status_letter"])
async def test_a_service_that_cannot_be_delegated_is_refused_with_its_reason(firm: Firm, subject: str) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    chosen = [{"subject": subject, "level": "read"}]
    refused = await firm.delegate(member.contact_id, client_id, subjects=chosen)
    assert (refused.status_code, refused.json()["code"]) == (422, "not_delegable")
    assert "employeur" in refused.json()["detail"]


async def test_nobody_delegates_more_than_the_firm_holds(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    through = UUID(await firm.through(client_id))
    await firm.opened.unit.pool.execute(
        "update rights set level = 'read' where relation_id = $1 and subject = 'monthly_report'", through
    )
    wider = await firm.delegate(
        member.contact_id, client_id, subjects=[{"subject": "monthly_report", "level": "write"}]
    )
    assert (wider.status_code, wider.json()["code"]) == (422, "wider_than_held")


async def test_a_delegation_narrows_when_the_firm_itself_loses(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id, subjects=[{"subject": "profile", "level": "write"}])
    through = UUID(await firm.through(client_id))
    await firm.opened.unit.pool.execute(
        "update rights set level = 'read' where relation_id = $1 and subject = 'profile'", through
    )
    assert not (await firm.check(member.account_id, "profile", client_id, "write"))["decision"]
    assert (await firm.check(member.account_id, "profile", client_id, "read"))["decision"]


async def test_only_the_firms_own_relation_can_be_delegated_through(firm: Firm) -> None:
    member = await firm.member()
    one, other = firm.clients.values()
    through_other = await firm.through(other)
    for through in (through_other, str(uuid4())):
        refused = await firm.delegate(member.contact_id, one, through=through)
        assert (refused.status_code, refused.json()["code"]) == (422, "no_relation_to_delegate")


async def test_nobody_delegates_through_what_another_holds(firm: Firm, tmp_path: Path) -> None:
    member, client_id = await firm.member(), firm.clients["ENTREPRISE SHW INC."]
    colleagues = (await firm.delegate((await firm.member()).contact_id, client_id)).json()["relation_id"]
    other_firm = {"kind": "firm", "number": "5000009"}
    rows: list[dict[str, Any]] = [
        {"record": "organization", **other_firm, "legal_name": "AUTRE FIRME", "status": "active", "language": "fr"},
        {
            "record": "representation", "kind": "employer", "number": "1000001", "holder_kind": "firm",
            "holder_number": "5000009", "type": "accounting_firm", "starts_on": "2026-01-15",
            "subjects": [{"subject": "monthly_report", "level": "write"}],
        },
    ]  # fmt: skip
    extract = tmp_path / "extract.ndjson"
    extract.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert (await bring_in(firm.opened.unit, extract)).created == 2
    other_firms = await firm.opened.unit.pool.fetchval(
        "select r.relation_id from relations r join organizations o on o.organization_id = r.holder_id"
        " where o.number = '5000009'"
    )
    for through in (colleagues, other_firms):
        refused = await firm.delegate(member.contact_id, client_id, through=str(through))
        assert (refused.status_code, refused.json()["code"]) == (422, "no_relation_to_delegate")


async def test_who_is_no_member_yet_or_any_more_is_delegated_nothing(firm: Firm) -> None:
    client_id = next(iter(firm.clients.values()))
    begins = await firm.add_member(starts_on=TOMORROW.isoformat())
    left = await firm.member()
    assert (await firm.remove(left.contact_id)).status_code == 200
    for contact_id in (begins.json()["contact_id"], left.contact_id):
        refused = await firm.delegate(contact_id, client_id)
        assert (refused.status_code, refused.json()["code"]) == (422, "not_a_member")


async def test_the_same_delegation_twice_is_refused(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id)
    again = await firm.delegate(member.contact_id, client_id)
    assert (again.status_code, again.json()["code"]) == (409, "already_held")


async def test_two_equal_delegations_at_once_make_one(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    answers = await asyncio.gather(*[firm.delegate(member.contact_id, client_id) for _ in range(5)])
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_a_manager_delegates_clients_to_itself_like_to_anyone(firm: Firm) -> None:
    client_id = next(iter(firm.clients.values()))
    me = firm.responsible
    assert not (await firm.check(me.account_id, "monthly_report", client_id))["decision"]
    assert (await firm.delegate(me.contact_id, client_id)).status_code == 201
    assert (await firm.check(me.account_id, "monthly_report", client_id))["decision"]


async def test_a_delegation_that_starts_later_says_no_until_its_day(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id, starts_on=TOMORROW.isoformat())
    assert not (await firm.check(member.account_id, "profile", client_id))["decision"]
    later = f"{TOMORROW.isoformat()}T12:00:00-05:00"
    assert (await firm.check(member.account_id, "profile", client_id, at=later))["decision"]


async def test_a_contact_of_the_client_itself_may_have_what_cannot_be_delegated(firm: Firm) -> None:
    client_id = firm.clients["ENTREPRISE SHW INC."]
    client = await firm.link(await firm.contact("3000003"))
    assert (await firm.check(client.account_id, "status_letter", client_id))["decision"]


async def test_the_forms_say_what_to_tick_in_both_languages(firm: Firm) -> None:
    fr = (await firm.client.get("/v1/forms", headers=firm.responsible.headers)).json()["items"]
    en = (await firm.client.get("/v1/forms", headers=firm.responsible.headers | {"Accept-Language": "en"})).json()[
        "items"
    ]
    assert [form["kind"] for form in fr][:2] == ["addition", "removal"]
    assert fr[0]["attestations"][0]["text"] != en[0]["attestations"][0]["text"]
    member = await firm.member()
    assert (await firm.client.get("/v1/forms", headers=member.headers)).json() == {"items": [], "total": 0}


CONTACTS = "select count(*) from contacts"

CONTACT = {
    "family_name": "Recommencée",
    "given_name": "Démo",
    "email": "recommencee@example.org",
    "telephones": [],
    "language": "fr",
}
