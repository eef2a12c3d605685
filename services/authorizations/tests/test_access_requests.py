"""A person without a profile asks to act for an organization: shown, decided with functions, withdrawn, lapsed."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from chassis import keys
from chassis.sealing import Sealer
from contracts.linking import LinkRefused, OrganizationClaimed, ProfileLinked, ProfileUnlinked
from contracts.notifications import AccessRequestedMail, ClaimantContents
from services.authorizations.accounts.handlers import follow_account, forget_account
from services.authorizations.bindings.handlers import follow_link, follow_unlink
from services.authorizations.contested.handlers import follow_refusal
from services.authorizations.deciding.chores import lapse_overdue, remind_deciders
from services.authorizations.deciding.ending import lapse
from services.authorizations.tests.claiming import OFFICE, Claims, a_person, claims
from services.authorizations.tests.conftest import TEST, Someone
from tests.fixtures.gateway import OpenService


@pytest.fixture
async def world(open_service: OpenService, tmp_path: Path) -> Claims:
    return await claims(open_service, tmp_path)


@pytest.fixture
async def administrator(world: Claims) -> Someone:
    return await world.administrator()


@pytest.fixture
async def asked(world: Claims, administrator: Someone) -> OrganizationClaimed:
    """A worker who asks, after there is an administrator."""
    return await world.claim(await world.account("Ida"))


async def test_who_asks_sees_the_request_without_a_profile_and_others_do_not(
    world: Claims, asked: OrganizationClaimed
) -> None:
    request_id = await world.request_of(asked)
    shown = await world.show(request_id, world.headers(asked.account_id))
    assert shown.status_code == 200, shown.text
    found = shown.json()
    assert (found["kind"], found["state"], found["decider"]) == ("access_request", "submitted", "organization")
    assert (found["asked"]["capacity"], found["mine_to_decide"]) == ("worker", False)
    assert found["asked"]["claim"] is None
    stranger = await world.account()
    assert (await world.show(request_id, world.headers(stranger))).status_code == 404


async def test_those_who_decide_see_who_asks_as_what_and_what_an_approval_gives(
    world: Claims, administrator: Someone, asked: OrganizationClaimed
) -> None:
    listed = await world.client.get(f"/v1/organizations/{world.employer_id}/requests", headers=administrator.headers)
    [found] = listed.json()["items"]
    assert found["mine_to_decide"] and found["asked"]["capacity_name"] == "Worker"
    assert found["asked"]["person"]["given_name"] == "Ida"
    assert found["asked"]["person"]["email"] == f"{asked.account_id.hex}@example.org"
    assert found["asked"]["type"] == "worker"
    assert found["asked"]["claim"] is None  # whether a code was right is told to agents alone
    agents = (await world.show(found["request_id"], world.agent)).json()
    assert agents["asked"]["claim"]["account_id"] == str(asked.account_id)


async def test_who_asked_once_shows_to_those_who_decided_by_name_alone_and_after_a_time_to_nobody(
    world: Claims, administrator: Someone, asked: OrganizationClaimed
) -> None:
    request_id, asker, unit = await world.request_of(asked), world.headers(asked.account_id), world.opened.unit
    withdrawn = await world.client.post(f"/v1/requests/{request_id}/withdrawal", headers=asker)
    assert withdrawn.status_code == 200, withdrawn.text
    moved = a_person(account_id=asked.account_id, version=2, given_name="Ida", email="moved@example.org")
    await unit.run(follow_account, moved, TEST)

    async def seen() -> list[dict[str, Any]]:
        path = f"/v1/organizations/{world.employer_id}/requests"
        [listed] = (await world.client.get(path, headers=administrator.headers)).json()["items"]
        agents = (await world.show(request_id, world.agent)).json()
        return [listed, agents, (await world.show(request_id, asker)).json()]

    deciders, agents, own = [request["asked"]["person"] for request in await seen()]
    assert deciders == {
        "given_name": "Ida", "family_name": "Exemple", "email": None, "telephones": [], "language": None
    }  # fmt: skip
    assert agents["email"] == own["email"] == "moved@example.org"

    days = world.opened.tools.agency.requests.personal_days
    await unit.pool.execute(
        "update requests set settled_at = settled_at - $2::interval where request_id = $1",
        request_id, timedelta(days=days, minutes=1),
    )  # fmt: skip
    listed, agents, own = await seen()
    assert listed["asked"]["person"] is None and agents["asked"]["person"] is None
    assert agents["asked_by_person"] is None and agents["settled_by"] is None
    assert "Ida" not in str(listed) + str(agents)
    assert own["asked"]["person"]["email"] == "moved@example.org" and own["asked_by_person"]["name"] == "Ida Exemple"


async def test_every_administrator_is_told_of_a_new_one(world: Claims, administrator: Someone) -> None:
    second = await world.account("Deuxième")
    given = {"type": "access_administrator", "subjects": []}
    request_id = await world.request_of(await world.claim(second))
    assert (await world.decide(request_id, administrator.headers, access=given)).status_code == 200
    before = len(await world.told("AccessRequestedMail"))
    claimed = await world.claim(await world.account("Ida"))
    mails = (await world.told("AccessRequestedMail"))[before:]
    assert {mail["recipient_id"] for mail in mails} == {
        str(administrator.contact_id), str(await world.contact_of(second))
    }  # fmt: skip
    assert {mail["lapses_on"] for mail in mails} == {claimed.lapses_on.isoformat()}
    assert "Ida" not in str([{**mail, "sealed": ""} for mail in mails])


async def test_what_the_mail_says_of_the_person_is_sealed(
    world: Claims, asked: OrganizationClaimed, keyring_folder: Path
) -> None:
    [mail] = await world.told("AccessRequestedMail")
    ring = keys.read(keyring_folder / "notifications.json")
    contents = Sealer(ring, keys.read_public(keyring_folder / "public.json")).open(mail["sealed"], ClaimantContents)
    assert contents.claimant_name == "Ida Exemple"
    assert contents.claimant_email == f"{asked.account_id.hex}@example.org"
    assert AccessRequestedMail.contents is ClaimantContents


async def test_approved_without_more_the_agencys_data_say_what_the_person_may(
    world: Claims, administrator: Someone, asked: OrganizationClaimed
) -> None:
    request_id = await world.request_of(asked)
    assert (await world.decide(request_id, administrator.headers)).status_code == 200
    comer = await world.as_contact(asked.account_id)
    state = (await world.told("Contact"))[-1]
    assert (state["contact_id"], state["linking_code_generation"]) == (str(comer.contact_id), 0)
    assert state["binding"]["account_id"] == str(asked.account_id)
    assert [function["type"] for function in state["functions"]] == ["worker"] and state["manages"] == []
    [decided] = await world.told("RequestDecided")
    assert (decided["claim_id"], decided["outcome"]) == (str(asked.claim_id), "approve")
    told = (await world.told("AccessDecidedMail"))[-1]
    assert (told["recipient_id"], told["outcome"], told["function"]) == (
        str(asked.account_id), "approve", "worker"
    )  # fmt: skip


async def test_approved_with_functions_each_holds_on_its_own_days(
    world: Claims, administrator: Someone, asked: OrganizationClaimed
) -> None:
    tomorrow, later = world.today + timedelta(days=1), world.today + timedelta(days=30)
    access = {
        "type": "representative",
        "ends_on": later.isoformat(),
        "subjects": [
            {"subject": "clearance_letter", "level": "write"},
            {"subject": "payments", "level": "read", "starts_on": tomorrow.isoformat()},
        ],
    }
    request_id = await world.request_of(asked)
    decided = await world.decide(request_id, administrator.headers, access=access)
    assert decided.status_code == 200, decided.text
    assert await world.check(asked.account_id, "clearance_letter", "write")
    assert not await world.check(asked.account_id, "payments")
    rights = {right["subject"]: right for right in await world.told("RightAdded")}
    assert rights["payments"]["valid"] == {"starts_on": tomorrow.isoformat(), "ends_on": later.isoformat()}
    assert rights["clearance_letter"]["valid"]["ends_on"] == later.isoformat()
    told = (await world.told("AccessDecidedMail"))[-1]
    assert (told["function"], set(told["subjects"])) == ("representative", {"clearance_letter", "payments"})


@pytest.mark.parametrize(
    ("access", "code"),
    [
        ({"type": "nobody"}, "unknown_relation_type"),
        ({"type": "worker", "subjects": [{"subject": "nothing", "level": "read"}]}, "unknown_subject"),
        ({"type": "worker", "ends_on": "2020-01-01"}, "dates_refused"),
        (
            {
                "type": "worker",
                "ends_on": "2098-01-01",
                "subjects": [{"subject": "payments", "level": "read", "starts_on": "2099-01-01"}],
            },
            "dates_refused",
        ),
    ],
)
async def test_what_cannot_be_given_is_refused_and_the_request_waits_on(
    world: Claims, administrator: Someone, asked: OrganizationClaimed, access: dict[str, Any], code: str
) -> None:
    request_id = await world.request_of(asked)
    refused = await world.decide(request_id, administrator.headers, access=access)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert (await world.show(request_id, administrator.headers)).json()["state"] == "submitted"
    assert await world.contact_of(asked.account_id) is None


async def test_denied_the_person_reads_why_and_may_nothing(
    world: Claims, administrator: Someone, asked: OrganizationClaimed
) -> None:
    request_id = await world.request_of(asked)
    missing = await world.decide(request_id, administrator.headers, "reject")
    assert missing.json()["code"] == "decision_reason_missing"
    denied = await world.decide(request_id, administrator.headers, "reject", reason="not_with_us")
    assert denied.status_code == 200, denied.text
    told = (await world.told("AccessDecidedMail"))[-1]
    assert (told["outcome"], told["decision_reason"]) == ("reject", "not_with_us")
    assert await world.contact_of(asked.account_id) is None
    shown = (await world.show(request_id, world.headers(asked.account_id))).json()
    assert (shown["outcome"], shown["decision_reason"]) == ("reject", "not_with_us")
    await world.claim(asked.account_id)
    assert len(await world.told("RequestSubmitted")) == 2


async def test_only_those_who_manage_the_organization_decide(world: Claims, asked: OrganizationClaimed) -> None:
    request_id = await world.request_of(asked)
    asker = world.headers(asked.account_id)
    refused = await world.decide(request_id, asker)
    assert refused.json()["code"] == "profile_required"


async def test_where_nobody_manages_agents_decide_and_the_address_on_file_is_told(world: Claims) -> None:
    claimed = await world.claim(await world.account("Ida"))
    [mail] = await world.told("ClaimUndecidedMail")
    assert mail["recipient_id"] == str(world.employer_id) and OFFICE not in str(mail)
    queue = (await world.client.get("/v1/requests", headers=world.agent)).json()["items"]
    [found] = queue
    assert found["asked"]["person"]["given_name"] == "Ida"
    given = {"type": "access_administrator", "subjects": [{"subject": "clearance_letter", "level": "write"}]}
    decided = await world.decide(found["request_id"], world.agent, access=given)
    assert decided.status_code == 200, decided.text
    [appointed] = await world.told("AdministratorAppointed")
    assert appointed["claim_id"] == str(claimed.claim_id)
    assert [notice["recipient_id"] for notice in await world.told("AdministratorsChangedMail")] == [
        str(world.employer_id)
    ]


async def test_who_asked_takes_it_back_without_a_profile_and_nobody_else_may(
    world: Claims, administrator: Someone, asked: OrganizationClaimed
) -> None:
    request_id = await world.request_of(asked)
    path = f"/v1/requests/{request_id}/withdrawal"
    stranger = world.headers(await world.account())
    assert (await world.client.post(path, headers=stranger)).status_code == 404
    decides = await world.client.post(path, headers=administrator.headers)
    assert (decides.status_code, decides.json()["code"]) == (403, "not_permitted")
    taken_back = await world.client.post(path, headers=world.headers(asked.account_id))
    assert (taken_back.status_code, taken_back.json()["state"]) == (200, "withdrawn")
    [withdrawn] = await world.told("RequestWithdrawn")
    assert withdrawn["claim_id"] == str(asked.claim_id)
    refused = await world.decide(request_id, administrator.headers)
    assert refused.json()["code"] == "request_not_pending"


async def test_nobody_decides_and_it_lapses_with_reminders_on_the_way(
    world: Claims, administrator: Someone, asked: OrganizationClaimed
) -> None:
    request_id = await world.request_of(asked)
    pool, unit = world.opened.unit.pool, world.opened.unit
    rule = world.opened.tools.agency.requests.kinds["access_request"]
    assert len(rule.reminders) > 1
    first, last = max(rule.reminders), min(rule.reminders)

    async def days_before(days: int) -> list[dict[str, Any]]:
        await pool.execute(
            "update requests set lapses_on = $2 where request_id = $1", request_id, world.today + timedelta(days=days)
        )
        await remind_deciders(unit)
        await remind_deciders(unit)
        return await world.told("AccessRequestWaitingMail")

    assert len(await days_before(first + 1)) == 0
    assert len(await days_before(first)) == 1
    assert len(await days_before(last + 1)) == 1
    mails = await days_before(last)
    assert [mail["recipient_id"] for mail in mails] == [str(administrator.contact_id)] * 2
    assert len({mail["deduplication_id"] for mail in mails}) == 2
    await days_before(0)
    await unit.run(lapse, request_id, TEST)  # a look that comes too early changes nothing
    await lapse_overdue(unit)
    assert await world.told("RequestLapsed") == []
    await days_before(-1)
    await lapse_overdue(unit)
    [lapsed] = await world.told("RequestLapsed")
    assert lapsed["claim_id"] == str(asked.claim_id)
    assert (await world.told("AccessDecidedMail"))[-1]["outcome"] == "lapse"
    assert len(await world.told("AccessRequestWaitingMail")) == 2


async def test_after_an_outage_what_was_missed_is_one_reminder(world: Claims, asked: OrganizationClaimed) -> None:
    await world.opened.unit.pool.execute("update requests set lapses_on = $1", world.today)
    await remind_deciders(world.opened.unit)
    assert len(await world.told("AccessRequestWaitingMail")) == 1


async def test_merged_the_account_becomes_a_contact_that_exists_and_keeps_what_that_has(
    world: Claims, administrator: Someone, asked: OrganizationClaimed
) -> None:
    contact_id = await _a_contact(world, administrator)
    request_id = await world.request_of(asked)
    missing = await world.decide(request_id, administrator.headers, "merge")
    assert missing.json()["code"] == "candidate_required"
    taken = await world.decide(request_id, administrator.headers, "merge", contact_id=str(administrator.contact_id))
    assert (taken.status_code, taken.json()["code"]) == (409, "contact_of_another_account")
    before = [state for state in await world.told("Contact") if state["contact_id"] == str(contact_id)][-1]
    merged = await world.decide(request_id, administrator.headers, "merge", contact_id=str(contact_id))
    assert merged.status_code == 200, merged.text
    after = [state for state in await world.told("Contact") if state["contact_id"] == str(contact_id)][-1]
    assert after["binding"]["account_id"] == str(asked.account_id)
    assert after["functions"] == before["functions"]
    assert after["linking_code_generation"] == before["linking_code_generation"]
    assert await world.contact_of(asked.account_id) == contact_id


async def _a_contact(world: Claims, administrator: Someone) -> UUID:
    """Somebody in the employer's file whom no account is."""
    forms = (await world.client.get("/v1/forms", headers=administrator.headers)).json()["items"]
    form = next(form for form in forms if form["kind"] == "addition")
    added = await world.client.post(
        f"/v1/organizations/{world.employer_id}/contacts",
        json={
            "contact": {
                "family_name": "Fichier", "given_name": "Démo", "email": "fichier@example.org", "telephones": [],
                "language": "fr",
            },
            "type": "worker",
            "subjects": [{"subject": "clearance_letter", "level": "read"}],
            "attestations": [{"code": a["code"], "version": a["version"]} for a in form["attestations"]],
        },
        headers=administrator.headers,
    )  # fmt: skip
    assert added.status_code == 201, added.text
    return UUID(added.json()["contact_id"])


