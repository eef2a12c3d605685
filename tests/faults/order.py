"""Order per key: first occurrences follow version or sequence without inversion, sequences without a gap; one key,
one partition."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local.ports import SERVICES
from tests.faults.evidence import Evidence, Record
from tests.faults.findings import Fault, Finding, first_occurrences

NUMBERED = {
    "authorizations.events": ("sequence", "authorizations", "organizations", "organization_id"),
    "authorizations.organizations": ("version", "authorizations", "organizations", "organization_id"),
    "authorizations.contacts": ("version", "authorizations", "contacts", "contact_id"),
    "accounts.people": ("version", "accounts", "accounts", "account_id"),
    **{f"{service}.audit": ("version", service, "audit_chains", "chain_id") for service in SERVICES},
}
"""Topic → the field that counts, and the table (service, name, key) whose row counted in the same transaction."""

COUNTED_AS = {"audit_chains": "sequence"}
"""Table → its column, where it has another name than the field."""

RISING = {
    "LinkingCodeIssued": "generation",
    "LinkingCoordinatesMail": "delivery_id",  # UUIDv7, drawn while the contact is locked
    "CampaignCoordinatesMail": "delivery_id",  # the same
    "VerificationCodeMail": "delivery_id",  # the same, while the registration is
    "VerificationLinkMail": "delivery_id",  # the same
}
"""Kind of event → what rises from one to the next of its key, perhaps with gaps."""

LIVES = {
    "accounts.events": ("VerificationRequested", "EmailVerified", "AccountOpened", "SessionsRevoked"),
    "notifications.events": ("MailAccepted", "MailDeferred", ("MailSent", "MailExpired", "MailBounced")),
}
"""Topic → kinds of events of one key, in the order in which the first of each comes."""


def check(evidence: Evidence) -> Iterator[Finding]:
    """Look at every key of every topic."""
    keys: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in sorted(evidence.records, key=lambda record: (record.topic, record.partition, record.offset)):
        keys[record.topic, record.key].append(record)
    for (topic, key), records in keys.items():
        partitions = {record.partition for record in records}
        if len(partitions) > 1:
            yield Finding(Fault.PARTITION, f"{topic} {key}: {sorted(partitions)}")
            continue
        firsts = first_occurrences(records)
        if topic in NUMBERED:
            yield from _numbered(f"{topic} {key}", firsts, topic)
        yield from _rising(f"{topic} {key}", firsts)
        yield from _lives(f"{topic} {key}", firsts, LIVES.get(topic, ()))
        yield from _links(f"{topic} {key}", firsts, evidence.by_code)
    yield from _counted(evidence, keys)


def _numbered(what: str, firsts: Sequence[Record], topic: str) -> Iterator[Finding]:
    field = NUMBERED[topic][0]
    numbers = [record.data[field] for record in firsts if record.data is not None]
    if field == "version":
        numbers = list(dict.fromkeys(numbers))  # a state may be sent again, as another event
    elif len(set(numbers)) < len(numbers):
        yield Finding(Fault.TWICE, f"{what}: two events of one {field} in {numbers}")
        return
    if numbers != sorted(numbers):
        yield Finding(Fault.ORDER, f"{what}: {field}s came as {numbers}")
    elif field == "sequence" and numbers != list(range(1, len(numbers) + 1)):  # versions come from the clock
        yield Finding(Fault.LOST, f"{what}: a gap in {field}s {numbers}")


def _rising(what: str, firsts: Sequence[Record]) -> Iterator[Finding]:
    for kind, field in RISING.items():
        values = [record.data[field] for record in firsts if record.kind == kind and record.data is not None]
        if values != sorted(values):
            yield Finding(Fault.ORDER, f"{what}: {field} of {kind} came as {values}")


def _lives(what: str, firsts: Sequence[Record], stages: Sequence[str | tuple[str, ...]]) -> Iterator[Finding]:
    kinds = [record.kind for record in firsts]
    places = []
    for stage in stages:
        named = (stage,) if isinstance(stage, str) else stage
        places.append(min((place for place, kind in enumerate(kinds) if kind in named), default=None))
    there = [place for place in places if place is not None]
    if there != sorted(there):
        yield Finding(Fault.ORDER, f"{what}: {kinds}")


def _links(what: str, firsts: Sequence[Record], by_code: str) -> Iterator[Finding]:
    """A code before each link that is made by one, and each link before its end.

    Links of other methods come without a code, and one may follow their end.
    """
    issued, linked = False, set[str]()
    for record in firsts:
        said = record.data or {}
        if record.kind == "LinkingCodeIssued":
            issued = True
        elif record.kind == "ProfileLinked":
            linked.add(said["link_id"])
            if said["method"] == by_code and not issued:
                yield Finding(Fault.ORDER, f"{what}: link {said['link_id']} came before any code")
        elif record.kind == "ProfileUnlinked" and said["link_id"] not in linked and _stood(said):
            yield Finding(Fault.ORDER, f"{what}: the end of link {said['link_id']} came before it")


def _stood(unlinked: Mapping[str, Any]) -> bool:
    """Whether a link that ended was ever told: one that was made elsewhere and stood in another's way never was."""
    return bool(unlinked["unlinked_at"] != unlinked["linked_at"])


def _counted(evidence: Evidence, keys: Mapping[tuple[str, str], Sequence[Record]]) -> Iterator[Finding]:
    """The last number on the topic is the database's own."""
    for topic, (field, service, table, identity) in NUMBERED.items():
        column = COUNTED_AS.get(table, field)
        for row in evidence.tables[service][table]:
            records = keys.get((topic, row[identity]), ())
            numbers = [record.data[field] for record in records if record.data is not None]
            newest = max(numbers, default=0)
            if newest < row[column]:
                yield Finding(Fault.LOST, f"{topic} {row[identity]}: {field} {newest} of {row[column]}")
            elif newest > row[column]:
                yield Finding(
                    Fault.PHANTOM, f"{topic} {row[identity]}: {field} {newest}, the database has {row[column]}"
                )
            elif field == "version" and numbers and numbers[-1] != newest:
                last = f"{topic} {row[identity]}: the last record has version {numbers[-1]} of {newest}"
                yield Finding(Fault.STALE, last)
