"""Simple tasks: subjects of scope self, which any active account has for itself before any organization is linked."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from uuid_utils.compat import uuid7

from contracts.accounts import Person
from local import ROOT
from services.authorizations.accounts.handlers import follow_account, forget_account
from services.authorizations.app import service
from services.authorizations.tests.conftest import TEST
from services.authorizations.tools import Tools
from tests.fixtures.gateway import Opened, OpenService

OPENED_AT = datetime.now(UTC) - timedelta(days=10)


@pytest.fixture
async def wsscc(open_service: OpenService) -> Opened[Tools]:
    return await open_service(service, agency=ROOT / "agencies" / "wsscc")


async def told(wsscc: Opened[Tools], account_id: UUID, version: int = 1, **changes: Any) -> UUID:
    """What accounts tells of an account."""
    fields: dict[str, Any] = {
        "status": "active", "status_since": OPENED_AT, "epoch": 0, "email": "worker@aurora.example",
        "given_name": "Demo", "family_name": "Worker", "language": "en",
    }  # fmt: skip
    person = Person(account_id=account_id, version=version, **fields | changes)
    await wsscc.unit.run(follow_account, person, TEST)
    return account_id


async def asked(
    wsscc: Opened[Tools], account_id: UUID, resource: object, subject: str = "clearance_check", **context: Any
) -> dict[str, Any]:
    """What another system is answered."""
    answer = await ask(wsscc, account_id, resource, wsscc.issuer.machine("access:evaluate"), subject, **context)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def ask(
    wsscc: Opened[Tools],
    account_id: UUID,
    resource: object,
    token: str,
    subject: str = "clearance_check",
    **context: Any,
) -> httpx.Response:
    question = {
        "subject": {"type": "account", "id": str(account_id)},
        "action": {"name": "write"},
        "resource": {"type": subject, "id": str(resource)},
        "context": context,
    }
    return await wsscc.client.post("/access/v1/evaluation", json=question, headers={"Authorization": f"Bearer {token}"})


async def test_any_active_account_may_before_any_employer_is_added(wsscc: Opened[Tools]) -> None:
    account_id = await told(wsscc, uuid7())
    assert await asked(wsscc, account_id, account_id) == {"decision": True}
    own = wsscc.issuer.person(account_id)
    assert (await ask(wsscc, account_id, account_id, own, "own_injury_report")).json() == {"decision": True}


async def test_nobody_may_for_another_account_nor_for_an_organization(wsscc: Opened[Tools]) -> None:
    account_id, other = await told(wsscc, uuid7()), await told(wsscc, uuid7())
    for resource in (other, uuid7(), "employer:410001", "me"):
        answer = await asked(wsscc, account_id, resource, explain=True)
        assert (answer["decision"], answer["context"]["reason"]["code"]) == (False, "oneself")
    assert "Verify a clearance letter" in answer["context"]["reason"]["en"]
    assert (await ask(wsscc, other, other, wsscc.issuer.person(account_id))).status_code == 403


async def test_an_account_that_is_deactivated_forgotten_or_not_known_may_not(wsscc: Opened[Tools]) -> None:
    closed, forgotten = await told(wsscc, uuid7()), await told(wsscc, uuid7())
    closed_at = datetime.now(UTC) - timedelta(days=1)
    await told(wsscc, closed, 2, status="deactivated", status_since=closed_at)
    await wsscc.unit.run(forget_account, forgotten, TEST)
    for account_id in (closed, forgotten, uuid7()):
        answer = await asked(wsscc, account_id, account_id, explain=True)
        assert (answer["decision"], answer["context"]["reason"]["code"]) == (False, "account")
    before = (closed_at - timedelta(hours=1)).isoformat()
    assert (await asked(wsscc, closed, closed, at=before))["decision"]
    assert not (await asked(wsscc, closed, closed, at=(OPENED_AT - timedelta(hours=1)).isoformat()))["decision"]


async def test_an_explained_yes_rests_on_the_account_alone(wsscc: Opened[Tools]) -> None:
    account_id = await told(wsscc, uuid7())
    answer = await asked(wsscc, account_id, account_id, explain=True)
    assert [(link["link"], link["holds"]) for link in answer["context"]["chain"]] == [
        ("oneself", True),
        ("account", True),
    ]


async def test_a_batch_answers_about_oneself_and_about_organizations_in_order(wsscc: Opened[Tools]) -> None:
    account_id = await told(wsscc, uuid7())
    batch = {
        "subject": {"type": "account", "id": str(account_id)},
        "action": {"name": "read"},
        "evaluations": [
            {"resource": {"type": subject, "id": resource}}
            for subject, resource in (
                ("clearance_letter", "employer:410001"),
                ("clearance_check", str(account_id)),
                ("clearance_letter", str(account_id)),
                ("own_injury_report", str(account_id)),
            )
        ],
    }
    token = wsscc.issuer.machine("access:evaluate")
    answer = await wsscc.client.post("/access/v1/evaluations", json=batch, headers={"Authorization": f"Bearer {token}"})
    assert [one["decision"] for one in answer.json()["evaluations"]] == [False, True, False, True]


@pytest.mark.parametrize(("language", "name"), [("fr", "Mon rapport d’accident"), ("en", "My report of injury")])
async def test_a_person_without_any_profile_sees_what_they_may_do(
    wsscc: Opened[Tools], language: str, name: str
) -> None:
    account_id = await told(wsscc, uuid7())
    headers = {"Authorization": f"Bearer {wsscc.issuer.person(account_id)}", "Accept-Language": language}
    shown = (await wsscc.client.get("/v1/own-subjects", headers=headers)).json()
    assert (shown["account_id"], shown["total"]) == (str(account_id), 2)
    assert [item["subject"] for item in shown["items"]] == ["own_injury_report", "clearance_check"]
    assert shown["items"][0]["name"] == name
