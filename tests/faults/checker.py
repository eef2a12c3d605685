"""Reads the evidence of a run and finds every broken promise. Pure: what it is shown decides what it finds."""

from collections import Counter
from dataclasses import dataclass

from tests.faults import claims, commands, entries, facts, mails, mandates, mirrors, order, works
from tests.faults.evidence import Evidence
from tests.faults.findings import Fault, Finding

SHOWN = 20
"""Findings of one kind that a report spells out; the file of findings has them all."""


@dataclass(frozen=True)
class Report:
    """What was counted, and what should not be."""

    findings: tuple[Finding, ...]
    counted: dict[str, int]

    @property
    def clean(self) -> bool:
        """Whether every promise was kept."""
        return not self.findings

    def lines(self) -> list[str]:
        """The report as a person reads it."""
        by_fault = Counter(finding.fault for finding in self.findings)
        lines = [f"  {count:7,}  {what}" for what, count in self.counted.items()]
        lines += [f"  {by_fault[fault]:7,}  {fault}" for fault in Fault]
        for fault in by_fault:
            lines += [f"  {finding}" for finding in self.findings if finding.fault is fault][:SHOWN]
        return lines


def check(evidence: Evidence) -> Report:
    """Every promise, one after the other."""
    found = [Finding(Fault.BACKLOG, what) for what in evidence.backlog.remaining()]
    for part in (commands, works, claims, mandates, facts, entries, order, mirrors, mails):
        found += part.check(evidence)
    return Report(tuple(found), _counted(evidence))


def _counted(evidence: Evidence) -> dict[str, int]:
    rows = sum(len(rows) for tables in evidence.tables.values() for rows in tables.values())
    return {
        "commands accepted": sum(command.accepted for command in evidence.commands),
        "commands with a request that got no answer": sum(command.unanswered > 0 for command in evidence.commands),
        "rows in four databases": rows,
        "events": len({record.id for record in evidence.records}),
        "repeats on the wire, which inboxes drop": len(evidence.records) - len({r.id for r in evidence.records}),
        "records that the harness sent again": evidence.sent_again,
        "mails that arrived": len({copy.message_id for copy in evidence.copies}),
        "mails replaced before they were sent": mails.ends(evidence)["replaced"],
        "mails whose time was over before they were sent": mails.ends(evidence)["expired"],
        "second copies of a mail whose host took the first and never said so": mails.copies_after_a_break(
            evidence, answered=False
        ),
        "second copies of a mail whose sender died before it had recorded the first": mails.copies_after_a_break(
            evidence, answered=True
        ),
    }
