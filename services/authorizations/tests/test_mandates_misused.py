"""An approved mandate, used and misused: who it is named to, who reports, what a closed account means for it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.accounts import Person
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.tests.conftest import TEST, Someone
from services.authorizations.tests.mandating import Practices, practices
from tests.fixtures.gateway import OpenService


@pytest.fixture
async def world(open_service: OpenService) -> Practices:
    return await practices(open_service)


@pytest.fixture
async def mandate(world: Practices) -> dict[str, Any]:
    return await world.approved()


@pytest.fixture
async def delegate(world: Practices, mandate: dict[str, Any]) -> Someone:
    return await world.link(UUID(mandate["given"]["contact_id"]))


async def explained(world: Practices, account_id: UUID, mandate: dict[str, Any]) -> dict[str, Any]:
    answer = await world.client.post(
        "/access/v1/evaluation",
        json={
            "subject": {"type": "account", "id": str(account_id)},
            "action": {"name": "write"},
            "resource": {"type": "online_billing", "id": mandate["organization"]["organization_id"]},
            "context": {"explain": True},
        },
        headers={"Authorization": f"Bearer {world.opened.issuer.machine('access:evaluate')}"},
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def report(world: Practices, headers: dict[str, str], mandate: dict[str, Any]) -> httpx.Response:
    body = {"mandate_id": mandate["mandate_id"], "reason": "shared_credentials", "words": "Deux voix au téléphone."}
    return await world.client.post("/v1/reports", json=body, headers=headers)


async def reviews(world: Practices) -> list[dict[str, Any]]:
    listed = (await world.client.get("/v1/requests?kind=review", headers=world.agent)).json()["items"]
    return [row["asked"]["misuse"] for row in listed if row["reason"] == "misuse"]


async def status(world: Practices, someone: Someone, status: Any, version: int) -> None:
    """Accounts tells that the account is closed, or open again."""
    person = Person(
        account_id=someone.account_id, version=version, status=status, epoch=version, status_since=datetime.now(UTC),
        email="adjointe@example.org", given_name="Démo", family_name="Adjointe", language="fr",
    )  # fmt: skip
    await world.opened.unit.run(follow_account, person, TEST)


async def test_a_check_names_the_mandate_while_it_is_in_force_and_after_it_was_revoked(
    world: Practices, mandate: dict[str, Any], delegate: Someone
) -> None:
    yes = await explained(world, delegate.account_id, mandate)
    assert (yes["decision"], yes["context"]["mandate_id"]) == (True, mandate["mandate_id"])
    assert yes["context"]["mandate"]["starts_on"] == str(world.today)
    revoked = await world.act(mandate["mandate_id"], "revocation", world.physician.headers)
    assert revoked.status_code == 200, revoked.text
    no = await explained(world, delegate.account_id, mandate)
    assert (no["decision"], no["context"].get("mandate_id")) == (False, mandate["mandate_id"])


async def test_the_audit_says_once_a_day_that_the_mandate_was_used_and_by_whom(
    world: Practices, mandate: dict[str, Any], delegate: Someone
) -> None:
    for _ in range(2):
        assert (await explained(world, delegate.account_id, mandate))["decision"]
    path = f"/v1/organizations/{mandate['organization']['organization_id']}/audit?action=mandate_used"
    [entry] = (await world.client.get(path, headers=world.physician.headers)).json()["items"]
    assert entry["about"]["contact_id"] == str(delegate.contact_id)
    assert entry["detail"] == {"mandate_id": mandate["mandate_id"], "subject": "online_billing"}


async def test_either_side_and_an_agent_report_by_the_mandate_and_nobody_elses_professional_does(
    world: Practices, mandate: dict[str, Any], delegate: Someone
) -> None:
    stranger = await report(world, world.dentist.headers, mandate)
    assert (stranger.status_code, stranger.json()["code"]) == (404, "not_found")
    for headers in (world.physician.headers, delegate.headers, world.agent):
        assert (await report(world, headers, mandate)).status_code == 201
    [review] = await reviews(world)
    assert review["account_id"] == str(delegate.account_id)
    assert [one["mandate_id"] for one in review["evidence"]] == [mandate["mandate_id"]] * 3


async def test_the_professional_hears_that_the_account_is_closed_and_open_again_and_no_other_does(
    world: Practices, mandate: dict[str, Any], delegate: Someone
) -> None:
    await status(world, delegate, "deactivated", 2)
    no = await explained(world, delegate.account_id, mandate)
    assert (no["decision"], no["context"]["reason"]["code"]) == (False, "account")
    await status(world, delegate, "active", 3)
    for kind in ("MandatedAccountClosedMail", "MandatedAccountReopenedMail"):
        [mail] = await world.opened.published(kind)
        assert mail["recipient_id"] == str(world.physician.contact_id)
    assert (await explained(world, delegate.account_id, mandate))["decision"]


async def test_nobody_hears_of_the_account_once_the_mandate_is_revoked(
    world: Practices, mandate: dict[str, Any], delegate: Someone
) -> None:
    assert (await world.act(mandate["mandate_id"], "revocation", world.physician.headers)).status_code == 200
    await status(world, delegate, "deactivated", 2)
    assert await world.opened.published("MandatedAccountClosedMail") == []
