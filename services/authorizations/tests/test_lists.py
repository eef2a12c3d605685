"""Step 3 of the guide: the three lists, their filters and pages, and one contact opened."""

from datetime import UTC, datetime

from uuid_utils.compat import uuid7

from contracts.linking import ProfileLinked
from services.authorizations.bindings.handlers import follow_link
from services.authorizations.tests.conftest import NOT_DELEGABLE, TEST, Firm


async def test_contacts_show_the_guides_columns_by_name(firm: Firm) -> None:
    listed = await firm.client.get(f"/v1/organizations/{firm.firm_id}/contacts", headers=firm.responsible.headers)
    page = listed.json()
    assert [row["family_name"] for row in page["items"]] == ["Membre", "Responsable"]
    assert set(page["items"][0]) == {"contact_id", "family_name", "given_name", "email", "telephones", "active"}
    assert page["range"] == "1–2 de 2"


async def test_relations_read_as_in_the_guide_in_both_languages(firm: Firm) -> None:
    path = f"/v1/organizations/{firm.firm_id}/relations"
    fr = (await firm.client.get(path, headers=firm.responsible.headers)).json()
    en = (await firm.client.get(path, headers=firm.responsible.headers | {"Accept-Language": "en"})).json()
    assert [row["organization"]["name"] for row in fr["items"]] == ["ENTREPRISE SHW INC.", "PLOMBERIE RICHARD BÉLANGER"]
    assert {row["related_organization"]["name"] for row in fr["items"]} == {"LAFORCE COMPTABLE INC."}
    assert {row["type_name"] for row in fr["items"]} == {"a comme firme comptable ou serv. de paie"}
    assert {row["type_name"] for row in en["items"]} == {"has as accounting firm or payroll service"}
    assert (fr["range"], en["range"]) == ("1–2 de 2", "1–2 of 2")


async def test_the_firms_own_authorizations_come_first(firm: Firm) -> None:
    path = f"/v1/organizations/{firm.firm_id}/authorizations?limit=200"
    rows = (await firm.client.get(path, headers=firm.responsible.headers)).json()["items"]
    places = [row["contact"] is not None for row in rows]
    assert places == sorted(places)
    own = rows[0]
    assert (own["contact"], own["function"], own["level_name"]) == (None, None, "Écriture")


async def test_list_and_authorized_files_say_why_a_member_lacks_what_cannot_be_delegated(firm: Firm) -> None:
    member, client_id = await firm.member(), firm.clients["ENTREPRISE SHW INC."]
    await firm.delegate(member.contact_id, client_id)
    for language, said in (("fr", "l’employeur"), ("en", "the employer")):
        reader = {"Accept-Language": language}
        path = f"/v1/organizations/{firm.firm_id}/authorizations?limit=200&organization={client_id}"
        rows = (await firm.client.get(path, headers=firm.responsible.headers | reader)).json()["items"]
        why = {row["subject"]: row["why_not_delegable"] for row in rows if row["why_not_delegable"]}
        assert why.keys() == NOT_DELEGABLE and all(said in text for text in why.values())
        assert {row["contact"] and row["contact"]["contact_id"] for row in rows if row["subject"] in why} == {None}
        files = (await firm.client.get("/v1/authorized-files", headers=member.headers | reader)).json()["items"]
        (file,) = [file for file in files if file["organization"]["organization_id"] == str(client_id)]
        assert {absent["subject"]: absent["why"] for absent in file["absent"]} == why
        assert file["absent"][0]["name"] not in {subject["name"] for subject in file["subjects"]}


async def test_of_two_functions_with_one_subject_the_authorized_file_shows_the_higher_level(firm: Firm) -> None:
    member = await firm.member()
    body = {"organization_id": str(firm.firm_id), "attestations": await firm.attestations("addition")}
    for type, levels in (
        ("administrator", {"workforce": "write", "monthly_report": "read"}),
        ("authorized_individual", {"workforce": "read", "monthly_report": "write"}),
    ):
        subjects = [{"subject": subject, "level": level} for subject, level in levels.items()]
        granted = await firm.client.post(
            f"/v1/contacts/{member.contact_id}/relations",
            json=body | {"type": type, "subjects": subjects},
            headers=firm.responsible.headers,
        )
        assert granted.status_code == 201, granted.text
    (file,) = (await firm.client.get("/v1/authorized-files", headers=member.headers)).json()["items"]
    shown = {subject["subject"]: subject["level"] for subject in file["subjects"]}
    assert shown == {"profile": "read", "workforce": "write", "monthly_report": "write"}


