"""Step 5 of the guide, "Corriger": what a manager corrects takes effect, one mail tells it, and what never happens."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from chassis import keys
from chassis.sealing import Sealer
from contracts.linking import LinkingCodeIssued
from contracts.notifications import Contents
from services.authorizations.linking_codes.handlers import follow_issue
from services.authorizations.tests.conftest import TEST, Firm, Someone
from services.authorizations.tests.special_days import AUTUMN, DAY, LEAP_DAY, MONTREAL, SPRING

NEW_ADDRESS = "nouvelle.adresse@laforce.example"
MAILS = {"ContactCorrectedMail", "AddressReplacedMail"}


async def correct(firm: Firm, contact_id: UUID, by: Someone | None = None, **body: Any) -> httpx.Response:
    """Read the file, then submit the form for the version that was read."""
    headers = (by or firm.responsible).headers
    shown = await firm.client.get(f"/v1/contacts/{contact_id}", headers=headers)
    etag = body.pop("etag", shown.headers.get("etag", '"1"'))
    return await firm.client.patch(
        f"/v1/contacts/{contact_id}",
        json={"attestations": await firm.attestations("correction")} | body,
        headers=headers | {"If-Match": etag},
    )


async def added(firm: Firm, **changes: Any) -> UUID:
    """A staff member whom nobody is linked to yet."""
    answer = await firm.add_member(**changes)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["contact_id"])


async def shown(firm: Firm, contact_id: UUID) -> dict[str, Any]:
    """The file as its manager reads it."""
    answer = await firm.client.get(f"/v1/contacts/{contact_id}", headers=firm.responsible.headers)
    found: dict[str, Any] = answer.json()
    return found


async def membership(firm: Firm, contact_id: UUID) -> str:
    """The contact's newest relation with its own organization."""
    own = [relation for relation in (await shown(firm, contact_id))["relations"] if relation["through"] is None]
    return str(max(own, key=lambda relation: relation["relation_id"])["relation_id"])


async def published_since(firm: Firm, count: int) -> list[str]:
    """The names of events after so many."""
    return [event["name"] for event in (await firm.opened.published())[count:]]


async def so_far(firm: Firm) -> int:
    """How many events there are."""
    return len(await firm.opened.published())


def day(firm: Firm, days: int) -> date:
    """The agency's day so many days from now."""
    today: date = firm.opened.tools.moment(datetime.now(UTC)).day
    return today + timedelta(days=days)


def end(relation_id: str, ends_on: date) -> dict[str, Any]:
    """The part of the form that says when one relation ends."""
    return {"relations": [{"relation_id": relation_id, "ends_on": ends_on.isoformat()}]}


def address_of(mail: dict[str, Any], keyring_folder: Path) -> str:
    """Where a mail goes, which only notifications can open."""
    sealer = Sealer(keys.read(keyring_folder / "notifications.json"), keys.read_public(keyring_folder / "public.json"))
    return sealer.open(mail["sealed"], Contents).address


def set_clock(firm: Firm, at: datetime) -> None:
    """Let it be another time for the gateway."""
    state = firm.client._transport.app.state  # type: ignore[attr-defined]
    unit = firm.opened.unit
    state.gateway = replace(state.gateway, unit=replace(unit, origin=replace(unit.origin, clock=lambda: at)))


# What is corrected, and how it is told


async def test_each_field_of_the_form_can_be_corrected_by_itself_and_together(firm: Firm) -> None:
    contact_id = await added(firm)
    telephones = [{"kind": "work", "number": "+15145550123"}, {"kind": "mobile", "number": "+33612345678"}]
    answer = await correct(firm, contact_id, language="en", telephones=telephones)
    assert (answer.status_code, answer.json()["changed"]) == (200, ["language", "telephones"])
    answer = await correct(firm, contact_id, family_name="Corrigé")
    assert answer.json()["changed"] == ["name"]
    now = await shown(firm, contact_id)
    assert (now["language"], now["telephones"]) == ("en", telephones)
    assert (now["family_name"], now["given_name"], now["email"]) == ("Corrigé", "Démo", "personnel@example.org")


