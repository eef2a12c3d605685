"""What other services tell us, in whatever order, and what we tell them."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from chassis.service import platform
from chassis.work import Unit, Work
from contracts.accounts import Person
from contracts.agency import FaultyFiles
from contracts.linking import LinkingCodeIssued, ProfileLinked, ProfileUnlinked
from services.authorizations.accounts.handlers import follow_account, forget_account
from services.authorizations.app import service
from services.authorizations.bindings.handlers import follow_link, follow_unlink
from services.authorizations.contacts.state import publish_state
from services.authorizations.linking_codes import chores, storage
from services.authorizations.linking_codes.handlers import follow_issue, raise_portion
from services.authorizations.tests.conftest import EXTRACT, TEST, Firm, bring_in
from services.authorizations.tools import Tools


def person(account_id: UUID, version: int, email: str) -> Person:
    return Person(
        account_id=account_id, version=version, status="active", status_since=datetime(2026, 1, 1, tzinfo=UTC), epoch=0,
        email=email, given_name="Démo", family_name="Personne", language="fr",
    )  # fmt: skip


@pytest.mark.parametrize("person_first", [True, False])
async def test_a_link_and_its_account_may_arrive_in_either_order(firm: Firm, person_first: bool) -> None:
    contact_id, account_id = await firm.contact("3000002"), uuid7()
    linked = ProfileLinked(
        link_id=uuid7(), account_id=account_id, contact_id=contact_id, organization_id=firm.firm_id,
        method="linking_coordinates", linked_at=datetime(2026, 1, 2, tzinfo=UTC),
    )  # fmt: skip
    told = [(follow_account, person(account_id, 1, "verified@example.org")), (follow_link, linked)]
    for handler, event in told if person_first else reversed(told):
        await firm.opened.unit.run(handler, event, TEST)  # type: ignore[arg-type]
    assert (await firm.check(account_id, "profile", firm.firm_id, "read"))["decision"]
    state = (await firm.opened.published("Contact"))[-1]
    assert (state["contact_id"], state["email"]) == (str(contact_id), "verified@example.org")


async def test_a_contacts_mails_lead_to_where_the_person_of_its_account_began(firm: Firm) -> None:
    member = await firm.member()
    began = person(member.account_id, 2, "member@example.org").model_copy(update={"portal": "nu"})
    await firm.opened.unit.run(follow_account, began, TEST)
    assert (await firm.opened.published("Contact"))[-1]["portal"] == "nu"
    contact = await firm.client.get(f"/v1/contacts/{member.contact_id}", headers=firm.responsible.headers)
    body = {"given_name": "Corrigé", "attestations": await firm.attestations("correction")}
    headers = firm.responsible.headers | {"If-Match": contact.headers["ETag"]}
    corrected = await firm.client.patch(f"/v1/contacts/{member.contact_id}", json=body, headers=headers)
    assert corrected.status_code == 200, corrected.text
    [mail] = await firm.opened.published("ContactCorrectedMail")
    assert mail["portal"] == "nu"


async def test_an_older_state_is_ignored(firm: Firm) -> None:
    member = await firm.member()
    for version, email in ((3, "third@example.org"), (2, "second@example.org")):
        await firm.opened.unit.run(follow_account, person(member.account_id, version, email), TEST)
    contact = (await firm.client.get(f"/v1/contacts/{member.contact_id}", headers=firm.responsible.headers)).json()
    assert contact["email"] == "third@example.org"


async def test_a_forgotten_account_may_nothing_and_its_person_is_gone_whatever_arrives_late(firm: Firm) -> None:
    member = await firm.member()
    version = time.time_ns() // 1000  # as accounts draws them
    late = person(member.account_id, version + 1, "late@example.org")
    await firm.opened.unit.run(follow_account, person(member.account_id, version, "known@example.org"), TEST)

    await firm.opened.unit.run(forget_account, member.account_id, TEST)
    await firm.opened.unit.run(follow_account, late, TEST)

    assert not (await firm.check(member.account_id, "profile", firm.firm_id, "read"))["decision"]
    row = await firm.opened.unit.pool.fetchrow("select * from personal_fields where owner_id = $1", member.account_id)
    assert row is not None
    assert (row["family_name"], row["given_name"], row["email"]) == (None, None, None)
    assert (await firm.opened.published("Contact"))[-1]["email"] not in ("known@example.org", "late@example.org")


async def test_a_link_told_twice_is_one(firm: Firm) -> None:
    member = await firm.member()
    row = await firm.opened.unit.pool.fetchrow("select * from bindings where contact_id = $1", member.contact_id)
    assert row is not None
    again = ProfileLinked(
        link_id=row["link_id"], account_id=member.account_id, contact_id=member.contact_id,
        organization_id=firm.firm_id, method="linking_coordinates", linked_at=row["during"].lower,
    )  # fmt: skip
    await firm.opened.unit.run(follow_link, again, TEST)
    assert (
        await firm.opened.unit.pool.fetchval("select count(*) from bindings where contact_id = $1", member.contact_id)
        == 1
    )


@pytest.mark.parametrize("ahead", ["during", "recorded"])
@pytest.mark.parametrize("erased", [False, True])
async def test_a_closed_account_may_nothing_though_a_clock_that_told_of_its_opening_was_ahead(
    firm: Firm, ahead: str, erased: bool
) -> None:
    """That of accounts, or of the process here that heard of it."""
    member, unit = await firm.member(), firm.opened.unit
    await unit.pool.execute(
        f"update statuses set {ahead} = tstzrange($2, null) where owner_id = $1",
        member.account_id, datetime.now(UTC) + timedelta(minutes=1),
    )  # fmt: skip
    if erased:
        await unit.run(forget_account, member.account_id, TEST)
    else:
        closed = {"status": "deactivated", "status_since": datetime.now(UTC)}
        told = person(member.account_id, 2, "closed@example.org").model_copy(update=closed)
        await unit.run(follow_account, told, TEST)
    later = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
    assert not (await firm.check(member.account_id, "profile", firm.firm_id, "read", at=later))["decision"]


@pytest.mark.parametrize("link_first", [True, False])
async def test_an_unlinked_account_may_nothing_in_whatever_order_link_and_end_arrive(
    firm: Firm, link_first: bool
) -> None:
    contact_id, account_id, link_id = await firm.contact("3000002"), uuid7(), uuid7()
    told = {"link_id": link_id, "account_id": account_id, "contact_id": contact_id, "organization_id": firm.firm_id,
            "linked_at": datetime(2026, 1, 2, tzinfo=UTC)}  # fmt: skip
    linked = ProfileLinked(method="linking_coordinates", **told)
    unlinked = ProfileUnlinked(unlinked_at=datetime(2026, 1, 3, tzinfo=UTC), **told)
    await firm.opened.unit.run(follow_account, person(account_id, 1, "verified@example.org"), TEST)
    arriving = [(follow_link, linked), (follow_unlink, unlinked), (follow_unlink, unlinked)]
    for handler, event in arriving if link_first else reversed(arriving):
        await firm.opened.unit.run(handler, event, TEST)  # type: ignore[arg-type]
    assert not (await firm.check(account_id, "profile", firm.firm_id, "read"))["decision"]
    contacts = [s for s in await firm.opened.published("Contact") if s["contact_id"] == str(contact_id)]
    assert contacts[-1]["email"] != "verified@example.org"


async def test_an_unlinked_contact_may_be_linked_to_another_account(firm: Firm) -> None:
    member = await firm.member()
    row = await firm.opened.unit.pool.fetchrow("select * from bindings where contact_id = $1", member.contact_id)
    assert row is not None
    ends = row["during"].lower + timedelta(days=1)
    told = {"contact_id": member.contact_id, "organization_id": firm.firm_id}
    unlinked = ProfileUnlinked(link_id=row["link_id"], account_id=member.account_id, unlinked_at=ends,
                               linked_at=row["during"].lower, **told)  # fmt: skip
    another = ProfileLinked(link_id=uuid7(), account_id=uuid7(), method="linking_coordinates", linked_at=ends, **told)
    await firm.opened.unit.run(follow_account, person(another.account_id, 1, "another@example.org"), TEST)
    await firm.opened.unit.run(follow_unlink, unlinked, TEST)
    await firm.opened.unit.run(follow_link, another, TEST)
    assert not (await firm.check(member.account_id, "profile", firm.firm_id, "read"))["decision"]
    assert (await firm.check(another.account_id, "profile", firm.firm_id, "read"))["decision"]
    await firm.opened.unit.run(follow_unlink, unlinked, TEST)
    assert (await firm.check(another.account_id, "profile", firm.firm_id, "read"))["decision"]


async def test_versions_of_a_contacts_state_rise_with_its_order_in_the_outbox(firm: Firm) -> None:
    member = await firm.member()
    clients = list(firm.clients.values())
    await asyncio.gather(*[firm.delegate(member.contact_id, client_id) for client_id in clients],
                         firm.opened.unit.run(follow_account, person(member.account_id, 9, "x@example.org"), TEST),
                         firm.remove(member.contact_id))  # fmt: skip
    versions = [
        s["version"] for s in await firm.opened.published("Contact") if s["contact_id"] == str(member.contact_id)
    ]
    assert len(versions) > 1 and versions == sorted(set(versions))


async def test_after_a_restore_a_state_has_a_version_above_those_that_were_published_since(firm: Firm) -> None:
    member = await firm.member()
    published = (await firm.opened.published("Contact"))[-1]["version"]
    await firm.opened.unit.pool.execute("update contacts set version = 1 where contact_id = $1", member.contact_id)
    await firm.remove(member.contact_id)
    assert (await firm.opened.published("Contact"))[-1]["version"] > published


async def test_the_extract_brought_in_twice_changes_nothing(firm: Firm) -> None:
    before = len(await firm.opened.published())
    done = await bring_in(firm.opened.unit, EXTRACT)
    assert done.unchanged == done.read
    assert len(await firm.opened.published()) == before


async def test_the_extract_revives_nothing_that_was_withdrawn(firm: Firm) -> None:
    contact_id = await firm.contact("3000002")
    assert (await firm.remove(contact_id)).status_code == 200
    done = await bring_in(firm.opened.unit, EXTRACT)
    assert done.unchanged == done.read
    contact = (await firm.client.get(f"/v1/contacts/{contact_id}", headers=firm.responsible.headers)).json()
    assert contact["active"] is False


async def test_an_organization_is_told_of_before_its_contacts(firm: Firm) -> None:
    names = [e["name"] for e in await firm.opened.published() if e.get("organization_id") == str(firm.firm_id)]
    assert names[0] == "Organization"
    assert names.count("Organization") == names.count("OrganizationImported") == 1


async def test_a_batch_raises_generations_and_counts_what_linking_issued(firm: Firm) -> None:
    body = {"organization_ids": [str(c) for c in firm.clients.values()], "functions": ["responsible_person"]}
    made = await firm.client.post("/v1/linking-code-batches", json=body, headers=firm.agent)
    assert (made.status_code, made.json()["requested"], made.json()["issued"]) == (202, 2, 0)
    await firm.opened.unit.run(raise_portion, 10, TEST)
    state = (await firm.opened.published("Contact"))[-1]
    assert state["linking_code_generation"] == 1
    issued = LinkingCodeIssued(
        contact_id=UUID(state["contact_id"]), organization_id=UUID(state["organization_id"]), generation=1,
        delivery_id=uuid7(), expires_at=datetime.now(UTC),
    )  # fmt: skip
    await firm.opened.unit.run(follow_issue, issued, TEST)
    path = f"/v1/linking-code-batches/{made.json()['batch_id']}"
    assert (await firm.client.get(path, headers=firm.agent)).json()["issued"] == 1


async def test_the_codes_of_a_batch_are_bulk_and_stay_so_when_the_contact_changes(firm: Firm) -> None:
    body = {"organization_ids": [str(c) for c in firm.clients.values()], "functions": ["responsible_person"]}
    await firm.client.post("/v1/linking-code-batches", json=body, headers=firm.agent)
    await firm.opened.unit.run(raise_portion, 10, TEST)
    state = (await firm.opened.published("Contact"))[-1]
    assert state["linking_code_priority"] == "bulk"
    await firm.opened.unit.run(publish_state, UUID(state["contact_id"]), TEST)
    assert (await firm.opened.published("Contact"))[-1]["linking_code_priority"] == "bulk"


async def test_the_code_of_somebody_who_was_just_added_is_not_bulk(firm: Firm) -> None:
    await firm.add_member()
    state = (await firm.opened.published("Contact"))[-1]
    assert (state["linking_code_generation"], state["linking_code_priority"]) == (1, "normal")


async def test_a_batch_of_any_size_is_carried_out_in_portions_each_contact_once(firm: Firm) -> None:
    body = {"organization_ids": [str(c) for c in firm.clients.values()], "functions": ["responsible_person"]}
    for _ in range(2):
        await firm.client.post("/v1/linking-code-batches", json=body, headers=firm.agent)
    before = len(await firm.opened.published("Contact"))

    raised = [(await firm.opened.unit.run(raise_portion, 1, TEST)).outcome for _ in range(5)]

    assert raised == [1, 1, 1, 1, 0]
    states = (await firm.opened.published("Contact"))[before:]
    assert sorted(state["linking_code_generation"] for state in states) == [1, 1, 2, 2]


async def test_a_worker_carries_batches_on_at_its_pace_and_opens_no_transaction_while_none_waits(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores, "RESTS", 0)
    body = {"organization_ids": [str(c) for c in firm.clients.values()], "functions": ["responsible_person"]}
    await firm.client.post("/v1/linking-code-batches", json=body, headers=firm.agent)

    assert await chores.carry_on(firm.opened.unit) == 2 / chores.PACE
    monkeypatch.delattr(Unit, "run")
    assert await chores.carry_on(firm.opened.unit) is None


async def test_where_a_portion_takes_long_the_next_comes_later(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"organization_ids": [str(c) for c in firm.clients.values()], "functions": ["responsible_person"]}
    await firm.client.post("/v1/linking-code-batches", json=body, headers=firm.agent)

    async def slow(work: Work[Tools], limit: int) -> int:
        await asyncio.sleep(0.1)
        return await raise_portion(work, limit)

    monkeypatch.setattr(chores, "raise_portion", slow)
    assert (await chores.carry_on(firm.opened.unit) or 0) >= 0.1 * chores.RESTS > 2 / chores.PACE


async def test_two_workers_carry_out_different_portions(firm: Firm) -> None:
    body = {"organization_ids": [str(c) for c in firm.clients.values()], "functions": ["responsible_person"]}
    await firm.client.post("/v1/linking-code-batches", json=body, headers=firm.agent)
    async with firm.opened.unit.pool.acquire() as other, other.transaction():
        [taken] = await storage.next_items(other, 1)
        await firm.opened.unit.run(raise_portion, 10, TEST)
        states = await firm.opened.published("Contact")

    raised = {state["contact_id"] for state in states if state["linking_code_generation"]}
    assert len(raised) == 1 and str(taken.contact_id) not in raised


async def test_a_batch_counts_and_leaves_out_who_has_no_address(firm: Firm) -> None:
    contact_id = await firm.contact("3000004")
    await firm.opened.unit.pool.execute("update personal_fields set email = null where owner_id = $1", contact_id)
    body = {"organization_ids": [str(c) for c in firm.clients.values()], "functions": ["responsible_person"]}
    made = (await firm.client.post("/v1/linking-code-batches", json=body, headers=firm.agent)).json()
    assert (made["requested"], made["without_address"]) == (2, 1)


async def test_start_refuses_a_folder_that_lacks_a_code_in_use(firm: Firm) -> None:
    await firm.opened.unit.pool.execute("update rights set subject = 'gone' where subject = 'workforce'")
    with pytest.raises(FaultyFiles, match="gone"):
        async with platform(service, firm.opened.platform.settings):
            pass


async def test_no_personal_field_stands_outside_the_one_table_the_audit_or_a_public_event(firm: Firm) -> None:
    await firm.member()
    pool = firm.opened.unit.pool
    for name in await pool.fetch("select tablename from pg_tables where schemaname = 'public'"):
        table = name["tablename"]
        if table in ("personal_fields", "outbox"):
            continue
        text = " ".join(str(dict(row)) for row in await pool.fetch(f'select * from "{table}"'))
        assert "personnel@example.org" not in text and "Personnel'" not in text, table
    public = await pool.fetch("select payload from outbox where topic = 'authorizations.events'")
    assert not any(b"personnel@example.org" in row["payload"] or b"Personnel" in row["payload"] for row in public)
