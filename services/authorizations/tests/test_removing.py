"""Step 5 of the guide: withdrawing; the next check says no, and history stays."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from services.authorizations.tests.conftest import Firm


async def test_after_a_removal_the_very_next_check_says_no(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id)
    assert (await firm.check(member.account_id, "monthly_report", client_id))["decision"]
    assert (await firm.remove(member.contact_id)).status_code == 200
    denied = await firm.check(member.account_id, "monthly_report", client_id, explain=True)
    assert (denied["decision"], denied["context"]["reason"]["code"]) == (False, "membership")


async def test_history_shows_what_was(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id)
    before = datetime.now(UTC).isoformat()
    await firm.remove(member.contact_id)
    contact = (await firm.client.get(f"/v1/contacts/{member.contact_id}", headers=firm.responsible.headers)).json()
    assert contact["active"] is False
    assert [relation["active"] for relation in contact["relations"]] == [False, False]
    assert (await firm.check(member.account_id, "monthly_report", client_id, at=before))["decision"]


async def test_a_removal_of_all_tells_of_the_membership_and_of_nothing_that_hangs_on_it(firm: Firm) -> None:
    member = await firm.member()
    for client_id in firm.clients.values():
        await firm.delegate(member.contact_id, client_id)
    before = len(await firm.opened.published())
    await firm.remove(member.contact_id)
    assert [event["name"] for event in (await firm.opened.published())[before:]] == ["RelationEnded", "Contact"]


async def test_removing_one_delegation_leaves_the_others(firm: Firm) -> None:
    member = await firm.member()
    one, other = firm.clients.values()
    relation_id = (await firm.delegate(member.contact_id, one)).json()["relation_id"]
    await firm.delegate(member.contact_id, other)
    await firm.remove(member.contact_id, scope="relations", relations=[relation_id])
    assert not (await firm.check(member.account_id, "profile", one))["decision"]
    assert (await firm.check(member.account_id, "profile", other))["decision"]
    ended = (await firm.opened.published("RelationEnded"))[-1]
    assert (ended["relation_id"], ended["organization_id"]) == (relation_id, str(one))


async def test_removing_one_subject_leaves_the_relation(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    chosen = [{"subject": subject, "level": "write"} for subject in ("profile", "monthly_report")]
    relation_id = (await firm.delegate(member.contact_id, client_id, subjects=chosen)).json()["relation_id"]
    subjects = [{"relation_id": relation_id, "subject": "profile"}]
    assert (await firm.remove(member.contact_id, scope="subjects", subjects=subjects)).status_code == 200
    assert not (await firm.check(member.account_id, "profile", client_id))["decision"]
    assert (await firm.check(member.account_id, "monthly_report", client_id))["decision"]


async def test_one_subject_cannot_be_taken_from_a_delegation_of_all(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    relation_id = (await firm.delegate(member.contact_id, client_id)).json()["relation_id"]
    subjects = [{"relation_id": relation_id, "subject": "profile"}]
    refused = await firm.remove(member.contact_id, scope="subjects", subjects=subjects)
    assert (refused.status_code, refused.json()["code"]) == (422, "all_subjects_delegated")


async def test_a_preview_changes_nothing_and_says_what_the_removal_will_do(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id)
    before = len(await firm.opened.published())
    preview = (await firm.remove(member.contact_id, preview=True, attestations=[])).json()
    assert len(await firm.opened.published()) == before
    assert (await firm.check(member.account_id, "monthly_report", client_id))["decision"]
    removed = (await firm.remove(member.contact_id)).json()
    assert len(preview["lost"]) == 6 and removed["lost"] == preview["lost"]


async def test_adding_again_revives_nothing(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id)
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
    assert not (await firm.check(member.account_id, "monthly_report", client_id))["decision"]
    assert (await firm.check(member.account_id, "profile", firm.firm_id, "read"))["decision"]
    assert (await firm.delegate(member.contact_id, client_id)).status_code == 201
    assert (await firm.check(member.account_id, "monthly_report", client_id))["decision"]


async def test_the_last_responsible_person_cannot_be_removed(firm: Firm) -> None:
    refused = await firm.remove(firm.responsible.contact_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "last_manager")


async def test_two_responsible_persons_cannot_remove_each_other_at_once(firm: Firm) -> None:
    added = await firm.add_member(type="responsible_person")
    second = await firm.link(UUID(added.json()["contact_id"]))
    body = {"scope": "all", "attestations": await firm.attestations("removal")}
    answers = await asyncio.gather(
        firm.client.post(f"/v1/contacts/{second.contact_id}/removals", json=body, headers=firm.responsible.headers),
        firm.client.post(f"/v1/contacts/{firm.responsible.contact_id}/removals", json=body, headers=second.headers),
    )
    assert sorted(answer.status_code for answer in answers)[0] == 200
    managers = await firm.opened.unit.pool.fetchval(
        "select count(*) from relations where type = 'responsible_person' and organization_id = $1"
        " and upper_inf(recorded) and ended_at is null",
        firm.firm_id,
    )
    assert managers == 1


async def test_a_removed_manager_manages_no_more(firm: Firm) -> None:
    added = await firm.add_member(type="responsible_person")
    second = await firm.link(UUID(added.json()["contact_id"]))
    await firm.remove(second.contact_id)
    refused = await firm.add_member(headers=second.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "profile_not_yours")


async def test_removing_twice_is_refused(firm: Firm) -> None:
    member = await firm.member()
    await firm.remove(member.contact_id)
    refused = await firm.remove(member.contact_id)
    assert (refused.status_code, refused.json()["code"]) == (422, "nothing_to_remove")


async def test_another_firms_contact_cannot_be_removed(firm: Firm) -> None:
    client = await firm.link(await firm.contact("3000003"))
    body = {"scope": "all", "attestations": await firm.attestations("removal")}
    refused = await firm.client.post(
        f"/v1/contacts/{firm.responsible.contact_id}/removals", json=body, headers=client.headers
    )
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_versions_close_and_insert_and_never_change_what_was_recorded(firm: Firm) -> None:
    member = await firm.member()
    await firm.remove(member.contact_id)
    rows = await firm.opened.unit.pool.fetch(
        "select version, ended_at is not null as ended, upper(recorded) as until, lower(recorded) as since"
        " from relations where holder_id = $1 order by version",
        member.contact_id,
    )
    assert [(row["version"], row["ended"]) for row in rows] == [(1, False), (2, True)]
    assert rows[0]["until"] == rows[1]["since"] and rows[1]["until"] is None


async def test_each_file_concerned_tells_of_the_addition_and_of_the_removal(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    relation_id = (await firm.delegate(member.contact_id, client_id)).json()["relation_id"]
    await firm.remove(member.contact_id, scope="relations", relations=[relation_id])
    for organization_id in (firm.firm_id, client_id):
        rows = await firm.opened.unit.pool.fetch(
            "select action, actor_id, profile_id, data_version from audit"
            " where organization_id = $1 and actor_kind = 'account' and action like 'relation%' order by id",
            organization_id,
        )
        assert [row["action"] for row in rows] == ["relation_added", "relations_removed"]
        assert {row["profile_id"] for row in rows} == {firm.responsible.contact_id}
        assert {row["data_version"] for row in rows} == {firm.opened.tools.agency.version}
