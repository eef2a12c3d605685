"""Promises about reading a code again, renewing it, and the letters that carry it."""

import csv
import io
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.accounts import Person
from contracts.agency.letters import Window
from contracts.authorizations import Contact, Organization
from contracts.events import Span
from services.linking.bindings import storage as bindings
from services.linking.contacts import storage as contacts
from services.linking.letters.domain import Addressed, merge_file, page
from services.linking.organizations.domain import Organization as Addressee
from services.linking.tests.coded import WSSCC, an_employer, code_of
from services.linking.tests.conftest import Opening
from services.linking.tests.world import Clock, Linking, a_contact, an_account, changed


@dataclass
class Office:
    """An employer with a code, and somebody who manages it."""

    linking: Linking
    employer: Organization
    manager: dict[str, str]
    contact: Any

    async def get(self, headers: dict[str, str], path: str = "", **more: str) -> Any:
        url = f"/v1/organization-codes/{self.employer.organization_id}{path}"
        return await self.linking.http.get(url, headers=headers | more)

    async def renew(self, headers: dict[str, str], **more: str) -> Any:
        url = f"/v1/organization-codes/{self.employer.organization_id}/renewal"
        sent = headers | {name.replace("_", "-"): value for name, value in more.items()}
        return await self.linking.http.post(url, headers=sent)

    async def print(self, *organization_ids: UUID, **more: str) -> Any:
        body = {"organization_ids": [str(one) for one in organization_ids]} if organization_ids else {}
        headers = self.linking.agent | {name.replace("_", "-"): value for name, value in more.items()}
        return await self.linking.http.post("/v1/organization-letters", json=body, headers=headers)

    async def sheets(self, printing_id: str, accept: str = "text/html") -> Any:
        url = f"/v1/organization-letters/{printing_id}/sheets"
        return await self.linking.http.get(url, headers=self.linking.agent | {"Accept": accept})

    async def due(self) -> int:
        found = await self.linking.http.get("/v1/organization-letters", headers=self.linking.agent)
        count: int = found.json()["due"]
        return count

    async def audited(self, action: str) -> list[str]:
        rows = await self.linking.unit.pool.fetch("select actor_kind from audit where action = $1 order by id", action)
        return [row["actor_kind"] for row in rows]


async def link(linking: Linking, account: Person, contact: Contact) -> None:
    """The account is the contact from now on."""
    async with linking.unit.pool.acquire() as connection:
        known = await contacts.lock_contact(connection, contact.contact_id)
        assert known is not None
        now = linking.clock.now
        await bindings.bind(connection, uuid4(), account.account_id, known, "organization_code", now, None)


@pytest.fixture
async def office(opening: Opening) -> Office:
    linking = await opening(WSSCC)
    employer, account = an_employer(linking), an_account()
    contact = a_contact(employer, manages=(Span(starts_on="2020-01-01"),), linking_code_generation=0)
    await linking.send(employer, contact, account)
    await link(linking, account, contact)
    return Office(linking, employer, linking.bearer(account.account_id), contact)


def as_printed(code: str | None) -> str:
    assert code is not None
    return f"{code[:3]} {code[3:]}"


async def test_those_who_manage_and_agents_read_the_code_and_each_look_is_audited(office: Office) -> None:
    code = await code_of(office.linking, office.employer)
    for headers in (office.manager, office.linking.agent):
        found = await office.get(headers)
        assert (found.status_code, found.json()["code"], found.json()["letter_due"]) == (200, code, True)
        assert found.headers["cache-control"] == "no-store"
    assert await office.audited("organization_code_viewed") == ["account", "agent"]


async def test_nobody_else_reads_it_whether_the_organization_exists_or_not(office: Office) -> None:
    stranger, colleague = an_account(), an_account()
    staff = a_contact(office.employer, client_number="3000002", linking_code_generation=0)
    past = (Span(starts_on="2020-01-01", ends_on="2026-11-30"),)
    await office.linking.send(stranger, colleague, staff)
    await link(office.linking, colleague, staff)
    await office.linking.send(changed(office.contact, manages=past))
    answers = [
        await office.get(office.linking.bearer(stranger.account_id)),
        await office.get(office.linking.bearer(colleague.account_id)),
        await office.get(office.manager),
        await office.renew(office.manager),
        await office.linking.http.get(f"/v1/organization-codes/{uuid4()}", headers=office.manager),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "not_permitted")}
    assert await office.audited("organization_code_viewed") == []


async def test_a_renewal_kills_the_code_at_once_and_makes_a_letter_due(office: Office) -> None:
    before = await code_of(office.linking, office.employer)
    await office.print()
    assert await office.due() == 0
    renewed = await office.renew(office.manager)
    assert renewed.status_code == 201, renewed.text
    after = await code_of(office.linking, office.employer)
    assert renewed.json()["code"] == after != before
    assert renewed.json()["letter_due"] is True
    assert await office.due() == 1


async def test_a_renewal_that_is_sent_again_with_its_key_renews_once(office: Office) -> None:
    first = await office.renew(office.manager, Idempotency_Key="k")
    again = await office.renew(office.manager, Idempotency_Key="k")
    assert first.json() == again.json()
    assert again.status_code == 201


async def test_those_who_manage_renew_so_often_a_day_and_agents_as_often_as_they_need(
    office: Office, clock: Clock
) -> None:
    answers = [(await office.renew(office.manager)).status_code for _ in range(4)]
    assert answers == [201, 201, 201, 429]
    assert (await office.renew(office.linking.agent)).status_code == 201
    clock.now += timedelta(days=1)
    assert (await office.renew(office.manager)).status_code == 201