async def test_a_clients_own_contact_has_what_cannot_be_delegated_and_no_reason_beside_it(firm: Firm) -> None:
    member = await firm.contact("3000002")
    linked, own = await firm.link(member), await firm.link(await firm.contact("3000003"))
    client_id = firm.clients["ENTREPRISE SHW INC."]
    await firm.delegate(linked.contact_id, client_id)
    path = f"/v1/organizations/{client_id}/authorizations?limit=200&subject=status_letter"
    rows = (await firm.client.get(path, headers=own.headers)).json()["items"]
    assert {bool(row["contact"]): bool(row["why_not_delegable"]) for row in rows} == {True: False, False: True}
    (file,) = (await firm.client.get("/v1/authorized-files", headers=own.headers)).json()["items"]
    assert "status_letter" in {subject["subject"] for subject in file["subjects"]} and file["absent"] == []


async def test_authorizations_are_filtered_by_contact_subject_client_and_activity(firm: Firm) -> None:
    member = await firm.member()
    client_id = next(iter(firm.clients.values()))
    await firm.delegate(member.contact_id, client_id)
    path = f"/v1/organizations/{firm.firm_id}/authorizations"

    async def subjects(query: str) -> list[tuple[str, bool]]:
        rows = (await firm.client.get(f"{path}?limit=200&{query}", headers=firm.responsible.headers)).json()["items"]
        return [(row["subject"], row["active"]) for row in rows]

    assert len(await subjects(f"contact={member.contact_id}&organization={client_id}")) == 5
    assert await subjects(f"contact={member.contact_id}&subject=profile&organization={firm.firm_id}") == [
        ("profile", True)
    ]
    assert await subjects(f"contact={member.contact_id}&active=false") == []
    await firm.remove(member.contact_id)
    assert await subjects(f"contact={member.contact_id}&active=true") == []
    assert len(await subjects(f"contact={member.contact_id}&active=false")) == 6


async def test_contacts_are_filtered_by_subject_client_and_activity(firm: Firm) -> None:
    member, (client_id, other_id) = await firm.member(), firm.clients.values()
    path, me = f"/v1/organizations/{firm.firm_id}/contacts", str(member.contact_id)

    async def finds_me(query: str) -> bool:
        answer = (await firm.client.get(f"{path}?{query}", headers=firm.responsible.headers)).json()
        assert answer["total"] == len(answer["items"])
        return me in {row["contact_id"] for row in answer["items"]}

    of_client = f"organization={client_id}"
    assert not await finds_me(of_client)
    await firm.delegate(member.contact_id, client_id)
    assert await finds_me(of_client) and await finds_me(f"{of_client}&active=true")
    assert not await finds_me(f"organization={other_id}") and not await finds_me(f"{of_client}&active=false")
    assert await finds_me("subject=profile") and await finds_me(f"subject=payments_statements&{of_client}")
    assert not await finds_me("subject=status_letter")
    assert not await finds_me(f"subject=profile&organization={other_id}")
    await firm.remove(member.contact_id)
    assert await finds_me(of_client) and await finds_me(f"{of_client}&active=false")
    assert not await finds_me(f"{of_client}&active=true")


async def test_relations_are_filtered_by_contact_subject_client_and_activity(firm: Firm) -> None:
    member, (client_id, other_id) = await firm.member(), firm.clients.values()
    read = [{"subject": "payments_statements", "level": "read"}]
    await firm.delegate(member.contact_id, client_id, subjects=read)
    path = f"/v1/organizations/{firm.firm_id}/relations"

    async def found(query: str) -> set[str]:
        answer = (await firm.client.get(f"{path}?{query}", headers=firm.responsible.headers)).json()
        assert answer["total"] == len(answer["items"])
        return {row["organization"]["organization_id"] for row in answer["items"]}

    mine = f"contact={member.contact_id}"
    assert await found(mine) == await found(f"{mine}&active=true") == {str(client_id)}
    assert await found(f"{mine}&subject=payments_statements") == {str(client_id)}
    assert await found(f"{mine}&subject=profile") == await found(f"{mine}&organization={other_id}") == set()
    assert await found("subject=status_letter") == {str(client_id), str(other_id)}
    await firm.remove(member.contact_id)
    assert (await found(mine), await found(f"{mine}&active=true")) == ({str(client_id)}, set())


async def test_a_member_learns_by_no_filter_what_others_act_through(firm: Firm) -> None:
    member, other, client_id = await firm.member(), await firm.member(), next(iter(firm.clients.values()))
    read = [{"subject": "payments_statements", "level": "read"}]
    for contact in (member, other):
        await firm.delegate(contact.contact_id, client_id, subjects=read)
    path = f"/v1/organizations/{firm.firm_id}/relations"
    for query, rows in (
        ("subject=payments_statements", 1), ("subject=status_letter", 0), (f"contact={member.contact_id}", 1),
        (f"contact={other.contact_id}", 0),
    ):  # fmt: skip
        listed = (await firm.client.get(f"{path}?{query}", headers=member.headers)).json()
        assert len(listed["items"]) == rows, query


