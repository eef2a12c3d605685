"""The forms of those who manage an organization: each thing they do to others has one, with the reasons it accepts."""

import json
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import pytest

from chassis.service import openapi
from contracts.agency import Agency, load
from contracts.agency.forms import FORM_KINDS, OUTCOMES, FormKind
from contracts.agency.requests import Outcome
from local import ROOT
from services.authorizations.app import service
from services.authorizations.deciding.kinds import KINDS
from services.authorizations.forms.domain import Offer
from services.authorizations.forms.kinds import USES
from services.authorizations.requests.domain import refuse_outcome
from services.authorizations.tests.claiming import Claims, claims
from services.authorizations.tests.conftest import Firm, Someone
from services.authorizations.tests.employers import Employer, an_employer
from tests.fixtures.gateway import OpenService

DOCUMENT = json.loads(openapi(service))
AGENCIES = {folder.name: load(folder) for folder in sorted((ROOT / "agencies").iterdir()) if folder.is_dir()}
EACH_KIND = pytest.mark.parametrize("kind", list(USES))
EACH_AGENCY = pytest.mark.parametrize("agency", AGENCIES.values(), ids=AGENCIES)
TODAY = datetime.now(UTC).date()

BESIDE = {"attestations", "attachments", "preview"}
"""What goes with a form and is none of its fields."""

BY_AGENTS_ALONE = {"mandate"}
"""Kinds of requests that agents alone decide, for which they have no form."""

OF_REVIEWS = {"email", "link_id", "managing_reason"}
"""What a decision about a review says, for which agents have no form."""

WITHOUT_FORM = {
    "POST /access/v1/evaluation", "POST /access/v1/evaluations",  # questions
    "POST /v1/authorized-files/search", "POST /v1/organizations/{organization_id}/authorizations/search",
    "POST /v1/organizations/{organization_id}/contacts/search",
    "POST /v1/organizations/{organization_id}/relations/search",
    "POST /v1/attachments",  # a file, that goes with a form
    "POST /v1/requests/{request_id}/submission",  # the form that was returned, again
    "POST /v1/requests/{request_id}/withdrawal", "POST /v1/requests/{request_id}/claim",  # nothing to fill in
    "POST /v1/invitations/acceptance",  # nothing but the token of the mail
    "POST /v1/linking-code-batches", "POST /v1/linking-code-batches/{batch_id}/resend",  # a selection of a list
    "POST /v1/organizations/{organization_id}/migration-report/{item_id}/settlement",  # a tick in a list
    "POST /v1/imports",  # an extract
    "POST /v1/mandates/{mandate_id}/withdrawal",  # nothing to fill in
    "POST /v1/mandates/{mandate_id}/address",  # a proof, in place of an address that was refused
    "POST /v1/mandates/{mandate_id}/address-requests",  # which side is asked for another
    "POST /v1/reports",  # of misuse, by anybody concerned; GET /v1/report-reasons has what to choose from
    "POST /v1/contacts/{contact_id}/erasure",  # why, by a code
    "POST /v1/paper-mandates", "POST /v1/mandates/{mandate_id}/confirmation",  # what stands on a paper; a token
    "POST /v1/mandates/{mandate_id}/page", "POST /v1/mandates/{mandate_id}/document",  # the token of the mail
}  # fmt: skip
"""Routes that change or ask something, and need no form of the agency's data."""


def routes() -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": said
        for path, methods in DOCUMENT["paths"].items()
        for method, said in methods.items()
        if method != "get"
    }


def callers(route: str) -> set[str]:
    """Of a route that takes a mail's token from whoever is not signed in: those who are."""
    return {name for one in routes()[route].get("security", [{"person": []}]) for name in one}


def fields(schema: dict[str, Any], prefix: str = "") -> set[str]:
    """Every property of a body by its path, those of objects and of lists of objects too."""
    found: set[str] = set()
    for one in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        part = DOCUMENT["components"]["schemas"][one["$ref"].split("/")[-1]] if "$ref" in one else one
        for name, said in part.get("properties", {}).items():
            found |= {prefix + name} | fields(said, f"{prefix}{name}.")
        if "items" in part:
            found |= fields(part["items"], prefix)
        if part is not schema and "anyOf" in part:
            found |= fields(part, prefix)
    return found


