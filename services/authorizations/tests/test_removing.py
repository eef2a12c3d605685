"""Step 5 of the guide: withdrawing; the next check says no, and history stays."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from chassis import keys
from chassis.sealing import Sealer
from contracts.linking import ProfileLinked
from contracts.notifications import MemberLeftContents
from services.authorizations.bindings.handlers import follow_link
from services.authorizations.tests.conftest import DELEGABLE, TEST, Firm, Someone


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
    ended, state = (await firm.opened.published())[before:]
    assert (ended["name"], state["name"]) == ("RelationEnded", "Contact")
    assert (state["functions"], state["manages"]) == ([], [])  # so nobody becomes this contact any more


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
    assert (len(preview["lost"]["items"]), preview["lost"]["total"], preview["delegations"]) == (6, 6, 1)
    assert removed == preview | {"preview": False, "lost": None}


async def test_a_preview_is_read_page_by_page_client_by_client_and_leaves_nothing_out(firm: Firm) -> None:
    member = await firm.member()
    for client_id in firm.clients.values():
        await firm.delegate(member.contact_id, client_id)
    whole = (await firm.remove(member.contact_id, preview=True)).json()
    pages = [await _page(firm, member, limit=4)]
    while pages[-1]["next_cursor"]:
        pages.append(await _page(firm, member, limit=4, cursor=pages[-1]["next_cursor"]))
    rows = [row for page in pages for row in page["items"]]
    assert [len(page["items"]) for page in pages] == [4, 4, 3]
    assert rows == whole["lost"]["items"] and {page["total"] for page in pages} == {len(rows)}
    names = [row["organization"]["name"] for row in rows]
    assert names == sorted(names) and set(names) == {*firm.clients, "LAFORCE COMPTABLE INC."}


async def test_a_removal_takes_no_cursor_and_a_preview_only_its_own(firm: Firm) -> None:
    member = await firm.member()
    body = {"scope": "all", "attestations": await firm.attestations("removal")}
    path = f"/v1/contacts/{member.contact_id}/removals?cursor=W10"
    for preview, expected in ((True, (400, "invalid_cursor")), (False, (422, "invalid_request"))):
        refused = await firm.client.post(path, json=body | {"preview": preview}, headers=firm.responsible.headers)
        assert (refused.status_code, refused.json()["code"]) == expected
    assert (await firm.check(member.account_id, "profile", firm.firm_id, "read"))["decision"]


async def test_a_removal_counts_the_delegations_that_end_with_it(firm: Firm) -> None:
    member = await firm.member()
    first, second = [
        (await firm.delegate(member.contact_id, client_id)).json()["relation_id"] for client_id in firm.clients.values()
    ]
    named = (await firm.remove(member.contact_id, scope="relations", relations=[first])).json()
    assert (named["relations"], named["delegations"]) == ([first], 0)
    everything = (await firm.remove(member.contact_id)).json()
    assert (len(everything["relations"]), everything["delegations"]) == (1, 1)
    assert second not in everything["relations"]


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


async def test_a_removal_takes_what_the_contact_itself_holds_and_nothing_else_that_is_named(firm: Firm) -> None:
    member, other, client_id = await firm.member(), await firm.member(), next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id)
    chosen = [{"subject": "profile", "level": "read"}]
    theirs = (await firm.delegate(other.contact_id, client_id, subjects=chosen)).json()["relation_id"]
    for relation_id in (theirs, await firm.through(client_id)):
        relations = {"scope": "relations", "relations": [relation_id]}
        subjects = {"scope": "subjects", "subjects": [{"relation_id": relation_id, "subject": "profile"}]}
        for named in (relations, subjects, relations | {"preview": True}):
            refused = await firm.remove(member.contact_id, **named)
            assert (refused.status_code, refused.json()["code"]) == (422, "nothing_to_remove"), named
    for someone in (member, other):
        assert (await firm.check(someone.account_id, "profile", client_id, "read"))["decision"]


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


async def test_what_a_process_whose_clock_is_ahead_has_recorded_ends_after_it(firm: Firm) -> None:
    member, (one, other) = await firm.member(), firm.clients.values()
    named = (await firm.delegate(member.contact_id, one)).json()["relation_id"]
    chosen = [{"subject": "profile", "level": "write"}]
    narrow = (await firm.delegate(member.contact_id, other, subjects=chosen)).json()["relation_id"]
    ahead = datetime.now(UTC) + timedelta(minutes=1)
    removals: list[tuple[str, str, dict[str, Any]]] = [
        ("relations", f"relation_id = '{named}'", {"scope": "relations", "relations": [named]}),
        ("rights", f"relation_id = '{narrow}'",
         {"scope": "subjects", "subjects": [{"relation_id": narrow, "subject": "profile"}]}),
        ("relations", f"holder_id = '{member.contact_id}' and through is null", {"scope": "all"}),
    ]  # fmt: skip
    for table, rows, removal in removals:
        await firm.opened.unit.pool.execute(
            f"update {table} set recorded = tstzrange($1, null) where upper_inf(recorded) and {rows}", ahead
        )
        assert (await firm.remove(member.contact_id, **removal)).status_code == 200
    published = await firm.opened.published()
    ended = [event["ended_at"] for event in published if event["name"] in ("RelationEnded", "RightEnded")]
    assert len(ended) == 3 and all(datetime.fromisoformat(instant) > ahead for instant in ended), ended


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


async def test_a_preview_says_exactly_what_the_checks_will_say_no_to(firm: Firm) -> None:
    member, (one, other) = await firm.member(), firm.clients.values()
    chosen = [{"subject": "monthly_report", "level": "write"}, {"subject": "profile", "level": "read"}]
    ended = (await firm.delegate(member.contact_id, one)).json()["relation_id"]
    await firm.delegate(member.contact_id, other, subjects=chosen)
    await _add_function(firm, member.contact_id, "administrator")  # holds the same subject of the firm once more
    own = [r["relation_id"] for r in await _relations(firm, member.contact_id) if r["type"] == "staff_member"]
    asked = [(s, o, level) for s in DELEGABLE for o in (one, other, firm.firm_id) for level in ("read", "write")]

    async def allowed() -> set[tuple[str, UUID, str]]:
        answers = [(*q, (await firm.check(member.account_id, q[0], q[1], q[2]))["decision"]) for q in asked]
        return {(subject, organization, level) for subject, organization, level, decision in answers if decision}

    before = await allowed()
    preview = (await firm.remove(member.contact_id, scope="relations", relations=[ended, *own], preview=True)).json()
    await firm.remove(member.contact_id, scope="relations", relations=[ended, *own])

    told = {
        (row["subject"], UUID(row["organization"]["organization_id"]), row["level"]) for row in preview["lost"]["items"]
    }
    gone = before - await allowed()
    assert told == {(s, o, level) for s, o, level in gone if level == "write" or (s, o, "write") not in gone}
    assert ("profile", firm.firm_id, "read") not in gone


async def test_a_client_that_made_the_person_its_own_contact_keeps_it_and_is_told(
    firm: Firm, keyring_folder: Path
) -> None:
    client_id = firm.clients["ENTREPRISE SHW INC."]
    manager = await firm.link(await firm.contact("3000003"))
    member = await firm.member()
    own_contact = await _make_own_contact(firm, client_id, manager, member)
    await firm.delegate(member.contact_id, client_id)

    await firm.remove(member.contact_id)

    assert (await firm.check(member.account_id, "status_letter", client_id))["decision"]
    assert not (await firm.check(member.account_id, "monthly_report", client_id))["decision"]
    (mail,) = await firm.opened.published("MemberLeftMail")
    assert (mail["recipient_id"], mail["firm_name"]) == (str(manager.contact_id), "LAFORCE COMPTABLE INC.")
    sealer = Sealer(keys.read(keyring_folder / "notifications.json"), keys.read_public(keyring_folder / "public.json"))
    assert sealer.open(mail["sealed"], MemberLeftContents).contact_name == "Démo Propre-Contact"
    audited = await firm.opened.unit.pool.fetch(
        "select organization_id, object_id from audit where action = 'member_left'"
    )
    assert [(row["organization_id"], row["object_id"]) for row in audited] == [(client_id, own_contact)]


async def test_a_client_is_told_once_a_day_however_often_somebody_is_added_and_removed(firm: Firm) -> None:
    client_id, manager = firm.clients["ENTREPRISE SHW INC."], await firm.link(await firm.contact("3000003"))
    member = await firm.member()
    await _make_own_contact(firm, client_id, manager, member)
    await firm.remove(member.contact_id)
    await _add_function(firm, member.contact_id, "staff_member")
    await firm.remove(member.contact_id)
    mails = await firm.opened.published("MemberLeftMail")
    assert len(mails) == 2 and len({mail["deduplication_id"] for mail in mails}) == 1


async def test_a_client_hears_nothing_while_the_person_stays_a_member_of_the_firm(firm: Firm) -> None:
    client_id, manager = firm.clients["ENTREPRISE SHW INC."], await firm.link(await firm.contact("3000003"))
    member = await firm.member()
    await _make_own_contact(firm, client_id, manager, member)
    relation_id = (await firm.delegate(member.contact_id, client_id)).json()["relation_id"]
    await firm.remove(member.contact_id, scope="relations", relations=[relation_id])
    await firm.remove(member.contact_id, preview=True)
    assert await firm.opened.published("MemberLeftMail") == []


async def test_of_two_with_one_number_and_two_accounts_neither_is_taken_for_the_other(firm: Firm) -> None:
    client_id, manager = firm.clients["ENTREPRISE SHW INC."], await firm.link(await firm.contact("3000003"))
    member, somebody_else = await firm.member(), await firm.member()
    own_contact = await _make_own_contact(firm, client_id, manager, somebody_else)
    await firm.opened.unit.pool.execute(
        "update contacts set client_number = m.client_number from contacts m"
        " where contacts.contact_id = $1 and m.contact_id = $2",
        own_contact, member.contact_id,
    )  # fmt: skip
    assert (await firm.remove(member.contact_id)).status_code == 200
    assert await firm.opened.published("MemberLeftMail") == []


async def _page(firm: Firm, member: Someone, **asked: Any) -> dict[str, Any]:
    path, body = f"/v1/contacts/{member.contact_id}/removals", {"scope": "all", "preview": True}
    shown = await firm.client.post(path, json=body, params=asked, headers=firm.responsible.headers)
    found: dict[str, Any] = shown.json()["lost"]
    return found


async def _relations(firm: Firm, contact_id: UUID) -> list[dict[str, Any]]:
    shown = await firm.client.get(f"/v1/contacts/{contact_id}", headers=firm.responsible.headers)
    found: list[dict[str, Any]] = shown.json()["relations"]
    return found


async def _add_function(firm: Firm, contact_id: UUID, type: str) -> None:
    body = {
        "organization_id": str(firm.firm_id),
        "type": type,
        "subjects": [{"subject": "profile", "level": "read"}],
        "attestations": await firm.attestations("addition"),
    }
    added = await firm.client.post(f"/v1/contacts/{contact_id}/relations", json=body, headers=firm.responsible.headers)
    assert added.status_code == 201, added.text


async def _make_own_contact(firm: Firm, client_id: UUID, manager: Someone, member: Someone) -> UUID:
    """A client adds the firm's member to its own contacts, and the member links that file to the same account."""
    body = {
        "contact": {
            "family_name": "Propre-Contact", "given_name": "Démo", "email": "propre@shw.example", "telephones": [],
            "language": "fr",
        },
        "type": "staff_member",
        "subjects": [{"subject": "status_letter", "level": "write"}],
        "attestations": await firm.attestations("addition"),
    }  # fmt: skip
    path = f"/v1/organizations/{client_id}/contacts"
    added = await firm.client.post(path, json=body, headers=manager.headers)
    assert added.status_code == 201, added.text
    contact_id = UUID(added.json()["contact_id"])
    linked = ProfileLinked(
        link_id=uuid7(), account_id=member.account_id, contact_id=contact_id, organization_id=client_id,
        method="linking_coordinates", linked_at=datetime.now(UTC) - timedelta(hours=1),
    )  # fmt: skip
    await firm.opened.unit.run(follow_link, linked, TEST)
    return contact_id
