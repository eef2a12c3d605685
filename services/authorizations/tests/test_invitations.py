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
from contracts.notifications import InvitationContents
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.deciding.chores import lapse_overdue, remind_deciders
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


async def an_account(employer: Employer, email: str = ADDRESS.lower()) -> Account:
    """Somebody whose address accounts has verified."""
    account_id = uuid7()
    person = Person(
        account_id=account_id, version=1, status="active", status_since=datetime.now(UTC) - timedelta(days=1), epoch=0,
        email=email, given_name="Démo", family_name="Invitée", language="fr",
    )  # fmt: skip
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
    assert len(await tokens()) == 2  # the invitation, and one reminder
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
