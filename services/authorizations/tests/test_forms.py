"""The service catalogue: each profile gets the forms that it may use, with everything a portal needs to show them."""

from typing import Any

from services.authorizations.tests.conftest import Firm


async def _forms(firm: Firm, language: str = "fr", headers: dict[str, str] | None = None, **query: str) -> list[Any]:
    told = (headers or firm.responsible.headers) | {"Accept-Language": language}
    answer = await firm.client.get("/v1/forms", params=query, headers=told)
    assert answer.status_code == 200, answer.text
    items: list[Any] = answer.json()["items"]
    return items


async def test_a_form_is_asked_for_by_its_code_or_by_its_kind(firm: Firm) -> None:
    everything = await _forms(firm)
    assert [form["code"] for form in await _forms(firm, code="add_relation")] == ["add_relation"]
    assert await _forms(firm, kind="removal") == [form for form in everything if form["kind"] == "removal"]
    assert await _forms(firm, code="nothing") == []
    unknown = await firm.client.get("/v1/forms?kind=nothing", headers=firm.responsible.headers)
    assert (unknown.status_code, unknown.json()["code"]) == (422, "invalid_request")


async def test_who_does_not_manage_gets_no_form(firm: Firm) -> None:
    assert await _forms(firm, headers=(await firm.member()).headers) == []


async def test_relation_types_stand_in_the_form_with_what_each_permits_in_both_languages(firm: Firm) -> None:
    for language, name in (("fr", "Membre du personnel"), ("en", "Staff member")):
        (form,) = await _forms(firm, language, code="add_relation")
        (field,) = [field for field in form["fields"] if field["code"] == "type"]
        assert [option["code"] for option in field["options"]] == [
            "responsible_person", "administrator", "director", "staff_member", "authorized_individual",
        ]  # fmt: skip
        assert field["options"][3]["label"] == name and all(option["help"] for option in field["options"])


async def test_the_form_says_which_files_may_go_with_it(firm: Firm) -> None:
    files = {form["kind"]: form["attachments"] for form in await _forms(firm)}
    assert files["addition"] == files["correction"] == files["removal"] == {
        "most": 5, "largest_bytes": 10 * 1024**2, "media_types": ["application/pdf", "image/jpeg", "image/png"],
    }  # fmt: skip
    assert files["representation"] is files["recertification"] is None
