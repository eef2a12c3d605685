"""Bringing in an extract: what is rejected and why, what a crash and a repetition do, and that the sum adds up."""

import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from chassis.work import Actor, Unit
from local import extract
from services.authorizations.app import service
from services.authorizations.imports import reading, running
from services.authorizations.imports.command import summary
from services.authorizations.imports.reading import ExtractRefused
from services.authorizations.imports.staging import ImportRow
from services.authorizations.imports.wording import detail
from services.authorizations.tests.conftest import EXTRACT, Firm, bring_in
from services.authorizations.tools import Tools
from tests.fixtures.gateway import Opened, OpenService

EMPLOYER = {"kind": "employer", "number": "1000001"}
FIRM = {"kind": "firm", "number": "5000001"}
HOLDER = {"holder_kind": "firm", "holder_number": "5000001"}
SUBJECT = [{"subject": "monthly_report", "level": "read"}]
SINCE = "2026-01-15"

Row = dict[str, Any]


def contact(**changes: Any) -> Row:
    return {
        "record": "contact", **FIRM, "client_number": "3999999", "family_name": "Exemple", "given_name": "Démo",
        "email": "exemple@laforce.example", "language": "fr",
    } | changes  # fmt: skip


def membership(**changes: Any) -> Row:
    return {
        "record": "membership", **FIRM, "client_number": "3000002", "type": "administrator", "starts_on": SINCE,
        "subjects": SUBJECT,
    } | changes  # fmt: skip


def representation(**changes: Any) -> Row:
    return {
        "record": "representation", **EMPLOYER, **HOLDER, "type": "accounting_firm", "starts_on": SINCE,
        "subjects": SUBJECT,
    } | changes  # fmt: skip


def delegation(**changes: Any) -> Row:
    return {
        "record": "delegation", **EMPLOYER, **HOLDER, "client_number": "3000002", "through": "accounting_firm",
        "starts_on": SINCE, "subjects": SUBJECT,
    } | changes  # fmt: skip


def organization(**changes: Any) -> Row:
    return {
        "record": "organization", "kind": "employer", "number": "1999999", "legal_name": "Toiture Exemple inc.",
        "status": "active", "language": "fr",
    } | changes  # fmt: skip


def extract_of(folder: Path, *rows: Row) -> Path:
    file = folder / "extract.ndjson"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return file


async def defects(unit: Unit[Tools], done: ImportRow) -> list[tuple[str, dict[str, Any]]]:
    rows = await unit.pool.fetch(
        "select code, parameters from import_defects where import_id = $1 order by place, code", done.import_id
    )
    return [(row["code"], row["parameters"]) for row in rows]


async def everything(unit: Unit[Tools]) -> dict[str, int]:
    """How many rows each table of the service has, besides those of imports and the audit."""
    names = ("organizations", "personal_fields", "statuses", "contacts", "relations", "rights", "outbox",
             "state_echoes", "migration_items")  # fmt: skip
    return {name: await unit.pool.fetchval(f"select count(*) from {name}") for name in names}


MISSING = "client_number, family_name, given_name, kind, language, number"
REJECTED: list[tuple[list[Row], str, dict[str, Any]]] = [
    ([organization(kind="no_such")], "unknown_kind", {}),
    ([organization(), organization(legal_name="Autre")], "contradictory_row", {}),
    ([contact(number="5999999")], "unknown_organization", {"organization": "firm:5999999"}),
    ([membership(number="5999999")], "unknown_organization", {"organization": "firm:5999999"}),
    ([representation(number="1999999")], "unknown_organization", {"organization": "employer:1999999"}),
    ([representation(holder_number="5999999")], "unknown_organization", {"organization": "firm:5999999"}),
    ([delegation(holder_number="5999999")], "unknown_organization", {"organization": "firm:5999999"}),
    ([membership(client_number="3888888")], "orphaned_relation", {"missing": "contact"}),
    ([delegation(client_number="3888888")], "orphaned_relation", {"missing": "contact"}),
    ([delegation(through="no_such")], "orphaned_relation", {"missing": "through"}),
    ([contact(), delegation(client_number="3999999")], "orphaned_relation", {"missing": "membership"}),
    ([membership(type="no_such")], "unknown_relation_type", {"type": "no_such"}),
    ([membership(type="accounting_firm")], "unknown_relation_type", {"type": "accounting_firm"}),
    ([representation(type="staff_member")], "unknown_relation_type", {"type": "staff_member"}),
    ([membership(subjects=[{"subject": "gone", "level": "read"}])], "unknown_subject", {"subjects": "gone"}),
    ([membership(subjects=[{"subject": "status_letter", "level": "read"}])], "unknown_subject",
     {"subjects": "status_letter"}),
    ([delegation(subjects=[{"subject": "status_letter", "level": "read"}])], "not_delegable",
     {"subjects": "status_letter"}),
    ([membership(ends_on="2026-01-14")], "dates_reversed", {}),
    ([membership(), membership(starts_on="2026-02-01")], "overlapping_dates", {"starts_on": SINCE}),
    ([membership(type="staff_member")], "overlapping_dates", {"starts_on": "2025-10-27"}),
    ([representation()], "overlapping_dates", {"starts_on": "2025-10-27"}),
    ([{"record": "contact"}], "invalid_field", {"fields": MISSING}),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "code", "parameters"), REJECTED)
