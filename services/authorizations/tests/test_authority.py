"""What an agent may for any organization takes an agent's token; nobody else gets it by asking as one."""

from pathlib import Path
from uuid import UUID, uuid4

from chassis.outcomes import Refusal
from chassis.work import Actor
from services.authorizations.access.domain import AsAgent
from services.authorizations.imports.report import Settle, settle
from services.authorizations.linking_codes.domain import Selection
from services.authorizations.linking_codes.handlers import RequestBatch, request_batch
from services.authorizations.requests.domain import Decision
from services.authorizations.requests.handlers import Decide, decide
from services.authorizations.tests.asking import sides
from services.authorizations.tests.conftest import Firm


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
