"""Bringing in organizations that have codes: what linking alone may read is sealed before it rests anywhere."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from chassis import keys
from chassis.sealing import Sealer
from contracts.authorizations import OrganizationFacts
from local import ROOT
from services.authorizations.app import service
from services.authorizations.imports.running import receive
from services.authorizations.tests.conftest import TEST, bring_in
from services.authorizations.tools import Tools
from tests.fixtures.digits import holds
from tests.fixtures.gateway import Opened, OpenService

CODE, AMOUNT = "918273", "765432.10"

Row = dict[str, Any]


@dataclass
class Codes:
    """Authorizations with an agency that has codes, and linking's keys."""

    opened: Opened[Tools]
    linking: Sealer
    folder: Path

    async def bring_in(self, *rows: Row, dry_run: bool = False) -> dict[str, int]:
        file = self.folder / "extract.ndjson"
        file.write_text("\n".join(map(json.dumps, rows)))
        done = await bring_in(self.opened.unit, file, dry_run=dry_run)
        return {
            name: count for name in ("created", "changed", "unchanged", "rejected") if (count := getattr(done, name))
        }

    async def states(self) -> list[dict[str, Any]]:
        return await self.opened.published("Organization")

    def facts(self, state: dict[str, Any]) -> OrganizationFacts:
        return self.linking.open(state["facts"], OrganizationFacts)

    async def kept(self) -> str:
        """Every row of every table, and what waits to be published."""
        pool = self.opened.unit.pool
        tables = await pool.fetch("select tablename from pg_tables where schemaname = 'public'")
        rows = [row["w"] for t in tables for row in await pool.fetch(f"select x::text as w from {t['tablename']} x")]
        payloads = await pool.fetch("select payload from outbox")
        return "\n".join([*rows, *(bytes(row["payload"] or b"").decode() for row in payloads)])

    async def shows(self, code: str) -> bool:
        """Whether the digits stand anywhere."""
        return holds(await self.kept(), code)

    async def defects(self) -> list[str]:
        rows = await self.opened.unit.pool.fetch("select code from import_defects order by place")
        return [row["code"] for row in rows]


@pytest.fixture
async def codes(open_service: OpenService, keyring_folder: Path, tmp_path: Path) -> Codes:
    opened = await open_service(service, agency=ROOT / "agencies" / "wsscc")
    public = keys.read_public(keyring_folder / "public.json")
    return Codes(opened, Sealer(keys.read(keyring_folder / "linking.json"), public), tmp_path)


def employer(**changes: Any) -> Row:
    return {
        "record": "organization", "kind": "employer", "number": "1000001", "legal_name": "ÉTÉ-NORD LTÉE",
        "status": "active", "email": "bureau@ete-nord.example", "language": "fr",
        "billing_address": ["1, rue du Lac", "Yellowknife NT  X1A 1A1"],
        "payroll": {"year": 2026, "amount": AMOUNT}, "organization_code": CODE,
    } | changes  # fmt: skip


async def test_an_organization_travels_with_its_address_its_facts_sealed_and_its_first_generation(codes: Codes) -> None:
    assert await codes.bring_in(employer()) == {"created": 1}
    [state] = await codes.states()
    assert state["billing_address"] == ["1, rue du Lac", "Yellowknife NT  X1A 1A1"]
    assert state["code_generation"] == 1
    facts = codes.facts(state)
    assert (facts.code, facts.payroll and (facts.payroll.year, str(facts.payroll.amount))) == (CODE, (2026, AMOUNT))


async def test_code_and_payroll_rest_nowhere_in_clear_also_while_they_wait(codes: Codes) -> None:
    extract = codes.folder / "waits.ndjson"
    extract.write_text(json.dumps(employer()))

    async def chunks() -> Any:
        yield extract.read_bytes()
        yield None

    await receive(codes.opened.unit, chunks(), TEST, dry_run=False)
    assert "TÉ-NORD" in await codes.kept()
    assert not await codes.shows(CODE) and not await codes.shows("765432")
    await codes.bring_in(employer(number="1000002"))
    assert not await codes.shows(CODE) and not await codes.shows("765432")


