"""What was promised to whoever claims an organization, holds its code, or keeps somebody out."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.faults.evidence import Evidence, Row
from tests.faults.facts import events
from tests.faults.findings import Fault, Finding, bounded, mirrors
from tests.faults.history import Command, Kind


def check(evidence: Evidence) -> Iterator[Finding]:
    """One first administrator, claims that come to an end, codes that are in force or dead, blocks that hold."""
    linking, authorizations = (evidence.tables[service] for service in ("linking", "authorizations"))
    fields = ("account_id", "organization_id", "method", "capacity")
    made, kept = (
        {row["claim_id"]: tuple(row[field] for field in fields) for row in tables.get("claims", ())}
        for tables in (linking, authorizations)
    )
    yield from mirrors("the claim in authorizations", made, kept)
    yield from _first(authorizations)
    yield from _followed(evidence)
    yield from _replaced(authorizations)
    yield from _compared(evidence)
    yield from _letters(evidence)
    yield from _blocks(evidence)


def _first(tables: Mapping[str, Sequence[Row]]) -> Iterator[Finding]:
    """Whoever proves it first manages an organization, and nobody who did not; all others ask."""
    claims: dict[str, list[Row]] = defaultdict(list)
    for row in tables.get("claims", ()):
        claims[row["organization_id"]].append(row)
    for organization, rows in claims.items():
        appointed = [row for row in rows if row["outcome"] == "appointed"]
        proven = any(row["proven"] and row["outcome"] != "refused" for row in rows)
        yield from bounded("the first administrator of", organization, len(appointed), int(proven), 1)
        for row in appointed:
            if not row["proven"]:
                yield Finding(Fault.PHANTOM, f"an administrator of {organization} who proved nothing")


def _followed(evidence: Evidence) -> Iterator[Finding]:
    """Each claim is decided, or waits for whom its request does; and its person is shown just that."""
    requests = {row["request_id"]: row for row in evidence.tables["authorizations"]["requests"]}
    shown = {row["claim_id"]: row for row in evidence.tables["linking"].get("claims", ())}
    led = Counter(row["claim_id"] for row in requests.values() if row.get("claim_id") is not None)
    managing = {event["claim_id"] for event in events(evidence, "AdministratorAppointed")}
    for row in evidence.tables["authorizations"].get("claims", ()):
        claim, asked = row["claim_id"], int(row["outcome"] == "asked")
        yield from bounded("the request of claim", claim, led[claim], asked, asked)
        if row["outcome"] is None:
            yield Finding(Fault.LOST, f"the decision of claim {claim}")
        elif claim in shown and (not asked or row["request_id"] in requests):
            expected = _expected(row, requests, is_managing=claim in managing)
            found = tuple(shown[claim][name] for name in ("outcome", "decider", "request_id", "decision_reason"))
            if found != expected:
                yield Finding(Fault.STALE, f"claim {claim} is shown as {found} instead of {expected}")


def _replaced(tables: Mapping[str, Sequence[Row]]) -> Iterator[Finding]:
    """Whatever went with an administrator who was replaced has ended."""
    ended = {row["relation_id"] for row in tables["relations"] if row["ended_at"] is not None}
    for entry in tables["audit"]:
        if entry["action"] == "administrator_replaced":
            for relation_id in set(entry["detail"].get("relations", ())) - ended:
                yield Finding(Fault.LOST, f"the end of relation {relation_id}, with {entry['object_id']}")


def _expected(row: Row, requests: Mapping[str, Row], *, is_managing: bool) -> tuple[Any, ...]:
    """How linking shows a claim that authorizations has decided so: outcome, decider, request, reason."""
    if row["outcome"] != "asked":
        return {"appointed": "administrator", "refused": "refused"}[row["outcome"]], None, None, None
    request = requests[row["request_id"]]
    outcome: str | None = None
    match request["state"], request["outcome"]:
        case "decided", "reject":
            outcome = "refused"
        case "decided", _:
            outcome = "administrator" if is_managing else "granted"
        case ("lapsed" | "withdrawn") as state, _:
            outcome = state
    return outcome, request["decider"], request["request_id"], request.get("decision_reason")


def _compared(evidence: Evidence) -> Iterator[Finding]:
    """A code that was in force while it was compared proves, unless too many tries kept it from being looked at; one
    that was said to be renewed before never does."""
    kept = {row["claim_id"]: row for row in evidence.tables["authorizations"].get("claims", ())}
    for command in evidence.commands:
        if command.kind is not Kind.CLAIM or not command.accepted or command.made["claim_id"] not in kept:
            continue
        claim, row = command.made["claim_id"], kept[command.made["claim_id"]]
        proven = row["proven"]
        if proven and command.asked["which"] != "in force":
            yield Finding(Fault.CODE, f"claim {claim} was proven with a code that is {command.asked['which']}")
        elif not proven and not row["locked"] and _was_in_force(evidence, command):
            yield Finding(Fault.CODE, f"claim {claim} was not proven, although its code was in force")


def _was_in_force(evidence: Evidence, command: Command) -> bool:
    """Whether the code that was typed was its organization's from before the claim until its answer, and not locked."""
    assert command.answered_at is not None
    for row in evidence.tables["linking"].get("organization_codes", ()):
        if evidence.codes.get((row["organization_id"], row["issue"])) != command.asked.get("code", ""):
            continue
        if row["organization_id"] == command.asked["organization_id"]:
            ended: datetime | None = row["ended_at"]
            return row["issued_at"] < command.begun_at and (ended is None or ended > command.answered_at) and (
                row["locked_at"] is None
            )  # fmt: skip
    return False


