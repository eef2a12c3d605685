"""Work of many transactions comes to the same wherever it is cut short, and whoever carries it on."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from chassis.audit import sealing
from chassis.audit.sealing import seal_all
from chassis.work import Actor, Unit
from services.authorizations.access.domain import AsAgent
from services.authorizations.app import service
from services.authorizations.imports import handlers, running
from services.authorizations.imports.ahead import Ahead
from services.authorizations.linking_codes import chores
from services.authorizations.linking_codes.domain import Selection
from services.authorizations.linking_codes.handlers import RequestBatch, request_batch
from services.authorizations.notices import chores as notices
from services.authorizations.tests.conftest import EXTRACT, TEST, bring_in
from services.authorizations.tools import Tools
from tests.fixtures.cutting import cut_everywhere
from tests.fixtures.gateway import OpenService

AGENT = Actor("agent", "demo-agent")
TABLES = (
    "organizations", "contacts", "relations", "rights", "statuses", "import_rows", "migration_items", "digests",
    "digests_waiting", "audit_unsealed",
)  # fmt: skip

Tell = Callable[[], Awaitable[Unit[Tools]]]


@pytest.fixture
def brought_in(open_service: OpenService) -> Tell:
    """A service of its own with the guide's organizations in it."""

    async def begin() -> Unit[Tools]:
        unit: Unit[Tools] = (await open_service(service)).unit
        await bring_in(unit, EXTRACT)
        return unit

    return begin


async def found(unit: Unit[Tools]) -> dict[str, Any]:
    """What was written, told and noted, without the ids that differ from run to run."""
    events = await unit.pool.fetch("select headers ->> 'ce_type' as type, count(*) from outbox group by 1")
    noted = await unit.pool.fetch(
        "select action, organizations.number, count(*) from audit left join organizations using (organization_id)"
        " group by 1, 2"
    )
    generations = await unit.pool.fetch("select client_number, linking_code_generation from contacts order by 1, 2")
    rows = {table: await unit.pool.fetchval(f"select count(*) from {table}") for table in TABLES}
    return {"events": set(events), "noted": set(noted), "generations": generations, "rows": rows}


def until_nothing_is_left(step: Callable[[Unit[Tools]], Awaitable[float | None]]) -> Callable[[Any], Awaitable[None]]:
    """A worker that takes a step after another without a rest."""

    async def carry_on(unit: Unit[Tools]) -> None:
        while await step(unit) is not None:
            await asyncio.sleep(0)

    return carry_on


async def test_an_import_tells_of_each_organization_once_wherever_it_is_cut_short(
    open_service: OpenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "PORTION", 5)

    async def begin() -> Unit[Tools]:
        unit: Unit[Tools] = (await open_service(service)).unit
        await running.receive(unit, running.files([EXTRACT]), TEST, dry_run=False)
        return unit

    async def carry_on(unit: Unit[Tools]) -> None:
        async with Ahead(unit) as ahead:
            await until_nothing_is_left(partial(running.carry_on, ahead=ahead))(unit)

    assert await cut_everywhere(begin, carry_on, found) >= 4


async def test_a_batch_asks_for_each_code_once_wherever_it_is_cut_short(
    brought_in: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores, "PORTION", 1)

    async def begin() -> Unit[Tools]:
        unit = await brought_in()
        asked = RequestBatch(AsAgent(), None, Selection(functions=["responsible_person"]))
        await unit.run(request_batch, asked, AGENT)
        return unit

    assert await cut_everywhere(begin, until_nothing_is_left(chores.carry_on), found) >= 3


async def test_a_round_of_digests_tells_each_reader_once_wherever_it_is_cut_short(
    brought_in: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "PORTION", 1)

    async def begin() -> Unit[Tools]:
        unit = await brought_in()
        tomorrow = unit.tools.moment(unit.origin.clock()).day + timedelta(days=1)
        await unit.pool.execute("update relations set valid = daterange(lower(valid), $1)", tomorrow)
        return unit

    assert await cut_everywhere(begin, until_nothing_is_left(notices.tell), found) >= 3


async def test_every_entry_is_sealed_once_wherever_the_sealer_is_cut_short(
    brought_in: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "PORTION", 2)

    async def chains(unit: Unit[Tools]) -> Any:
        rows = await unit.pool.fetch("select sequence, count(*) from audit_seals group by 1")
        return (
            set(rows),
            await unit.pool.fetchval("select count(*) from audit_unsealed"),
            (await found(unit))["events"],
        )

    assert await cut_everywhere(brought_in, seal_all, chains) >= 2
