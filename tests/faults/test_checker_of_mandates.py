"""The checker is shown each fault about mandates and their credentials once, in a run without others."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.checker import check
from tests.faults.evidence import Evidence
from tests.faults.example import with_another_entry, with_another_row, with_more, with_row, without_record, without_row
from tests.faults.example_mandates import TEMPORARY_PASSWORD, mandated
from tests.faults.example_rows import at
from tests.faults.findings import Fault
from tests.faults.history import Kind

Change = Callable[[Evidence], Evidence]
SENT = "authorizations"


def _command(kind: Kind, number: int, /, **changes: Any) -> Change:
    def change(evidence: Evidence) -> Evidence:
        which = [one for one in evidence.commands if one.kind is kind][number]
        changed = replace(which, **changes)
        return replace(evidence, commands=[changed if one is which else one for one in evidence.commands])

    return change


def _forgotten(kind: Kind) -> Change:
    return lambda evidence: replace(evidence, commands=[one for one in evidence.commands if one.kind is not kind])


def _no_copy(evidence: Evidence) -> Evidence:
    """The last mail, the temporary password, never arrived."""
    return replace(evidence, copies=evidence.copies[:-1])


SHOWN: list[tuple[str, Fault, Change]] = [
    ("an approval gave nothing", Fault.LOST,
     lambda e: without_record(without_row(e, SENT, "rights", 1), "RightAdded")),
    ("an approval gave two rights", Fault.TWICE,
     lambda e: with_another_row(e, SENT, "rights", right_id="right-9")),
    ("a refused mandate gave a right", Fault.PHANTOM,
     lambda e: with_row(e, SENT, "rights", 1, request_id="mandate-3")),
    ("a refused mandate names what it gave", Fault.PHANTOM,
     lambda e: with_row(e, SENT, "mandates", 2, right_id="right-2")),
    ("a mandate gave another service", Fault.STALE, lambda e: with_row(e, SENT, "rights", 1, subject="drugs")),
    ("a mandate gave it to somebody else", Fault.STALE,
     lambda e: with_row(e, SENT, "mandates", 1, contact_id="contact-9")),
    ("of a mandate only the request is there", Fault.LOST, lambda e: without_row(e, SENT, "mandates", 2)),
    ("an approval made two memberships", Fault.TWICE,
     lambda e: with_another_row(e, SENT, "relations", relation_id="relation-9")),
    ("an accepted list is not there", Fault.LOST, lambda e: without_row(e, SENT, "mandate_lists")),
    ("one list made two mandates", Fault.TWICE, lambda e: with_another_row(
        with_row(e, SENT, "mandates", 3, list_id="list-9"), SENT, "personal_fields", owner_id="somebody")),
    ("a signature was kept twice", Fault.TWICE, lambda e: with_another_entry(e, SENT, 0)),
    ("a signature is not there", Fault.LOST, lambda e: without_row(e, SENT, "signatures")),
    ("nobody asked for a signature", Fault.PHANTOM, _forgotten(Kind.SIGN)),
    ("the delegate was not asked to sign", Fault.LOST, lambda e: without_record(e, "MandateToSignMail")),
    ("accounts never heard of a credential", Fault.LOST, lambda e: without_row(e, "accounts", "credentials")),
    ("accounts gave an older credential", Fault.STALE,
     lambda e: with_row(e, SENT, "contacts", credential_generation=2)),
    ("a credential was told to nobody", Fault.LOST, lambda e: without_record(e, "CredentialIssued")),
    ("a credential was given twice", Fault.TWICE, lambda e: with_more(e, "CredentialIssued", id="another")),
    ("a credential led to no link", Fault.LOST,
     lambda e: with_row(e, "linking", "bindings", account_id="account-9")),
    ("the user name was asked for by nobody", Fault.LOST, lambda e: without_record(e, "UserNameMail")),
    ("the password was asked for twice", Fault.TWICE, lambda e: with_more(e, "TemporaryPasswordMail", id="another")),
    ("a credential came by half", Fault.LOST, lambda e: _half(e, to_delegate=None)),
    ("who has an account was sent another password", Fault.PHANTOM, lambda e: _issued(e, kept=True)),
    ("both halves went to one person", Fault.TWICE,
     lambda e: with_row(e, "notifications", "mails", recipient_id="contact-2")),
    ("the password never arrived", Fault.LOST, _no_copy),
    ("a first sign-in opened no session", Fault.LOST, lambda e: without_row(e, "accounts", "sessions")),
    ("an accepted revocation ended nothing", Fault.LOST,
     lambda e: without_record(without_row(e, SENT, "rights"), "RightEnded")),
    ("a revocation is not noted", Fault.LOST, lambda e: with_row(e, SENT, "mandates", 0, revoked_at=None)),
    ("a mandate was revoked by nobody", Fault.PHANTOM, _forgotten(Kind.REVOKE)),
    ("a delegate who holds nothing more is still a member", Fault.LOST, lambda e: with_row(
        with_row(e, SENT, "rights", 1, ended_at=at(50)), SENT, "rights", 2, ended_at=at(50))),
    ("linking still knows a function that has ended", Fault.STALE,
     lambda e: with_row(e, SENT, "relations", ended_at=at(50))),
    ("a delegate acts after the revocation", Fault.BLOCKED, _command(Kind.CHECK, 1, made={"decision": True})),
    ("a renewal was made twice", Fault.TWICE, lambda e: with_row(
        e, SENT, "requests", 1, asked={"subject": "statements", "renews": "mandate-2"})),
]  # fmt: skip


def _issued(evidence: Evidence, **said: Any) -> Evidence:
    records = [
        replace(record, data={**(record.data or {}), **said}) if record.kind == "CredentialIssued" else record
        for record in evidence.records
    ]
    return replace(evidence, records=records)


def _half(evidence: Evidence, **deliveries: None) -> Evidence:
    [issued] = [record for record in evidence.records if record.kind == "CredentialIssued"]
    assert issued.data is not None
    return _issued(evidence, deliveries=issued.data["deliveries"] | deliveries)


def test_a_run_of_mandates_that_kept_every_promise_is_clean() -> None:
    assert check(mandated()).findings == ()


@pytest.mark.parametrize(("fault", "change"), [one[1:] for one in SHOWN], ids=[one[0] for one in SHOWN])
def test_each_fault_about_mandates_is_found_when_it_is_shown(fault: Fault, change: Change) -> None:
    assert fault in {finding.fault for finding in check(change(mandated())).findings}


def test_a_check_that_was_asked_before_the_revocation_was_answered_may_say_yes() -> None:
    meanwhile = _command(Kind.CHECK, 1, made={"decision": True}, begun_at=at(40.5), answered_at=at(40.9))
    assert check(meanwhile(mandated())).clean


def test_a_revocation_of_which_the_answer_was_lost_ended_the_mandate_once() -> None:
    assert check(_command(Kind.REVOKE, 0, unanswered=1, presumed=True)(mandated())).clean


def test_whoever_had_an_account_is_sent_neither_half() -> None:
    kept = _half(_issued(mandated(), kept=True), to_professional=None, to_delegate=None)
    told = [str(finding) for finding in check(kept).findings]
    assert told
    assert all("Mail of delivery" in one for one in told)  # the two mails of this example, which nothing names now


def test_a_password_that_came_twice_because_its_host_was_silent_is_no_fault() -> None:
    evidence = mandated()
    mail = next(one for one in evidence.tables["notifications"]["mails"] if one["delivery_id"] == TEMPORARY_PASSWORD)
    *others, last = evidence.copies
    first = replace(last, connection=1, answered=False)
    again = replace(last, received_at=at(69))
    assert mail["message_id"] == last.message_id
    assert check(replace(evidence, copies=[*others, first, again], broken={1: at(68)})).clean
