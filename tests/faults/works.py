"""Work of several steps, each of which may be cut short: what it comes to in the end is what was asked, once."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tests.faults.evidence import Evidence
from tests.faults.facts import events
from tests.faults.findings import Fault, Finding, bounded, compare
from tests.faults.history import Command, Kind


def check(evidence: Evidence) -> Iterator[Finding]:
    """Imports add up, requests are decided once, files open, what was corrected stands, digests come once a day."""
    yield from _imports(evidence)
    yield from _requests(evidence)
    yield from _contests(evidence)
    yield from _corrections(evidence)
    yield from _attachments(evidence)
    yield from _former_credentials(evidence)


def _imports(evidence: Evidence) -> Iterator[Finding]:
    """However often an extract came, and wherever its import was cut short, each of its rows was created once, each of
    its organizations told once, and whoever is to be told of what ends there was."""
    tables = evidence.tables["authorizations"]
    done: dict[int, list[Counter[str]]] = defaultdict(list)
    for row in tables["imports"]:
        if row["actor_kind"] == "agent" and row["state"] == "done":
            done[row["read"]].append(Counter({name: row[name] for name in ("created", "unchanged")}))
    for rows, imports in done.items():
        total = sum(imports, Counter[str]())
        yield from bounded("rows created of the extract of rows", rows, total["created"], rows, rows)
        unchanged = rows * (len(imports) - 1)
        yield from bounded(
            "rows left as they were of the extract of rows", rows, total["unchanged"], unchanged, unchanged
        )
    ids = {row["number"]: row["organization_id"] for row in tables["organizations"]}
    contacts = {(row["organization_id"], row["client_number"]): row["contact_id"] for row in tables["contacts"]}
    told = Counter(row["object_id"] for row in tables["audit"] if row["action"] == "organization_imported")
    digests = {row["contact_id"] for row in tables["digests"]}
    for command in evidence.commands:
        if command.kind is Kind.EXTRACT and command.accepted:
            for number in command.asked["numbers"].split():
                if number not in ids:
                    yield Finding(Fault.LOST, f"organization {number} of an extract")
                    continue
                yield from bounded("the import of organization", number, told[ids[number]], 1, 1)
                if contacts.get((ids[number], number)) not in digests:
                    yield Finding(Fault.LOST, f"the digest of {number}'s responsible person")


def _requests(evidence: Evidence) -> Iterator[Finding]:
    """One decision of each, the one that was answered; and what an approval brings about, once."""
    tables = evidence.tables["authorizations"]
    answered: dict[str, list[Command]] = defaultdict(list)
    for command in evidence.commands:
        if command.kind is Kind.DECIDE and command.accepted and command.made:
            answered[command.asked["request_id"]].append(command)
    begun = Counter(row["request_id"] for row in tables["relations"] if row["version"] == 1)
    ended = {row["relation_id"] for row in tables["relations"] if row["ended_at"] is not None}
    for row in tables["requests"]:
        request, outcome = row["request_id"], row["outcome"]
        decisions = answered.get(request, ())
        if len(decisions) > 1:
            yield Finding(Fault.TWICE, f"request {request} was decided {len(decisions)} times")
        for command in decisions:
            if command.asked["outcome"] != outcome:
                yield Finding(Fault.LOST, f"the decision {command.asked['outcome']} of {request}, which is {outcome}")
        brings = row["kind"] in BRING_RELATIONS or row.get("reason") == "duplicate"
        relations = int(brings and outcome in ("approve", "merge"))
        most = int(outcome == "approve") if row["kind"] == "mandate" else relations  # its delegate may be a member
        yield from bounded("the relation of request", request, begun[request], relations, most)
        if row["kind"] == "proposed_end" and outcome == "approve" and row["asked"]["relation_id"] not in ended:
            yield Finding(Fault.LOST, f"the end of relation {row['asked']['relation_id']}, which was approved")


def _contests(evidence: Evidence) -> Iterator[Finding]:
    """Of a contested link one agent is asked once, the approval ends one link, and linking has ended the same."""
    tables = evidence.tables["authorizations"]
    reviews = [row for row in tables["requests"] if row.get("reason") == "contested"]
    about = Counter((row["asked"]["contact_id"], row["asked"]["account_id"]) for row in reviews)
    refused = {(event["contact_id"], event["account_id"]): event for event in events(evidence, "LinkRefused")
               if event["reason"] in ("already_linked", "other_profile_here")}  # fmt: skip
    comers = {command.asked["account_id"] for command in evidence.commands if command.kind is Kind.CONTEST}
    for pair in about.keys() | refused.keys():
        least = int(pair in refused and pair[1] in comers)
        yield from bounded("the review of the contested link of", pair, about[pair], least, int(pair in refused))
    approved = Counter(row["asked"]["contact_id"] for row in reviews if row["outcome"] == "approve")
    replaced = [row["detail"] for row in tables["audit"] if row["action"] == "administrator_replaced"]
    fallen = {link_id for detail in replaced for link_id in detail.get("links", ())}
    ended = [row for row in tables["audit"] if row["action"] == "link_ended"]
    noted = [row for row in ended if row["detail"]["link_id"] not in fallen]
    yield from compare("the end of the contested link of", approved.elements(), [row["object_id"] for row in noted])
    unlinked = {row["link_id"] for row in evidence.tables["linking"]["bindings"] if row["unlinked_at"] is not None}
    for link_id in {row["detail"]["link_id"] for row in noted} - unlinked:
        yield Finding(Fault.LOST, f"the end of link {link_id}, which an agent has decided")
    mails = Counter(mail["deduplication_id"].split(":")[1] for mail in events(evidence, "LinkReviewedMail"))
    for row in reviews:
        expected = 2 if row["state"] == "decided" else 0
        yield from bounded(
            "the mails about contested link", row["request_id"], mails[row["request_id"]], expected, expected
        )


def _corrections(evidence: Evidence) -> Iterator[Finding]:
    """A file says what the last correction said."""
    names = {row["owner_id"]: row["given_name"] for row in evidence.tables["authorizations"]["personal_fields"]}
    by_contact: dict[str, list[Command]] = defaultdict(list)
    for command in evidence.commands:
        if command.kind is Kind.CORRECT and command.may_have_happened:
            by_contact[command.asked["contact_id"]].append(command)
    for contact, commands in by_contact.items():
        possible = _last_said(commands)
        if possible and names.get(contact) not in possible:
            yield Finding(Fault.LOST, f"the correction of {contact}: {names.get(contact)} instead of {possible[-1]}")


def _last_said(commands: Sequence[Command]) -> list[str]:
    """What the last commands may have left; nothing when none of them was answered with a yes."""
    said: list[str] = []
    for command in reversed(commands):
        said.append(command.asked["given_name"])
        if command.accepted:
            return said
    return []


def _attachments(evidence: Evidence) -> Iterator[Finding]:
    """A file that went with a form belongs to what the form made and is what was uploaded, until its time is over."""
    rows = {row["attachment_id"]: row["object_id"] for row in evidence.tables["authorizations"]["attachments"]}
    uploaded = {
        command.made["attachment_id"]: command.asked["digest"]
        for command in evidence.commands
        if command.kind is Kind.UPLOAD and command.accepted
    }
    outlived = {command.asked["attachment_id"] for command in evidence.commands if command.kind is Kind.OUTLIVE}
    opened = {one for one, digest in evidence.opened.items() if digest is not None}
    for past in outlived & (rows.keys() | opened):
        yield Finding(Fault.LOST, f"the deletion of attachment {past}, which is past its time")
    for command in evidence.commands:
        attachment = command.asked.get("attachment_id")
        if attachment in outlived:
            continue
        if command.kind is Kind.ADD_CONTACT and command.accepted and attachment is not None:
            if rows.get(attachment) != command.made["contact_id"]:
                yield Finding(Fault.LOST, f"attachment {attachment} does not belong to {command.made['contact_id']}")
            if evidence.opened.get(attachment) != uploaded[attachment]:
                yield Finding(Fault.LOST, f"attachment {attachment} is not what was uploaded")


def _former_credentials(evidence: Evidence) -> Iterator[Finding]:
    """A user name was redeemed once, and linked everything that it stood for."""
    bindings = evidence.tables["linking"]["bindings"]
    for command in evidence.commands:
        if command.kind is Kind.REDEEM_FORMER and command.accepted:
            named = {one["link_id"] for one in command.made["profiles"]}
            linked = {row["link_id"] for row in bindings if row["account_id"] == command.asked["account_id"]}
            for link_id in named - linked:
                yield Finding(Fault.LOST, f"link {link_id} of a former credential")
            if len(named) < FILES:
                yield Finding(Fault.LOST, f"a former credential linked {len(named)} of {FILES} files")


FILES = 2
"""That each user name of the harness stands for (ground.py)."""

BRING_RELATIONS = ("proposed_relation", "access_request", "invitation")
"""Kinds of requests whose approval begins a relation."""
