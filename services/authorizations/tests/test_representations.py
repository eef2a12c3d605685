"""An employer and the firms that act for it: taken on, allowed more, let go; and the firm that asks to be let go."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.authorizations.tests.asking import NOBODY, Sides, sides
from services.authorizations.tests.conftest import Firm, Someone


@pytest.fixture
async def two(firm: Firm, tmp_path: Path) -> Sides:
    return await sides(firm, tmp_path)


async def _member_who_acts(two: Sides) -> Someone:
    member = await two.firm.member()
    assert (await two.firm.delegate(member.contact_id, two.employer_id)).status_code == 201
    return member


async def _may(two: Sides, member: Someone, subject: str, level: str = "write") -> bool:
    return bool((await two.firm.check(member.account_id, subject, two.employer_id, level))["decision"])


async def test_an_employer_takes_on_a_firm_at_once_with_the_rights_it_chose(two: Sides) -> None:
    granted = await two.grant()
    assert granted.status_code == 201
    member = await _member_who_acts(two)
    assert await _may(two, member, "monthly_report")
    assert await _may(two, member, "profile", "read") and not await _may(two, member, "profile")
    assert not await _may(two, member, "workforce", "read")


async def test_an_employer_allows_more_and_takes_single_subjects_back(two: Sides) -> None:
    relation_id = (await two.grant()).json()["relation_id"]
    member = await _member_who_acts(two)

    assert (await _more(two, relation_id, "profile", "write")).status_code == 201
    assert (await _more(two, relation_id, "workforce", "read")).status_code == 201
    assert await _may(two, member, "profile") and await _may(two, member, "workforce", "read")
    again = await _more(two, relation_id, "workforce", "read")
    assert (again.status_code, again.json()["code"]) == (409, "already_held")

    assert (await two.end(relation_id, two.employer.headers, subjects=["workforce"])).status_code == 200
    assert not await _may(two, member, "workforce", "read")
    assert await _may(two, member, "profile")


async def test_nothing_is_added_to_what_an_employer_has_ended(two: Sides) -> None:
    relation_id = (await two.grant()).json()["relation_id"]
    await two.end(relation_id, two.employer.headers)
    refused = await _more(two, relation_id, "workforce", "read")
    assert (refused.status_code, refused.json()["code"]) == (409, "relation_over")


async def test_a_raised_level_takes_nothing_away_meanwhile_or_later(two: Sides) -> None:
    relation_id = (await two.grant()).json()["relation_id"]
    today = two.firm.opened.tools.moment(datetime.now(UTC)).day
    for dates in ({"starts_on": str(today + timedelta(days=9))}, {"ends_on": str(today + timedelta(days=9))}):
        refused = await _more(two, relation_id, "profile", "write", two.employer, **dates)
        assert (refused.status_code, refused.json()["code"]) == (409, "already_held")
    member = await _member_who_acts(two)
    assert await _may(two, member, "profile", "read")


async def test_a_subject_whose_time_is_over_can_be_given_again(two: Sides) -> None:
    relation_id = (await two.grant()).json()["relation_id"]
    yesterday = two.firm.opened.tools.moment(datetime.now(UTC)).day - timedelta(days=1)
    await two.firm.opened.unit.pool.execute(
        "update rights set valid = daterange($2::date - 9, $2, '[]') where relation_id = $1 and subject = 'profile'",
        UUID(relation_id), yesterday,
    )  # fmt: skip
    assert (await _more(two, relation_id, "profile", "read")).status_code == 201
    member = await _member_who_acts(two)
    assert await _may(two, member, "profile", "read")


async def test_what_an_employer_ends_is_over_with_everything_delegated_through_it(two: Sides) -> None:
    relation_id = (await two.grant()).json()["relation_id"]
    member = await _member_who_acts(two)
    ended = await two.end(relation_id, two.employer.headers)
    assert (ended.status_code, ended.json()["relation_id"]) == (200, relation_id)
    assert not await _may(two, member, "monthly_report", "read")
    assert (await two.events())[-2:] == ["RelationEnded", "RepresentationEndedMail"]
    audited = await two.firm.opened.unit.pool.fetch(
        "select organization_id from audit where action = 'relation_removed'"
    )
    assert {row["organization_id"] for row in audited} == {two.employer_id, two.firm.firm_id}
    again = await two.end(relation_id, two.employer.headers)
    assert (again.status_code, again.json()["code"]) == (422, "nothing_to_remove")
    assert (await two.grant()).status_code == 201  # anew: it revives nothing
    assert not await _may(two, member, "monthly_report", "read")


async def test_a_firm_is_told_once_of_what_an_employer_took_back(two: Sides) -> None:
    relation_id = (await two.grant()).json()["relation_id"]
    assert (await two.end(relation_id, two.employer.headers, subjects=["profile"])).status_code == 200
    assert (await two.end(relation_id, two.employer.headers)).status_code == 200
    told = [
        (mail["recipient_id"], mail["client_name"], mail["withdrawn"])
        for mail in await two.mails("RepresentationEndedMail")
    ]
    firm, client = str(two.firm.responsible.contact_id), "CHARPENTES DÉMO INC."
    assert told == [(firm, client, ["profile"]), (firm, client, [])]

    again = (await two.grant()).json()["relation_id"]
    asked = await two.end(again, two.firm.responsible.headers)
    assert (await two.decide(asked.json()["request_id"], two.employer.headers)).status_code == 200
    assert len(await two.mails("RepresentationEndedMail")) == 2  # the decision tells of that one


async def test_a_firm_can_only_ask_for_the_end_and_both_are_told(two: Sides) -> None:
    relation_id = (await two.grant()).json()["relation_id"]
    member = await _member_who_acts(two)
    asked = await two.end(relation_id, two.firm.responsible.headers)
    assert asked.status_code == 202 and await _may(two, member, "monthly_report")
    (received,) = await two.mails("RequestReceivedMail")
    assert (received["recipient_id"], received["request_kind"]) == (str(two.employer.contact_id), "proposed_end")
    again = await two.end(relation_id, two.firm.responsible.headers)
    assert (again.status_code, again.json()["code"]) == (409, "request_pending")

    assert (await two.decide(asked.json()["request_id"], two.employer.headers)).status_code == 200

    assert not await _may(two, member, "monthly_report", "read")
    told = {mail["recipient_id"] for mail in await two.mails("RequestDecidedMail")}
    assert told == {str(two.firm.responsible.contact_id), str(two.employer.contact_id)}


async def test_a_firm_asks_for_ends_only_so_often(two: Sides) -> None:
    relation_id = (await two.grant()).json()["relation_id"]
    headers = two.firm.responsible.headers
    asked = (await two.end(relation_id, headers)).json()["request_id"]
    assert (await two.withdraw(asked, headers)).status_code == 200
    await two.firm.opened.unit.pool.execute(  # in a window that does not end while this test runs
        "update limits set spent = 200, window_start = window_start + interval '1 hour'"
        " where name = 'relations_per_organization' and key = $1",
        two.firm.firm_id.bytes,
    )
    refused = await two.end(relation_id, headers)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert len(await two.mails("RequestReceivedMail")) == 1


async def test_a_rejected_end_leaves_everything_as_it_was(two: Sides) -> None:
    relation_id = (await two.grant()).json()["relation_id"]
    member = await _member_who_acts(two)
    request_id = (await two.end(relation_id, two.firm.responsible.headers)).json()["request_id"]
    rejected = await two.decide(request_id, two.employer.headers, "reject", reason="still_our_provider")
    assert rejected.status_code == 200 and await _may(two, member, "monthly_report")
    (mail,) = [m for m in await two.mails("RequestDecidedMail") if m["recipient_id"] != str(two.employer.contact_id)]
    assert mail["concerning"] == "CHARPENTES DÉMO INC."  # the firm knows whom it acts for


async def test_nobody_else_ends_a_relation_or_allows_more(two: Sides) -> None:
    relation_id = (await two.grant()).json()["relation_id"]
    stranger, member = await two.firm.link(await two.firm.contact("3000003")), await two.firm.member()
    for someone, code in ((stranger, "not_found"), (member, "not_permitted")):
        assert (await two.end(relation_id, someone.headers)).json()["code"] == code
    assert (await _more(two, relation_id, "workforce", "read", two.firm.responsible)).json()["code"] == "not_found"
    part = await two.end(relation_id, two.firm.responsible.headers, subjects=["profile"])
    assert (part.status_code, part.json()["code"]) == (403, "not_permitted")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"attestations": []}, 422, "attestation_missing"),
        ({"other": {"kind": "firm", "number": NOBODY}}, 422, "unknown_organization"),
        ({"other": {"kind": "employer", "number": "1000001"}}, 422, "unknown_relation_type"),
        ({"type": "delegation"}, 422, "unknown_relation_type"),
        ({"subjects": [{"subject": "nothing", "level": "read"}]}, 422, "unknown_subject"),
    ],
)
async def test_what_an_employer_cannot_grant_is_refused(
    two: Sides, change: dict[str, Any], status: int, code: str
) -> None:
    refused = await two.grant(**change)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (
        await two.firm.opened.unit.pool.fetchval(
            "select count(*) from relations where organization_id = $1 and holder_kind = 'organization'",
            two.employer_id,
        )
        == 0
    )


async def test_an_employer_takes_on_no_firm_that_is_not_active(two: Sides) -> None:
    body = {
        "other": {"kind": "firm", "number": "5000001"}, "type": "accounting_firm",
        "subjects": [{"subject": "monthly_report", "level": "read"}],
        "attestations": await two.firm.attestations("representation"),
    }  # fmt: skip
    pool, path = two.firm.opened.unit.pool, f"/v1/organizations/{two.employer_id}/relations"
    await pool.execute("update statuses set active = false where owner_id = $1", two.firm.firm_id)
    refused = await two.firm.client.post(path, json=body, headers=two.employer.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_organization")
    await pool.execute("update statuses set active = true where owner_id = $1", two.firm.firm_id)
    assert (await two.firm.client.post(path, json=body, headers=two.employer.headers)).status_code == 201


async def test_an_employer_adds_a_firms_member_as_its_own_contact_without_a_hint_of_an_account(two: Sides) -> None:
    member = await two.firm.member()
    known = await two.firm.opened.unit.pool.fetchval(
        "select email from personal_fields where owner_id = $1", member.account_id
    )
    answers = [await _own_contact(two, address) for address in (known, "personne@inconnue.example")]
    assert [answer.status_code for answer in answers] == [201, 201]
    first, second = (answer.json() for answer in answers)
    assert first.keys() == second.keys() and not first["linked"] and not second["linked"]

    linked = await two.firm.link(UUID(first["contact_id"]))
    allowed = await two.firm.check(linked.account_id, "status_letter", two.employer_id)
    assert allowed["decision"]  # what cannot be delegated, as the employer's own contact


async def _own_contact(two: Sides, email: str) -> httpx.Response:
    body = {
        "contact": {
            "family_name": email.split("@", maxsplit=1)[0].title()[:12], "given_name": "Démo", "email": email,
            "telephones": [], "language": "fr",
        },
        "type": "authorized_individual",
        "subjects": [{"subject": "status_letter", "level": "write"}],
        "attestations": await two.firm.attestations("addition"),
    }  # fmt: skip
    path = f"/v1/organizations/{two.employer_id}/contacts"
    return await two.firm.client.post(path, json=body, headers=two.employer.headers)


async def _more(
    two: Sides, relation_id: str, subject: str, level: str, by: Someone | None = None, **dates: str
) -> httpx.Response:
    body = {
        "subjects": [{"subject": subject, "level": level}],
        "attestations": await two.firm.attestations("representation"),
    }
    return await two.firm.client.post(
        f"/v1/relations/{relation_id}/rights", json=body | dates, headers=(by or two.employer).headers
    )