async def test_the_public_event_names_what_changed_and_holds_no_value(firm: Firm) -> None:
    contact_id = await added(firm)
    await correct(firm, contact_id, given_name="Prénomsecret", email="secret@laforce.example")
    event = (await firm.opened.published("ContactChanged"))[-1]
    assert (event["contact_id"], event["changed"]) == (str(contact_id), ["email", "name"])
    assert "secret" not in json.dumps(event)
    audited = await firm.opened.unit.pool.fetchval("select detail::text from audit where action = 'contact_corrected'")
    assert "secret" not in audited and "email" in audited


async def test_one_mail_tells_the_member_what_changed_and_never_the_values(firm: Firm, keyring_folder: Path) -> None:
    contact_id = await added(firm)
    before = await so_far(firm)
    answer = await correct(firm, contact_id, family_name="Nomcorrigé", language="en")
    assert answer.json()["mail"] == "contact_corrected"
    assert await published_since(firm, before) == ["ContactChanged", "Contact", "ContactCorrectedMail"]
    (mail,) = await firm.opened.published("ContactCorrectedMail")
    assert (mail["changed"], mail["language"]) == (["language", "name"], "en")
    assert "Nomcorrigé" not in json.dumps(mail, ensure_ascii=False)
    assert address_of(mail, keyring_folder) == "personnel@example.org"


async def test_with_the_box_ticked_the_one_mail_is_that_of_the_coordinates(firm: Firm) -> None:
    contact_id = await added(firm)
    before = await so_far(firm)
    answer = await correct(firm, contact_id, language="en", new_linking_code=True)
    assert answer.json()["mail"] == "linking_coordinates"
    assert await published_since(firm, before) == ["ContactChanged", "Contact"]
    state = (await firm.opened.published("Contact"))[-1]
    assert (state["linking_code_generation"], state["linking_code_changes"]) == (2, ["language"])


async def test_the_box_alone_asks_for_coordinates_and_tells_of_no_change(firm: Firm) -> None:
    contact_id = await added(firm)
    answer = await correct(firm, contact_id, new_linking_code=True)
    assert answer.json() == {"contact_id": str(contact_id), "changed": [], "mail": "linking_coordinates"}
    state = (await firm.opened.published("Contact"))[-1]
    assert (state["linking_code_generation"], state["linking_code_changes"]) == (2, [])


async def test_what_a_mail_with_a_code_has_told_the_next_one_does_not_repeat(firm: Firm) -> None:
    contact_id = await added(firm)
    await correct(firm, contact_id, language="en", new_linking_code=True)
    await correct(firm, contact_id, family_name="Corrigé", new_linking_code=True)
    untold = (await firm.opened.published("Contact"))[-1]
    assert untold["linking_code_changes"] == ["language", "name"]  # no code has been issued between the two
    issued = LinkingCodeIssued(
        contact_id=contact_id, organization_id=firm.firm_id, generation=3, delivery_id=uuid4(),
        expires_at=datetime.now(UTC),
    )  # fmt: skip
    await firm.opened.unit.run(follow_issue, issued, TEST)
    await correct(firm, contact_id, new_linking_code=True)
    assert (await firm.opened.published("Contact"))[-1]["linking_code_changes"] == []


async def test_a_new_address_gets_the_mail_and_the_former_one_a_notice_that_names_neither(
    firm: Firm, keyring_folder: Path
) -> None:
    contact_id = await added(firm)
    await correct(firm, contact_id, email=NEW_ADDRESS)
    (told,) = await firm.opened.published("ContactCorrectedMail")
    (notice,) = await firm.opened.published("AddressReplacedMail")
    assert address_of(told, keyring_folder) == NEW_ADDRESS
    assert address_of(notice, keyring_folder) == "personnel@example.org"
    assert (await firm.opened.published("Contact"))[-1]["email"] == NEW_ADDRESS
    open_part = json.dumps(
        [{name: value for name, value in mail.items() if name != "sealed"} for mail in (told, notice)]
    )
    assert "@" not in open_part


async def test_the_new_addresss_coordinates_come_with_the_notice_to_the_former_one_and_nothing_else(firm: Firm) -> None:
    contact_id = await added(firm)
    before = await so_far(firm)
    await correct(firm, contact_id, email=NEW_ADDRESS, new_linking_code=True)
    assert set(await published_since(firm, before)) & MAILS == {"AddressReplacedMail"}


