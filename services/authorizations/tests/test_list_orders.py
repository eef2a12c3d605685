"""What the three lists are narrowed by, ordered by and searched for, and how they look as tables."""

import csv
import io
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from chassis import pages
from services.authorizations.tests.conftest import Firm, Someone

AUTHORIZATION_SORTS = ("contact", "subject", "level", "organization", "holder_organization", "function", "active")


@pytest.fixture
async def member(firm: Firm) -> Someone:
    """A member with one client's authorizations as a whole, and one subject of another's to read."""
    found = await firm.member()
    whole, part = firm.clients.values()
    await firm.delegate(found.contact_id, whole)
    added = await firm.delegate(found.contact_id, part, subjects=[{"subject": "payments_statements", "level": "read"}])
    assert added.status_code == 201, added.text
    return found


async def listed(firm: Firm, name: str, who: Someone | None = None, **query: Any) -> list[dict[str, Any]]:
    """Every row of a list of the firm, page by page."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = await ask(firm, name, who, limit=7, **query, **more)
        rows += page.json()["items"]
        if (cursor := page.json()["next_cursor"]) is None:
            return rows


async def ask(firm: Firm, name: str, who: Someone | None = None, **query: Any) -> httpx.Response:
    headers = (who or firm.responsible).headers | query.pop("headers", {})
    text = query.pop("text", None)
    path = f"/v1/organizations/{query.pop('of', firm.firm_id)}/{name}"
    if text is not None:
        return await firm.client.post(f"{path}/search", params=query, json={"text": text}, headers=headers)
    answer = await firm.client.get(path, params=query, headers=headers)
    assert answer.status_code == 200 or query.get("refused"), answer.text
    return answer


@pytest.mark.parametrize("column", AUTHORIZATION_SORTS)
async def test_every_order_shows_the_same_rows_and_turns_around(firm: Firm, member: Someone, column: str) -> None:
    as_it_comes = await listed(firm, "authorizations")
    there, back = (
        await listed(firm, "authorizations", sort=column),
        await listed(firm, "authorizations", sort=f"-{column}"),
    )
    assert there == back[::-1]
    assert sorted(map(str, there)) == sorted(map(str, as_it_comes))


async def test_an_order_by_a_column_follows_its_names_in_the_readers_language(firm: Firm, member: Someone) -> None:
    for column, shown in (
        ("subject", "subject_name"),
        ("function", "function"),
        ("level", "level"),
        ("active", "active"),
    ):
        seen = [row[shown] or "" for row in await listed(firm, "authorizations", sort=column)]
        assert seen == sorted(seen), column
    by_client = [row["organization"]["name"] for row in await listed(firm, "authorizations", sort="organization")]
    assert by_client == sorted(by_client)


async def test_relations_by_type_follow_the_names_of_types_in_the_readers_language(firm: Firm) -> None:
    one, *_ = firm.clients.values()
    await firm.opened.unit.pool.execute(  # CCQ has one type between organizations
        "update relations set type = 'director' where organization_id = $1 and holder_kind = 'organization'", one
    )
    for language in ("fr", "en"):
        reader = {"Accept-Language": language}
        rows = (await ask(firm, "relations", sort="type", headers=reader)).json()["items"]
        names = [row["type_name"] for row in rows]
        assert len(set(names)) == 2 and names == sorted(names, key=str.casefold)
        rows = (await ask(firm, "relations", sort="-type", headers=reader)).json()["items"]
        assert [row["type_name"] for row in rows] == names[::-1]


async def test_contacts_and_relations_are_ordered_by_each_of_their_columns(firm: Firm, member: Someone) -> None:
    for name, columns in (("contacts", ("name", "email", "active")),
                          ("relations", ("organization", "type", "related_organization", "active"))):  # fmt: skip
        for column in columns:
            there, back = await listed(firm, name, sort=column), await listed(firm, name, sort=f"-{column}")
            assert there == back[::-1]
            assert len(there) == len({str(row) for row in there})


async def test_a_search_finds_names_without_accents_case_or_order(firm: Firm, member: Someone) -> None:
    found = (await ask(firm, "contacts", text="demo PERSONNEL")).json()["items"]
    assert [row["family_name"] for row in found] == ["Personnel"]
    relations = (await ask(firm, "relations", text="belanger")).json()["items"]
    assert [row["organization"]["name"] for row in relations] == ["PLOMBERIE RICHARD BÉLANGER"]
    by_client = (await ask(firm, "authorizations", text="Belanger plomb", limit=200)).json()["items"]
    assert {row["organization"]["name"] for row in by_client} == {"PLOMBERIE RICHARD BÉLANGER"}
    assert [row["contact"] is not None for row in by_client].count(True) == 1
    by_person = (await ask(firm, "authorizations", text="personnel", limit=200)).json()
    assert {row["contact"]["contact_id"] for row in by_person["items"]} == {str(member.contact_id)}
    assert by_person["total"] == len(by_person["items"]) == 7


async def test_what_a_search_is_for_is_text_and_no_pattern(firm: Firm) -> None:
    for text in ("%", "_", "\\", "zzz"):
        assert (await ask(firm, "contacts", text=text)).json()["items"] == []


@pytest.mark.parametrize("sort", ["contact", "organization", "subject"])
async def test_filters_narrow_every_order_alike(firm: Firm, member: Someone, sort: str) -> None:
    rows = await listed(firm, "authorizations")
    client_id = str(next(iter(firm.clients.values())))

    def kept(**query: str) -> list[str]:
        return sorted(
            row["right_id"] + row["relation_id"]
            for row in rows
            if query.get("subject") in (None, row["subject"])
            and query.get("organization") in (None, row["organization"]["organization_id"])
            and query.get("contact") in (None, row["contact"] and row["contact"]["contact_id"])
        )

    queries: list[dict[str, Any]] = [
        {"subject": "profile"}, {"subject": "status_letter"}, {"organization": client_id},
        {"contact": str(member.contact_id)}, {"contact": str(member.contact_id), "subject": "profile"},
        {"organization": client_id, "subject": "status_letter"},
    ]  # fmt: skip
    for query in queries:
        found = await listed(firm, "authorizations", sort=sort, **query)
        assert sorted(row["right_id"] + row["relation_id"] for row in found) == kept(**query), query
        total = (await ask(firm, "authorizations", sort=sort, **query)).json()["total"]
        assert total == len(found), query


async def test_a_list_shows_what_was_known_when_asked(firm: Firm, member: Someone) -> None:
    known = datetime.now(UTC).isoformat()
    await firm.remove(member.contact_id)
    later = await firm.add_member()
    for name in ("contacts", "authorizations"):
        now, then = await listed(firm, name, active="true"), await listed(firm, name, active="true", recorded_at=known)
        assert str(member.contact_id) in str(then) and str(member.contact_id) not in str(now), name
        assert later.json()["contact_id"] in str(now) and later.json()["contact_id"] not in str(then), name
    files = await firm.client.get(
        "/v1/authorized-files", params={"recorded_at": known}, headers=firm.responsible.headers
    )
    assert files.json()["total"] == 1


async def test_a_list_is_a_table_in_the_readers_language(firm: Firm, member: Someone) -> None:
    answer = await ask(firm, "authorizations", headers={"Accept": "text/csv"}, contact=str(member.contact_id))
    assert answer.headers["content-type"].startswith("text/csv")
    assert "\r\n" in answer.text
    head, *rows = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"), newline=""))
    assert head == ["Sujet autorisé", "Droit", "Organisation", "Organisation", "Contact de l’organisation", "Fonction",
                    "Actif"]  # fmt: skip
    assert len(rows) == 7
    assert rows[0][3:] == ["LAFORCE COMPTABLE INC.", "Personnel, Démo", "Membre du personnel", "Vrai"]
    english = await ask(firm, "relations", headers={"Accept": "text/csv", "Accept-Language": "en"})
    assert english.text.startswith("\ufeffOrganization,Type of relation,Organization,Active\r\n")


async def test_no_cell_of_a_table_is_a_formula(firm: Firm) -> None:
    contact_id = await firm.contact("3000002")
    await firm.opened.unit.pool.execute(
        "update personal_fields set family_name = '=1+1', given_name = 'a \"b\", c' where owner_id = $1", contact_id
    )
    answer = await ask(firm, "contacts", headers={"Accept": "text/csv"})
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    assert ["'=1+1", 'a "b", c'] in [row[:2] for row in rows]
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


@pytest.mark.parametrize(
    "name", ["Roy;=1+1", "Roy; +1", 'Roy;"=1+1"', '"=1+1"', "Roy|@SUM(1)", "Roy;-1", "\uff1d1+1"],
)  # fmt: skip
async def test_no_cell_is_a_formula_either_where_a_semicolon_begins_the_next(firm: Firm, name: str) -> None:
    contact_id = await firm.contact("3000002")
    await firm.opened.unit.pool.execute(
        "update personal_fields set family_name = 'Démo', given_name = $2 where owner_id = $1", contact_id, name
    )
    answer = await ask(firm, "contacts", headers={"Accept": "text/csv"})
    line = next(line for line in answer.text.splitlines() if line.startswith("Démo,"))
    given_name = line.split(",")[1]
    for separator in ",;|":
        cells = [cell.strip('" ') for cell in given_name.split(separator)]
        assert all(not cell.startswith(("=", "+", "-", "@", "\uff1d")) for cell in cells), given_name


async def test_a_name_that_is_like_no_formula_stands_in_a_table_as_it_is(firm: Firm) -> None:
    contact_id = await firm.contact("3000002")
    name = "Tremblay-Roy; St. John d'O'Neil"
    await firm.opened.unit.pool.execute(
        "update personal_fields set given_name = $2 where owner_id = $1", contact_id, name
    )
    answer = await ask(firm, "contacts", headers={"Accept": "text/csv"})
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    assert name in [row[1] for row in rows]


async def test_a_table_that_would_be_too_long_is_refused_and_never_cut_off(
    firm: Firm, member: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PORTION", 3)
    whole = await ask(firm, "authorizations", headers={"Accept": "text/csv"})
    assert whole.text.count("\r\n") == 1 + len(await listed(firm, "authorizations"))
    monkeypatch.setattr(pages, "COUNT_TO", 5)
    refused = await ask(firm, "authorizations", headers={"Accept": "text/csv"}, refused=True)
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_rows")


async def test_a_client_sees_of_a_firm_what_concerns_it_only(firm: Firm, member: Someone) -> None:
    client_id = firm.clients["ENTREPRISE SHW INC."]
    client = await firm.link(await firm.contact("3000003"))
    rows = await listed(firm, "authorizations", client, of=client_id)
    assert {row["organization"]["organization_id"] for row in rows} == {str(client_id)}
    assert any(row["contact"] and row["contact"]["contact_id"] == str(member.contact_id) for row in rows)
    turned = await listed(firm, "authorizations", client, of=client_id, sort="-organization")
    assert sorted(map(str, turned)) == sorted(map(str, rows))


async def test_authorized_files_are_found_by_name_and_turned_around(firm: Firm, member: Someone) -> None:
    found = await firm.client.post("/v1/authorized-files/search", json={"text": "bélanger"}, headers=member.headers)
    assert [file["organization"]["name"] for file in found.json()["items"]] == ["PLOMBERIE RICHARD BÉLANGER"]
    turned = await firm.client.get("/v1/authorized-files?sort=-organization&limit=2", headers=member.headers)
    names = [file["organization"]["name"] for file in turned.json()["items"]]
    assert names == ["PLOMBERIE RICHARD BÉLANGER", "LAFORCE COMPTABLE INC."]


async def test_a_look_at_another_persons_file_is_audited_and_one_at_the_own_is_not(firm: Firm, member: Someone) -> None:
    await firm.client.get(f"/v1/contacts/{member.contact_id}", headers=member.headers)
    await firm.client.get(f"/v1/contacts/{member.contact_id}", headers=firm.responsible.headers)
    rows = await firm.opened.unit.pool.fetch(
        "select organization_id, actor_id, profile_id, object_id from audit where action = 'file_viewed'"
    )
    me = firm.responsible
    assert [tuple(row) for row in rows] == [(firm.firm_id, str(me.account_id), me.contact_id, member.contact_id)]


async def test_an_opened_contact_shows_the_rights_of_each_relation(firm: Firm, member: Someone) -> None:
    opened = (await firm.client.get(f"/v1/contacts/{member.contact_id}", headers=firm.responsible.headers)).json()
    rights = {
        UUID(relation["organization"]["organization_id"]): [right["subject"] for right in relation["rights"]]
        for relation in opened["relations"]
    }
    whole, part = firm.clients.values()
    assert rights == {firm.firm_id: ["profile"], whole: [], part: ["payments_statements"]}
    assert [r["all_subjects"] for r in opened["relations"]].count(True) == 1
