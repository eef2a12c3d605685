"""The service catalogue: each profile gets the forms that it may use, with everything a portal needs to show them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from services.authorizations.forms.domain import Offer
from services.authorizations.tests.conftest import NOT_DELEGABLE, Firm


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


def _fields(form: Any) -> dict[str, Any]:
    return {field["code"]: field for field in form["fields"]}


async def test_each_choice_stands_in_the_form_or_the_form_says_where_it_is_listed(firm: Firm) -> None:
    for by in (firm.responsible, await firm.link(await firm.contact("3000003"))):
        for form in await _forms(firm, headers=by.headers):
            for field in form["fields"]:
                assert (field["choices"] is not None) == bool(field["options"] or field["choices_at"]), field["code"]
                if field["choices_at"] and "{" not in field["choices_at"]:
                    assert (await firm.client.get(field["choices_at"], headers=by.headers)).status_code == 200


async def test_subjects_are_explained_with_a_link_in_both_languages(firm: Firm) -> None:
    for language, help_, link in (
        ("fr", "Préparer, transmettre", "https://aide.ccq.example/fr/rapport-mensuel"),
        ("en", "Prepare, submit", "https://aide.ccq.example/en/monthly-report"),
    ):
        (form,) = await _forms(firm, language, code="add_relation")
        field = _fields(form)["subjects"]
        assert form["link"] and form["link"].startswith(f"https://aide.ccq.example/{language}/")
        assert field["link"] and field["link"].startswith(f"https://aide.ccq.example/{language}/")
        report = field["options"][0]
        assert (report["code"], report["link"], report["help"].startswith(help_)) == ("monthly_report", link, True)
        assert [level["label"] for level in field["levels"]] == (
            ["Lecture", "Écriture"] if language == "fr" else ["Read", "Write"]
        )


async def test_every_form_has_a_title_help_and_a_link_to_an_article_in_both_languages(firm: Firm) -> None:
    french, english = [{form["code"]: form for form in await _forms(firm, language)} for language in ("fr", "en")]
    for code, form in french.items():
        for part in ("title", "help", "link", "category_name"):
            assert form[part] and english[code][part] and form[part] != english[code][part], (code, part)


async def test_a_subject_says_for_whom_it_exists_and_why_it_cannot_be_passed_on(firm: Firm) -> None:
    (form,) = await _forms(firm, code="add_relation")
    subjects = {option["code"]: option for option in _fields(form)["subjects"]["options"]}
    assert subjects["profile"]["kinds"] == ["employer", "firm", "individual"]
    assert subjects["competency_certificate"]["kinds"] == ["individual"]
    assert subjects["status_letter"]["kinds"] == ["employer"]
    assert {code for code, option in subjects.items() if option["why_not_delegable"]} == NOT_DELEGABLE


async def test_defaults_are_todays_date_and_the_one_that_means_no_end(firm: Firm) -> None:
    (form,) = await _forms(firm, code="add_relation")
    today = firm.opened.tools.moment(datetime.now(UTC)).day.isoformat()
    defaults = {code: field["default"] for code, field in _fields(form).items() if field["default"]}
    assert defaults == {
        "contact.language": "fr", "acted_for": "own_organization", "starts_on": today, "ends_on": "9999-12-31",
    }  # fmt: skip


async def test_a_profile_is_shown_only_what_its_organization_can_choose(firm: Firm) -> None:
    employer = (await firm.link(await firm.contact("3000003"))).headers
    worker = (await firm.link(await firm.contact("3000006"))).headers
    shown = {}
    for name, headers in (("firm", firm.responsible.headers), ("employer", employer), ("individual", worker)):
        forms = {form["kind"]: _fields(form) for form in await _forms(firm, headers=headers)}
        shown[name] = {
            (kind, code): [option["code"] for option in forms[kind][code]["options"]]
            for kind, code in (
                ("addition", "acted_for"), ("addition", "type"), ("addition", "subjects"),
                ("representation", "other.kind"), ("representation", "subjects"),
            )
        }  # fmt: skip
        assert ("organization_id" in forms["addition"]) == (name == "firm")
    everybody = ["own_organization", "other_organization", "individual"]
    assert [shown[name]["addition", "acted_for"] for name in shown] == [
        everybody, ["own_organization"], ["own_organization"],
    ]  # fmt: skip
    assert [shown[name]["representation", "other.kind"] for name in shown] == [
        ["employer", "individual"], ["firm"], ["firm"],
    ]  # fmt: skip
    assert shown["individual"]["addition", "type"] == ["authorized_individual", "file_holder"]
    of_individuals = ["payments_statements", "profile", "competency_certificate"]
    assert shown["individual"]["addition", "subjects"] == shown["individual"]["representation", "subjects"]
    assert shown["individual"]["addition", "subjects"] == of_individuals
    assert "competency_certificate" not in shown["employer"]["addition", "subjects"]


def test_who_has_nobody_to_act_for_it_nor_acts_for_another_is_shown_no_form_between_organizations(firm: Firm) -> None:
    agency, today = firm.opened.tools.agency, firm.opened.tools.moment(datetime.now(UTC)).day
    alone = {code: found for code, found in agency.relation_types.items() if found.shape != "representation"}
    shown = {form.kind for form in Offer(replace(agency, relation_types=alone), firm.firm_id, "firm", today).forms()}
    among_others = {form.kind for form in Offer(agency, firm.firm_id, "firm", today).forms()}
    assert among_others - shown == {"representation", "representation_end"}


async def test_the_form_says_which_files_may_go_with_it(firm: Firm) -> None:
    files = {form["kind"]: form["attachments"] for form in await _forms(firm)}
    assert files["addition"] == files["correction"] == files["removal"] == {
        "most": 5, "largest_bytes": 10 * 1024**2, "media_types": ["application/pdf", "image/jpeg", "image/png"],
    }  # fmt: skip
    assert files["representation"] is files["recertification"] is None
