"""Inviting somebody by e-mail: no approval once the same address is verified; reminder, lapse, withdrawal, block."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from uuid_utils.compat import uuid7

from chassis import keys
from chassis.sealing import Sealer
from contracts.accounts import Person
from contracts.linking import OrganizationClaimed
from contracts.notifications import InvitationContents
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.claims.handlers import follow_claim
from services.authorizations.deciding.chores import lapse_overdue, remind_deciders
from services.authorizations.statuses import set_status
from services.authorizations.tests.conftest import TEST
from services.authorizations.tests.employers import Employer, an_employer
from tests.fixtures.gateway import OpenService

ADDRESS = "Invitee@Example.org"


@pytest.fixture
async def employer(open_service: OpenService, tmp_path: Path) -> Employer:
    return await an_employer(open_service, tmp_path)


async def invite(employer: Employer, headers: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
    body = {
        "email": ADDRESS, "name": "Démo Invitée", "language": "fr", "type": "worker",
        "subjects": [{"subject": "clearance_letter", "level": "write"}],
    }  # fmt: skip
    return await employer.post("invitations", headers or employer.administrator.headers, **body | changes)


@dataclass
class Account:
    account_id: UUID
    headers: dict[str, str]


async def an_account(employer: Employer, email: str = ADDRESS.lower(), **changes: Any) -> Account:
    """Somebody whose address accounts has verified."""
    account_id = uuid7()
    values: dict[str, Any] = {
        "account_id": account_id, "version": 1, "status": "active",
        "status_since": datetime.now(UTC) - timedelta(days=1), "epoch": 0,
        "email": email, "given_name": "Démo", "family_name": "Invitée", "language": "fr",
    }  # fmt: skip
    person = Person(**values | changes)
    await employer.at.opened.unit.run(follow_account, person, TEST)
    token = employer.at.opened.issuer.person(account_id)
    return Account(account_id, {"Authorization": f"Bearer {token}", "Accept-Language": "fr"})


Tokens = Callable[[], Awaitable[list[str]]]


@pytest.fixture
def tokens(employer: Employer, keyring_folder: Path) -> Tokens:
    """The tokens of the mails that were asked for, as their reader has them."""
    sealer = Sealer(keys.read(keyring_folder / "notifications.json"), keys.read_public(keyring_folder / "public.json"))

    async def read() -> list[str]:
        mails = await employer.at.opened.published("InvitationMail")
        return [sealer.open(mail["sealed"], InvitationContents).token for mail in mails]

    return read


async def accept(employer: Employer, account: Account, token: str) -> httpx.Response:
    return await employer.at.client.post("/v1/invitations/acceptance", json={"token": token}, headers=account.headers)


async def test_whoever_has_the_address_accepts_without_an_approval_and_may_act_at_once(
    employer: Employer, tokens: Tokens
) -> None:
    invited = await invite(employer)
    assert invited.status_code == 201, invited.text
    [token] = await tokens()
    account = await an_account(employer)

    accepted = await accept(employer, account, token)

    assert accepted.status_code == 200, accepted.text
    answer = await employer.at.check(account.account_id, "clearance_letter", employer.organization_id)
    assert answer["decision"]
    contact_id = accepted.json()["contact_id"]
    [state] = [s for s in (await employer.at.opened.published("Contact")) if s["contact_id"] == contact_id][-1:]
    assert (state["binding"]["account_id"], state["functions"][0]["type"]) == (str(account.account_id), "worker")
    request = await employer.at.client.get(
        f"/v1/requests/{invited.json()['request_id']}", headers=employer.administrator.headers
    )
    assert (request.json()["state"], request.json()["outcome"]) == ("decided", "approve")
    again = await accept(employer, await an_account(employer), token)
    assert (again.status_code, again.json()["code"]) == (409, "invitation_over")


async def test_another_address_is_refused_and_consumes_nothing(employer: Employer, tokens: Tokens) -> None:
    await invite(employer)
    [token] = await tokens()
    other = await an_account(employer, "somebody@example.org")

    refused = await accept(employer, other, token)

    assert (refused.status_code, refused.json()["code"]) == (403, "invitation_for_another")
    assert ADDRESS.lower() not in refused.text.lower()
    assert (await accept(employer, await an_account(employer), token)).status_code == 200


async def test_an_invitation_is_refused_to_whom_the_organization_keeps_out(employer: Employer, tokens: Tokens) -> None:
    await invite(employer)
    [token] = await tokens()
    account = await an_account(employer)
    blocked = await employer.post(
        "blocks", employer.agent, account_id=str(account.account_id), reason="misuse_suspected"
    )
    assert blocked.status_code == 201, blocked.text

    refused = await accept(employer, account, token)

    assert (refused.status_code, refused.json()["code"]) == (403, "access_blocked")
    again = await invite(employer)
    assert (again.status_code, again.json()["code"]) == (409, "contact_blocked")


async def test_it_is_withdrawn_and_its_link_leads_nowhere(employer: Employer, tokens: Tokens) -> None:
    request_id = (await invite(employer)).json()["request_id"]
    [token] = await tokens()
    withdrawn = await employer.at.client.post(
        f"/v1/requests/{request_id}/withdrawal", headers=employer.administrator.headers
    )
    assert withdrawn.status_code == 200, withdrawn.text
    refused = await accept(employer, await an_account(employer), token)
    assert (refused.status_code, refused.json()["code"]) == (409, "invitation_over")
    assert (await invite(employer)).status_code == 201  # another one


async def test_it_reminds_and_lapses_as_the_agencys_data_say(employer: Employer, tokens: Tokens) -> None:
    request_id = (await invite(employer)).json()["request_id"]
    unit = employer.at.opened.unit
    today = employer.at.opened.tools.moment(datetime.now(UTC)).day
    await unit.pool.execute("update requests set lapses_on = $2 where request_id = $1", UUID(request_id),
                            today + timedelta(days=4))  # fmt: skip
    await remind_deciders(unit)
    await remind_deciders(unit)
    older, _ = await tokens()  # the invitation, and one reminder, by which alone it is accepted now
    refused = await accept(employer, await an_account(employer), older)
    assert (refused.status_code, refused.json()["code"]) == (409, "invitation_over")
    await unit.pool.execute("update requests set lapses_on = $2 where request_id = $1", UUID(request_id),
                            today - timedelta(days=1))  # fmt: skip
    for token in await tokens():
        refused = await accept(employer, await an_account(employer), token)
        assert (refused.status_code, refused.json()["code"]) == (409, "invitation_over")
    await lapse_overdue(unit)
    [told] = await employer.at.opened.published("RequestDecidedMail")
    assert (told["recipient_id"], told["outcome"]) == (str(employer.administrator.contact_id), "lapse")


async def test_only_those_who_manage_invite_and_nobody_twice(employer: Employer) -> None:
    assert (await invite(employer, employer.worker.headers)).json()["code"] == "not_permitted"
    assert (await invite(employer, type="nobody")).json()["code"] == "unknown_relation_type"
    assert (await invite(employer)).status_code == 201
    twice = await invite(employer, email=ADDRESS.upper())
    assert (twice.status_code, twice.json()["code"]) == (409, "already_invited")


async def test_it_is_over_once_whoever_sent_it_no_longer_manages(employer: Employer, tokens: Tokens) -> None:
    await employer.appoint(employer.worker)
    await invite(employer, employer.worker.headers)
    [token] = await tokens()
    assert (await employer.release(employer.worker)).status_code == 204

    refused = await accept(employer, await an_account(employer), token)

    assert (refused.status_code, refused.json()["code"]) == (409, "invitation_over")


async def test_an_account_of_another_address_and_one_of_which_nothing_is_known_are_refused_alike(
    employer: Employer, tokens: Tokens
) -> None:
    await invite(employer)
    [token] = await tokens()
    other, unknown = await an_account(employer, "somebody@example.org"), uuid7()
    issued = employer.at.opened.issuer.person(unknown)
    headers = {"Authorization": f"Bearer {issued}", "Accept-Language": "fr"}
    answers = [await accept(employer, account, token) for account in (other, Account(unknown, headers))]
    assert answers[0].content == answers[1].content and answers[0].json()["code"] == "invitation_for_another"


async def test_who_came_by_a_door_for_others_is_refused_and_the_invitation_stays(
    employer: Employer, tokens: Tokens
) -> None:
    await invite(employer)
    [token] = await tokens()
    refused = await accept(employer, await an_account(employer, door="elsewhere"), token)
    assert (refused.status_code, refused.json()["code"]) == (403, "other_door")
    assert (await accept(employer, await an_account(employer, door="connect"), token)).status_code == 200


async def a_known_contact(employer: Employer, email: str) -> tuple[str, str]:
    """A worker whom nobody is yet, with payments to read: the contact's id and family name."""
    person = employer.at.stranger() | {"email": email}
    body = {
        "contact": person, "type": "worker", "subjects": [{"subject": "payments", "level": "read"}],
        "attestations": await employer.at.attestations("addition"),
    }  # fmt: skip
    added = await employer.post("contacts", employer.administrator.headers, **body)
    assert added.status_code == 201, added.text
    return added.json()["contact_id"], person["family_name"]


