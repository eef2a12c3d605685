"""Those responsible for an organization read who did what in its file, why it was allowed, and what was refused."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from chassis.audit.sealing import seal_all
from chassis.audit.storage import heads
from services.authorizations.accounts.handlers import forget_account
from services.authorizations.tests.conftest import TEST, Firm


async def audit(firm: Firm, headers: dict[str, str] | None = None, of: UUID | None = None, **query: Any) -> Any:
    path = f"/v1/organizations/{of or firm.firm_id}/audit"
    answer = await firm.client.get(path, params=query, headers=headers or firm.responsible.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_manager_reads_who_did_what_why_and_under_which_data_in_its_language(firm: Firm) -> None:
    before = datetime.now(UTC)
    member = await firm.member()

    [french] = (await audit(firm, action="contact_added"))["items"]
    english = await audit(firm, {**firm.responsible.headers, "Accept-Language": "en"}, action="contact_added")

    assert french["actor"] == {
        "kind": "account", "name": "Démo Responsable", "profile_id": str(firm.responsible.contact_id), "id": None,
    }  # fmt: skip
    assert (french["action_text"], french["rule_text"]) == (
        "Un contact a été ajouté",
        "gère l’organisation\u00a0: Personne responsable",
    )
    [entry] = english["items"]
    assert (entry["action_text"], entry["rule"], entry["rule_text"]) == (
        "A contact was added",
        "manages:responsible_person",
        "manages the organization: Responsible person",
    )
    assert entry["object_id"] == entry["about"]["contact_id"] == str(member.contact_id)
    assert entry["data_version"] == firm.opened.tools.agency.version
    assert before < datetime.fromisoformat(entry["at"]) < datetime.now(UTC)


async def test_entries_come_newest_first_and_a_cursor_walks_each_once(firm: Firm) -> None:
    for _ in range(3):
        await firm.add_member()
    whole = [entry["entry_id"] for entry in (await audit(firm))["items"]]
    walked, cursor = [], None
    while True:
        page = await audit(firm, limit=2, **({"cursor": cursor} if cursor else {}))
        walked += [entry["entry_id"] for entry in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break

    assert walked == whole == sorted(whole, reverse=True)
    assert page["total"] == len(whole) == 4 and page["range"] == "3–4 de 4"


async def test_entries_are_filtered_by_contact_object_action_actor_and_time(firm: Firm) -> None:
    member, other = await firm.member(), await firm.member()
    between = datetime.now(UTC)
    client_id = next(iter(firm.clients.values()))
    relation_id = (await firm.delegate(member.contact_id, client_id)).json()["relation_id"]

    async def actions(**query: Any) -> list[str]:
        return [entry["action"] for entry in (await audit(firm, **query))["items"]]

    assert await actions(contact=member.contact_id) == ["relation_added", "contact_added"]
    assert await actions(contact=other.contact_id) == ["contact_added"]
    assert await actions(contact=firm.responsible.contact_id) == ["relation_added", "contact_added", "contact_added"]
    assert await actions(object=relation_id) == ["relation_added"]
    assert await actions(action="contact_added", object=other.contact_id) == ["contact_added"]
    assert await actions(actor="account", since=between.isoformat()) == ["relation_added"]
    assert await actions(actor="account", until=between.isoformat()) == ["contact_added", "contact_added"]
    assert await actions(actor="operator") == []
    [delegated] = (await audit(firm, object=relation_id))["items"]
    assert await actions(object=relation_id, since=delegated["at"]) == ["relation_added"]
    assert await actions(object=relation_id, until=delegated["at"]) == []  # until is before it


async def test_only_who_manages_the_organization_and_agents_read_it(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    path = f"/v1/organizations/{firm.firm_id}/audit"

    refused = await firm.client.get(path, headers=member.headers)
    foreign = await firm.client.get(f"/v1/organizations/{client_id}/audit", headers=firm.responsible.headers)

    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    assert (await firm.client.get(path, headers=firm.agent)).status_code == 200


async def test_an_agents_look_is_an_entry_itself_and_only_agents_learn_which_agent(firm: Firm) -> None:
    await firm.client.get(f"/v1/contacts/{firm.responsible.contact_id}", headers=firm.agent)

    [seen] = (await audit(firm, actor="agent"))["items"]
    assert (seen["action"], seen["object_id"]) == ("file_viewed", str(firm.responsible.contact_id))
    assert seen["actor"] == {"kind": "agent", "name": "Un agent de l’organisme", "profile_id": None, "id": None}
    assert seen["rule_text"] == "agent de l’organisme"

    now, before = (await audit(firm, {**firm.agent, "Accept-Language": "fr"}, actor="agent"))["items"]
    assert now["object_id"] == str(firm.firm_id) and before["entry_id"] == seen["entry_id"]
    assert now["actor"]["id"] == "https://agents.test#agent-1"


async def test_a_manager_who_opens_anothers_file_is_noted_and_who_opens_its_own_is_not(firm: Firm) -> None:
    member = await firm.member()
    for headers in (firm.responsible.headers, member.headers):
        await firm.client.get(f"/v1/contacts/{member.contact_id}", headers=headers)

    [viewed] = (await audit(firm, action="file_viewed"))["items"]
    assert (viewed["object_id"], viewed["rule"]) == (str(member.contact_id), "manages:responsible_person")
    assert viewed["actor"]["profile_id"] == str(firm.responsible.contact_id)


async def test_a_refused_change_stands_in_the_file_of_who_tried_and_names_nobody_else(firm: Firm) -> None:
    member, stranger = await firm.member(), await firm.contact("3000003")
    body = {"scope": "all", "attestations": []}
    not_a_manager = await firm.client.post(
        f"/v1/contacts/{firm.responsible.contact_id}/removals", json=body, headers=member.headers
    )
    another_file = await firm.client.post(
        f"/v1/contacts/{stranger}/removals", json=body, headers=firm.responsible.headers
    )

    foreign, own = (await audit(firm, action="refused"))["items"]

    assert (not_a_manager.status_code, another_file.status_code) == (403, 404)
    assert own["detail"] == {
        "attempted": "remove", "code": "not_permitted", "ids": {"contact_id": str(firm.responsible.contact_id)},
    }  # fmt: skip
    assert (own["actor"]["profile_id"], own["rule"], own["action_text"]) == (
        str(member.contact_id), None, "Une demande a été refusée",
    )  # fmt: skip
    assert (foreign["detail"]["code"], foreign["detail"]["ids"]) == ("not_found", {"contact_id": str(stranger)})
    assert foreign["about"] is None
    assert (await audit(firm, contact=stranger))["total"] == 1


async def test_a_refusal_at_the_door_stands_in_the_file_of_who_tried_and_in_nobody_elses(firm: Firm) -> None:
    client_id, stranger = firm.clients["ENTREPRISE SHW INC."], await firm.contact("3000003")
    foreign = await firm.client.get(f"/v1/organizations/{client_id}/contacts", headers=firm.responsible.headers)
    another = await firm.client.get("/v1/forms", headers=firm.responsible.headers | {"Mandat-Profile": str(stranger)})
    wrong = await firm.client.post("/v1/imports", headers=firm.responsible.headers)
    assert [answer.status_code for answer in (foreign, another, wrong)] == [404, 403, 403]

    [own] = (await audit(firm, action="refused"))["items"]
    assert own["detail"] == {
        "attempted": "GET /v1/organizations/{organization_id}/contacts", "code": "not_found",
        "ids": {"organization_id": str(client_id), "profile_id": str(firm.responsible.contact_id)},
    }  # fmt: skip
    assert own["actor"]["profile_id"] == str(firm.responsible.contact_id) and own["about"] is None
    assert (await audit(firm, firm.agent, of=client_id, action="refused"))["total"] == 0
    of_none = await firm.opened.unit.pool.fetch(
        "select detail, profile_id from audit where organization_id is null and action = 'refused' order by id"
    )
    assert [(row["detail"]["code"], row["detail"]["ids"], row["profile_id"]) for row in of_none] == [
        ("profile_not_yours", {"profile_id": str(stranger)}, None),
        ("wrong_kind_of_caller", {"profile_id": str(firm.responsible.contact_id)}, None),
    ]


async def test_a_check_that_its_asker_may_not_make_is_noted(firm: Firm) -> None:
    question = {
        "subject": {"type": "account", "id": str(uuid4())}, "action": {"name": "read"},
        "resource": {"type": "profile", "id": str(firm.firm_id)},
    }  # fmt: skip
    tokens = (firm.opened.issuer.machine("other"), firm.opened.issuer.person(firm.responsible.account_id))
    for token in tokens:
        refused = await firm.client.post(
            "/access/v1/evaluation", json=question, headers={"Authorization": f"Bearer {token}"}
        )
        assert refused.status_code == 403
    rows = await firm.opened.unit.pool.fetch(
        "select actor_kind, detail from audit where action = 'refused' order by id"
    )
    assert [(row["actor_kind"], row["detail"]["code"]) for row in rows] == [
        ("machine", "missing_scope"), ("account", "not_permitted"),
    ]  # fmt: skip


async def test_a_client_reads_the_firms_members_by_name_and_nothing_more(firm: Firm) -> None:
    member, client_id = await firm.member(), firm.clients["ENTREPRISE SHW INC."]
    await firm.delegate(member.contact_id, client_id)
    client = await firm.link(await firm.contact("3000003"))

    [added] = (await audit(firm, client.headers, of=client_id, action="relation_added"))["items"]

    assert added["actor"]["name"] == "Démo Responsable"
    assert added["about"] == {
        "contact_id": str(member.contact_id), "family_name": "Personnel", "given_name": "Démo",
    }  # fmt: skip
    assert "@" not in str(added) and "+1514" not in str(added)


async def test_an_erased_person_stays_in_the_audit_without_a_name(firm: Firm) -> None:
    await firm.add_member()
    account_id = firm.responsible.account_id
    await firm.opened.unit.run(forget_account, account_id, TEST)
    await firm.opened.unit.pool.execute(
        "update personal_fields set family_name = null, given_name = null where owner_id = $1",
        firm.responsible.contact_id,
    )

    [added] = (await audit(firm, {**firm.agent, "Accept-Language": "en"}, action="contact_added"))["items"]
    assert added["actor"]["name"] == "A person whose information was erased"


async def test_a_page_carries_the_head_that_its_reader_may_keep(firm: Firm) -> None:
    assert (await audit(firm))["head"] is None
    await seal_all(firm.opened.unit)

    head = (await audit(firm))["head"]

    async with firm.opened.unit.pool.acquire() as connection:
        found = (await heads(connection, [firm.firm_id]))[firm.firm_id]
    assert head == {"sequence": found.sequence, "algorithm": "sha256", "digest": found.digest.hex()}
    [published] = [
        event for event in await firm.opened.published("AuditSealed") if event["chain_id"] == str(firm.firm_id)
    ]
    assert (published["version"], published["digest"]) == (head["sequence"], head["digest"])


async def test_an_action_that_nobody_words_any_more_is_shown_by_its_code(firm: Firm) -> None:
    async def noting(work: Any, organization_id: UUID) -> None:
        work.rule = "manages:gone"
        work.audit("of_an_older_release", organization_id=organization_id, object_id=uuid4())

    await firm.opened.unit.run(noting, firm.firm_id, TEST)

    [entry] = (await audit(firm, action="of_an_older_release"))["items"]
    assert (entry["action_text"], entry["rule_text"]) == ("of_an_older_release", "gère l’organisation\u00a0: gone")