async def test_an_account_linked_meanwhile_is_refused_once_more_when_it_is_to_be_approved(
    world: Claims, administrator: Someone, asked: OrganizationClaimed
) -> None:
    contact_id = await _a_contact(world, administrator)
    linked = ProfileLinked(
        link_id=uuid7(), account_id=asked.account_id, contact_id=contact_id, organization_id=world.employer_id,
        method="linking_coordinates", linked_at=world.opened.unit.origin.clock(),
    )  # fmt: skip
    await world.opened.unit.run(follow_link, linked, TEST)
    refused = await world.decide(await world.request_of(asked), administrator.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_a_contact")


async def test_approved_while_the_person_claims_again_there_is_one_contact(
    world: Claims, administrator: Someone, asked: OrganizationClaimed
) -> None:
    request_id = await world.request_of(asked)
    again = world.claimed(asked.account_id)
    decided, _ = await asyncio.gather(world.decide(request_id, administrator.headers), world.tell(again))
    assert decided.status_code == 200, decided.text
    bound = await world.opened.unit.pool.fetchval(
        "select count(*) from bindings where account_id = $1 and upper_inf(recorded)", asked.account_id
    )
    assert bound == 1
    [refused] = await world.told("ClaimRefused")
    assert refused["claim_id"] == str(again.claim_id)
    assert refused["reason"] in ("contact_already", "asked_already")


async def test_who_asked_and_was_erased_is_shown_as_nobody(
    world: Claims, administrator: Someone, asked: OrganizationClaimed
) -> None:
    await world.opened.unit.run(forget_account, asked.account_id, TEST)
    request_id = await world.request_of(asked)
    shown = await world.show(request_id, administrator.headers)
    assert (shown.status_code, shown.json()["asked"]["person"]) == (200, None)
    refused = await world.decide(request_id, administrator.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "account_not_active")


async def test_where_linking_knew_another_link_the_one_made_here_never_stood_and_an_agent_is_asked(
    world: Claims, administrator: Someone, asked: OrganizationClaimed
) -> None:
    elsewhere = await _a_contact(world, administrator)
    assert (await world.decide(await world.request_of(asked), administrator.headers)).status_code == 200
    comer = await world.as_contact(asked.account_id)
    binding = (await world.told("Contact"))[-1]["binding"]
    since = datetime.fromisoformat(binding["since"])
    ids = {"organization_id": world.employer_id, "account_id": asked.account_id}
    # linking had linked the account to another contact there, and did not know of the decision.
    told: list[tuple[Any, Any]] = [
        (follow_link, ProfileLinked(
            **ids, contact_id=elsewhere, link_id=uuid7(), method="linking_coordinates", linked_at=since
        )),
        (follow_unlink, ProfileUnlinked(
            **ids, contact_id=comer.contact_id, link_id=UUID(binding["link_id"]), linked_at=since, unlinked_at=since
        )),
        (follow_refusal, LinkRefused(
            **ids, contact_id=comer.contact_id, method="organization_code", reason="other_profile_here"
        )),
    ]  # fmt: skip
    for handler, event in told:
        await world.opened.unit.run(handler, event, TEST)
    assert await world.contact_of(asked.account_id) == elsewhere
    queue = (await world.client.get("/v1/requests", headers=world.agent)).json()["items"]
    [review] = [request for request in queue if request["reason"] == "contested"]
    assert review["asked"]["contested"]["link"]["contact_id"] == str(elsewhere)
    await world.opened.unit.run(follow_unlink, told[1][1], TEST)  # told again, it changes nothing
    assert await world.contact_of(asked.account_id) == elsewhere


async def test_of_two_links_of_one_contact_the_one_that_linking_knew_first_stands(
    world: Claims, administrator: Someone, asked: OrganizationClaimed
) -> None:
    contact_id, other = await _a_contact(world, administrator), await world.account("Autre")
    merged = await world.decide(
        await world.request_of(asked), administrator.headers, "merge", contact_id=str(contact_id)
    )
    assert merged.status_code == 200, merged.text
    binding = (await world.told("Contact"))[-1]["binding"]
    since = datetime.fromisoformat(binding["since"])
    ids = {"organization_id": world.employer_id, "contact_id": contact_id}
    linked = ProfileLinked(
        **ids, account_id=other, link_id=uuid7(), method="linking_coordinates", linked_at=since - timedelta(seconds=1)
    )
    never = ProfileUnlinked(
        **ids, account_id=asked.account_id, link_id=UUID(binding["link_id"]), linked_at=since, unlinked_at=since
    )
    await world.opened.unit.run(follow_link, linked, TEST)
    await world.opened.unit.run(follow_unlink, never, TEST)
    assert await world.contact_of(other) == contact_id
    assert await world.contact_of(asked.account_id) is None
    assert not await world.check(asked.account_id, "clearance_letter")