async def test_a_defective_row_alone_is_rejected_with_its_reason(
    firm: Firm, tmp_path: Path, rows: list[Row], code: str, parameters: dict[str, Any]
) -> None:
    unit, file = firm.opened.unit, extract_of(tmp_path, *rows, organization(number="1888888"))
    rehearsed = await bring_in(unit, file, dry_run=True)
    assert await defects(unit, rehearsed) == [(code, parameters)]
    done = await bring_in(unit, file)
    assert await defects(unit, done) == [(code, parameters)]
    assert (done.rejected, done.created) == (1, len(rows)) == (rehearsed.rejected, rehearsed.created)


async def test_a_contact_without_an_address_is_brought_in_and_noted(firm: Firm, tmp_path: Path) -> None:
    done = await bring_in(firm.opened.unit, extract_of(tmp_path, contact(email=None)))
    assert (done.created, done.rejected, done.noted) == (1, 0, 1)
    assert await defects(firm.opened.unit, done) == [("no_email", {})]
    assert await firm.contact("3999999")


@pytest.mark.parametrize(
    ("second", "score"),
    [
        ({}, "1.00"),
        ({"family_name": "EXÉMPLE"}, "1.00"),
        ({"family_name": "Démo", "given_name": "exemple"}, "0.89"),
        ({"family_name": "Exmeple", "email": "demo@laforce.example"}, "0.53"),
        ({"family_name": "Exmeple"}, "0.92"),
        ({"email": "exemple@lafroce.example"}, "0.89"),
        ({"email": "demo.exemple@laforce.example"}, "0.61"),
        ({"given_name": "Julie"}, None),
    ],
)
async def test_a_contact_that_looks_like_another_of_its_organization_is_noted_with_its_score(
    firm: Firm, tmp_path: Path, second: Row, score: str | None
) -> None:
    unit = firm.opened.unit
    twin = contact(client_number="3999998") | second
    noted = [("possible_duplicate", {"client_number": "3999999", "score": score})] if score else []
    together = await bring_in(unit, extract_of(tmp_path, contact(), twin), dry_run=True)
    assert await defects(unit, together) == noted
    await bring_in(unit, extract_of(tmp_path, contact()))
    assert await defects(unit, await bring_in(unit, extract_of(tmp_path, twin))) == noted


def test_a_score_is_written_as_its_reader_writes_numbers() -> None:
    like = {"client_number": "3999999", "score": "0.92"}
    assert detail("possible_duplicate", like, "fr").endswith("(score de ressemblance\u00a0: 0,92).")
    assert detail("possible_duplicate", like, "en").endswith("(score: 0.92).")


@pytest.mark.parametrize(("read", "words"), [(0, "0 rows read"), (1, "1 row read"), (2, "2 rows read")])
def test_what_was_counted_is_said_in_words_that_agree(read: int, words: str) -> None:
    done = ImportRow(
        uuid4(), False, "done", "operator", "import", datetime.now(UTC), None, next_portion=1, portions=1,
        read=read, created=read, changed=0, unchanged=0, rejected=0, noted=0, failures=0, failed_at=None,
    )  # fmt: skip
    assert summary(done) == f"{words} = {read} created + 0 changed + 0 unchanged + 0 rejected; 0 to look at"


