"""The checker is shown each fault about claims, codes, blocks and administrators once, in a run without others."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.checker import check
from tests.faults.evidence import Evidence
from tests.faults.example import with_another_entry, with_another_row, with_row, without_record, without_row
from tests.faults.example_claims import claimed
from tests.faults.example_rows import During, at
from tests.faults.findings import Fault
from tests.faults.history import Kind

Change = Callable[[Evidence], Evidence]
SENT, HELD = "authorizations", "linking"


def _command(kind: Kind, number: int = 0, /, **changes: Any) -> Change:
    """One command of a kind, the first if no other is named, went otherwise: `made_…` changes what it made."""

    def change(evidence: Evidence) -> Evidence:
        which = [one for one in evidence.commands if one.kind is kind][number]
        made = {name.removeprefix("made_"): value for name, value in changes.items() if name.startswith("made_")}
        other = {name: value for name, value in changes.items() if not name.startswith("made_")}
        changed = replace(which, made=which.made | made, **other)
        return replace(evidence, commands=[changed if one is which else one for one in evidence.commands])

    return change


def _forgotten(kind: Kind) -> Change:
    return lambda evidence: replace(evidence, commands=[one for one in evidence.commands if one.kind is not kind])


SHOWN: list[tuple[str, Fault, Change]] = [
    ("two were the first", Fault.TWICE,
     lambda e: with_row(e, SENT, "claims", 1, outcome="appointed", contact_id="contact-2", request_id=None)),
    ("nobody became the first, although two proved it", Fault.LOST,
     lambda e: with_row(e, SENT, "claims", 0, outcome="asked", contact_id=None, request_id="request-2")),
    ("the first proved nothing", Fault.PHANTOM, lambda e: with_row(e, SENT, "claims", 0, proven=False)),
    ("a claim never reached authorizations", Fault.LOST, lambda e: without_row(e, SENT, "claims")),
    ("a claim is decided by nobody and waits for nobody", Fault.LOST,
     lambda e: with_row(e, SENT, "claims", 3, outcome=None, request_id=None)),
    ("a claim leads to two requests", Fault.TWICE,
     lambda e: with_another_row(e, SENT, "requests", request_id="request-9", claim_id="claim-4")),
    ("whoever claimed is not shown the decision", Fault.STALE,
     lambda e: with_row(e, HELD, "claims", 1, outcome=None)),
    ("whoever claimed is shown others than those who decide", Fault.STALE,
     lambda e: with_row(e, HELD, "claims", 3, decider="agents")),
    ("an accepted claim is not there", Fault.LOST, lambda e: without_row(e, HELD, "claims")),
    ("a claim was made twice", Fault.TWICE, lambda e: with_another_row(e, HELD, "claims", claim_id="claim-9")),
    ("a claim was told to nobody", Fault.LOST, lambda e: without_record(e, "OrganizationClaimed")),
    ("a refusal of a claim was told to nobody", Fault.LOST, lambda e: without_record(e, "ClaimRefused")),
    ("whoever claimed got no mail of the decision", Fault.LOST, lambda e: without_record(e, "AccessDecidedMail")),
    ("a request was withdrawn by nobody", Fault.PHANTOM, _forgotten(Kind.WITHDRAW)),
    ("a withdrawal was told to nobody", Fault.LOST, lambda e: without_record(e, "RequestWithdrawn")),
    ("a renewed code proves", Fault.CODE, lambda e: with_row(e, SENT, "claims", 3, proven=True)),
    ("no code proves", Fault.CODE, lambda e: with_row(e, SENT, "claims", 2, proven=True)),
    ("a code in force does not prove", Fault.CODE, lambda e: with_row(e, SENT, "claims", 1, proven=False)),
    ("a letter names the code before", Fault.CODE, _command(Kind.PRINT, 1, made_codes=["111111"])),
    ("a letter names nobody's code", Fault.CODE, _command(Kind.PRINT, 1, made_codes=["333333"])),
    ("a letter is neither due nor printed", Fault.LOST, lambda e: without_row(e, HELD, "printed_letters")),
    ("a printed letter is due again", Fault.TWICE,
     lambda e: with_row(e, HELD, "organization_codes", letter_due=True)),
    ("an organization has no code", Fault.LOST,
     lambda e: with_row(e, HELD, "organization_codes", ended_at=at(30))),
    ("a code is owed", Fault.LOST, lambda e: with_row(e, HELD, "organization_files", generation=2)),
    ("a code was renewed twice", Fault.TWICE, lambda e: with_another_entry(e, HELD, -1)),
    ("an accepted renewal renewed nothing", Fault.LOST,
     lambda e: with_row(e, HELD, "audit", -1, action="something")),
    ("a printing is not there", Fault.LOST, lambda e: without_row(e, HELD, "letter_printings")),
    ("somebody acts after they were kept out", Fault.BLOCKED, _command(Kind.CHECK, 1, made_decision=True)),
    ("somebody acts after they were kept out for good", Fault.BLOCKED, lambda e: with_row(
        _forgotten(Kind.UNBLOCK)(e), SENT, "blocks", -1, ended_by=None)),
    ("a block is not there", Fault.LOST,
     lambda e: without_row(without_row(e, SENT, "blocks"), SENT, "blocks")),
    ("a block was told to nobody", Fault.LOST, lambda e: without_record(e, "ContactBlocked")),
    ("a block ended by itself", Fault.PHANTOM, _forgotten(Kind.UNBLOCK)),
    ("the end of a block was told to nobody", Fault.LOST, lambda e: without_record(e, "ContactUnblocked")),
    ("who was kept out got no mail", Fault.LOST, lambda e: without_record(e, "AccessBlockedMail")),
    ("who was let in again got no mail", Fault.LOST, lambda e: without_record(e, "AccessUnblockedMail")),
    ("an invitation was sent to nobody", Fault.LOST, lambda e: without_record(e, "InvitationMail")),
    ("an invitation is not there", Fault.LOST, lambda e: without_row(e, SENT, "requests")),
    ("an accepted invitation made nobody a contact", Fault.LOST, lambda e: without_row(e, SENT, "relations", 3)),
    ("an invitation was accepted by nobody", Fault.PHANTOM, _forgotten(Kind.ACCEPT)),
    ("an appointment was told to nobody", Fault.LOST, lambda e: without_record(e, "AdministratorAppointed")),
    ("an administrator was appointed by nobody", Fault.PHANTOM, _forgotten(Kind.APPOINT)),
    ("a release released nobody", Fault.LOST, lambda e: with_row(e, SENT, "audit", -2, action="something")),
    ("who was replaced still holds something", Fault.LOST,
     lambda e: without_record(without_row(e, SENT, "relations", 1), "RelationEnded")),
    ("a replacement replaced nobody", Fault.LOST, lambda e: with_row(e, SENT, "audit", -1, action="something")),
]  # fmt: skip


def test_a_run_of_claims_that_kept_every_promise_is_clean() -> None:
    assert check(claimed()).findings == ()


@pytest.mark.parametrize(("fault", "change"), [one[1:] for one in SHOWN], ids=[one[0] for one in SHOWN])
def test_each_fault_about_claims_is_found_when_it_is_shown(fault: Fault, change: Change) -> None:
    assert fault in {finding.fault for finding in check(change(claimed())).findings}


def test_a_check_that_was_asked_before_the_block_was_answered_may_say_yes() -> None:
    asked_meanwhile = _command(Kind.CHECK, 1, made_decision=True, begun_at=at(40.5), answered_at=at(40.9))
    assert check(asked_meanwhile(claimed())).clean


def test_a_letter_that_is_read_while_the_code_is_renewed_may_name_either() -> None:
    read_meanwhile = _command(Kind.PRINT, 1, made_codes=["111111"], made_read_begun=at(20.5))
    assert check(read_meanwhile(claimed())).clean


def test_a_block_whose_place_another_takes_at_that_instant_lets_nobody_in_and_needs_no_mail() -> None:
    silent = without_record(claimed(), "AccessUnblockedMail")
    begins = During(lower=at(50.5))
    replaced = with_another_row(silent, SENT, "blocks", block_id="block-2", during=begins, ended_by=None)
    of_its_end = [any("block_ended" in str(finding) for finding in check(e).findings) for e in (silent, replaced)]
    assert of_its_end == [True, False]


def test_a_block_that_a_replacement_lifted_may_be_ended_once_more_or_by_nobody() -> None:
    detail = {"successor": "contact-5", "blocks": ["block-1"], "relations": ["relation-1"]}
    lifted = with_row(claimed(), SENT, "audit", -1, detail=detail)
    assert check(lifted).clean
    assert check(_forgotten(Kind.UNBLOCK)(lifted)).clean
