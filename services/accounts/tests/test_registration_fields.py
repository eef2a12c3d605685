"""What an agency asks beside name, address and language is its data's: asked, checked, shown, corrected, erased."""

from typing import Any

import pytest

from services.accounts.tests.conftest import Accounts

OWN = "worker@aurora.example"
TOLD = {"telephone": "+18675550100", "territory": "nu"}


@pytest.mark.parametrize(
    ("language", "telephone", "nunavut"), [("fr", "Téléphone", "Nunavut"), ("en", "Telephone", "Nunavut")]
)
async def test_the_form_is_served_in_the_callers_language(
    wsscc: Accounts, language: str, telephone: str, nunavut: str
) -> None:
    answer = await wsscc.client.get("/v1/registration-notice", headers={"Accept-Language": language})
    first, second = answer.json()["fields"]
    assert (first["code"], first["kind"], first["required"], first["label"]) == (
        "telephone",
        "telephone",
        True,
        telephone,
    )
    assert "867" in first["help"] and first["options"] == []
    assert {option["code"]: option["label"] for option in second["options"]}["nu"] == nunavut


async def test_an_agency_that_asks_nothing_more_has_no_fields(accounts: Accounts) -> None:
    assert (await accounts.client.get("/v1/registration-notice")).json()["fields"] == []
    refused = await accounts.register(fields={"telephone": "+15145550100"})
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [
        ("#/fields/telephone", "field_unknown")
    ]


@pytest.mark.parametrize(
    ("told", "faults"),
    [
        ({}, {"#/fields/telephone": "field_missing", "#/fields/territory": "field_missing"}),
        ({**TOLD, "telephone": None}, {"#/fields/telephone": "field_missing"}),
        ({**TOLD, "telephone": "867 555-0100"}, {"#/fields/telephone": "field_wrong_form"}),
        ({**TOLD, "territory": "yk"}, {"#/fields/territory": "field_not_choice"}),
        ({**TOLD, "shoe_size": "42"}, {"#/fields/shoe_size": "field_unknown"}),
        ({**TOLD, "telephone": "x" * 201}, {"#/fields/telephone": "field_too_long"}),
    ],
)
async def test_what_is_wrong_is_said_of_the_field_and_nothing_is_kept(
    wsscc: Accounts, told: dict[str, Any], faults: dict[str, str]
) -> None:
    refused = await wsscc.register(OWN, fields=told)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert {error["pointer"]: error["code"] for error in refused.json()["errors"]} == faults
    assert await wsscc.pool.fetchval("select count(*) from people") == 0


async def test_a_person_sees_and_corrects_what_they_told(wsscc: Accounts) -> None:
    person = await wsscc.opened(OWN)
    shown = await wsscc.client.get("/v1/account", headers=person.headers)
    assert shown.json()["fields"] == TOLD
    headers = person.headers | {"If-Match": shown.headers["ETag"]}
    change = {"fields": {"telephone": "+1 (867) 555-0199"}}
    changed = await wsscc.client.patch("/v1/account", json=change, headers=headers)
    assert changed.json()["fields"] == {**TOLD, "telephone": "+18675550199"}
    detail = await wsscc.pool.fetchval("select detail::text from audit where action = 'account_changed'")
    assert "telephone" in detail and "5550199" not in detail


async def test_what_is_required_cannot_be_emptied_nor_another_value_chosen(wsscc: Accounts) -> None:
    person = await wsscc.opened(OWN)
    shown = await wsscc.client.get("/v1/account", headers=person.headers)
    headers = person.headers | {"If-Match": shown.headers["ETag"]}
    body = {"fields": {"telephone": None, "territory": "yk"}}
    refused = await wsscc.client.patch("/v1/account", json=body, headers=headers)
    assert {error["pointer"] for error in refused.json()["errors"]} == {"#/fields/telephone", "#/fields/territory"}
    assert (await wsscc.client.get("/v1/account", headers=person.headers)).json()["fields"] == TOLD


async def test_what_they_told_stands_in_the_one_table_that_is_erased(wsscc: Accounts) -> None:
    await wsscc.opened(OWN)
    assert [name for name, rows in (await wsscc.everything()).items() if "8675550100" in rows] == ["people"]