async def test_the_same_extract_changes_nothing_and_another_amount_changes_what_linking_is_told(codes: Codes) -> None:
    await codes.bring_in(employer())
    assert await codes.bring_in(employer()) == {"unchanged": 1}
    assert await codes.bring_in(employer(payroll={"year": 2027, "amount": "1"})) == {"changed": 1}
    assert await codes.bring_in(employer(billing_address=["2, rue du Lac"], payroll=None, organization_code=None)) == {
        "changed": 1
    }
    states = await codes.states()
    assert [state["code_generation"] for state in states] == [1, 1, 1]
    assert [codes.facts(state).payroll.year for state in states] == [2026, 2027, 2027]  # type: ignore[union-attr]
    assert states[-1]["billing_address"] == ["2, rue du Lac"]


async def test_one_that_is_inactive_gets_its_first_generation_when_it_is_active_and_no_second(codes: Codes) -> None:
    assert await codes.bring_in(employer(status="inactive")) == {"created": 1}
    assert await codes.bring_in(employer()) == {"changed": 1}
    assert await codes.bring_in(employer(status="inactive")) == {"changed": 1}
    assert await codes.bring_in(employer()) == {"changed": 1}
    assert [state["code_generation"] for state in await codes.states()] == [0, 1, 1, 1]


async def test_an_organization_of_a_kind_without_codes_gets_none_and_its_row_may_bring_none(
    open_service: OpenService, tmp_path: Path
) -> None:
    opened = await open_service(service)
    file = tmp_path / "extract.ndjson"
    bare = employer(payroll=None, organization_code=None)
    file.write_text(f"{json.dumps(bare)}\n{json.dumps(employer(number='1000002'))}")
    assert (await bring_in(opened.unit, file)).rejected == 1
    assert [state["code_generation"] for state in await opened.published("Organization")] == [0]
    assert await opened.unit.pool.fetchval("select code from import_defects") == "no_organization_code"


async def test_rows_of_csv_say_the_same(codes: Codes) -> None:
    file = codes.folder / "extract.csv"
    file.write_text(
        "record;kind;number;legal_name;status;language;billing_address;payroll;organization_code\n"
        f"organization;employer;1000001;ÉTÉ-NORD LTÉE;active;fr;1, rue du Lac|Yellowknife;2026:{AMOUNT};{CODE}\n"
    )
    assert (await bring_in(codes.opened.unit, file)).created == 1
    [state] = await codes.states()
    assert state["billing_address"] == ["1, rue du Lac", "Yellowknife"]
    assert codes.facts(state).code == CODE


@pytest.mark.parametrize(
    ("wrong", "defect"),
    [
        ({"organization_code": "12345"}, "organization_code_length"),
        ({"organization_code": "12 345"}, "invalid_field"),
        ({"payroll": {"year": 2026, "amount": "-1"}}, "invalid_field"),
        ({"payroll": {"year": 2026, "amount": "1.234"}}, "invalid_field"),
        ({"payroll": "2026"}, "invalid_field"),
        ({"billing_address": ["a"] * 7}, "invalid_field"),
        ({"billing_address": ["a\u0007"]}, "invalid_field"),
    ],
)
async def test_what_the_agency_has_no_place_for_is_a_defect_that_shows_no_value(
    codes: Codes, wrong: Row, defect: str
) -> None:
    assert await codes.bring_in(employer(**wrong), dry_run=True) == {"rejected": 1}
    assert await codes.defects() == [defect]
    assert not await codes.shows(CODE) and not await codes.shows("765432")


async def test_two_rows_that_differ_in_what_is_sealed_contradict_each_other(codes: Codes) -> None:
    rows = (employer(), employer(), employer(payroll={"year": 2026, "amount": "1"}))
    assert await codes.bring_in(*rows) == {"created": 1, "unchanged": 1, "rejected": 1}
    assert await codes.defects() == ["contradictory_row"]
    assert UUID((await codes.states())[0]["organization_id"])
