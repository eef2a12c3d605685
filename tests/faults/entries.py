"""The audit: each change has its entry, each entry its seal, and every chain is as it was sealed."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

from local.ports import SERVICES
from tests.faults.evidence import Evidence, Row
from tests.faults.findings import Fault, Finding, compare


@dataclass(frozen=True)
class Entries:
    """Rows that changes leave in a table of a service, and the action under which each is noted.

    `of_row` names a row as `of_entry` does its entry. With `once` there is one entry for each; else one in the file of
    each organization concerned, and how often is not compared. `gone` is noted of rows that were deleted since.
    """

    service: str
    table: str
    action: str
    of_row: Callable[[Row], Hashable]
    where: Callable[[Row], bool] = lambda _: True
    of_entry: Callable[[Row], Hashable] = lambda entry: entry["object_id"]
    once: bool = False
    gone: str | None = None


def _in_detail(name: str) -> Callable[[Row], Hashable]:
    return lambda entry: entry["detail"][name]


ENTRIES = (
    Entries("accounts", "registrations", "registration_accepted", lambda row: row["registration_id"]),
    Entries("accounts", "sessions", "session_opened", lambda row: row["session_id"]),
    Entries("accounts", "email_changes", "email_change_requested", lambda row: row["change_id"],
            of_entry=_in_detail("change_id")),
    Entries("accounts", "email_changes", "email_changed", lambda row: row["change_id"],
            lambda row: row["changed_at"] is not None, _in_detail("change_id")),
    Entries("accounts", "password_resets", "password_reset_requested", lambda row: row["reset_id"],
            of_entry=_in_detail("reset_id")),
    Entries("linking", "bindings", "profile_linked", lambda row: row["link_id"], of_entry=_in_detail("link_id")),
    Entries("linking", "bindings", "profile_unlinked", lambda row: row["link_id"],
            lambda row: row["unlinked_at"] is not None, _in_detail("link_id")),
    Entries("authorizations", "attachments", "attachment_kept", lambda row: row["attachment_id"],
            gone="attachment_deleted"),
    Entries("authorizations", "requests", "request_settled", lambda row: row["request_id"],
            lambda row: row["settled_at"] is not None),
    Entries("authorizations", "linking_code_batches", "linking_codes_requested", lambda row: row["batch_id"]),
    Entries("authorizations", "imports", "import_finished", lambda row: row["import_id"],
            lambda row: row["state"] == "done"),
    Entries("authorizations", "linking_code_batch_items", "linking_code_requested",
            lambda row: (row["batch_id"], row["contact_id"]), lambda row: row["generation"] is not None,
            lambda entry: (entry["detail"]["batch_id"], entry["object_id"]), once=True),
)  # fmt: skip


def check(evidence: Evidence) -> Iterator[Finding]:
    """Hold the rows against the audit, and the audit against its seals."""
    for entries in ENTRIES:
        tables = evidence.tables[entries.service]
        rows = [entries.of_row(row) for row in tables[entries.table] if entries.where(row)]
        rows += [row["object_id"] for row in tables["audit"] if row["action"] == entries.gone]
        noted = [entries.of_entry(row) for row in tables["audit"] if row["action"] == entries.action]
        if not entries.once:
            rows, noted = list(set(rows)), list(set(noted))
        yield from compare(f"the entry {entries.action} of", rows, noted)
    for service in SERVICES:
        tables = evidence.tables[service]
        ids = [row["id"] for row in tables["audit"]]
        sealed = [row["entry_id"] for row in tables["audit_seals"]]
        yield from compare(f"the seal of {service}'s entry", ids, sealed)
    for line in evidence.audit:
        yield Finding(Fault.AUDIT, line)