async def test_a_file_without_an_address_is_corrected_and_nobody_is_written_to(firm: Firm) -> None:
    contact_id = await added(firm)
    await firm.opened.unit.pool.execute("update personal_fields set email = null where owner_id = $1", contact_id)
    before = await so_far(firm)
    assert (await correct(firm, contact_id, language="en")).json()["mail"] is None
    assert set(await published_since(firm, before)) & MAILS == set()
    refused = await correct(firm, contact_id, new_linking_code=True)
    assert (refused.status_code, refused.json()["code"]) == (422, "code_unsendable")
    assert (await correct(firm, contact_id, email=NEW_ADDRESS, new_linking_code=True)).status_code == 200
    assert await firm.opened.published("AddressReplacedMail") == []


async def test_the_form_stands_in_the_catalogue_with_its_parts_and_territories_in_both_languages(firm: Firm) -> None:
    for language, category, territory in (
        ("fr", "Profil / Dossier client", "Amérique du Nord"),
        ("en", "Profile / Client file", "North America"),
    ):
        headers = firm.responsible.headers | {"Accept-Language": language}
        forms = (await firm.client.get("/v1/forms", headers=headers)).json()["items"]
        (form,) = [form for form in forms if form["kind"] == "correction"]
        fields = {field["code"]: field for field in form["fields"]}
        assert form["category_name"] == category
        assert [option["code"] for option in fields["parts"]["options"]] == [
            "coordinates", "personal_information", "relation_end",
        ]  # fmt: skip
        assert fields["telephones"]["territories"][0] == {"calling_code": "+1", "name": territory}
        assert (fields["email"]["when"], fields["new_linking_code"]["kind"]) == ("part_coordinates", "box")


# Who may, and what is refused


async def test_a_linked_persons_address_is_the_accounts_and_the_refusal_says_where_to_change_it(firm: Firm) -> None:
    member = await firm.member()
    refused = await correct(firm, member.contact_id, email=NEW_ADDRESS)
    assert (refused.status_code, refused.json()["code"]) == (409, "email_of_account")
    assert refused.json()["detail"].startswith(
        "L’adresse courriel est modifiable dans la section Paramètres du compte."
    )
    verified = (await shown(firm, member.contact_id))["email"]
    assert (await correct(firm, member.contact_id, email=verified, language="en")).json()["changed"] == ["language"]
    on_file = await firm.opened.unit.pool.fetchval(
        "select email from personal_fields where owner_id = $1", member.contact_id
    )
    assert on_file in ("personnel@example.org", verified)


async def test_correcting_a_linked_person_leaves_the_address_on_file_as_it_was(firm: Firm) -> None:
    member = await firm.member()
    await correct(firm, member.contact_id, family_name="Corrigé")
    on_file = await firm.opened.unit.pool.fetchval(
        "select email from personal_fields where owner_id = $1", member.contact_id
    )
    assert on_file == "personnel@example.org"


async def test_a_linked_person_needs_no_code(firm: Firm) -> None:
    member = await firm.member()
    refused = await correct(firm, member.contact_id, new_linking_code=True)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_linked")


async def test_nothing_to_change_is_said_and_changes_nothing(firm: Firm) -> None:
    contact_id = await added(firm)
    before = await so_far(firm)
    refused = await correct(firm, contact_id, language="fr", given_name="Démo")
    assert (refused.status_code, refused.json()["code"]) == (422, "nothing_to_change")
    assert await published_since(firm, before) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"attestations": []}, "attestation_missing"),
        ({"parts": ["personal_information"]}, "invalid_request"),
        ({"etag": '"1"'}, "precondition_failed"),
        ({"etag": "*"}, "precondition_failed"),
        ({"relations": [{"relation_id": str(uuid4()), "ends_on": "9999-12-31"}]}, "not_found"),
    ],
)
async def test_a_form_that_cannot_be_carried_out_changes_nothing(firm: Firm, body: dict[str, Any], code: str) -> None:
    contact_id = await added(firm)
    before = await so_far(firm)
    refused = await correct(firm, contact_id, language="en", **body)
    assert refused.json()["code"] == code, refused.text
    assert await published_since(firm, before) == []
    assert (await shown(firm, contact_id))["language"] == "fr"


