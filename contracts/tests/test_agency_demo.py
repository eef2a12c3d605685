"""Demo data with a fault, or against the agency's own data, are refused with file, line and reason."""

import shutil
from pathlib import Path

import pytest

from contracts.agency import FaultyFiles, load
from contracts.agency.demo import load_demo
from contracts.tests.seeding import CCQ, Seed, assert_named, sow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CCQ, tmp_path / "ccq"))


DEMO = "demo/organizations.ndjson"
SIGN_INS = "demo/sign-ins.yaml"
FIRM = '{"organization": {"kind": "firm"'

DEMO_SEEDS = {
    "not JSON": Seed(DEMO, FIRM, FIRM[1:], FIRM[1:], "invalid JSON"),
    "unknown field": Seed(DEMO, '"client_number": "3000001"', '"client_no": "3000001"', FIRM, "not a known"),
    "unknown subject": Seed(
        DEMO, '"subject": "workforce"', '"subject": "labour"', '"labour"', "kind of organization: labour"
    ),
    "subject of another kind": Seed(
        DEMO,
        '"profile", "level": "read"',
        '"status_letter", "level": "read"',
        FIRM,
        "kind of organization: status_letter",
    ),
    "unknown relation type": Seed(DEMO, '"staff_member"', '"staff"', FIRM, "kinds of organizations: staff"),
    "misplaced relation type": Seed(DEMO, '"staff_member"', '"delegation"', FIRM, "kinds of organizations: delegation"),
    "unknown organization": Seed(
        DEMO, '"number": "1000002", "legal', '"number": "1000009", "legal', FIRM, "no earlier line"
    ),
    "unknown organization kind": Seed(
        DEMO,
        '"kind": "employer", "number": "1000002", "legal',
        '"kind": "office", "number": "1000002", "legal',
        '"office"',
        "no such kind of organization",
    ),
    "firm acting for a firm's client": Seed(
        DEMO, FIRM, '{"organization": {"kind": "employer"', '"LAFORCE', "kinds of organizations: accounting_firm"
    ),
    "representation of a firm": Seed(
        DEMO,
        '"employer", "number": "1000001"}, "type"',
        '"firm", "number": "1000001"}, "type"',
        FIRM,
        "kinds of organizations: accounting_firm",
    ),
    "subject named twice": Seed(
        DEMO, '"subject": "workforce"', '"subject": "monthly_report"', '"employer"', "is named twice"
    ),
    "two contacts, one number": Seed(DEMO, '"3000002"', '"3000001"', FIRM, "on two contacts"),
    "number of the new range": Seed(DEMO, '"3000003"', '"7000003"', '"7000003"', "kept for new contacts"),
    "not delegable": Seed(
        DEMO,
        '{"subject": "workforce", "level": "read"}]}]}',
        '{"subject": "status_letter", "level": "read"}]}]}',
        FIRM,
        "cannot be delegated: status_letter",
    ),
    "delegation of a stranger": Seed(
        DEMO,
        '[{"client_number": "3000002", "organization"',
        '[{"client_number": "3000009", "organization"',
        FIRM,
        "no contact of",
    ),
    "through nothing": Seed(DEMO, '"through": "accounting_firm"', '"through": "payroll"', FIRM, "`payroll`"),
    "end before start": Seed(
        DEMO,
        '"starts_on": "2025-10-27"',
        '"starts_on": "2025-10-27", "ends_on": "2025-10-26"',
        '"employer"',
        "before",
    ),
    "person not on file": Seed(
        SIGN_INS, 'client_number: "3000004"', 'client_number: "3000009"', '"3000009"', "No contact"
    ),
    "unknown firm": Seed(SIGN_INS, 'number: "5000001"', 'number: "5000009"', "    organization: ", "not in org"),
    "newcomer by batch": Seed(
        SIGN_INS,
        "coordinates: added_by_manager",
        "coordinates: agent_batch # x",
        "coordinates: agent_batch # x",
        "newcomer",
    ),
}


@pytest.mark.parametrize("seed", DEMO_SEEDS.values(), ids=list(DEMO_SEEDS))
def test_a_fault_of_the_demo_is_refused_with_its_file_line_and_reason(folder: Path, seed: Seed) -> None:
    line = sow(folder, seed)
    with pytest.raises(FaultyFiles) as refused:
        load_demo(load(folder))
    assert_named(refused.value, folder, seed, line)


def test_all_stands_for_whatever_the_firm_holds(folder: Path) -> None:
    file = folder / DEMO
    text = file.read_text(encoding="utf-8")
    start = text.index('"subjects": ', text.index('"delegations": [{')) + len('"subjects": ')
    file.write_text(text[:start] + '"all"}]}\n', encoding="utf-8")
    assert load_demo(load(folder)).organizations[-1].delegations[0].subjects == "all"
