"""Erasing the person of a contact: what goes, what stays, and that lists and late changes can live with it."""

from uuid import UUID, uuid4

from services.authorizations.tests.conftest import Firm, Someone

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
    assert await erase(firm, member) == 204  # once more changes nothing
    query = "select payload is null from outbox where topic like '%authorizations.contacts' and key = $1 order by id"
    told = [row[0] for row in await firm.opened.unit.pool.fetch(query, str(member.contact_id))]
    assert (told[-1], told.count(True)) == (True, 1)


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
