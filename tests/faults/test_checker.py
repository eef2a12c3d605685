"""A checker that was never shown a fault is not known to work: each is shown to it once, in a run without others."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.faults.checker import check
from tests.faults.evidence import Backlog, Copy, Evidence
from tests.faults.example import (
    clean,
    with_another_entry,
    with_another_row,
    with_more,
    with_record,
    with_row,
    without_record,
    without_row,
)
from tests.faults.findings import Fault
from tests.faults.history import Command, Kind
from tests.faults.test_checker_of_claims import SHOWN as SHOWN_OF_CLAIMS

Change = Callable[[Evidence], Evidence]


def _forgotten(kind: Kind) -> Change:
    """A command that was accepted, and that the history no longer has."""
    return lambda evidence: replace(evidence, commands=[one for one in evidence.commands if one.kind is not kind])


def _accepted(kind: Kind, *, asks: bool = False, **made: Any) -> Change:
    """One more command that was answered with a yes; `asks`: what is given was asked, not made."""

    def change(evidence: Evidence) -> Evidence:
        like = next(one for one in evidence.commands if one.kind is kind)
        more = replace(like, key=None, asked=made, made={}) if asks else replace(like, key=None, made=made)
        return replace(evidence, commands=[*evidence.commands, more])

    return change


def _imported(trade_name: str) -> Change:
    """One more import of the firm, of which the operator was told that it succeeded."""

    def change(evidence: Evidence) -> Evidence:
        asked = {"number": "5000001", "trade_name": trade_name}
        more = Command(Kind.IMPORT, asked, evidence.commands[0].begun_at, requests=1, status=200)
        return replace(evidence, commands=[*evidence.commands, more])

    return change


def _never_answered(evidence: Evidence) -> Evidence:
    """One more command, whose two requests got no answer and were not carried out."""
    like = next(one for one in evidence.commands if one.kind is Kind.REGISTER)
    lost = Command(like.kind, {"person": "Another"}, like.begun_at, requests=2, unanswered=2)
    return replace(evidence, commands=[*evidence.commands, lost])


def _another_copy(message_id: str, after: str, *, seconds: float = 1, connection: int = 2) -> Change:
    """One more copy of a mail, some seconds after another mail."""

    def change(evidence: Evidence) -> Evidence:
        last = max(copy.received_at for copy in evidence.copies if copy.message_id == after)
        more = Copy(message_id, connection, last + timedelta(seconds=seconds))
        return replace(evidence, copies=[*evidence.copies, more])

    return change


def _second_copy(*, broke: float) -> Change:
    """A mail that the host had said to keep came again; the first one's connection broke so many seconds later."""

    def change(evidence: Evidence) -> Evidence:
        first = evidence.copies[-1]
        again = Copy(first.message_id, 4, first.received_at + timedelta(seconds=broke + 1))
        on_its_own = [*evidence.copies[:-1], replace(first, connection=3), again]
        return replace(
            evidence, copies=on_its_own, broken={**evidence.broken, 3: first.received_at + timedelta(seconds=broke)}
        )

    return change


def _late(evidence: Evidence) -> Evidence:
    return with_row(
        evidence, "notifications", "mails", expires_at=evidence.copies[-1].received_at - timedelta(seconds=2)
    )


def _put_off_and_expired(evidence: Evidence, before: float) -> Evidence:
    """A mail that was tried once ended as expired, so many seconds before its expiry."""
    expires_at = evidence.tables["notifications"]["mails"][-1]["expires_at"]
    told = with_record(evidence, "MailSent", kind="MailExpired")
    ended = {"state": "expired", "reason": "expired", "state_at": expires_at - timedelta(seconds=before)}
    return with_row(told, "notifications", "mails", **ended)


def _long_before(evidence: Evidence) -> datetime:
    """Long before anything was sent."""
    return min(copy.received_at for copy in evidence.copies) - timedelta(minutes=1)


def _no_copy(message_id: str) -> Change:
    return lambda evidence: replace(
        evidence, copies=[copy for copy in evidence.copies if copy.message_id != message_id]
    )


