"""Erasing the person of a contact: what goes, what stays, and that lists and late changes can live with it."""

from uuid import UUID, uuid4

from services.authorizations.imports.storage import standing
from services.authorizations.tests.conftest import Firm, Someone
from services.authorizations.tests.test_attachments import PDF

REASON = {"reason": "asked_by_person"}


async def named(firm: Firm) -> Someone:
    """A staff member with a name that nobody else has, added and linked."""
    contact = firm.stranger() | {"family_name": "Quatrefages", "email": "quatrefages@laforce.example"}
    added = await firm.add_member(contact=contact)
    assert added.status_code == 201, added.text
    return await firm.link(UUID(added.json()["contact_id"]))


async def erase(firm: Firm, member: Someone) -> int:
    path = f"/v1/contacts/{member.contact_id}/erasure"
    return (await firm.client.post(path, json=REASON, headers=firm.agent)).status_code


async def kept(firm: Firm) -> str:
    """A file for a form, uploaded by who manages the firm."""
    told = firm.responsible.headers | {"Content-Type": "application/pdf"}
    answer = await firm.client.post("/v1/attachments", content=PDF, headers=told)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["attachment_id"])


async def tables_with(firm: Firm, needle: str) -> list[str]:
    """Every table of the database in which a row, written out, holds the text."""
    pool = firm.opened.unit.pool
    names = [row[0] for row in await pool.fetch("select tablename from pg_tables where schemaname = 'public'")]
    query = 'select exists (select from "{}" t where t::text ilike $1)'
    return sorted([name for name in names if await pool.fetchval(query.format(name), f"%{needle}%")])


async def test_nothing_of_an_erased_person_stays_in_any_table(firm: Firm) -> None:
    member = await named(firm)
    assert await tables_with(firm, "quatrefages")
    await firm.remove(member.contact_id)
    assert await erase(firm, member) == 204
    assert await tables_with(firm, "quatrefages") == []


async def test_who_still_acts_is_not_erased_and_nobody_but_an_agent_erases(firm: Firm) -> None:
    member = await firm.member()
    path = f"/v1/contacts/{member.contact_id}/erasure"
    early = await firm.client.post(path, json=REASON, headers=firm.agent)
    assert (early.status_code, early.json()["code"]) == (409, "contact_still_acts")
    assert (await firm.client.post(path, json=REASON, headers=firm.responsible.headers)).status_code == 403
    unknown = await firm.client.post(f"/v1/contacts/{uuid4()}/erasure", json=REASON, headers=firm.agent)
    assert unknown.status_code == 404


async def test_the_last_that_is_told_of_an_erased_contact_is_a_tombstone_also_after_later_changes(firm: Firm) -> None:
    member = await firm.member()
    await firm.remove(member.contact_id)
    assert await erase(firm, member) == 204
    assert await erase(firm, member) == 204  # once more tells again, for who was restored from before
    query = "select payload is null from outbox where topic like '%authorizations.contacts' and key = $1 order by id"
    told = [row[0] for row in await firm.opened.unit.pool.fetch(query, str(member.contact_id))]
    assert told[-2:] == [True, True]
    assert told.count(True) == 2


async def test_lists_and_the_file_show_an_erased_person_by_dates_alone(firm: Firm) -> None:
    member = await named(firm)
    await firm.remove(member.contact_id)
    await erase(firm, member)
    own = f"/v1/organizations/{firm.firm_id}"
    for path in (f"{own}/contacts", f"{own}/relations", f"{own}/authorizations", f"{own}/audit"):
        listed = await firm.client.get(path, headers=firm.responsible.headers)
        assert listed.status_code == 200, path
        assert "quatrefages" not in listed.text.lower()
    opened = await firm.client.get(f"/v1/contacts/{member.contact_id}", headers=firm.responsible.headers)
    assert (opened.status_code, opened.json()["family_name"], opened.json()["email"]) == (200, "", None)


async def test_nobody_writes_on_an_erased_contact_or_has_it_act_again(firm: Firm) -> None:
    member = await named(firm)
    await firm.remove(member.contact_id)
    path, headers = f"/v1/contacts/{member.contact_id}", firm.responsible.headers
    assert await erase(firm, member) == 204
    etag = (await firm.client.get(path, headers=headers)).headers["ETag"]
    statements = {kind: await firm.attestations(kind) for kind in ("correction", "addition")}
    named_again = await firm.client.patch(
        path,
        json={"family_name": "Quatrefages", "attestations": statements["correction"]},
        headers=headers | {"If-Match": etag},
    )
    acts_again = await firm.client.post(
        f"{path}/relations",
        json={
            "organization_id": str(firm.firm_id), "type": "staff_member",
            "subjects": [{"subject": "profile", "level": "read"}], "attestations": statements["addition"],
        },
        headers=headers,
    )  # fmt: skip
    assert (named_again.status_code, acts_again.status_code) == (404, 404), (named_again.text, acts_again.text)
    assert await tables_with(firm, "quatrefages") == []
    assert not (await firm.check(member.account_id, "profile", firm.firm_id, "read"))["decision"]


async def test_files_that_came_with_forms_about_an_erased_person_go_too(firm: Firm) -> None:
    about_contact = await kept(firm)
    added = await firm.add_member(attachments=[about_contact])
    contact_id = UUID(added.json()["contact_id"])
    client_id = firm.clients["ENTREPRISE SHW INC."]
    await firm.delegate(contact_id, client_id, attachments=[await kept(firm)])
    await firm.remove(contact_id)
    pool = firm.opened.unit.pool
    assert await pool.fetchval("select count(*) from attachments") == 2
    member = await firm.link(contact_id)
    assert await erase(firm, member) == 204
    assert await pool.fetchval("select count(*) from attachments") == 0
    looked = await firm.client.get(f"/v1/attachments/{about_contact}", headers=firm.agent)
    assert looked.status_code == 404
    assert await pool.fetchval("select count(*) from audit where action = 'attachment_deleted'") == 2


async def test_to_whom_a_credential_of_an_erased_person_went_is_forgotten(firm: Firm) -> None:
    member, pool = await firm.member(), firm.opened.unit.pool
    await pool.execute(
        "insert into credentials (contact_id, generation, halves, addresses, own_addresses, raised_at)"
        " values ($1, 1, '{user_name}', 'sealed', 'locked', now())",
        member.contact_id,
    )
    await firm.remove(member.contact_id)
    assert await erase(firm, member) == 204
    assert await pool.fetchval("select count(*) from credentials") == 0


async def test_what_an_import_judged_before_an_erasure_counts_no_more(firm: Firm) -> None:
    member, pool = await firm.member(), firm.opened.unit.pool
    await firm.remove(member.contact_id)
    [(kind, number)] = await pool.fetch(
        "select kind, number from organizations where organization_id = $1", firm.firm_id
    )
    async with pool.acquire() as connection:
        before = await standing(connection, [(kind, number)])
        assert await erase(firm, member) == 204
        assert await standing(connection, [(kind, number)]) != before
