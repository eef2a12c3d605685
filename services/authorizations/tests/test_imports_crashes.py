"""An import that is killed, fails, waits or grows old: nothing is lost, nothing is brought in twice, nothing stays."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from chassis import outbox
from chassis.work import Unit, Work
from local import ROOT
from services.authorizations.app import service
from services.authorizations.imports import duplicates, handlers, running, staging, storage
from services.authorizations.imports.ahead import Ahead
from services.authorizations.imports.handlers import Turn, carry_out_portion
from services.authorizations.tests.conftest import TEST, Firm, bring_in, carry_on
from services.authorizations.tests.test_imports import (
    contact,
    counts,
    everything,
    extract_of,
    made_up,
    membership,
    organization,
    representation,
)
from services.authorizations.tools import Tools
from tests.fixtures.gateway import Opened, OpenService
from tests.fixtures.patience import PATIENCE

HALTED_IN_THE_FOURTH = """
import asyncio, sys
from services.authorizations.imports import command, handlers, staging

async def advance(connection, found, *judged, go_on=staging.advance):
    if found.next_portion == 3:
        await asyncio.Event().wait()
    await go_on(connection, found, *judged)

handlers.PORTION, staging.advance = 20, advance
sys.exit(command.main(sys.argv[1:]))
"""
"""The command, with small portions, of which it has written the fourth and does not commit it."""


def environment(opened: Opened[Tools]) -> dict[str, str]:
    """What a process of its own is told to work on the same database."""
    settings = opened.platform.settings
    told = {name: getattr(settings, name) for name in ("agency", "gateway_port", "operations_port", "keyring")}
    told |= {"sealing_keys": settings.sealing_keys, "issuer_base": settings.issuer_base}
    told |= {"database_url": settings.database_url.get_secret_value()}
    return dict(os.environ) | {f"MANDAT_{name.upper()}": str(value) for name, value in told.items()}


def later(unit: Unit[Tools], passed: timedelta) -> Unit[Tools]:
    """A worker so much later."""
    return replace(unit, origin=replace(unit.origin, clock=lambda: unit.origin.clock() + passed))


async def row(unit: Unit[Tools], import_id: UUID | None = None) -> Any:
    return await unit.pool.fetchrow("select * from imports where $1::uuid is null or import_id = $1", import_id)


async def receive(unit: Unit[Tools], *files: Path, dry_run: bool = False) -> UUID:
    return await running.receive(unit, running.files(files), TEST, dry_run=dry_run)


async def work(unit: Unit[Tools]) -> None:
    """What a worker does about imports until it finds none to carry on."""
    async with Ahead(unit) as ahead:
        while (rest := await running.carry_on(unit, ahead)) is not None:
            await asyncio.sleep(rest)


async def test_an_import_killed_in_the_middle_is_carried_on_by_a_worker_and_nothing_is_lost_or_made_twice(
    open_service: OpenService, tmp_path: Path
) -> None:
    opened, file = await open_service(service), made_up(tmp_path, 120, seed=7)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HALTED_IN_THE_FOURTH, str(file), env=environment(opened), cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE):
        while (found := await row(opened.unit)) is None or found["next_portion"] < 3:
            assert process.returncode is None
            await asyncio.sleep(0.01)
    process.kill()
    await process.wait()
    found = await row(opened.unit)
    assert found["state"] == "waiting" and 3 == found["next_portion"] < found["portions"]

    await work(opened.unit)

    done, other = await staging.get(opened.unit.pool, found["import_id"]), await open_service(service)
    assert done is not None and done.state == "done"
    assert done.read == done.created + done.changed + done.unchanged + done.rejected
    assert counts(done) == counts(await bring_in(other.unit, file))
    assert await everything(opened.unit) == await everything(other.unit)
    assert await opened.unit.pool.fetchval("select count(*) from import_rows") == 0


async def test_an_import_waits_while_the_outbox_is_deep(
    open_service: OpenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "PORTION", 20)
    monkeypatch.setattr(outbox, "ROOM", 10)
    unit = (await open_service(service)).unit
    import_id = await receive(unit, made_up(tmp_path, 20, seed=8))
    while await unit.pool.fetchval("select count(*) from outbox") < 10:
        assert await carry_on(unit) == 0.0
    before = await row(unit, import_id)
    assert before["next_portion"] < before["portions"]

    waiting = asyncio.create_task(carry_on(unit))
    await asyncio.sleep(0.3)
    assert not waiting.done() and await row(unit, import_id) == before

    await unit.pool.execute("delete from outbox")
    await waiting
    assert (await row(unit, import_id))["next_portion"] == before["next_portion"] + 1


async def test_no_portion_begins_while_the_outbox_is_deep(
    open_service: OpenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "PORTION", 20)
    monkeypatch.setattr(outbox, "ROOM", 10)
    unit, depths = (await open_service(service)).unit, list[int]()

    async def look_and_carry_out(work: Work[Tools], turn: Turn) -> bool:
        depths.append(await work.connection.fetchval("select count(*) from outbox"))
        return await carry_out_portion(work, turn)

    async def relay_once_an_import_waits() -> None:
        while True:
            if outbox.BULK_WAITING._value.get():
                await unit.pool.execute("delete from outbox")
            await asyncio.sleep(0.01)

    monkeypatch.setattr(running, "carry_out_portion", look_and_carry_out)
    relay = asyncio.create_task(relay_once_an_import_waits())
    done = await bring_in(unit, made_up(tmp_path, 60, seed=8))
    relay.cancel()
    await asyncio.wait([relay])
    assert done.state == "done" and len(depths) > 5
    assert max(depths) < outbox.ROOM


async def test_rows_that_another_process_carried_out_meanwhile_are_not_brought_in_twice(
    open_service: OpenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "PORTION", 20)
    opened, file = await open_service(service), made_up(tmp_path, 60, seed=10)
    import_id = await receive(opened.unit, file)
    async with Ahead(opened.unit) as one, Ahead(opened.unit) as other:
        while await running.carry_on(opened.unit, one) is not None:  # has read ahead what the other now carries out
            await running.carry_on(opened.unit, other)
            await running.carry_on(opened.unit, other)

    done, alone = await staging.get(opened.unit.pool, import_id), await open_service(service)
    assert done is not None and counts(done) == counts(await bring_in(alone.unit, file))
    assert await everything(opened.unit) == await everything(alone.unit)


async def test_a_portion_judged_ahead_is_judged_again_where_something_changed_before_its_turn(
    firm: Firm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "PORTION", 1)
    unit, other = firm.opened.unit, organization(number="1000001", legal_name="ENTREPRISE SHW LTÉE")
    import_id = await receive(unit, extract_of(tmp_path, organization(number="1000000"), other))
    async with Ahead(unit) as ahead:
        await running.carry_on(unit, ahead)
        [preparing] = ahead._preparing.values()
        before = (await preparing).before
        assert before is not None and before.judged.verdicts == {"changed": 1}
        assert (await bring_in(unit, extract_of(tmp_path, other))).changed == 1
        while await running.carry_on(unit, ahead) is not None:
            pass
    done = await staging.get(unit.pool, import_id)
    assert done is not None and (done.created, done.changed, done.unchanged) == (1, 0, 1)


async def test_a_portion_that_names_what_the_one_before_it_makes_is_not_judged_ahead_of_it(
    firm: Firm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "PORTION", 1)
    made = organization(kind="firm", number="5999999"), representation(holder_number="5999999")
    done = await bring_in(firm.opened.unit, extract_of(tmp_path, *made))
    assert (done.portions, done.created) == (2, 2)


def failures() -> float:
    """What an operator's alert looks at."""
    return REGISTRY.get_sample_value("mandat_import_failures_total") or 0.0