SHOWN: list[tuple[str, Fault, Change]] = [
    ("an accepted registration has no row", Fault.LOST, _accepted(Kind.REGISTER, registration_id="registration-2")),
    ("an accepted link has no binding", Fault.LOST, _accepted(Kind.LINK, link_id="link-2")),
    ("an accepted removal removed nothing", Fault.LOST,
     lambda e: without_record(without_row(e, "authorizations", "relations"), "RelationEnded")),
    ("an accepted import changed nothing", Fault.LOST, _imported("RAISON 1")),
    ("an accepted import was told to nobody", Fault.STALE, _imported("RAISON 2")),
    ("a row has no event", Fault.LOST, lambda e: without_record(e, "SessionsRevoked")),
    ("a code was announced and no mail asked for", Fault.LOST, lambda e: without_record(e, "VerificationCodeMail")),
    ("a request never reached the table of mails", Fault.PHANTOM,
     lambda e: without_row(e, "notifications", "mails")),
    ("the end of a mail was told to nobody", Fault.LOST, lambda e: without_record(e, "MailExpired")),
    ("a sent mail never arrived", Fault.LOST, _no_copy("<5@load.example>")),
    ("a mail expired although nothing replaced it", Fault.LOST,
     lambda e: with_row(e, "notifications", "mails", state="expired", attempts=0)),
    ("a mail expired although there was time for another attempt", Fault.LOST, lambda e: _put_off_and_expired(e, 6.3)),
    ("the newest code was replaced by nothing", Fault.LOST,
     lambda e: with_row(e, "notifications", "mails", 3, state="expired", replaced=True)),
    ("a mail bounced that none refused", Fault.LOST, lambda e: with_row(e, "notifications", "mails", state="bounced")),
    ("a reader never heard of a link", Fault.LOST, lambda e: without_row(e, "authorizations", "bindings")),
    ("a reader never heard of a sign-out", Fault.LOST, lambda e: without_row(e, "linking", "revoked_sessions")),
    ("a contact is owed a code", Fault.LOST, lambda e: with_row(e, "linking", "contacts", settled_generation=1)),
    ("a batch does not know of its code", Fault.LOST,
     lambda e: with_row(e, "authorizations", "linking_code_batch_items", issued_at=None)),
    ("a contact of a batch was never told to linking", Fault.LOST,
     lambda e: with_row(e, "authorizations", "linking_code_batch_items", generation=None)),
    ("an event in the middle is missing", Fault.LOST, lambda e: without_record(e, "RightAdded")),
    ("the newest state is missing", Fault.LOST, lambda e: without_record(e, "Contact")),
    ("the last event of an organization is missing", Fault.LOST, lambda e: without_record(e, "RelationEnded")),
    ("there is a row that nobody asked for", Fault.PHANTOM, _forgotten(Kind.REGISTER)),
    ("there is an event of no row", Fault.PHANTOM, lambda e: without_row(e, "accounts", "accounts")),
    ("there is a state of no version in the database", Fault.PHANTOM,
     lambda e: with_row(e, "authorizations", "contacts", version=2)),
    ("a mail came that nobody asked for", Fault.PHANTOM, _another_copy("<99@load.example>", "<5@load.example>")),
    ("one request made two contacts", Fault.TWICE,
     lambda e: with_another_row(with_another_row(e, "authorizations", "audit", object_id="contact-2"),
                                "authorizations", "personal_fields", owner_id="contact-2")),
    ("a key was answered with another resource", Fault.TWICE,
     lambda e: with_row(e, "authorizations", "idempotency_keys", 0, resource_id="contact-2")),
    ("one row was told twice", Fault.TWICE, lambda e: with_more(e, "AccountOpened", id="another")),
    ("a mail was told to be sent twice", Fault.TWICE, lambda e: with_more(e, "MailSent", id="another")),
    ("two events have one sequence", Fault.TWICE, lambda e: with_more(e, "RelationEnded", id="another")),
    ("an event came before its predecessor", Fault.ORDER, lambda e: with_record(e, "RelationEnded", offset=-1)),
    ("a state came before an older one", Fault.ORDER, lambda e: with_record(e, "Contact", offset=-1)),
    ("an account opened before its address was verified", Fault.ORDER,
     lambda e: with_record(e, "AccountOpened", offset=-1)),
    ("a newer code was announced before an older one", Fault.ORDER,
     lambda e: with_record(e, "LinkingCodeIssued", offset=-1)),
    ("a mail was asked for before an older one of its purpose", Fault.ORDER,
     lambda e: with_record(e, "VerificationCodeMail", offset=-1)),
    ("a mail ended before it was accepted", Fault.ORDER, lambda e: with_record(e, "MailSent", offset=-1)),
    ("one key lies on two partitions", Fault.PARTITION, lambda e: with_record(e, "RelationEnded", partition=4)),
    ("an older state came last", Fault.STALE,
     lambda e: with_more(e, "Contact", data_version=2, id="authorizations.contacts-1")),
    ("a reader kept an older state", Fault.STALE, lambda e: with_row(e, "linking", "contacts", version=2)),
    ("a reader kept an older address", Fault.STALE,
     lambda e: with_row(e, "authorizations", "personal_fields", email="old@load.example")),
    ("a mail was sent after its expiry", Fault.EXPIRED, _late),
    ("code 1 came after code 2", Fault.CODE_ORDER,
     _another_copy("<1@load.example>", "<2@load.example>", seconds=0.5)),
    ("code 1 was sent although code 2 had replaced it", Fault.CODE_ORDER, lambda e: with_row(
        with_row(e, "notifications", "mails", 1, accepted_at=_long_before(e)), "notifications", "mails", 0,
        replaced=False)),
    ("a second copy came on a connection that did not break", Fault.COPY,
     _another_copy("<5@load.example>", "<5@load.example>")),
    ("a second copy came before the connection broke", Fault.COPY,
     lambda e: replace(e, broken={1: e.copies[1].received_at + timedelta(seconds=1)})),
    ("a second copy came long after a host had answered", Fault.COPY, _second_copy(broke=31)),
    ("a decision was answered that does not stand", Fault.LOST,
     lambda e: with_row(e, "authorizations", "requests", outcome="reject")),
    ("two decided one request", Fault.TWICE, _accepted(Kind.DECIDE, outcome="approve")),
    ("an approval began nothing", Fault.LOST, lambda e: without_row(e, "authorizations", "relations", 1)),
    ("an approval began two relations", Fault.TWICE,
     lambda e: with_another_row(e, "authorizations", "relations", relation_id="relation-7", request_id="request-1",
                                version=1, ended_at=None, through=None)),
    ("an approved end ended nothing", Fault.LOST,
     lambda e: with_row(e, "authorizations", "requests", kind="proposed_end", asked={"relation_id": "relation-1"})),
    ("a decision was told to nobody", Fault.LOST, lambda e: without_record(e, "RequestDecided")),
    ("those who decide were told of no proposal", Fault.LOST, lambda e: without_record(e, "RequestSubmitted")),
    ("a correction is not on file", Fault.LOST,
     lambda e: with_row(e, "authorizations", "personal_fields", 2, given_name="Ancien")),
    ("a correction was carried out twice", Fault.TWICE, lambda e: with_another_entry(e, "authorizations", -4)),
    ("two codes were asked for one of a batch", Fault.TWICE, lambda e: with_another_entry(e, "authorizations", -5)),
    ("a corrected person was told nothing", Fault.LOST, lambda e: without_record(e, "ContactCorrectedMail")),
    ("an accepted review has no request", Fault.LOST, lambda e: without_row(e, "authorizations", "requests", 0)),
    ("a merge gave the known contact nothing", Fault.LOST,
     lambda e: without_record(without_row(e, "authorizations", "relations", 1), "RelationAdded")),
    ("a request was returned without a command", Fault.PHANTOM, _forgotten(Kind.RETURN)),
    ("a return was told to nobody", Fault.LOST, lambda e: without_record(e, "RequestReturned")),
    ("a second text was taken twice", Fault.TWICE, lambda e: with_another_entry(e, "authorizations", 0)),
    ("a second text was not taken", Fault.LOST, _accepted(Kind.SUBMIT_AGAIN, asks=True, request_id="request-1")),
    ("nobody was asked about a contested link", Fault.LOST,
     lambda e: without_row(e, "authorizations", "requests", 1)),
    ("an agent was asked twice about a contested link", Fault.TWICE,
     lambda e: with_another_row(e, "authorizations", "requests", kind="review", reason="contested", state="submitted",
                                outcome=None, asked={"contact_id": "contact-8", "account_id": "account-2"})),
    ("an agent was asked about a link that nobody contested", Fault.PHANTOM,
     lambda e: without_record(e, "LinkRefused")),
    ("a contested link was to end and did not", Fault.LOST,
     lambda e: with_row(e, "authorizations", "requests", 1, outcome="approve")),
    ("one of two was not told what became of a contested link", Fault.LOST,
     lambda e: without_record(e, "LinkReviewedMail")),
    ("a request lapsed before its last day was over", Fault.PHANTOM, _forgotten(Kind.LAPSE)),
    ("a request is past its last day and has not lapsed", Fault.LOST,
     lambda e: without_record(with_row(e, "authorizations", "requests", -2, state="submitted"), "RequestLapsed")),
    ("a lapse was told to nobody", Fault.LOST, lambda e: without_record(e, "RequestLapsed")),
    ("a lapse was told twice", Fault.TWICE, lambda e: with_more(e, "RequestLapsed", id="again")),
    ("an attachment was deleted before its time", Fault.PHANTOM, _forgotten(Kind.OUTLIVE)),
    ("an attachment outlived its use and is still there", Fault.LOST,
     lambda e: with_another_row(e, "authorizations", "attachments", attachment_id="attachment-2")),
    ("an attachment opens after its time", Fault.LOST,
     lambda e: replace(e, opened={**e.opened, "attachment-2": "digest-2"})),
    ("an attachment does not open", Fault.LOST, lambda e: replace(e, opened={})),
    ("an attachment is another than was uploaded", Fault.LOST, lambda e: replace(e, opened={"attachment-1": "other"})),
    ("an attachment belongs to nothing", Fault.LOST,
     lambda e: with_row(e, "authorizations", "attachments", object_id=None)),
    ("a former credential linked one of two files", Fault.LOST,
     _accepted(Kind.REDEEM_FORMER, link_id="link-2", profiles=[{"link_id": "link-2"}])),
    ("a former credential was redeemed twice", Fault.TWICE,
     lambda e: with_another_row(e, "linking", "bindings", method="former_credential", link_id="link-7")),
    ("a reader never heard that a link ended", Fault.STALE,
     lambda e: without_row(e, "authorizations", "bindings", 2)),
    ("rows of an extract were created twice", Fault.TWICE,
     lambda e: with_row(e, "authorizations", "imports", created=62)),
    ("rows of an extract were not created", Fault.LOST, lambda e: with_row(e, "authorizations", "imports", created=59)),
    ("an extract came again, and was brought in again", Fault.LOST,
     lambda e: with_another_row(e, "authorizations", "imports", import_id="import-2", created=0, unchanged=60)),
    ("an organization of an extract was told twice", Fault.TWICE,
     lambda e: with_another_entry(e, "authorizations", -9)),
    ("an organization of an extract is missing", Fault.LOST, lambda e: without_row(e, "authorizations",
                                                                                   "organizations", 0)),
    ("an import that was accepted is not there", Fault.LOST, lambda e: without_row(e, "authorizations", "imports")),
    ("a digest was lost", Fault.LOST, lambda e: without_row(e, "authorizations", "digests")),
    ("a digest was noted, and its mail asked by nobody", Fault.LOST, lambda e: without_record(e, "EndsDigestMail")),
    ("a second digest on one day", Fault.TWICE, lambda e: with_more(e, "EndsDigestMail", id="another")),
    ("a mail was asked for twice", Fault.TWICE, lambda e: with_more(e, "RequestDecidedMail", id="another")),
    ("a batch does not know what became of a mail", Fault.LOST,
     lambda e: without_row(e, "authorizations", "mail_deliveries")),
    ("a batch knows an older stage of a mail", Fault.STALE,
     lambda e: with_row(e, "authorizations", "mail_deliveries", state="deferred")),
    ("a change of address was told to nobody", Fault.LOST, lambda e: without_record(e, "EmailChanged")),
    ("a former address was not told", Fault.LOST, lambda e: without_record(e, "EmailChangedMail")),
    ("an accepted undoing undid nothing", Fault.LOST, _accepted(Kind.UNDO_ADDRESS, change_id="change-2", asks=True)),
    ("an accepted password was not set", Fault.LOST, _accepted(Kind.CHOOSE_PASSWORD, reset_id="reset-2", asks=True)),
    ("whose sessions all ended is not told elsewhere", Fault.STALE,
     lambda e: with_row(e, "linking", "epochs", epoch=1)),
    ("a change has no entry in the audit", Fault.LOST, lambda e: with_row(e, "linking", "audit", action="something")),
    ("an entry was sealed by nobody", Fault.LOST, lambda e: without_row(e, "linking", "audit_seals")),
    ("an entry was sealed twice", Fault.TWICE, lambda e: with_another_row(e, "linking", "audit_seals")),
    ("the head of a chain was not published", Fault.LOST, lambda e: with_row(e, "linking", "audit_chains", sequence=9)),
    ("an entry was changed after it was sealed", Fault.AUDIT, lambda e: replace(e, audit=["linking: entry 3"])),
    ("an import waits", Fault.BACKLOG, lambda e: replace(e, backlog=Backlog(waiting={"imports": 1}))),
    ("an outbox is not empty", Fault.BACKLOG, lambda e: replace(e, backlog=Backlog(outbox={"accounts": 1}))),
    ("a letter is parked", Fault.BACKLOG, lambda e: replace(e, backlog=Backlog(dead_letters={"linking": 1}))),
    ("a group lags behind", Fault.BACKLOG, lambda e: replace(e, backlog=Backlog(lag={"linking.accounts.people": 1}))),
    ("a mail waits", Fault.BACKLOG, lambda e: replace(e, backlog=Backlog(waiting={"mails": 1}))),
]  # fmt: skip


