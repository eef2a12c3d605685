"""A right by mandate is a right like any other: lists, explanations, dates, removal, digests and audit know it."""

import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from chassis import keys
from chassis.sealing import Sealer
from contracts.notifications import EndsDigestContents
from services.authorizations.tests.conftest import Someone
from services.authorizations.tests.mandating import AGENCY, Practices, practices
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


async def explained(world: Practices, mandate: dict[str, Any], delegate: Someone, day: date | None = None) -> Any:
    """What the check says of what was mandated, and why; at noon of a day, or now."""
    context: dict[str, Any] = {"explain": True}
    if day is not None:
        context["at"] = datetime.combine(day, time(12), world.opened.tools.time_zone).astimezone(UTC).isoformat()
    body = {
        "subject": {"type": "account", "id": str(delegate.account_id)},
        "action": {"name": mandate["service"]["level"]},
        "resource": {"type": mandate["service"]["subject"], "id": mandate["organization"]["organization_id"]},
        "context": context,
    }
    headers = {"Authorization": f"Bearer {world.opened.issuer.machine('access:evaluate')}"}
    answer = await world.client.post("/access/v1/evaluation", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(world: Practices, mandate: dict[str, Any]) -> list[tuple[str, bool]]:
    """The row of the mandate in the organization's list of authorizations: its last day, and whether it is in force."""
    organization_id = mandate["organization"]["organization_id"]
    answer = await world.client.get(
        f"/v1/organizations/{organization_id}/authorizations?limit=100", headers=world.physician.headers
    )
    rows = [row for row in answer.json()["items"] if row["mandate_id"] == mandate["mandate_id"]]
    return [(row["ends_on"], row["active"]) for row in rows]


async def filed(world: Practices, mandate: dict[str, Any], delegate: Someone) -> bool:
    """Whether the delegate's own files have the service there."""
    answer = await world.client.get("/v1/authorized-files", headers=delegate.headers)
    return answer.status_code == 200 and mandate["mandate_id"] in answer.text


async def agrees(world: Practices, mandate: dict[str, Any], delegate: Someone, says: bool) -> Any:
    """Check, explanation, lists and the mandate itself say one thing of this moment. Returns the explanation."""
    answer = await explained(world, mandate, delegate)
    assert answer["decision"] is says
    assert answer["context"]["mandate_id"] == mandate["mandate_id"], answer
    assert [active for _, active in await listed(world, mandate)] == [says]
    assert await filed(world, mandate, delegate) is says
    assert (await world.show(mandate["mandate_id"]))["given"]["in_force"] is says
    return answer["context"]


@pytest.mark.parametrize("scope", ["relations", "subjects"])
async def test_a_role_or_a_service_that_is_taken_from_the_delegate_is_over_everywhere(
    world: Practices, scope: str
) -> None:
    person = {"family_name": "Deux", "given_name": "Services", "email": "deux@example.org", "language": "fr"}
    mandate = await world.approved(delegate=person, email="deux@example.org")
    other = await world.approved(delegate=person, email="deux@example.org", service="account_statements")
    delegate = await world.link(UUID(mandate["given"]["contact_id"]))
    for one in (mandate, other):
        await agrees(world, one, delegate, True)
    relation_id = mandate["given"]["relation_id"]
    taken: dict[str, Any] = {
        "relations": {"relations": [relation_id]},
        "subjects": {"subjects": [{"relation_id": relation_id, "subject": "online_billing"}]},
    }[scope]
    removed = await world.client.post(
        f"/v1/contacts/{mandate['given']['contact_id']}/removals",
        json={"scope": scope, "attestations": []} | taken,
        headers=world.physician.headers,
    )
    assert removed.status_code == 200, removed.text
    await agrees(world, mandate, delegate, False)
    await agrees(world, other, delegate, scope == "subjects")


CORRECTION = """
  - code: correct_staff_member
    kind: correction
    category: mandates
    title: {fr: "Corriger un membre du personnel", en: "Correct a staff member"}
    help: {fr: "La fin d’un rôle.", en: "The end of a role."}
    link: {fr: "https://aide.ramq.example/fr/corriger", en: "https://aide.ramq.example/en/correct"}
    who: manages
    fields:
      - code: relations.ends_on
        label: {fr: "Fin du rôle", en: "End of the role"}
        kind: date
        required: false
    attestations: []
"""


async def correcting(open_service: OpenService, folder: Path) -> Practices:
    """Practices of an agency that has the form that corrects too."""
    shutil.copytree(AGENCY, folder)
    with (folder / "forms.yaml").open("a", encoding="utf-8") as forms:
        forms.write(CORRECTION)
    for mail in ("address_replaced.yaml", "contact_corrected.yaml"):
        shutil.copy(AGENCY.parent / "ccq" / "mails" / mail, folder / "mails" / mail)
    return await practices(open_service, agency=folder)


async def correct_end(world: Practices, mandate: dict[str, Any], last: date) -> None:
    """The delegate's function ends on another day."""
    contact_id, relation_id = mandate["given"]["contact_id"], mandate["given"]["relation_id"]
    shown = await world.client.get(f"/v1/contacts/{contact_id}", headers=world.physician.headers)
    corrected = await world.client.patch(
        f"/v1/contacts/{contact_id}",
        json={"attestations": [], "relations": [{"relation_id": relation_id, "ends_on": str(last)}]},
        headers=world.physician.headers | {"If-Match": shown.headers["etag"]},
    )
    assert corrected.status_code == 200, corrected.text


async def test_an_end_that_was_corrected_is_the_end_of_what_was_mandated(
    open_service: OpenService, tmp_path: Path
) -> None:
    world = await correcting(open_service, tmp_path / AGENCY.name)
    mandate, last = await world.approved(), world.today + timedelta(days=20)
    delegate = await world.link(UUID(mandate["given"]["contact_id"]))
    await correct_end(world, mandate, last)
    await agrees(world, mandate, delegate, True)
    assert await listed(world, mandate) == [(str(last), True)]
    assert (await world.show(mandate["mandate_id"]))["given"]["ends_on"] == str(last)
    assert (await explained(world, mandate, delegate, last))["decision"]
    after = await explained(world, mandate, delegate, last + timedelta(days=1))
    assert not after["decision"] and after["context"]["mandate_id"] == mandate["mandate_id"]


async def test_a_mandate_that_would_begin_after_the_end_that_was_corrected_never_comes_into_force(
    open_service: OpenService, tmp_path: Path
) -> None:
    world = await correcting(open_service, tmp_path / AGENCY.name)
    first = world.today + timedelta(days=10)
    mandate = await world.approved(starts_on=str(first))
    await correct_end(world, mandate, first - timedelta(days=5))
    given = (await world.show(mandate["mandate_id"]))["given"]
    assert (given["starts_on"], given["in_force"], given["ended_at"] is not None) == (str(first), False, True)
    renewed = await world.act(mandate["mandate_id"], "renewal", world.physician.headers, language="fr")
    assert renewed.json()["code"] == "mandate_not_in_force"


async def test_whoever_is_kept_out_has_nothing_of_a_mandate_until_they_are_let_in_again(world: Practices) -> None:
    mandate = await world.approved()
    organization_id, contact_id = mandate["organization"]["organization_id"], mandate["given"]["contact_id"]
    delegate, path = await world.link(UUID(contact_id)), f"/v1/organizations/{organization_id}/blocks"
    blocked = await world.client.post(path, json={"contact_id": contact_id}, headers=world.physician.headers)
    assert blocked.status_code == 201, blocked.text
    why = await agrees(world, mandate, delegate, False)
    assert why["reason"]["code"] == "blocked"
    let_in = await world.client.delete(f"{path}/{blocked.json()['block_id']}", headers=world.physician.headers)
    assert let_in.status_code == 204, let_in.text
    await agrees(world, mandate, delegate, True)


async def test_a_mandate_from_a_later_day_says_no_before_it_and_yes_from_it_on(world: Practices) -> None:
    first = world.today + timedelta(days=10)
    mandate = await world.approved(starts_on=str(first), ends_on=str(first + timedelta(days=5)))
    delegate = await world.link(UUID(mandate["given"]["contact_id"]))
    assert mandate["given"]["starts_on"] == str(first)
    await agrees(world, mandate, delegate, False)
    for days, says in ((9, False), (10, True), (15, True), (16, False)):
        answer = await explained(world, mandate, delegate, world.today + timedelta(days=days))
        assert (answer["decision"], days) == (says, days)
        assert answer["context"]["mandate_id"] == mandate["mandate_id"]