async def test_a_cursor_walks_every_row_once(firm: Firm) -> None:
    path = f"/v1/organizations/{firm.firm_id}/authorizations"
    whole = (await firm.client.get(f"{path}?limit=200", headers=firm.responsible.headers)).json()
    seen: list[str] = []
    ranges: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"?limit=5&cursor={cursor}" if cursor else "?limit=5"
        page = (await firm.client.get(path + query, headers=firm.responsible.headers)).json()
        seen += [row["right_id"] + row["relation_id"] for row in page["items"]]
        ranges.append(page["range"])
        cursor = page["next_cursor"]
    assert seen == [row["right_id"] + row["relation_id"] for row in whole["items"]]
    assert ranges[:2] == [f"1–5 de {len(seen)}", f"6–10 de {len(seen)}"]


async def test_a_list_shows_the_past_when_asked(firm: Firm) -> None:
    member = await firm.member()
    await firm.delegate(member.contact_id, next(iter(firm.clients.values())))
    before = datetime.now(UTC)
    await firm.remove(member.contact_id)
    path = f"/v1/organizations/{firm.firm_id}/authorizations?contact={member.contact_id}&active=true"
    query = {"at": before.isoformat()}
    then = (await firm.client.get(path, params={"contact": str(member.contact_id), "active": "true", **query},
                                  headers=firm.responsible.headers)).json()  # fmt: skip
    now = (await firm.client.get(path, headers=firm.responsible.headers)).json()
    assert (then["total"], now["total"]) == (6, 0)


async def test_a_member_sees_its_own_rows_only(firm: Firm) -> None:
    member = await firm.member()
    base = f"/v1/organizations/{firm.firm_id}"
    contacts = (await firm.client.get(f"{base}/contacts", headers=member.headers)).json()
    assert [row["contact_id"] for row in contacts["items"]] == [str(member.contact_id)]
    rows = (await firm.client.get(f"{base}/authorizations", headers=member.headers)).json()["items"]
    assert {row["contact"]["contact_id"] for row in rows} == {str(member.contact_id)}
    other = f"{base}/authorizations?contact={firm.responsible.contact_id}"
    assert (await firm.client.get(other, headers=member.headers)).json()["items"] == []
    opened = await firm.client.get(f"/v1/contacts/{firm.responsible.contact_id}", headers=member.headers)
    assert opened.status_code == 404


async def test_a_member_sees_the_relations_it_acts_through_only(firm: Firm) -> None:
    member, client_id = await firm.member(), next(iter(firm.clients.values()))
    path = f"/v1/organizations/{firm.firm_id}/relations"
    assert (await firm.client.get(path, headers=member.headers)).json()["items"] == []
    await firm.delegate(member.contact_id, client_id)
    rows = (await firm.client.get(path, headers=member.headers)).json()["items"]
    assert [row["organization"]["organization_id"] for row in rows] == [str(client_id)]


async def test_authorized_files_come_in_pages_by_name(firm: Firm) -> None:
    member = await firm.member()
    for client_id in firm.clients.values():
        await firm.delegate(member.contact_id, client_id)
    names, cursor, ranges = [], None, []
    while True:
        query = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = (await firm.client.get("/v1/authorized-files", params=query, headers=member.headers)).json()
        names += [file["organization"]["name"] for file in page["items"]]
        ranges.append(page["range"])
        if (cursor := page["next_cursor"]) is None:
            break
    assert names == ["ENTREPRISE SHW INC.", "LAFORCE COMPTABLE INC.", "PLOMBERIE RICHARD BÉLANGER"]
    assert ranges == ["1–1 de 3", "2–2 de 3", "3–3 de 3"]


async def test_a_client_sees_the_firms_members_by_name_and_function_only(firm: Firm) -> None:
    member = await firm.member()
    client_id = firm.clients["ENTREPRISE SHW INC."]
    await firm.delegate(member.contact_id, client_id)
    client = await firm.link(await firm.contact("3000003"))
    rows = await firm.client.get(
        f"/v1/organizations/{client_id}/authorizations?limit=200&contact={member.contact_id}", headers=client.headers
    )
    contacts = [row["contact"] for row in rows.json()["items"]]
    assert {(c["family_name"], c["given_name"]) for c in contacts} == {("Personnel", "Démo")}
    assert all(set(c) == {"contact_id", "family_name", "given_name"} for c in contacts)
    assert {row["function"] for row in rows.json()["items"]} == {"Membre du personnel"}
    assert (await firm.client.get(f"/v1/contacts/{member.contact_id}", headers=client.headers)).status_code == 404