def _letters(evidence: Evidence) -> Iterator[Finding]:
    """Each organization has a code, whose letter was printed or is due; what a letter names is in force when read."""
    linking = evidence.tables["linking"]
    living = Counter(row["organization_id"] for row in linking.get("organization_codes", ()) if row["ended_at"] is None)
    for row in evidence.tables["authorizations"]["organizations"]:
        if row.get("kind") in evidence.coded:
            yield from bounded("the code of", row["organization_id"], living[row["organization_id"]], 1, 1)
    for row in linking.get("organization_files", ()):
        if row["generation"] > row["settled_generation"]:
            yield Finding(Fault.LOST, f"the code of generation {row['generation']} of {row['organization_id']}")
    printed = {(row["organization_id"], row["issue"]) for row in linking.get("printed_letters", ())}
    for row in linking.get("organization_codes", ()):
        if row["ended_at"] is None and row["valid"] and not row["adopted"]:
            key = row["organization_id"], row["issue"]
            yield from bounded("the letter, due or printed, of", key, row["letter_due"] + (key in printed), 1, 1)
    issues = {(organization, code): issue for (organization, issue), code in evidence.codes.items()}
    renewals = [command for command in evidence.commands if command.kind is Kind.RENEW and command.accepted]
    for command in evidence.commands:
        if command.kind is not Kind.PRINT or "codes" not in command.made:
            continue
        organization = command.asked["organization_id"]
        before = [
            issues.get((organization, renewal.made["code"]), 0)
            for renewal in renewals
            if renewal.asked["organization_id"] == organization and _answered_before(renewal, command)
        ]
        for code in command.made["codes"]:
            if (organization, code) not in issues:
                yield Finding(Fault.CODE, f"a letter to {organization} names a code of nobody's")
            elif issues[organization, code] < max(before, default=0):
                yield Finding(Fault.CODE, f"a letter to {organization} names a code that was renewed before")


def _answered_before(renewal: Command, printing: Command) -> bool:
    read_begun: datetime = printing.made["read_begun"]
    return renewal.answered_at is not None and renewal.answered_at <= read_begun


def _blocks(evidence: Evidence) -> Iterator[Finding]:
    """From the answer on by which somebody is kept out, and until that ends, nobody says that they may act."""
    ended: dict[str, datetime] = {}
    for row in evidence.tables["authorizations"].get("blocks", ()):
        if row["ended_by"] is not None:
            ended[row["block_id"]] = row["during"].upper
    blocks = [command for command in evidence.commands if command.kind is Kind.BLOCK and command.accepted]
    for check in evidence.commands:
        if check.kind is not Kind.CHECK or not check.made.get("decision"):
            continue
        for block in blocks:
            until = ended.get(block.made["block_id"])
            about = ("organization_id", "account_id")
            if (
                all(block.asked[name] == check.asked[name] for name in about)
                and block.answered_at is not None
                and check.answered_at is not None
                and block.answered_at <= check.begun_at
                and (until is None or check.answered_at <= until)
            ):
                yield Finding(Fault.BLOCKED, f"{check.asked['account_id']} at {check.begun_at}: {block.made}")