def test_a_run_that_kept_every_promise_is_clean_although_repeats_and_copies_occurred() -> None:
    report = check(clean())
    assert report.findings == ()
    assert report.counted["repeats on the wire, which inboxes drop"] == 1
    assert report.counted["second copies of a mail whose host took the first and never said so"] == 1


@pytest.mark.parametrize(("fault", "change"), [one[1:] for one in SHOWN], ids=[one[0] for one in SHOWN])
def test_each_fault_is_found_when_it_is_shown(fault: Fault, change: Change) -> None:
    assert fault in {finding.fault for finding in check(change(clean())).findings}


def test_every_kind_of_fault_is_shown() -> None:
    assert {fault for _, fault, _ in [*SHOWN, *SHOWN_OF_CLAIMS]} == set(Fault)


def test_a_request_without_an_answer_may_have_been_carried_out_or_not() -> None:
    assert check(_never_answered(clean())).clean


def test_a_mail_may_end_before_its_expiry_when_the_next_attempt_would_come_behind_it() -> None:
    assert check(_put_off_and_expired(clean(), 6.2)).clean


def test_a_sender_that_dies_before_it_has_recorded_a_mail_sends_it_again() -> None:
    report = check(_second_copy(broke=29)(clean()))
    assert report.findings == ()
    assert report.counted["second copies of a mail whose sender died before it had recorded the first"] == 1


def test_a_report_names_what_was_found() -> None:
    report = check(without_record(clean(), "SessionsRevoked"))
    assert any("SessionsRevoked of session-1" in line for line in report.lines())