async def standing(employer: Employer, account: Account) -> list[tuple[str, str]]:
    """The subjects that an account has, each with its level."""
    rows = await employer.at.opened.unit.pool.fetch(
        "select r.subject, r.level::text from bindings b join relations h on h.holder_id = b.contact_id"
        " join rights r using (relation_id) where b.account_id = $1 and upper_inf(b.recorded)"
        " and upper_inf(h.recorded) and upper_inf(r.recorded) order by r.subject",
        account.account_id,
    )
    return [(row["subject"], row["level"]) for row in rows]


@pytest.mark.parametrize("function", ["worker", "representative"])
async def test_who_stands_there_already_by_name_and_verified_address_is_that_contact_and_no_second_one(
    employer: Employer, tokens: Tokens, function: str
) -> None:
    contact_id, family_name = await a_known_contact(employer, ADDRESS.lower())
    await invite(employer, type=function)
    [token] = await tokens()
    account = await an_account(employer, family_name=family_name.upper())

    accepted = await accept(employer, account, token)

    assert (accepted.status_code, accepted.json()["contact_id"]) == (200, contact_id), accepted.text
    assert await standing(employer, account) == [("clearance_letter", "write"), ("payments", "read")]
    [state] = [s for s in (await employer.at.opened.published("Contact")) if s["contact_id"] == contact_id][-1:]
    assert {held["type"] for held in state["functions"]} == {"worker", function}
    assert state["binding"]["account_id"] == str(account.account_id)
    of_that_address = (
        "select count(*) from personal_fields p join contacts c on c.contact_id = p.owner_id where p.email = $1"
    )
    assert await employer.at.opened.unit.pool.fetchval(of_that_address, ADDRESS.lower()) == 1