async def test_an_inactive_organization_has_no_code_to_read_renew_or_print(office: Office) -> None:
    await office.linking.send(changed(office.employer, status="inactive"))
    agent = office.linking.agent
    assert (await office.get(agent)).status_code == 404
    assert (await office.renew(agent)).status_code == 404
    assert (await office.get(agent, "/letter")).status_code == 404
    assert (await office.print()).json()["code"] == "nothing_to_print"
    assert await office.due() == 0


async def test_the_letter_is_for_agents_in_the_organizations_language_and_shows_the_code_in_a_window_sheet(
    office: Office,
) -> None:
    assert (await office.get(office.manager, "/letter")).status_code == 403
    found = await office.get(office.linking.agent, "/letter", Accept="text/html")
    code = as_printed(await code_of(office.linking, office.employer))
    assert found.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in found.headers["content-security-policy"]
    assert '<section lang="fr">' in found.text
    for shown in (
        code,
        "1, rue du Lac",
        "Bienvenue à WSSCC Connect – employeur numéro 1000001",
        "1er\u00a0décembre 2026",
        "left: 22.0mm",
    ):
        assert shown in found.text
    assert await office.due() == 1
    await office.linking.send(changed(office.employer, language="en"))
    english = await office.get(office.linking.agent, "/letter")
    assert '<section lang="en">' in english.text
    assert await office.audited("organization_letter_viewed") == ["agent", "agent"]


async def test_what_was_printed_is_known_and_can_be_fetched_again_as_sheets_and_as_a_table(office: Office) -> None:
    others = [an_employer(office.linking, number=f"10000{place}", code=None) for place in range(10, 13)]
    await office.linking.send(*others, an_employer(office.linking, number="1000099", code="123456"))
    assert await office.due() == 4  # whoever had its code already has no letter coming
    printed = (await office.print(Idempotency_Key="monday")).json()
    assert (await office.print(Idempotency_Key="monday")).json() == printed
    assert printed["letters"] == 4
    assert await office.due() == 0
    assert (await office.print()).json()["code"] == "nothing_to_print"
    sheets = await office.sheets(printed["printing_id"])
    assert sheets.text.count("<section") == 4
    table = await office.sheets(printed["printing_id"], "text/csv")
    rows = list(csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff"))))
    assert {row["code"] for row in rows} == {
        as_printed(await code_of(office.linking, one)) for one in (office.employer, *others)
    }
    assert rows[0]["address_2"] == "Yellowknife NT  X1A 1A1"
    assert await office.audited("organization_letter_viewed") == ["agent"] * 8
    listed = (await office.linking.http.get("/v1/organization-letters", headers=office.linking.agent)).json()
    assert (listed["due"], listed["total"], listed["items"]) == (0, 1, [printed])


async def test_a_letter_without_an_address_waits_for_one_unless_it_is_asked_for_by_name(office: Office) -> None:
    nowhere = an_employer(office.linking, number="1000010", billing_address=())
    await office.linking.send(nowhere)
    assert (await office.print()).json()["letters"] == 1
    overview = (await office.linking.http.get("/v1/organization-letters", headers=office.linking.agent)).json()
    assert (overview["due"], overview["without_address"]) == (0, 1)
    await office.linking.send(changed(nowhere, billing_address=("1, rue du Lac",)))
    assert await office.due() == 1
    assert (await office.print(nowhere.organization_id)).json()["letters"] == 1
    assert await office.due() == 0


async def test_a_code_that_was_renewed_since_stands_on_no_sheet_of_an_older_printing(office: Office) -> None:
    printed = (await office.print()).json()
    old = as_printed(await code_of(office.linking, office.employer))
    await office.renew(office.linking.agent)
    assert (await office.sheets(printed["printing_id"])).text.count("<section") == 0
    again = (await office.print(office.employer.organization_id)).json()
    sheets = await office.sheets(again["printing_id"])
    assert old not in sheets.text
    assert as_printed(await code_of(office.linking, office.employer)) in sheets.text


async def test_letters_are_for_agents_alone(office: Office) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("GET", f"/{uuid4()}"), ("GET", f"/{uuid4()}/sheets")):
        url = f"/v1/organization-letters{path}"
        answer = await office.linking.http.request(
            method, url, headers=office.manager, json={} if method == "POST" else None
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_kind_of_caller")
    assert (await office.sheets(str(uuid4()))).status_code == 404


def test_a_name_is_no_markup_on_a_sheet_and_no_formula_in_a_table(office: Office) -> None:
    tools = office.linking.unit.tools
    addressee = Addressee(uuid4(), "1", "=<script>alert(1)</script>", True)
    one = Addressed(addressee, ("+1 <b>",), "en", 1, "000123")
    html = page([one], tools.agency.letters["welcome"], tools.agency.profile, office.linking.clock.now.date())
    assert "<script>" not in html
    assert "<b>" not in html
    row = merge_file([one]).splitlines()[1]
    assert row.startswith("1,'=<script>")
    assert ",'+1 <b>," in row
    assert row.endswith(",en,000 123")


def test_a_window_is_within_a_sheet() -> None:
    with pytest.raises(ValueError, match="less than or equal"):
        Window(left=500, top=0, width=90, height=30)