async def test_another_organizations_lists_do_not_exist_for_a_profile(firm: Firm) -> None:
    client_id = next(iter(firm.clients.values()))
    for what in ("contacts", "relations", "authorizations"):
        answer = await firm.client.get(f"/v1/organizations/{client_id}/{what}", headers=firm.responsible.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_an_opened_contact_shows_all_fields_relations_and_whether_it_is_linked(firm: Firm) -> None:
    path = f"/v1/contacts/{firm.responsible.contact_id}"
    opened = await firm.client.get(path, headers=firm.responsible.headers)
    contact = opened.json()
    assert contact["linked"] and contact["active"] and contact["client_number"] == "3000001"
    assert [relation["function"] for relation in contact["relations"]] == ["Personne responsable"]
    assert opened.headers["etag"] == (await firm.client.get(path, headers=firm.responsible.headers)).headers["etag"]
    unlinked = await firm.contact("3000002")
    assert not (await firm.client.get(f"/v1/contacts/{unlinked}", headers=firm.responsible.headers)).json()["linked"]


async def test_an_etag_changes_with_the_contact(firm: Firm) -> None:
    member = await firm.member()
    path = f"/v1/contacts/{member.contact_id}"
    before = (await firm.client.get(path, headers=firm.responsible.headers)).headers["etag"]
    await firm.delegate(member.contact_id, next(iter(firm.clients.values())))
    delegated = (await firm.client.get(path, headers=firm.responsible.headers)).headers["etag"]
    await firm.remove(member.contact_id)
    removed = (await firm.client.get(path, headers=firm.responsible.headers)).headers["etag"]
    assert len({before, delegated, removed}) == 3


async def test_a_profile_must_be_named_and_be_the_callers_own(firm: Firm) -> None:
    path = f"/v1/organizations/{firm.firm_id}/contacts"
    token = {"Authorization": firm.responsible.headers["Authorization"]}
    missing = await firm.client.get(path, headers=token)
    foreign = await firm.client.get(path, headers=token | {"Mandat-Profile": str(await firm.contact("3000002"))})
    assert (missing.status_code, missing.json()["code"]) == (400, "profile_required")
    assert (foreign.status_code, foreign.json()["code"]) == (403, "profile_not_yours")


async def test_an_account_whose_link_is_known_before_the_account_itself_is_asked_to_come_again(firm: Firm) -> None:
    account_id, contact_id = uuid7(), await firm.contact("3000002")
    linked = ProfileLinked(
        link_id=uuid7(), account_id=account_id, contact_id=contact_id, organization_id=firm.firm_id,
        method="linking_coordinates", linked_at=datetime.now(UTC),
    )  # fmt: skip
    await firm.opened.unit.run(follow_link, linked, TEST)
    headers = {"Authorization": f"Bearer {firm.opened.issuer.person(account_id)}", "Mandat-Profile": str(contact_id)}
    early = await firm.client.get("/v1/authorized-files", headers=headers)
    assert (early.status_code, early.json()["code"]) == (409, "account_not_yet_known")
    assert early.headers["retry-after"] == "1"


async def test_agents_find_an_organization_by_number_and_see_its_lists(firm: Firm) -> None:
    found = await firm.client.get("/v1/organizations?number=5000001", headers=firm.agent)
    assert [row["legal_name"] for row in found.json()["items"]] == ["LAFORCE COMPTABLE INC."]
    listed = await firm.client.get(f"/v1/organizations/{firm.firm_id}/contacts", headers=firm.agent)
    assert listed.json()["total"] == 2
    refused = await firm.client.get("/v1/organizations?number=5000001", headers=firm.responsible.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_kind_of_caller")


async def test_what_an_agent_opens_is_noted(firm: Firm) -> None:
    await firm.client.get(f"/v1/organizations/{firm.firm_id}/contacts", headers=firm.agent)
    await firm.client.get(f"/v1/contacts/{firm.responsible.contact_id}", headers=firm.agent)
    rows = await firm.opened.unit.pool.fetch(
        "select actor_kind, object_id from audit where action = 'file_viewed' order by id"
    )
    assert [(row["actor_kind"], row["object_id"]) for row in rows] == [
        ("agent", firm.firm_id),
        ("agent", firm.responsible.contact_id),
    ]


async def test_an_instant_that_no_calendar_bears_is_a_fault_of_the_field(firm: Firm) -> None:
    for at in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"):
        path = f"/v1/organizations/{firm.firm_id}/authorizations"
        answer = await firm.client.get(path, params={"at": at}, headers=firm.responsible.headers)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "field_not_instant")