async def test_what_was_carried_out_leaves_the_staging_portion_by_portion(
    open_service: OpenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "PORTION", 20)
    opened = await open_service(service)
    await receive(opened.unit, made_up(tmp_path, 60, seed=10))
    staged, left = "select count(*) from import_rows", list[int]()
    async with Ahead(opened.unit) as ahead:
        while await running.carry_on(opened.unit, ahead) is not None:
            left.append(await opened.unit.pool.fetchval(staged))
    assert left == sorted(left, reverse=True) and left[0] > left[len(left) // 2] > left[-1] == 0


async def test_rows_leave_the_staging_by_their_keys_though_it_was_empty_when_postgresql_last_looked(
    firm: Firm, tmp_path: Path
) -> None:
    pool = firm.opened.unit.pool
    await pool.execute("analyze import_rows, import_organizations")
    import_id = await receive(firm.opened.unit, made_up(tmp_path, 30, seed=11))
    async with pool.acquire() as connection, connection.transaction():
        await storage.plan_for_a_portion(connection)
        plan = await connection.fetch(f"explain {staging.LEAVE}", import_id, 0)
    assert not [line for (line,) in plan if "Seq Scan" in line or "Hash" in line]


async def test_an_import_that_fails_lets_others_go_first_and_is_tried_again_after_a_minute(
    firm: Firm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = firm.opened.unit
    faulty = await receive(unit, extract_of(tmp_path, contact()))
    good = await receive(unit, extract_of(tmp_path, organization()))
    find: Callable[..., Any] = duplicates.find
    failed_before = failures()

    async def fail(connection: Any, matcher: Any, newcomers: Any, homes: Any) -> Any:
        return 1 / 0 if newcomers else await find(connection, matcher, newcomers, homes)

    with monkeypatch.context() as broken:
        broken.setattr(duplicates, "find", fail)
        await work(unit)
        assert [(await row(unit, one))["state"] for one in (faulty, good)] == ["waiting", "done"]
        assert (await row(unit, faulty))["failures"] == 1
        await work(later(unit, timedelta(minutes=2)))
        assert (await row(unit, faulty))["failures"] == 2
        assert failures() - failed_before == 2

    await work(later(unit, timedelta(minutes=5)))
    done = await row(unit, faulty)
    assert (done["state"], done["created"], done["failures"]) == ("done", 1, 0)


async def test_a_portion_that_fails_while_postgresql_writes_it_leaves_nothing_and_is_tried_again(
    firm: Firm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = firm.opened.unit
    import_id, before = await receive(unit, extract_of(tmp_path, contact(), membership())), await everything(unit)

    with monkeypatch.context() as broken:
        broken.setattr(handlers, "_contact_state", lambda *_: 1 / 0)
        await work(unit)
    failed = await row(unit, import_id)
    assert (failed["state"], failed["next_portion"], failed["failures"]) == ("waiting", 0, 1)
    assert await everything(unit) == before
    assert await unit.pool.fetchval("select count(*) from import_rows") == 2

    await work(later(unit, timedelta(minutes=2)))
    done = await row(unit, import_id)
    assert (done["state"], done["created"]) == ("done", 2)
    assert (await everything(unit))["relations"] == before["relations"] + 1


async def test_rows_of_an_import_that_nobody_could_carry_out_do_not_stay(
    open_service: OpenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "PORTION", 20)
    opened = await open_service(service)
    unit, keeps = opened.unit, opened.tools.agency.retention.imports
    import_id = await receive(unit, made_up(tmp_path, 40, seed=9))
    for _ in range(3):
        await carry_on(unit)
    before = await everything(unit)

    await running.forget(later(unit, keeps.unfinished - timedelta(minutes=1)))
    assert (await row(unit, import_id))["state"] == "waiting"
    await running.forget(later(unit, keeps.unfinished + timedelta(minutes=1)))

    assert (await row(unit, import_id))["state"] == "given_up"
    assert await carry_on(unit) is None
    for table in ("import_rows", "import_organizations"):
        assert await unit.pool.fetchval(f"select count(*) from {table}") == 0
    after = await everything(unit)
    assert after.pop("migration_items") > before.pop("migration_items") and after == before


async def test_an_extract_that_broke_off_is_forgotten_and_one_that_waits_is_not(firm: Firm, tmp_path: Path) -> None:
    unit, keeps = firm.opened.unit, firm.opened.tools.agency.retention.imports
    waiting, broken = [await receive(unit, extract_of(tmp_path, contact()), dry_run=True) for _ in range(2)]
    await unit.pool.execute("update imports set state = 'receiving' where import_id = $1", broken)

    await running.forget(later(unit, keeps.upload - timedelta(minutes=1)))
    assert await row(unit, broken) is not None
    await running.forget(later(unit, keeps.upload + timedelta(minutes=1)))
    assert await row(unit, broken) is None and (await row(unit, waiting))["state"] == "waiting"


async def test_defects_are_deleted_after_their_time_and_counts_and_reports_stay(firm: Firm, tmp_path: Path) -> None:
    unit, keeps = firm.opened.unit, firm.opened.tools.agency.retention.imports
    done = await bring_in(unit, extract_of(tmp_path, contact(email=None)))
    path = f"/v1/imports/{done.import_id}"
    shown = (await firm.client.get(path, headers=firm.agent)).json()

    await running.forget(later(unit, keeps.defects - timedelta(minutes=1)))
    assert (await firm.client.get(f"{path}/defects", headers=firm.agent)).json()["total"] == 1
    await running.forget(later(unit, keeps.defects + timedelta(minutes=1)))

    assert (await firm.client.get(f"{path}/defects", headers=firm.agent)).json()["total"] == 0
    assert (await firm.client.get(path, headers=firm.agent)).json() == shown and shown["noted"] == 1
    report = f"/v1/organizations/{firm.firm_id}/migration-report"
    assert (await firm.client.get(report, headers=firm.responsible.headers)).json()["total"] == 1