def fields_of(route: str) -> set[str]:
    body = routes()[route].get("requestBody")
    return fields(body["content"]["application/json"]["schema"]) if body else set()


def offer(agency: Agency, kind: str | None) -> Offer:
    return Offer(agency, None if kind is None else uuid4(), kind, TODAY)


def test_each_route_that_changes_something_has_its_form_or_needs_none() -> None:
    with_form = {route for use in USES.values() for route in use.sent_to}
    assert with_form | WITHOUT_FORM == set(routes()) and not with_form & WITHOUT_FORM
    assert set(USES) == set(FORM_KINDS)


@EACH_KIND
def test_a_kind_of_form_has_the_fields_of_its_routes_and_no_other(kind: FormKind) -> None:
    known = set[str]().union(*(fields_of(route) for route in USES[kind].sent_to))
    assert FORM_KINDS[kind].fields <= known, "a form asks for what no route takes"
    heads = {code.split(".")[0] for code in FORM_KINDS[kind].fields}
    lacking = {name for name in known if "." not in name} - heads - BESIDE - OF_REVIEWS
    assert lacking == set(), "a route takes what no form can ask for"
    assert ("attestations" in known) == FORM_KINDS[kind].attested
    assert ("attachments" in known) >= FORM_KINDS[kind].with_files


@EACH_KIND
def test_agents_are_offered_the_kinds_of_forms_whose_routes_take_agents(kind: FormKind) -> None:
    assert {("agent" in callers(route)) for route in USES[kind].sent_to} == {FORM_KINDS[kind].for_agents}
    assert {("person" in callers(route)) for route in USES[kind].sent_to} == {FORM_KINDS[kind].for_managers}


@EACH_KIND
def test_what_stands_in_the_path_is_the_profiles_or_is_listed_where_the_form_says(kind: FormKind) -> None:
    chosen = {"contact_id", "request_id", "block_id", "mandate_id"}
    named = any(f"{{{name}}}" in route for route in USES[kind].sent_to for name in chosen)
    about_at = USES[kind].about_at
    assert (about_at is not None) == named
    if about_at is not None:
        assert about_at.split("?")[0] in DOCUMENT["paths"]


@EACH_AGENCY
def test_an_agency_has_a_form_for_everything_that_it_lets_be_done(agency: Agency) -> None:
    kinds = {form.kind for form in agency.forms.values()}
    wanted = {name for name, kind in FORM_KINDS.items() if kind.needs is None or kind.needs in agency.features}
    without_it = {"addition", "correction", "recertification"} - kinds  # what an agency has no form of, it refuses
    decided = {kind for kind, rule in agency.requests.kinds.items() if rule.decider == "organization"}
    if not decided & set(OUTCOMES):
        without_it |= {"decision"}
    assert wanted - without_it == kinds
    assert {form.request for form in agency.forms.values()} - {None} == decided & set(OUTCOMES)


def test_a_decision_can_say_what_the_kind_of_request_allows() -> None:
    decided = {kind: row.outcomes for (kind, reason), row in KINDS.items() if reason is None and row.outcomes}
    assert {kind: outcomes for kind, outcomes in decided.items() if kind not in BY_AGENTS_ALONE} == OUTCOMES


@EACH_AGENCY
def test_a_decisions_form_offers_for_each_outcome_the_reasons_that_the_route_accepts(agency: Agency) -> None:
    forms = [form for form in agency.forms.values() if form.kind == "decision"]
    decided = {kind for kind, rule in agency.requests.kinds.items() if rule.decider == "organization"}
    assert bool(forms) == bool(decided & set(OUTCOMES))
    outcomes: tuple[Outcome, ...] = get_args(Outcome)
    for form, outcome in product(forms, outcomes):
        assert form.request is not None
        [field] = [asked for asked in offer(agency, None).fields(form) if asked.field.code == "reason"]
        offered = {choice.code for choice in field.choices if outcome in choice.outcomes}
        assert offered or outcome not in OUTCOMES[form.request] or outcome in ("approve", "merge")
        for reason in agency.decision_reasons:
            asked: Any = type("Request", (), {"kind": form.request})
            refused = refuse_outcome(agency, asked, outcome, reason, [outcome], TODAY)
            assert (refused is None) == (reason in offered), (form.code, outcome, reason)


