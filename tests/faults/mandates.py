"""What was promised to both sides of a mandate: one right, two mails to two people, an end that holds everywhere."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.faults.evidence import Evidence, Row
from tests.faults.facts import events
from tests.faults.findings import Fault, Finding, bounded, compare, mirrors
from tests.faults.history import Command, Kind

HALVES = {"UserNameMail": "to_professional", "TemporaryPasswordMail": "to_delegate"}
"""Mail → the field of a CredentialIssued that names its delivery."""


def check(evidence: Evidence) -> Iterator[Finding]:
    """Each approved mandate is one right, each credential two mails, and whatever was revoked is gone."""
    yield from _given(evidence)
    yield from _credentials(evidence)
    yield from _halves(evidence)
    yield from _revoked(evidence)
    yield from _gone(evidence)
    yield from _checks(evidence)


def _given(evidence: Evidence) -> Iterator[Finding]:
    """An approved mandate is one right on one membership of its delegate; any other gives nothing."""
    tables = evidence.tables["authorizations"]
    kept = {row["request_id"]: row for row in tables.get("mandates", ())}
    rights = {row["right_id"]: row for row in tables["rights"]}
    relations = {row["relation_id"]: row for row in tables["relations"]}
    by_request: dict[str, set[str]] = defaultdict(set)
    for row in tables["rights"]:
        if row.get("request_id") is not None:
            by_request[row["request_id"]].add(row["right_id"])
    for request in tables["requests"]:
        if request["kind"] != "mandate":
            continue
        mandate_id, approved = request["request_id"], int(request["outcome"] == "approve")
        yield from bounded("the right of mandate", mandate_id, len(by_request[mandate_id]), approved, approved)
        mandate = kept.get(mandate_id)
        if mandate is None:
            yield Finding(Fault.LOST, f"mandate {mandate_id}, of which only the request is there")
            continue
        right = rights.get(mandate["right_id"])
        named = (mandate["right_id"], mandate["relation_id"], mandate["contact_id"])
        if not approved and any(named):
            yield Finding(Fault.PHANTOM, f"mandate {mandate_id} gave {named}, and nobody approved it")
        elif approved and right is None:
            yield Finding(Fault.LOST, f"what mandate {mandate_id} gave: {named}")
        elif approved and right is not None:
            holder = relations.get(right["relation_id"], {}).get("holder_id")
            found = (right["request_id"], right["subject"], right["relation_id"], holder)
            expected = (mandate_id, request["asked"]["subject"], mandate["relation_id"], mandate["contact_id"])
            if found != expected:
                yield Finding(Fault.STALE, f"the right of mandate {mandate_id}: {found} instead of {expected}")


def _credentials(evidence: Evidence) -> Iterator[Finding]:
    """Each contact that is to have a credential was given one of that generation, and is linked to its account."""
    accounts, linking, authorizations = (
        evidence.tables[service] for service in ("accounts", "linking", "authorizations")
    )
    owed: dict[Hashable, object] = {
        row["contact_id"]: row["credential_generation"]
        for row in authorizations["contacts"]
        if row.get("credential_generation")
    }
    given = {row["contact_id"]: row for row in accounts.get("credentials", ())}
    generations: dict[Hashable, object] = {contact: row["generation"] for contact, row in given.items()}
    yield from mirrors("the credential of contact", owed, generations)
    told = [(event["contact_id"], event["generation"]) for event in events(evidence, "CredentialIssued")]
    yield from compare("CredentialIssued of", [(contact, row["generation"]) for contact, row in given.items()], told)
    linked = {row["contact_id"]: row["account_id"] for row in linking["bindings"] if row["unlinked_at"] is None}
    for contact, row in given.items():
        if linked.get(contact) != row["account_id"]:
            yield Finding(Fault.LOST, f"the link of {contact} to {row['account_id']}, which its credential is of")


def _halves(evidence: Evidence) -> Iterator[Finding]:
    """Of a new credential the user name is asked for once and the password once, each for somebody else."""
    issued = events(evidence, "CredentialIssued")
    for kind, field in HALVES.items():
        asked = [event["delivery_id"] for event in events(evidence, kind)]
        named = [event["deliveries"][field] for event in issued if event["deliveries"][field] is not None]
        yield from compare(f"the {kind} of delivery", named, asked)
    for event in issued:
        halves = int(not event["kept"])
        for field in HALVES.values():
            found = int(event["deliveries"][field] is not None)
            yield from bounded(f"the half {field} of the credential of", event["contact_id"], found, halves, halves)
    mails = {row["delivery_id"]: row for row in evidence.tables["notifications"]["mails"]}
    for event in issued:
        pair = [mails[one] for one in event["deliveries"].values() if one in mails]
        if len({row["recipient_id"] for row in pair}) < len(pair):
            yield Finding(Fault.TWICE, f"both halves of the credential of {event['contact_id']} went to one recipient")


def _revocations(evidence: Evidence) -> Iterator[Command]:
    return (one for one in evidence.commands if one.kind is Kind.REVOKE and one.accepted)


def _revoked(evidence: Evidence) -> Iterator[Finding]:
    """What was revoked ended, right and membership, unless that carries more; what was not goes on."""
    tables = evidence.tables["authorizations"]
    wanted = {command.asked["request_id"] for command in _revocations(evidence)}
    ended = {row["right_id"] for row in tables["rights"] if row["ended_at"] is not None}
    over = {row["relation_id"] for row in tables["relations"] if row["ended_at"] is not None}
    carried: Counter[str] = Counter(
        relation for relation, right in {(row["relation_id"], row["right_id"]) for row in tables["rights"]}
        if right not in ended
    )  # fmt: skip
    for row in tables.get("mandates", ()):
        mandate_id = row["request_id"]
        if mandate_id in wanted and (row["revoked_at"] is None or row["right_id"] not in ended):
            yield Finding(Fault.LOST, f"the revocation of mandate {mandate_id}")
        if row["revoked_at"] is not None and not carried[row["relation_id"]] and row["relation_id"] not in over:
            yield Finding(
                Fault.LOST, f"the end of {row['relation_id']}, which carries nothing since {mandate_id} ended"
            )


def _gone(evidence: Evidence) -> Iterator[Finding]:
    """Linking keeps no function of a delegate that has ended: what it knows is what was told last."""
    last: dict[str, Mapping[str, Any]] = {}
    for record in sorted(evidence.records, key=lambda record: (record.partition, record.offset)):
        if record.kind == "Contact" and record.data is not None:
            last[record.key] = record.data
    delegates = {row["contact_id"] for row in evidence.tables["authorizations"].get("mandates", ())} - {None}
    relations = evidence.tables["authorizations"]["relations"]
    held = _memberships([row for row in relations if row["holder_id"] in delegates])
    known = {row["contact_id"]: row for row in evidence.tables["linking"]["contacts"]}
    for contact in delegates:
        types = sorted(held[contact])
        for where, row in (("authorizations.contacts", last.get(contact)), ("linking", known.get(contact))):
            found = sorted({one["type"] for one in row["functions"]}) if row is not None else None
            if found != types:
                yield Finding(Fault.STALE, f"{where} says that {contact} is {found} instead of {types}")


def _memberships(rows: Sequence[Row]) -> Mapping[str, set[str]]:
    """By contact, the types of memberships that nobody has withdrawn."""
    ended = {row["relation_id"] for row in rows if row["ended_at"] is not None}
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["through"] is None and row["relation_id"] not in ended:
            found[row["holder_id"]].add(row["type"])
    return found


def _checks(evidence: Evidence) -> Iterator[Finding]:
    """From the answer on by which a mandate was revoked, nobody says that its delegate may act by it."""
    about = ("organization_id", "account_id", "subject")
    revoked: dict[tuple[str, ...], datetime] = {}
    for command in _revocations(evidence):
        if command.answered_at is not None:
            revoked[tuple(command.asked[name] for name in about)] = command.answered_at
    for check in evidence.commands:
        if check.kind is Kind.CHECK and check.made.get("decision") and "subject" in check.asked:
            since = revoked.get(tuple(check.asked[name] for name in about))
            if since is not None and since <= check.begun_at:
                yield Finding(
                    Fault.BLOCKED, f"{check.asked['account_id']} at {check.begun_at}: {check.asked['subject']}"
                )