async def test_who_shares_an_address_and_has_other_names_is_somebody_else(employer: Employer, tokens: Tokens) -> None:
    contact_id, _ = await a_known_contact(employer, ADDRESS.lower())
    await invite(employer)
    [token] = await tokens()
    accepted = await accept(employer, await an_account(employer), token)
    assert accepted.status_code == 200 and accepted.json()["contact_id"] != contact_id


async def test_where_somebody_only_looks_alike_those_who_manage_say_whether_it_is_the_same_person(
    employer: Employer, tokens: Tokens
) -> None:
    contact_id, family_name = await a_known_contact(employer, "office@example.org")
    await invite(employer)
    [token] = await tokens()
    account = await an_account(employer, family_name=family_name)

    asked = await accept(employer, account, token)

    assert asked.status_code == 202, asked.text
    assert await standing(employer, account) == []
    path = f"/v1/requests/{asked.json()['request_id']}"
    assert asked.headers["location"] == path
    assert (await employer.at.client.get(path, headers=account.headers)).json()["state"] == "submitted"
    shown = await employer.at.client.get(path, headers=employer.administrator.headers)
    assert shown.json()["asked"]["type"] == "worker"
    assert [given["subject"] for given in shown.json()["asked"]["subjects"]] == ["clearance_letter"]
    assert (await accept(employer, account, token)).json()["code"] == "invitation_over"
    headers = employer.administrator.headers | {"If-Match": shown.headers["etag"]}
    merged = await employer.at.client.post(
        f"{path}/decision", json={"outcome": "merge", "contact_id": contact_id}, headers=headers
    )
    assert merged.status_code == 200, merged.text
    assert await standing(employer, account) == [("payments", "read")]