async def test_taking_all_telephones_away_is_outside_the_parts_that_were_not_chosen_too(firm: Firm) -> None:
    contact_id = await added(firm)
    refused = await correct(firm, contact_id, parts=["personal_information"], family_name="Autre", telephones=[])
    assert (refused.status_code, refused.json()["fields"]) == (422, ["parts"])
    taken = await correct(firm, contact_id, parts=["coordinates"], telephones=[])
    assert taken.json()["changed"] == ["telephones"]


async def test_without_a_version_nothing_is_corrected(firm: Firm) -> None:
    contact_id = await added(firm)
    refused = await firm.client.patch(
        f"/v1/contacts/{contact_id}", json={"language": "en"}, headers=firm.responsible.headers
    )
    assert (refused.status_code, refused.json()["code"]) == (428, "precondition_required")


async def test_of_two_corrections_of_one_version_one_takes_effect(firm: Firm) -> None:
    contact_id = await added(firm)
    path = f"/v1/contacts/{contact_id}"
    etag = (await firm.client.get(path, headers=firm.responsible.headers)).headers["etag"]
    answers = await asyncio.gather(
        *[correct(firm, contact_id, family_name=name, etag=etag) for name in ("Première", "Seconde")]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_only_managers_of_the_contacts_organization_correct_it(firm: Firm) -> None:
    contact_id, member = await added(firm), await firm.member()
    refused = await correct(firm, contact_id, by=member, language="en")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    client = await firm.link(await firm.contact("3000003"))
    refused = await correct(firm, contact_id, by=client, language="en")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


# The end of a relation


async def test_a_relation_may_end_later_or_earlier_and_its_rights_with_it(firm: Firm) -> None:
    contact_id = await added(firm, ends_on=day(firm, 100).isoformat())
    member, relation_id = await firm.link(contact_id), await membership(firm, contact_id)
    granted = [right["granted"] for right in (await shown(firm, contact_id))["relations"][0]["rights"]]
    for days in (30, 300):
        assert (await correct(firm, contact_id, **end(relation_id, day(firm, days)))).status_code == 200
        relation = (await shown(firm, contact_id))["relations"][0]
        assert relation["ends_on"] == day(firm, days).isoformat()
        assert [right["granted"] for right in relation["rights"]] == granted  # when, and by whom, stays as it was
        rights = await firm.opened.unit.pool.fetch(
            "select valid <@ (select valid from relations where relation_id = $1 and upper_inf(recorded)) as within,"
            " upper(valid) as until from rights where relation_id = $1 and upper_inf(recorded)",
            UUID(relation_id),
        )
        assert [(row["within"], row["until"]) for row in rights] == [(True, day(firm, days + 1))]
        names = [event["name"] for event in await firm.opened.published() if "relation_id" in event]
        assert names[-2:] == ["RelationChanged", "RightChanged"]
        for ahead, allowed in ((days, True), (days + 1, False)):
            noon = datetime.combine(day(firm, ahead), time(12), MONTREAL).isoformat()
            assert (await firm.check(member.account_id, "profile", firm.firm_id, "read", at=noon))[
                "decision"
            ] is allowed


async def test_a_right_with_an_end_of_its_own_is_never_widened_by_its_relation(firm: Firm) -> None:
    contact_id = await added(firm)
    relation_id = await membership(firm, contact_id)
    own_end = day(firm, 50)
    await firm.opened.unit.pool.execute(
        "insert into rights (right_id, version, relation_id, subject, level, valid, granted_by, recorded)"
        " values ($1, 1, $2, 'monthly_report', 'write', daterange($3, $4, '[]'), 'test', tstzrange(now(), null))",
        uuid4(), UUID(relation_id), day(firm, 0), own_end,
    )  # fmt: skip
    for days in (20, 200):
        assert (await correct(firm, contact_id, **end(relation_id, day(firm, days)))).status_code == 200
    ends = await firm.opened.unit.pool.fetch(
        "select subject, upper(valid) - 1 as last from rights where relation_id = $1 and upper_inf(recorded)",
        UUID(relation_id),
    )
    assert {row["subject"]: row["last"] for row in ends} == {"monthly_report": own_end, "profile": day(firm, 200)}


@pytest.mark.parametrize("days", [0, -1])
async def test_an_end_today_or_earlier_is_a_removal_and_the_refusal_says_so(firm: Firm, days: int) -> None:
    contact_id = await added(firm)
    refused = await correct(firm, contact_id, **end(await membership(firm, contact_id), day(firm, days)))
    assert (refused.status_code, refused.json()["code"]) == (422, "end_is_removal")
    assert "formulaire de retrait" in refused.json()["detail"]


async def test_the_last_responsible_persons_relation_is_given_no_earlier_end(firm: Firm) -> None:
    contact_id = firm.responsible.contact_id
    refused = await correct(firm, contact_id, **end(await membership(firm, contact_id), day(firm, 30)))
    assert (refused.status_code, refused.json()["code"]) == (409, "last_manager")


async def test_two_responsible_persons_cannot_end_each_others_relation_at_once(firm: Firm) -> None:
    second = await firm.link(await added(firm, type="responsible_person"))
    bodies = [end(await membership(firm, who.contact_id), day(firm, 30)) for who in (firm.responsible, second)]
    answers = await asyncio.gather(
        correct(firm, firm.responsible.contact_id, by=second, **bodies[0]),
        correct(firm, second.contact_id, by=firm.responsible, **bodies[1]),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_relation_that_was_withdrawn_is_never_reopened(firm: Firm) -> None:
    contact_id = await added(firm)
    relation_id = await membership(firm, contact_id)
    await firm.remove(contact_id)
    refused = await correct(firm, contact_id, **end(relation_id, date(9999, 12, 31)))
    assert (refused.status_code, refused.json()["code"]) == (409, "relation_over")


async def test_a_relation_that_is_past_its_end_is_never_reopened(firm: Firm) -> None:
    contact_id = await added(firm, ends_on=day(firm, 5).isoformat())
    relation_id = await membership(firm, contact_id)
    body = end(relation_id, day(firm, 100))
    set_clock(firm, datetime.combine(day(firm, 6), time(0), MONTREAL))
    refused = await correct(firm, contact_id, **body)
    assert (refused.status_code, refused.json()["code"]) == (409, "relation_over")


async def test_on_its_last_day_a_relation_may_still_be_prolonged(firm: Firm) -> None:
    contact_id = await added(firm, ends_on=day(firm, 5).isoformat())
    relation_id = await membership(firm, contact_id)
    body = end(relation_id, day(firm, 100))
    set_clock(firm, datetime.combine(day(firm, 5), time(23, 59, 59), MONTREAL))
    assert (await correct(firm, contact_id, **body)).status_code == 200


async def test_a_relation_withdrawn_on_the_day_it_began_is_added_again_and_the_first_stays_withdrawn(
    firm: Firm,
) -> None:
    member = await firm.member()
    first = await membership(firm, member.contact_id)
    await firm.remove(member.contact_id)
    again = await firm.client.post(
        f"/v1/contacts/{member.contact_id}/relations",
        json={
            "organization_id": str(firm.firm_id),
            "type": "staff_member",
            "subjects": [{"subject": "profile", "level": "read"}],
            "attestations": await firm.attestations("addition"),
        },
        headers=firm.responsible.headers,
    )
    assert again.status_code == 201
    found = {row["relation_id"]: row for row in (await shown(firm, member.contact_id))["relations"]}
    assert found[first]["starts_on"] == found[again.json()["relation_id"]]["starts_on"]
    assert [found[first]["active"], found[again.json()["relation_id"]]["active"]] == [False, True]
    refused = await correct(firm, member.contact_id, **end(first, day(firm, 30)))
    assert refused.json()["code"] == "relation_over"
    prolonged = await correct(firm, member.contact_id, **end(again.json()["relation_id"], day(firm, 30)))
    assert prolonged.status_code == 200


async def test_the_end_of_a_delegation_is_told_in_the_clients_file(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    relation_id = (await firm.delegate(member.contact_id, client_id)).json()["relation_id"]
    assert (await correct(firm, member.contact_id, **end(relation_id, day(firm, 10)))).status_code == 200
    event = (await firm.opened.published("RelationChanged"))[-1]
    assert (event["organization_id"], event["valid"]["ends_on"]) == (str(client_id), day(firm, 10).isoformat())
    audited = await firm.opened.unit.pool.fetch("select organization_id from audit where action = 'relation_changed'")
    assert {row["organization_id"] for row in audited} == {client_id, firm.firm_id}


async def test_no_two_relations_of_one_kind_come_to_overlap(firm: Firm) -> None:
    contact_id = await added(firm, ends_on=day(firm, 10).isoformat())
    first = await membership(firm, contact_id)
    later = await firm.client.post(
        f"/v1/contacts/{contact_id}/relations",
        json={
            "organization_id": str(firm.firm_id),
            "type": "staff_member",
            "starts_on": day(firm, 20).isoformat(),
            "subjects": [{"subject": "profile", "level": "read"}],
            "attestations": await firm.attestations("addition"),
        },
        headers=firm.responsible.headers,
    )
    assert later.status_code == 201
    refused = await correct(firm, contact_id, **end(first, day(firm, 30)))
    assert (refused.status_code, refused.json()["code"]) == (409, "already_held")
    assert (await correct(firm, contact_id, **end(first, day(firm, 19)))).status_code == 200


# Days that are special


@pytest.mark.parametrize(
    ("last_day", "last_instant"),
    [
        (LEAP_DAY, f"{LEAP_DAY + DAY}T04:59:59Z"),
        (SPRING - DAY, f"{SPRING}T04:59:59Z"),  # the night before the clock skips from 2:00 to 3:00
        (SPRING, f"{SPRING + DAY}T03:59:59Z"),  # the day of 23 hours
        (AUTUMN, f"{AUTUMN + DAY}T04:59:59Z"),  # the day of 25 hours
    ],
)
async def test_a_last_day_counts_to_its_end_in_montreal(firm: Firm, last_day: date, last_instant: str) -> None:
    member = await firm.member()
    relation_id = await membership(firm, member.contact_id)
    assert (await correct(firm, member.contact_id, **end(relation_id, last_day))).status_code == 200
    last = datetime.fromisoformat(last_instant)
    for at, allowed in ((last, True), (last + timedelta(seconds=1), False)):
        answer = await firm.check(member.account_id, "profile", firm.firm_id, "read", at=at.isoformat())
        assert answer["decision"] is allowed


async def test_through_the_hour_that_daylight_saving_skips_nothing_changes(firm: Firm) -> None:
    member = await firm.member()
    await correct(firm, member.contact_id, **end(await membership(firm, member.contact_id), SPRING))
    for at in (f"{SPRING}T06:59:59Z", f"{SPRING}T07:00:00Z", f"{SPRING}T02:30:00-05:00"):
        assert (await firm.check(member.account_id, "profile", firm.firm_id, "read", at=at))["decision"]


async def test_a_right_that_ends_today_holds_until_midnight_and_no_longer(firm: Firm) -> None:
    today = day(firm, 0)
    contact_id = await added(firm, ends_on=today.isoformat())
    member = await firm.link(contact_id)
    for at, allowed in (
        (datetime.combine(today, time(23, 59, 59), MONTREAL), True),
        (datetime.combine(today + timedelta(days=1), time(0), MONTREAL), False),
    ):
        answer = await firm.check(member.account_id, "profile", firm.firm_id, "read", at=at.isoformat())
        assert answer["decision"] is allowed


async def test_a_29_february_that_no_calendar_has_is_refused(firm: Firm) -> None:
    contact_id = await added(firm)
    body: dict[str, Any] = {"relations": [{"relation_id": await membership(firm, contact_id), "ends_on": "2027-02-29"}]}
    refused = await correct(firm, contact_id, **body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


# What others are spared


async def test_nobodys_mailbox_is_flooded_with_codes_by_corrections_nor_by_these_and_batches_together(
    firm: Firm,
) -> None:
    contact_id = await added(firm)

    async def batch() -> httpx.Response:
        return await firm.client.post(
            "/v1/linking-code-batches", json={"contact_ids": [str(contact_id)]}, headers=firm.responsible.headers
        )

    for _ in range(3):
        assert (await correct(firm, contact_id, new_linking_code=True)).status_code == 200
    for _ in range(2):
        assert (await batch()).status_code == 202
    before = await so_far(firm)
    refused = await correct(firm, contact_id, new_linking_code=True)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_codes")
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert await so_far(firm) == before
    assert (await batch()).status_code == 429
    other = await added(firm)
    assert (await correct(firm, other, new_linking_code=True)).status_code == 200
    assert (await correct(firm, contact_id, language="en")).status_code == 200