@pytest.fixture
async def employer(open_service: OpenService, tmp_path: Path) -> Employer:
    return await an_employer(open_service, tmp_path)


async def shown(at: Firm, headers: dict[str, str], language: str = "en") -> dict[str, Any]:
    answer = await at.client.get("/v1/forms", headers=headers | {"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return {form["code"]: form for form in answer.json()["items"]}


def by_code(form: Any) -> dict[str, Any]:
    return {field["code"]: field for field in form["fields"]}


async def test_the_menu_of_who_manages_an_employer_is_complete_in_both_languages(employer: Employer) -> None:
    """The guide: approve or deny requests, assign functions, invite, block; its FAQ: several administrators."""
    french, english = [await shown(employer.at, employer.administrator.headers, to) for to in ("fr", "en")]
    assert list(french) == [
        "assign_functions", "withdraw_functions", "decide_access_request", "invite_user", "block_user", "unblock_user",
        "appoint_administrator", "release_administrator",
    ]  # fmt: skip
    for code, form in french.items():
        for part in ("title", "help", "link", "category_name"):
            assert form[part] and form[part] != english[code][part], (code, part)
    home = str(employer.organization_id)
    assert french["invite_user"]["sent_to"] == [f"POST /v1/organizations/{home}/invitations"]
    assert english["decide_access_request"]["request_kind"] == "access_request"
    assert await shown(employer.at, employer.worker.headers) == {}


async def test_the_lists_that_a_form_names_can_be_read_by_whoever_is_offered_it(employer: Employer) -> None:
    for headers in (employer.administrator.headers, employer.agent):
        for form in (await shown(employer.at, headers)).values():
            paths = [form["about_at"], *(field["choices_at"] for field in form["fields"])]
            for path in (path for path in paths if path and "{contact_id}" not in path):
                filled = path.replace("{organization_id}", str(employer.organization_id))
                assert (await employer.at.client.get(filled, headers=headers)).status_code == 200, filled


async def test_agents_are_offered_what_agents_may_do_and_must_give_a_reason(employer: Employer) -> None:
    offered = await shown(employer.at, employer.agent)
    agency = employer.at.opened.tools.agency
    wanted = {
        name
        for name, kind in FORM_KINDS.items()
        if kind.for_agents and (kind.needs is None or kind.needs in agency.features)
    }
    assert {form["kind"] for form in offered.values()} == wanted
    for code, form in offered.items():
        if "reason" in by_code(form):
            assert by_code(form)["reason"]["required"], code
    chosen = by_code(offered["decide_access_request"])["access.type"]["options"]
    assert {tuple(option["kinds"]) for option in chosen} == {("employer",)}
    own = await shown(employer.at, employer.administrator.headers)
    assert not by_code(own["block_user"])["reason"]["required"]


async def test_each_form_about_a_person_offers_the_reasons_that_its_route_accepts_and_no_other(
    employer: Employer,
) -> None:
    forms, agency = await shown(employer.at, employer.agent), employer.at.opened.tools.agency
    offered = {
        form["kind"]: {option["code"] for option in by_code(form)["reason"]["options"]}
        for form in forms.values()
        if USES[form["kind"]].act is not None
    }
    accepted: dict[str, set[str]] = {kind: set() for kind in offered}
    for reason in agency.managing_reasons:
        for kind, answer in (await tried(employer, reason)).items():
            refused = answer.status_code == 422 and answer.json()["code"] == "unknown_reason"
            assert refused or answer.status_code in (200, 201, 204), answer.text
            accepted[kind] |= set() if refused else {reason}
    assert offered == accepted and all(offered.values())


async def tried(employer: Employer, reason: str) -> dict[str, Any]:
    """What each route says to the reason; whatever it did is undone."""
    agent = employer.agent
    block = await employer.post("blocks", agent, contact_id=str(employer.worker.contact_id), reason=reason)
    if block.status_code == 201:
        path = f"/v1/organizations/{employer.organization_id}/blocks/{block.json()['block_id']}"
        assert (await employer.at.client.delete(path, headers=agent)).status_code == 204
    appointment = await employer.appoint(employer.worker, agent, reason=reason)
    release = await employer.release(employer.administrator, agent, reason=reason)
    if appointment.status_code == 201 and release.status_code == 204:
        assert (await employer.appoint(employer.administrator, agent, reason=reason)).status_code == 201
        assert (await employer.release(employer.worker, agent, reason=reason)).status_code == 204
    replacement = await employer.replace(employer.administrator, employer.worker, reason=reason, preview=True)
    return {"block": block, "appointment": appointment, "release": release, "replacement": replacement}


async def test_an_invitation_is_sent_as_its_form_asks(employer: Employer) -> None:
    form = (await shown(employer.at, employer.administrator.headers))["invite_user"]
    asked = by_code(form)
    assert {option["code"] for option in asked["type"]["options"]} == {
        "access_administrator", "worker", "representative",
    }  # fmt: skip
    body = {
        "name": "Démo Invitée", "email": "invitee@example.org", "language": "fr", "type": "worker",
        "starts_on": asked["starts_on"]["default"], "ends_on": asked["ends_on"]["default"],
        "subjects": [{"subject": asked["subjects"]["options"][0]["code"], "level": "read"}],
    }  # fmt: skip
    assert set(body) == set(asked)
    answer = await employer.post("invitations", employer.administrator.headers, **body)
    assert answer.status_code == 201, answer.text


@pytest.fixture
async def world(open_service: OpenService, tmp_path: Path) -> Claims:
    return await claims(open_service, tmp_path)


async def test_a_request_is_decided_as_its_form_asks(world: Claims) -> None:
    manager = await world.administrator()
    claimed = await world.claim(await world.account("Ida"))
    at = Firm(world.opened, world.employer_id, {}, world.employer_id, manager)
    form = (await shown(at, manager.headers))["decide_access_request"]
    waiting = (await world.client.get(form["about_at"], headers=manager.headers)).json()["items"]
    assert [row["request_id"] for row in waiting] == [str(await world.request_of(claimed))]
    asked = by_code(form)
    access = {
        "type": asked["access.type"]["options"][1]["code"],
        "starts_on": asked["access.starts_on"]["default"],
        "ends_on": asked["access.ends_on"]["default"],
        "subjects": [{
            "subject": asked["access.subjects"]["options"][0]["code"], "level": "write",
            "starts_on": asked["access.starts_on"]["default"], "ends_on": asked["access.ends_on"]["default"],
        }],
    }  # fmt: skip
    decided = await world.decide(waiting[0]["request_id"], manager.headers, access=access)
    assert decided.status_code == 200, decided.text
    assert await world.check(claimed.account_id, access["subjects"][0]["subject"], "write")


async def test_a_person_is_kept_out_as_the_form_asks_whatever_the_agency(firm: Firm) -> None:
    member: Someone = await firm.member()
    forms = {form["kind"]: form for form in (await shown(firm, firm.responsible.headers)).values()}
    asked = by_code(forms["block"])
    listed = (await firm.client.get(asked["contact_id"]["choices_at"], headers=firm.responsible.headers)).json()
    assert str(member.contact_id) in {row["contact_id"] for row in listed["items"]}
    path = f"/v1/organizations/{firm.firm_id}/blocks"
    for option in asked["reason"]["options"]:
        body = {"contact_id": str(member.contact_id), "reason": option["code"]}
        made = await firm.client.post(path, json=body, headers=firm.responsible.headers)
        assert made.status_code == 201, made.text
        standing = (await firm.client.get(forms["unblock"]["about_at"], headers=firm.responsible.headers)).json()
        [block] = standing["items"]
        method, unblock = forms["unblock"]["sent_to"][0].split(" ")
        freed = await firm.client.request(
            method, unblock.replace("{block_id}", block["block_id"]), headers=firm.responsible.headers
        )
        assert freed.status_code == 204


async def test_who_has_nobody_to_act_for_it_decides_about_no_relation(firm: Firm) -> None:
    """In ccq a firm acts for employers: they decide what it proposes, and nobody proposes anything to it."""
    employer = await firm.link(await firm.contact("3000003"))
    decided = {"decide_organization_relation", "decide_end_of_relation"}
    assert decided <= set(await shown(firm, employer.headers))
    assert not decided & set(await shown(firm, firm.responsible.headers))
    assert decided <= set(await shown(firm, firm.agent))
