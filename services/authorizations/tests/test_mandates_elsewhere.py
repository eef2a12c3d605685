"""A right by mandate is a right like any other: lists, explanations, dates, removal, digests and audit know it."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from chassis import keys
from chassis.sealing import Sealer
from contracts.notifications import EndsDigestContents
from services.authorizations.tests.mandating import Practices, practices
from services.authorizations.tests.test_notices import told
from tests.fixtures.gateway import OpenService


@pytest.fixture
async def world(open_service: OpenService) -> Practices:
    return await practices(open_service)


async def test_lists_and_authorized_files_show_it_with_its_days(world: Practices) -> None:
    last = world.today + timedelta(days=90)
    mandate = await world.approved(ends_on=str(last))
    given, organization_id = mandate["given"], mandate["organization"]["organization_id"]
    listed = await world.client.get(
        f"/v1/organizations/{organization_id}/authorizations", headers=world.physician.headers
    )
    assert listed.status_code == 200, listed.text
    rows = listed.json()["items"]
    [row] = [row for row in rows if row["contact"] and row["contact"]["contact_id"] == given["contact_id"]]
    assert (row["subject"], row["ends_on"]) == ("online_billing", str(last))
    delegate = await world.link(UUID(given["contact_id"]))
    files = (await world.client.get("/v1/authorized-files", headers=delegate.headers)).json()
    assert "online_billing" in str(files) and organization_id in str(files)


async def test_whoever_manages_the_organization_removes_the_delegate_and_the_mandate_is_over(world: Practices) -> None:
    mandate = await world.approved()
    contact_id = mandate["given"]["contact_id"]
    removed = await world.client.post(
        f"/v1/contacts/{contact_id}/removals",
        json={"scope": "all", "attestations": []},
        headers=world.physician.headers,
    )
    assert removed.status_code in (200, 201), removed.text
    assert not (await world.show(mandate["mandate_id"]))["given"]["in_force"]
    over = await world.act(mandate["mandate_id"], "revocation", world.agent)
    assert over.json()["code"] == "mandate_not_in_force"


async def test_the_audit_of_the_organization_tells_of_each_step(world: Practices) -> None:
    mandate = await world.approved()
    await world.act(mandate["mandate_id"], "revocation", world.agent)
    organization_id = mandate["organization"]["organization_id"]
    audit = await world.client.get(f"/v1/organizations/{organization_id}/audit?limit=100", headers=world.agent)
    assert audit.status_code == 200, audit.text
    actions = [entry["action"] for entry in audit.json()["items"]]
    assert {"request_made", "request_submitted", "mandate_approved", "request_settled", "mandate_revoked"} <= set(
        actions
    )


async def test_those_who_manage_are_told_that_a_mandate_will_end(world: Practices, keyring_folder: Path) -> None:
    [days, *_] = world.opened.tools.agency.notices.ends.days_before
    await world.approved(ends_on=str(world.today + timedelta(days=days)))
    await told(world.opened.unit)
    digests = await world.opened.published("EndsDigestMail")
    [digest] = [mail for mail in digests if mail["recipient_id"] == str(world.physician.contact_id)]
    ring = keys.read(keyring_folder / "notifications.json")
    contents = Sealer(ring, keys.read_public(keyring_folder / "public.json")).open(digest["sealed"], EndsDigestContents)
    [ending] = contents.ends.listed
    assert (ending.subject, ending.function, ending.member_name) == (
        "online_billing", "administrative_staff", "Démo Adjointe",
    )  # fmt: skip


async def test_an_explained_yes_names_the_mandate_that_an_agent_approved(world: Practices) -> None:
    mandate = await world.approved()
    delegate = await world.link(UUID(mandate["given"]["contact_id"]))
    body = {
        "subject": {"type": "account", "id": str(delegate.account_id)},
        "action": {"name": "write"},
        "resource": {"type": "online_billing", "id": mandate["organization"]["organization_id"]},
        "context": {"explain": True},
    }
    headers = {"Authorization": f"Bearer {world.opened.issuer.machine('access:evaluate')}"}
    answer = (await world.client.post("/access/v1/evaluation", json=body, headers=headers)).json()
    assert answer["decision"] and answer["context"]["mandate_id"] == mandate["mandate_id"]
