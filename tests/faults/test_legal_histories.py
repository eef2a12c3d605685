"""Histories that look odd and keep every promise: the checker knows them, and still finds what only looks like them.

Each is shown to the part of the checker that used to accuse such a one, or might.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from tests.faults import commands, mails, order
from tests.faults.evidence import Evidence
from tests.faults.example import clean, with_another_row, with_more, with_record, with_row
from tests.faults.example_claims import claimed
from tests.faults.example_rows import During, at
from tests.faults.findings import Fault
from tests.faults.history import LONG_AGO, Command, Kind

Change = Callable[[Evidence], Evidence]
SENT, HELD = "authorizations", "linking"


def _more(evidence: Evidence, kind: Kind, *, presumed: bool = False, **asked: str) -> Evidence:
    """One more command that was answered with a yes; `presumed`: after an earlier request of it without an answer."""
    more = Command(kind, asked, at(1), requests=1 + presumed, unanswered=int(presumed), answered_at=at(2), status=200)
    return replace(evidence, commands=[*evidence.commands, replace(more, presumed=presumed)])


def _without(evidence: Evidence, kind: Kind) -> Evidence:
    return replace(evidence, commands=[one for one in evidence.commands if one.kind is not kind])


def _noted(evidence: Evidence, action: str, contact: str, seconds: float = 65, **detail: Any) -> Evidence:
    entry = {"action": action, "object_id": contact, "detail": detail, "at": at(seconds)}
    return with_another_row(evidence, SENT, "audit", **entry)


def _ended_by_an_agent(evidence: Evidence) -> Evidence:
    return _noted(evidence, "link_ended", "contact-9", link_id="link-3")


def _block_of_an_agent(evidence: Evidence, since: float) -> Evidence:
    """An agent's block of the same person, since then."""
    blocked = replace(_more(evidence, Kind.BLOCK, contact_id="contact-2").commands[-1], made={"block_id": "block-2"})
    block = {"block_id": "block-2", "version": 1, "during": During(lower=at(since)), "ended_by": None}
    more = with_another_row(evidence, SENT, "blocks", **block)
    return replace(more, commands=[*more.commands, blocked])


def _replaced_again(evidence: Evidence, successor: str = "contact-5") -> Evidence:
    """The answer to a replacement was lost and it was asked again, when the successor managed already, who had been
    appointed and released before."""
    asked = [replace(one, unanswered=1) if one.kind is Kind.REPLACE else one for one in evidence.commands]
    before = _more(_more(replace(evidence, commands=asked), Kind.APPOINT, contact_id=successor), Kind.RELEASE,
                   contact_id=successor)  # fmt: skip
    put = replace(before.commands[-2], made={"relation_id": "relation-4"})
    before = replace(before, commands=[*before.commands[:-2], put, before.commands[-1]])
    before = _noted(_noted(before, "administrator_appointed", successor, 61), "administrator_released", successor, 62)
    return _noted(before, "administrator_replaced", "contact-1", 66, successor=successor, blocks=[])


def _unlinked_then_issued(evidence: Evidence) -> Evidence:
    issued = {"contact_id": "contact-9", "generation": 1, "delivery_id": "delivery-9"}
    said = {f"data_{name}": value for name, value in issued.items()}
    return with_more(evidence, "LinkingCodeIssued", key="contact-9", id="issued", **said)


def _taken(evidence: Evidence, late: float) -> Evidence:
    """The last mail's data ended so many seconds after its expiry."""
    expires_at = evidence.copies[-1].received_at - timedelta(seconds=late)
    return with_row(evidence, "notifications", "mails", expires_at=expires_at)


LEGAL: list[tuple[str, ModuleType, Evidence]] = [
    ("an account ends a link at the moment at which an agent does", commands, _ended_by_an_agent(clean())),
    ("an agent ends a link that its account had asked to end in vain", commands,
     _without(_ended_by_an_agent(clean()), Kind.UNLINK)),
    ("a withdrawal of which the answer was lost came after the decision", commands,
     _more(claimed(), Kind.WITHDRAW, presumed=True, request_id="request-2")),
    ("a decision of which the answer was lost came after the withdrawal", commands,
     _more(claimed(), Kind.DECIDE, presumed=True, request_id="request-5", outcome="reject")),
    ("a decision of which the answer was lost came after the last day", commands,
     _more(clean(), Kind.DECIDE, presumed=True, request_id="request-2", outcome="reject")),
    ("a last day was to pass, and the request had just been decided", commands,
     _more(clean(), Kind.LAPSE, request_id="request-1")),
    ("a last day was to pass, and the request had just been withdrawn", commands,
     _more(claimed(), Kind.LAPSE, request_id="request-5")),
    ("an agent's block takes the place of the organization's own, which nobody ends", commands,
     _without(_block_of_an_agent(claimed(), 50.5), Kind.UNBLOCK)),
    ("an agent's block takes the place of the organization's own, whose end is wanted", commands,
     _block_of_an_agent(claimed(), 50.5)),
    ("an administrator is replaced twice because an answer was lost", commands, _replaced_again(claimed())),
    ("a link that no code made ends, and a code follows", order, _unlinked_then_issued(clean())),
    ("a mail that left in time was taken a moment after its expiry", mails, _taken(clean(), 0.9)),
]  # fmt: skip

ILLEGAL: list[tuple[str, Fault, ModuleType, Evidence]] = [
    ("a withdrawal was answered, and the request decided", Fault.LOST, commands,
     _more(claimed(), Kind.WITHDRAW, request_id="request-2")),
    ("a withdrawal of which the answer was lost is over, and the request waits", Fault.LOST, commands,
     _more(claimed(), Kind.WITHDRAW, presumed=True, request_id="request-4")),
    ("a decision was answered, and the request withdrawn", Fault.LOST, commands,
     _more(claimed(), Kind.DECIDE, request_id="request-5", outcome="reject")),
    ("a request was decided after its last day", Fault.LOST, commands,
     with_row(_more(clean(), Kind.LAPSE, request_id="request-1"), SENT, "requests", lapses_on=LONG_AGO.date())),
    ("a block ends by itself, and another begins later", Fault.PHANTOM, commands,
     _without(_block_of_an_agent(claimed(), 51), Kind.UNBLOCK)),
    ("an account's end of a link ended nothing", Fault.LOST, commands,
     with_row(clean(), HELD, "audit", -2, action="something")),
    ("an administrator was appointed twice", Fault.TWICE, commands,
     _noted(claimed(), "administrator_appointed", "contact-2", 61)),
    ("a link that a code makes came before the code", Fault.ORDER, order,
     with_record(clean(), "ProfileLinked", offset=-1)),
    ("a link ended before it began", Fault.ORDER, order, with_record(clean(), "ProfileUnlinked", offset=-1)),
    ("a mail left after its expiry", Fault.EXPIRED, mails, _taken(clean(), 1.1)),
]  # fmt: skip


@pytest.mark.parametrize(("part", "evidence"), [one[1:] for one in LEGAL], ids=[one[0] for one in LEGAL])
def test_a_history_that_keeps_every_promise_is_not_accused(part: ModuleType, evidence: Evidence) -> None:
    assert list(part.check(evidence)) == []


@pytest.mark.parametrize(("fault", "part", "evidence"), [one[1:] for one in ILLEGAL], ids=[one[0] for one in ILLEGAL])
def test_what_only_looks_like_one_is_found(fault: Fault, part: ModuleType, evidence: Evidence) -> None:
    found: Iterator[Any] = part.check(evidence)
    assert fault in {finding.fault for finding in found}
