"""Mails: each that was asked for arrives or ends rightfully, never late, never behind a newer one of its purpose."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

from tests.faults.evidence import Copy, Evidence, Row
from tests.faults.findings import Fault, Finding

FIRST_PAUSE, LONGEST_PAUSE, VARIES = timedelta(seconds=5), timedelta(minutes=15), 1.25
"""The pauses that notifications promises: doubled after each attempt up to the longest, varied by a quarter. Said here
again, so that a sender which breaks the promise is found."""

AT_ONCE = timedelta(seconds=15)
"""More than lies between the instant at which a mail is accepted and the statement that marks the older ones, even
where a machine has ten times as much to do as it can."""


ON_ITS_WAY = timedelta(seconds=1)
"""From the sender's last byte, which leaves in time, until a host on a busy machine has looked at its clock."""

RECORDED = timedelta(seconds=30)
"""In which a sender has recorded that the host took a mail, also while the database is started again: who was killed
before had read the answer and told nobody."""


def check(evidence: Evidence) -> Iterator[Finding]:
    """Compare the table of mails with what the host took."""
    mails = {row["message_id"]: row for row in evidence.tables["notifications"]["mails"]}
    copies = _by_mail(evidence)
    for message_id in copies.keys() - mails.keys():
        yield Finding(Fault.PHANTOM, f"a mail {message_id} that nobody asked for")
    for message_id, row in mails.items():
        yield from _one(row, copies.get(message_id, ()), evidence)
    yield from _in_turn(list(mails.values()), copies)


def copies_after_a_break(evidence: Evidence, *, answered: bool) -> int:
    """Second copies that a broken connection explains: the host had the mail, and the sender, whom it had `answered` or
    not, could not know or did not live to say so."""
    return sum(
        _explains(evidence, earlier, later) and earlier.answered == answered
        for copies in _by_mail(evidence).values()
        for earlier, later in pairwise(copies)
    )


def _by_mail(evidence: Evidence) -> Mapping[str, Sequence[Copy]]:
    copies: dict[str, list[Copy]] = defaultdict(list)
    for copy in sorted(evidence.copies, key=lambda copy: copy.received_at):
        copies[copy.message_id].append(copy)
    return copies


def _explains(evidence: Evidence, earlier: Copy, later: Copy) -> bool:
    """Whether the connection of one copy broke after its data, before the next, and soon enough."""
    broke = evidence.broken.get(earlier.connection)
    if broke is None or not earlier.received_at <= broke <= later.received_at:
        return False
    return not earlier.answered or broke - earlier.received_at <= RECORDED


def ends(evidence: Evidence) -> Counter[str]:
    """How many mails ended how: as their state, or as the reason of an expiry."""
    rows = evidence.tables["notifications"]["mails"]
    return Counter(row["reason"] if row["state"] == "expired" else row["state"] for row in rows)


def _one(row: Row, copies: Sequence[Copy], evidence: Evidence) -> Iterator[Finding]:
    what = f"mail {row['delivery_id']} ({row['kind']})"
    match row["state"]:
        case "sent" if not copies:
            yield Finding(Fault.LOST, f"{what} is said to be sent, and never arrived")
        case "sent":
            pass
        case "expired" if row["replaced"] or row["expires_at"] <= row["state_at"] or _too_late_to_retry(row):
            pass
        case "accepted" | "deferred":
            yield Finding(Fault.BACKLOG, f"{what} is still {row['state']}")
        case state:
            yield Finding(Fault.LOST, f"{what} ended as {state}, and nobody refused it")
    for copy in copies:
        if copy.received_at > row["expires_at"] + ON_ITS_WAY:
            yield Finding(Fault.EXPIRED, f"{what}: {copy.received_at - row['expires_at']} late")
    for earlier, later in pairwise(copies):
        if not _explains(evidence, earlier, later):
            yield Finding(Fault.COPY, f"{what} although connection {earlier.connection} did not break after its DATA")


def _too_late_to_retry(row: Row) -> bool:
    """A mail that the host put off ends when its next attempt would come after its expiry, and no sooner."""
    if row["attempts"] == 0 or row["reason"] != "expired":
        return False
    remained: timedelta = row["expires_at"] - row["state_at"]
    doublings: int = row["attempts"] - 1
    return remained <= min(FIRST_PAUSE * 2.0**doublings, LONGEST_PAUSE) * VARIES


def _in_turn(rows: Sequence[Row], copies: Mapping[str, Sequence[Copy]]) -> Iterator[Finding]:
    purposes: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["replaces"] is not None:
            purposes[row["recipient_id"], row["replaces"]].append(row)
    for purpose in purposes.values():
        ordered = sorted(purpose, key=lambda row: str(row["delivery_id"]))
        for older, newer in pairwise(ordered):
            before, after = copies.get(older["message_id"], ()), copies.get(newer["message_id"], ())
            if before and after and before[-1].received_at > after[0].received_at:
                yield Finding(Fault.CODE_ORDER, f"mail {older['delivery_id']} after {newer['delivery_id']}")
            late = older["state_at"] - newer["accepted_at"]
            if older["state"] == "sent" and not older["replaced"] and late > AT_ONCE:
                yield Finding(
                    Fault.CODE_ORDER,
                    f"mail {older['delivery_id']} {late} after {newer['delivery_id']} was to replace it",
                )
        newest = ordered[-1]
        if newest["state"] == "expired" and newest["replaced"]:
            yield Finding(Fault.LOST, f"mail {newest['delivery_id']} was replaced by nothing")
