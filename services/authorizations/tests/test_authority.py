"""What an agent may for any organization takes an agent's token; nobody else gets it by asking as one."""

from pathlib import Path
from uuid import UUID, uuid4

from fastapi.routing import APIRoute

from chassis.outcomes import Refusal
from chassis.work import Actor
from services.authorizations.access.domain import AsAgent
from services.authorizations.app import service
from services.authorizations.deciding.handlers import Decide, decide
from services.authorizations.linking_codes.domain import Selection
from services.authorizations.linking_codes.handlers import RequestBatch, request_batch
from services.authorizations.migration_reports.handlers import Settle, settle
from services.authorizations.requests.domain import Decision
from services.authorizations.tests.asking import sides
from services.authorizations.tests.conftest import Firm
from services.authorizations.tests.test_attachments import PDF


async def test_who_asks_as_an_agent_without_being_one_decides_sends_and_settles_nothing(
    firm: Firm, tmp_path: Path
) -> None:
    unit, account = firm.opened.unit, Actor("account", str(firm.responsible.account_id))
    request_id = await (await sides(firm, tmp_path)).proposed()
    to_all = RequestBatch(AsAgent(), firm.firm_id, Selection(organization_ids=[firm.firm_id], never_linked=True))

    decided = await unit.run(decide, Decide(AsAgent(), UUID(request_id), 1, Decision("approve")), account)
    sent = await unit.run(request_batch, to_all, account)
    settled = await unit.run(settle, Settle(AsAgent(), firm.firm_id, uuid4(), "confirmed"), account)

    refusals = [done.outcome.code for done in (decided, sent, settled) if isinstance(done.outcome, Refusal)]
    assert refusals == ["not_permitted"] * 3


SHOW_NO_ONES_FILE = {
    "/v1/forms": "forms, with links where lists stand",
    "/v1/attachments": "how many files and how large: a file that is opened is a look",
    "/v1/linking-code-batches/{batch_id}": "counts",
    "/v1/imports/{import_id}": "counts",
}
"""What agents may look at and no audit notes, and why: nothing in it is about a person."""

OF_MANDATES = {"mandates", "questionnaires", "processing-date", "report-reasons"}
"""What an agency without mandates does not show; test_mandates.py and test_signing.py hold what agents see of them."""


async def test_each_route_that_shows_an_agent_somebodys_file_notes_that_it_looked(firm: Firm, tmp_path: Path) -> None:
    ids = await _something_of_each(firm, tmp_path)
    looks = "select count(*) from audit where actor_kind = 'agent' and action like '%_viewed'"
    silent, noted = set[str](), set[str]()
    for route in _routes_that_show():
        path = route.path.format_map(ids)
        method, body = ("POST", {"text": "démo"}) if route.path.endswith("/search") else ("GET", None)
        before = await firm.opened.unit.pool.fetchval(looks)
        answer = await firm.client.request(method, path, params=ids, json=body, headers=firm.agent)
        if answer.status_code == 403 and answer.json()["code"] == "wrong_kind_of_caller":
            continue
        assert answer.status_code == 200, (path, answer.text)
        (noted if await firm.opened.unit.pool.fetchval(looks) > before else silent).add(route.path)

    assert silent == set(SHOW_NO_ONES_FILE)
    assert noted and not noted & silent


def _routes_that_show() -> list[APIRoute]:
    routes = [route for router in service.routers for route in router.routes if isinstance(route, APIRoute)]
    shown = [route for route in routes if route.methods == {"GET"} or route.path.endswith("/search")]
    return [route for route in shown if not OF_MANDATES & set(route.path.split("/"))]


async def _something_of_each(firm: Firm, folder: Path) -> dict[str, str]:
    """The ids that paths name, each of something that exists, and what some routes cannot be asked without."""
    contact_id = str(firm.responsible.contact_id)
    batch = await firm.client.post("/v1/linking-code-batches", json={"contact_ids": [contact_id]}, headers=firm.agent)
    kept = await firm.client.post(
        "/v1/attachments", content=PDF, headers=firm.responsible.headers | {"Content-Type": "application/pdf"}
    )
    attachment_id = kept.json()["attachment_id"]
    added = await firm.add_member(attachments=[attachment_id])
    return {
        "organization_id": str(firm.firm_id),
        "contact_id": contact_id,
        "request_id": await (await sides(firm, folder)).proposed(),
        "batch_id": batch.json()["batch_id"],
        "import_id": str(await firm.opened.unit.pool.fetchval("select import_id from imports limit 1")),
        "attachment_id": attachment_id,
        "object_id": added.json()["contact_id"],
        "number": "5000001",
        "decider": "organization",
    }