async def test_who_only_looks_alike_and_is_somebody_else_gets_what_was_offered(
    employer: Employer, tokens: Tokens
) -> None:
    contact_id, family_name = await a_known_contact(employer, "office@example.org")
    await invite(employer, type="representative")
    [token] = await tokens()
    account = await an_account(employer, family_name=family_name)
    path = f"/v1/requests/{(await accept(employer, account, token)).json()['request_id']}"
    shown = await employer.at.client.get(path, headers=employer.administrator.headers)
    headers = employer.administrator.headers | {"If-Match": shown.headers["etag"]}
    approved = await employer.at.client.post(f"{path}/decision", json={"outcome": "approve"}, headers=headers)
    assert approved.status_code == 200, approved.text
    assert await standing(employer, account) == [("clearance_letter", "write")]
    states = await employer.at.opened.published("Contact")
    [bound] = [s for s in states if (s["binding"] or {}).get("account_id") == str(account.account_id)]
    assert bound["contact_id"] != contact_id and bound["functions"][0]["type"] == "representative"


async def test_a_contact_who_is_kept_out_accepts_nothing_even_before_anybody_is_that_contact(
    employer: Employer, tokens: Tokens
) -> None:
    contact_id, family_name = await a_known_contact(employer, ADDRESS.lower())
    await invite(employer)
    [token] = await tokens()
    blocked = await employer.post("blocks", employer.administrator.headers, contact_id=contact_id)
    assert blocked.status_code == 201, blocked.text
    refused = await accept(employer, await an_account(employer, family_name=family_name), token)
    assert (refused.status_code, refused.json()["code"]) == (403, "access_blocked")


async def test_nobody_is_invited_who_is_a_contact_there_already(employer: Employer) -> None:
    theirs = f"{employer.worker.account_id.hex}@EXAMPLE.org"
    refused = await invite(employer, email=theirs)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_a_contact")
    assert refused.json()["next"]["href"] == f"/v1/contacts/{employer.worker.contact_id}/relations"


async def test_the_mail_leads_to_where_whoever_invites_began(employer: Employer) -> None:
    began = Person(
        account_id=employer.administrator.account_id, version=2, status="active", epoch=0, portal="nu",
        status_since=datetime.now(UTC) - timedelta(days=1), email="admin@example.org", given_name="Démo",
        family_name="Personne", language="fr",
    )  # fmt: skip
    await employer.at.opened.unit.run(follow_account, began, TEST)
    request_id = (await invite(employer)).json()["request_id"]
    await due_for_a_reminder(employer, request_id)
    await remind_deciders(employer.at.opened.unit)
    mails = await employer.at.opened.published("InvitationMail")
    assert [mail["portal"] for mail in mails] == ["nu", "nu"]


async def due_for_a_reminder(employer: Employer, request_id: str) -> None:
    """Four days before the last one."""
    today = employer.at.opened.tools.moment(datetime.now(UTC)).day
    await employer.at.opened.unit.pool.execute(
        "update requests set lapses_on = $2 where request_id = $1", UUID(request_id), today + timedelta(days=4)
    )


async def inactive(employer: Employer) -> None:
    async with employer.at.opened.unit.pool.acquire() as connection:
        now = datetime.now(UTC)
        await set_status(connection, employer.organization_id, False, now, now)