async def test_the_likest_of_several_is_named_and_nobody_of_another_organization(firm: Firm, tmp_path: Path) -> None:
    unit = firm.opened.unit
    rows = [
        contact(client_number="3999990", given_name="Démonique"),
        contact(client_number="3999991"),
        contact(**EMPLOYER, client_number="3999992"),
        contact(client_number="3999993", family_name="exemple"),
    ]
    found = await defects(unit, await bring_in(unit, extract_of(tmp_path, *rows), dry_run=True))
    assert [parameters["client_number"] for code, parameters in found][-1:] == ["3999991"]
    assert all(parameters["client_number"] != "3999992" for _, parameters in found)


async def test_the_likest_is_named_though_another_has_more_keys_in_common(firm: Firm, tmp_path: Path) -> None:
    telephones = [{"kind": "mobile", "number": "+15145550188"}]
    rows = [
        contact(client_number="3999990", email="autre@laforce.example"),
        contact(client_number="3999991", given_name="Dzmo", telephones=telephones),
        contact(client_number="3999993", telephones=telephones),
    ]
    found = await defects(firm.opened.unit, await bring_in(firm.opened.unit, extract_of(tmp_path, *rows), dry_run=True))
    assert found[-1][1]["client_number"] == "3999991"


async def test_a_firm_whose_members_share_a_mailbox_and_a_switchboard_is_not_full_of_duplicates(
    firm: Firm, tmp_path: Path
) -> None:
    rows = [
        contact(
            client_number=str(3_999_000 + place), family_name=chr(65 + place) * 6, given_name=chr(90 - place) * 5,
            telephones=[{"kind": "work", "number": "+15145550199"}],
        )
        for place in range(13)
    ]  # fmt: skip
    assert await defects(firm.opened.unit, await bring_in(firm.opened.unit, extract_of(tmp_path, *rows))) == []


async def test_the_whole_extract_gives_one_event_and_one_state_for_each_organization(firm: Firm) -> None:
    published = await firm.opened.published()
    told = [event["organization_id"] for event in published if event["name"] == "OrganizationImported"]
    assert (
        sorted(told) == sorted({*told}) == sorted(map(str, [firm.firm_id, firm.individual_id, *firm.clients.values()]))
    )
    states = [event["organization_id"] for event in published if event["name"] == "Organization"]
    assert sorted(states) == sorted(told)
    counts = {event["organization_id"]: event for event in published if event["name"] == "OrganizationImported"}
    assert [counts[str(firm.firm_id)][what] for what in ("contacts", "relations", "rights")] == [2, 2, 7]


async def test_states_of_an_import_say_what_stands_in_the_database(firm: Firm) -> None:
    published = {e["contact_id"]: e for e in await firm.opened.published("Contact")}
    for contact_id, state in published.items():
        row = await firm.opened.unit.pool.fetchrow(
            "select client_number, version, family_name, p.email from contacts join personal_fields p"
            " on owner_id = contact_id where contact_id = $1::text::uuid",
            contact_id,
        )
        assert row is not None and row["client_number"] == state["client_number"]
        assert (row["family_name"], row["version"]) == (state["family_name"], state["version"]) or state["version"]
    manager = published[str(await firm.contact("3000001"))]
    assert [span["type"] for span in manager["functions"]] == ["responsible_person"] and manager["manages"]


async def test_a_relation_for_a_contact_that_stands_tells_its_new_state(firm: Firm, tmp_path: Path) -> None:
    done = await bring_in(firm.opened.unit, extract_of(tmp_path, membership()))
    assert done.created == 1
    state = (await firm.opened.published("Contact"))[-1]
    assert sorted(span["type"] for span in state["functions"]) == ["administrator", "staff_member"]


async def test_an_organization_whose_facts_differ_is_changed_and_told(firm: Firm, tmp_path: Path) -> None:
    renamed = organization(number="1000001", legal_name="ENTREPRISE SHW LTÉE", status="inactive", language="en")
    done = await bring_in(firm.opened.unit, extract_of(tmp_path, renamed))
    assert (done.read, done.changed) == (1, 1)
    state = (await firm.opened.published("Organization"))[-1]
    assert (state["legal_name"], state["status"]) == ("ENTREPRISE SHW LTÉE", "inactive")


