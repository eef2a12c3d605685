"""A small run that kept every promise, made up: what tests of the checker take one piece out of."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

from tests.faults.evidence import Evidence
from tests.faults.example_records import copies, records
from tests.faults.example_rows import at, commands, tables


def clean() -> Evidence:
    """Somebody is added to a firm with a file, registers with a second code, links, is delegated a client, loses it
    again, is corrected, forgets, moves and has that undone; brings two old files along and leaves one. The firm
    proposes a relation twice: nobody decides in time, then an employer approves. A file outlives its use. An extract
    brings in an employer, whose responsible person has a digest. Another account contests a link, which stands.
    Somebody whom an agent finds to be known already is merged, after the form was returned once.
    """
    return Evidence(
        commands=commands(),
        records=records(),
        tables=tables(),
        copies=copies(),
        broken={1: at(60)},
        opened={"attachment-1": "digest-1"},
    )


def with_record(evidence: Evidence, kind: str, /, **changes: Any) -> Evidence:
    """The same with the last record of a kind changed: `data_…` changes what it says, else where it lies."""
    last = next(record for record in reversed(evidence.records) if record.kind == kind)
    said = {name.removeprefix("data_"): value for name, value in changes.items() if name.startswith("data_")}
    other = {name: value for name, value in changes.items() if not name.startswith("data_")}
    changed = replace(last, data={**(last.data or {}), **said}, **other)
    return replace(evidence, records=[changed if record is last else record for record in evidence.records])


def without_record(evidence: Evidence, kind: str) -> Evidence:
    """The same without the last record of a kind."""
    last = next(record for record in reversed(evidence.records) if record.kind == kind)
    return replace(evidence, records=[record for record in evidence.records if record is not last])


def with_more(evidence: Evidence, kind: str, **changes: Any) -> Evidence:
    """The same with one more record, like the last of a kind but behind all others, changed as `with_record` does."""
    last = next(record for record in reversed(evidence.records) if record.kind == kind)
    more = replace(last, offset=1_000)
    return with_record(replace(evidence, records=[*evidence.records, more]), kind, **changes)


def with_row(evidence: Evidence, service: str, table: str, number: int = -1, **changes: Any) -> Evidence:
    """The same with a row changed, by default the table's last."""
    tables: Any = deepcopy(evidence.tables)
    tables[service][table][number] |= changes
    return replace(evidence, tables=tables)


def without_row(evidence: Evidence, service: str, table: str, number: int = -1) -> Evidence:
    """The same without a row, by default the table's last."""
    tables: Any = deepcopy(evidence.tables)
    del tables[service][table][number]
    return replace(evidence, tables=tables)


def with_another_row(evidence: Evidence, service: str, table: str, **changes: Any) -> Evidence:
    """The same with one more row, like the table's last but changed."""
    tables: Any = deepcopy(evidence.tables)
    tables[service][table].append(tables[service][table][-1] | changes)
    return replace(evidence, tables=tables)


def with_another_entry(evidence: Evidence, service: str, number: int) -> Evidence:
    """The same with an entry of a service's audit noted, and sealed, once more."""
    tables: Any = deepcopy(evidence.tables)
    entry = tables[service]["audit"][number] | {"id": 1_000}
    tables[service]["audit"].append(entry)
    tables[service]["audit_seals"].append({"entry_id": 1_000})
    return replace(evidence, tables=tables)