async def released(employer: Employer) -> None:
    assert (await employer.release(employer.worker)).status_code == 204


async def blocked(employer: Employer) -> None:
    account = await an_account(employer)
    done = await employer.post("blocks", employer.agent, account_id=str(account.account_id), reason="misuse_suspected")
    assert done.status_code == 201, done.text


async def come_otherwise(employer: Employer) -> None:
    contact_id, _ = await a_known_contact(employer, "somebody@example.org")
    came = await employer.at.link(UUID(contact_id))
    person = Person(
        account_id=came.account_id, version=2, status="active", epoch=0, email=ADDRESS, given_name="Démo",
        status_since=datetime.now(UTC) - timedelta(days=1), family_name="Personne", language="fr",
    )  # fmt: skip
    await employer.at.opened.unit.run(follow_account, person, TEST)


async def nothing(employer: Employer) -> None:
    del employer


@pytest.mark.parametrize(
    ("happened", "reminded"), [(nothing, 1), (inactive, 0), (released, 0), (blocked, 0), (come_otherwise, 0)]
)
async def test_nobody_is_reminded_of_an_invitation_that_could_not_be_accepted(
    employer: Employer, happened: Callable[[Employer], Awaitable[None]], reminded: int
) -> None:
    await employer.appoint(employer.worker)
    request_id = (await invite(employer, employer.worker.headers)).json()["request_id"]
    await due_for_a_reminder(employer, request_id)
    await happened(employer)
    await remind_deciders(employer.at.opened.unit)
    assert len(await employer.at.opened.published("InvitationMail")) == 1 + reminded


async def ask_for_access(employer: Employer, account: Account) -> tuple[OrganizationClaimed, str]:
    """Ask as whoever claims the employer does: the claim, and its request."""
    unit = employer.at.opened.unit
    claimed = OrganizationClaimed(
        organization_id=employer.organization_id, claim_id=uuid7(), account_id=account.account_id,
        method="organization_code", capacity="worker", proven=False, locked=False,
        lapses_on=employer.at.opened.tools.moment(datetime.now(UTC)).day + timedelta(days=30),
    )  # fmt: skip
    await unit.run(follow_claim, claimed, TEST)
    found = await unit.pool.fetchval("select request_id from requests where claim_id = $1", claimed.claim_id)
    return claimed, str(found)


@pytest.mark.parametrize("looks_alike", [False, True])
async def test_accepting_withdraws_what_the_account_had_asked_there_so_that_one_request_waits_at_most(
    employer: Employer, tokens: Tokens, looks_alike: bool
) -> None:
    _, family_name = await a_known_contact(employer, "office@example.org")
    account = await an_account(employer, **{"family_name": family_name} if looks_alike else {})
    claimed, request_id = await ask_for_access(employer, account)
    assert (await invite(employer)).status_code == 201

    answer = await accept(employer, account, (await tokens())[-1])

    assert answer.status_code == (202 if looks_alike else 200), answer.text
    path = f"/v1/requests/{request_id}"
    shown = await employer.at.client.get(path, headers=employer.administrator.headers)
    assert shown.json()["state"] == "withdrawn"
    assert [e["claim_id"] for e in await employer.at.opened.published("RequestWithdrawn")] == [str(claimed.claim_id)]
    told = await employer.at.opened.published("AccessDecidedMail")
    assert [(mail["recipient_id"], mail["outcome"]) for mail in told] == [(str(account.account_id), "withdraw")]
    late = await employer.at.client.post(
        f"{path}/decision", json={"outcome": "approve"},
        headers=employer.administrator.headers | {"If-Match": shown.headers["etag"]},
    )  # fmt: skip
    assert (late.status_code, late.json()["code"]) == (409, "request_not_pending")
    waiting = await employer.at.opened.unit.pool.fetch(
        "select request_id::text from requests where asked_by_account_id = $1 and state = 'submitted'",
        account.account_id,
    )
    assert [row["request_id"] for row in waiting] == ([answer.json()["request_id"]] if looks_alike else [])