async def test_what_a_contact_has_corrected_since_is_not_overwritten(firm: Firm, tmp_path: Path) -> None:
    done = await bring_in(firm.opened.unit, extract_of(tmp_path, contact(client_number="3000002")))
    assert done.unchanged == 1
    [state] = {e["family_name"] for e in await firm.opened.published("Contact") if e["client_number"] == "3000002"}
    assert state == "Membre"


async def test_a_dry_run_reports_everything_and_leaves_nothing(open_service: OpenService, tmp_path: Path) -> None:
    opened = await open_service(service)
    file = made_up(tmp_path, 60, seed=3)
    before = await everything(opened.unit)
    rehearsed = await bring_in(opened.unit, file, dry_run=True)
    assert await everything(opened.unit) == before
    assert await opened.unit.pool.fetchval("select count(*) from import_rows") == 0
    done = await bring_in(opened.unit, file)
    assert counts(done) == counts(rehearsed)
    assert await defects(opened.unit, done) == await defects(opened.unit, rehearsed)


async def test_an_extract_that_comes_again_changes_nothing(open_service: OpenService, tmp_path: Path) -> None:
    opened = await open_service(service)
    file = made_up(tmp_path, 60, seed=4)
    first = await bring_in(opened.unit, file)
    before = await everything(opened.unit)
    again = await bring_in(opened.unit, file)
    assert (again.created, again.changed) == (0, 0)
    assert (again.unchanged, again.rejected) == (first.created + first.unchanged, first.rejected)
    assert await everything(opened.unit) == before


async def test_an_extract_that_is_refused_leaves_nothing(open_service: OpenService, tmp_path: Path) -> None:
    opened = await open_service(service)
    file = tmp_path / "extract.csv"
    file.write_bytes(made_up(tmp_path, 10, seed=6).read_bytes() + "contact,é".encode("latin-1"))
    with pytest.raises(ExtractRefused):
        await bring_in(opened.unit, file)
    for table in ("imports", "import_rows", "import_defects"):
        assert await opened.unit.pool.fetchval(f"select count(*) from {table}") == 0


async def test_rows_are_read_beside_the_event_loop(
    open_service: OpenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, threads, objects = await open_service(service), set[int](), reading._objects

    def parse(line: str) -> reading.RowParts:
        threads.add(threading.get_ident())
        return objects(line)

    monkeypatch.setattr(reading, "_objects", parse)
    await bring_in(opened.unit, extract_of(tmp_path, organization()), dry_run=True)
    assert threads and threading.get_ident() not in threads


async def test_several_files_are_one_extract_in_any_order(open_service: OpenService, tmp_path: Path) -> None:
    opened = await open_service(service)
    lines = EXTRACT.read_text(encoding="utf-8").splitlines()
    files = [tmp_path / f"{place}.ndjson" for place in range(len(lines))]
    for file, line in zip(files, reversed(lines), strict=True):
        file.write_text(line, encoding="utf-8")
    done = await bring_in(opened.unit, *files)
    assert (done.created, done.rejected) == (done.read, 0)


async def test_an_import_keeps_the_name_of_who_asked_for_it(firm: Firm, tmp_path: Path) -> None:
    agent = Actor("agent", "https://agents.test#agent-1")
    file = extract_of(tmp_path, membership())
    import_id = await running.receive(firm.opened.unit, running.files([file]), agent, dry_run=False)
    await running.carry_out(firm.opened.unit, import_id)
    row = await firm.opened.unit.pool.fetchrow("select granted_by from rights order by right_id desc limit 1")
    assert row is not None and row["granted_by"] == "agent:https://agents.test#agent-1"


async def test_a_right_that_the_import_brought_is_answered_by_the_check(firm: Firm, tmp_path: Path) -> None:
    rows = [contact(), membership(client_number="3999999", type="staff_member"), delegation(client_number="3999999")]
    done = await bring_in(firm.opened.unit, extract_of(tmp_path, *rows))
    assert done.created == 3
    someone = await firm.link(await firm.contact("3999999"))
    client = firm.clients["ENTREPRISE SHW INC."]
    assert (await firm.check(someone.account_id, "monthly_report", client, "read"))["decision"] is True
    assert (await firm.check(someone.account_id, "monthly_report", client, "write"))["decision"] is False


async def test_nothing_is_brought_in_that_hangs_on_what_was_withdrawn(firm: Firm, tmp_path: Path) -> None:
    later = extract_of(tmp_path, delegation(starts_on="2026-02-01"))
    client = await firm.link(await firm.contact("3000003"))
    ended = await firm.client.post(
        f"/v1/relations/{await firm.through(firm.clients['ENTREPRISE SHW INC.'])}/end",
        json={"attestations": await firm.attestations("representation_end")},
        headers=client.headers,
    )
    assert ended.status_code == 200, ended.text
    assert await defects(firm.opened.unit, await bring_in(firm.opened.unit, later)) == [
        ("orphaned_relation", {"missing": "through"})
    ]
    assert (await firm.remove(await firm.contact("3000002"))).status_code == 200
    elsewhere = extract_of(tmp_path, delegation(number="1000002", starts_on="2026-02-01"))
    assert await defects(firm.opened.unit, await bring_in(firm.opened.unit, elsewhere)) == [
        ("orphaned_relation", {"missing": "membership"})
    ]


async def test_a_member_added_again_gets_no_delegation_back_from_the_extract(firm: Firm) -> None:
    contact_id = await firm.contact("3000002")
    assert (await firm.remove(contact_id)).status_code == 200
    added = await firm.client.post(
        f"/v1/contacts/{contact_id}/relations",
        json={
            "organization_id": str(firm.firm_id), "type": "staff_member",
            "subjects": [{"subject": "profile", "level": "read"}],
            "attestations": await firm.attestations("addition"),
        },
        headers=firm.responsible.headers,
    )  # fmt: skip
    assert added.status_code == 201, added.text
    done = await bring_in(firm.opened.unit, EXTRACT)
    assert (done.created, done.rejected) == (0, 0)


def made_up(folder: Path, organizations: int, seed: int) -> Path:
    """An extract with every kind of fault."""
    file = folder / f"{seed}.csv"
    with file.open("w", encoding="utf-8") as lines:
        extract.write(lines, extract.read("ccq"), organizations, seed)
    return file


def counts(done: ImportRow) -> Sequence[int]:
    return done.read, done.created, done.changed, done.unchanged, done.rejected, done.noted


@pytest.fixture
async def bringing(open_service: OpenService) -> Callable[..., Awaitable[ImportRow]]:
    """Imports into one database, for many examples."""
    opened: Opened[Tools] = await open_service(service)

    async def bring(file: Path, *, dry_run: bool = False) -> ImportRow:
        return await bring_in(opened.unit, file, dry_run=dry_run)

    return bring


NUMBERS = some.sampled_from(["1000001", "1000002"])
CLIENTS = some.sampled_from(["3000001", "3000002"])
DAYS = some.sampled_from(["2025-01-01", "2025-06-01", "2026-01-01"])
ROWS = some.one_of(
    some.builds(lambda number, name: organization(number=number, legal_name=name), NUMBERS, some.sampled_from("AB")),
    some.builds(lambda: organization(**FIRM)),
    some.builds(lambda number: contact(client_number=number), CLIENTS),
    some.builds(lambda number, day: membership(client_number=number, starts_on=day), CLIENTS, DAYS),
    some.builds(lambda number, day: representation(number=number, starts_on=day), NUMBERS, DAYS),
    some.builds(lambda number, who, day: delegation(number=number, client_number=who, starts_on=day),
                NUMBERS, CLIENTS, DAYS),
    some.just({"record": "contact"}),
)  # fmt: skip


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=some.lists(ROWS, min_size=1, max_size=25))
async def test_every_row_is_counted_once_a_dry_run_foretells_it_and_a_repetition_makes_nothing(
    bringing: Callable[..., Awaitable[ImportRow]], tmp_path: Path, rows: list[Row]
) -> None:
    file = extract_of(tmp_path, *rows)
    rehearsed = await bringing(file, dry_run=True)
    done = await bringing(file)
    assert counts(done) == counts(rehearsed)
    assert done.read == len(rows) == done.created + done.changed + done.unchanged + done.rejected
    again = await bringing(file)
    assert (again.created, again.changed, again.rejected) == (0, 0, done.rejected)
