"""Read models: what a service keeps of another one's data is what that one says."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from tests.faults.evidence import Evidence, Row
from tests.faults.findings import Fault, Finding, mirrors

Copy = dict[Hashable, object]


def check(evidence: Evidence) -> Iterator[Finding]:
    """Compare every read model with the last record on the topic it follows, or with the table it repeats."""
    accounts, linking, authorizations = (
        evidence.tables[service] for service in ("accounts", "linking", "authorizations")
    )
    person = ("email", "given_name", "family_name", "language")
    states = {kind: _last(evidence, kind) for kind in ("Person", "Organization", "Contact")}

    people = _keyed(states["Person"].values(), "account_id", *person)
    opened = [row for row in accounts["people"] if row["opened"]]
    yield from mirrors("accounts.people of", _keyed(opened, "account_id", *person), people)
    known = {row["owner_id"]: row for row in authorizations["personal_fields"]}
    account_rows = [
        known[row["account_id"]] for row in authorizations["account_versions"] if row["account_id"] in known
    ]
    yield from mirrors("authorizations' person", people, _keyed(account_rows, "owner_id", *person))
    of_accounts = [row for row in linking["people"] if row["kind"] == "account"]
    yield from mirrors("linking's person", people, _keyed(of_accounts, "id", *person))
    versions = _keyed(accounts["accounts"], "account_id", "version")
    yield from mirrors("linking's account", versions, _keyed(linking["accounts"], "account_id", "version"))
    told = _keyed(authorizations["account_versions"], "account_id", "version")
    yield from mirrors("authorizations' account", versions, told)

    fields: tuple[str, ...] = ("version", "number")
    of_topic = _keyed(states["Organization"].values(), "organization_id", *fields)
    yield from mirrors("linking's organization", of_topic, _keyed(linking["organizations"], "organization_id", *fields))
    fields = ("version", "organization_id", "client_number")
    of_topic = _keyed(states["Contact"].values(), "contact_id", *fields)
    yield from mirrors("linking's contact", of_topic, _keyed(linking["contacts"], "contact_id", *fields))
    of_contacts = [row for row in linking["people"] if row["kind"] == "contact"]
    told = _keyed(states["Contact"].values(), "contact_id", *person)
    yield from mirrors("linking's person of a contact", told, _keyed(of_contacts, "id", *person))

    bound = _keyed(linking["bindings"], "link_id", "account_id", "contact_id", "unlinked_at")
    newest = sorted(authorizations["bindings"], key=lambda row: int(row["version"]))
    followed: Copy = {row["link_id"]: (row["account_id"], row["contact_id"], row["during"].upper) for row in newest}
    yield from mirrors("authorizations' binding", bound, followed)
    ended = {row["object_id"]: True for row in accounts["audit"] if row["action"] == "session_ended"}
    all_ended = {row["object_id"] for row in accounts["audit"] if row["action"] == "sessions_ended"}
    epochs = _keyed([row for row in accounts["accounts"] if row["account_id"] in all_ended], "account_id", "epoch")
    for service in (linking, authorizations):
        over = {row["session_id"]: True for row in service["revoked_sessions"]}
        yield from mirrors("the end of the session", ended, over)
        known_epochs = [row for row in service["epochs"] if row["subject"] in all_ended]
        yield from mirrors("the end of all sessions of", epochs, _keyed(known_epochs, "subject", "epoch"))
    yield from _codes(linking, authorizations)
    yield from _deliveries(evidence.tables["notifications"]["mails"], authorizations)


TOLD_AS = {"bounced": "undelivered", "suppressed": "undelivered"}
"""State of a mail in notifications → what authorizations says of it in a batch, where it is another word."""


def _deliveries(mails: Sequence[Row], authorizations: Mapping[str, Sequence[Row]]) -> Iterator[Finding]:
    """What became of each mail of a batch is what notifications says of it."""
    states: Copy = {row["delivery_id"]: TOLD_AS.get(row["state"], row["state"]) for row in mails}
    told = {row["delivery_id"]: row["state"] for row in authorizations["mail_deliveries"]}
    items = {row["delivery_id"] for row in authorizations["linking_code_batch_items"]} - {None}
    wanted: Copy = {delivery: states.get(delivery) for delivery in items}
    yield from mirrors("the batch's mail", wanted, {one: told[one] for one in items if one in told})


def _codes(linking: Mapping[str, Sequence[Row]], authorizations: Mapping[str, Sequence[Row]]) -> Iterator[Finding]:
    """Who was to be sent a code was sent one, and the batch knows."""
    issued: dict[Hashable, int] = {}
    for row in linking["linking_codes"]:
        issued[row["contact_id"]] = max(issued.get(row["contact_id"], 0), row["generation"])
    for row in linking["contacts"]:
        if row["functions"] and row["generation"] > row["settled_generation"]:
            yield Finding(Fault.LOST, f"the code of generation {row['generation']} for contact {row['contact_id']}")
    for item in authorizations["linking_code_batch_items"]:
        if item["skipped"] is not None:
            continue
        if item["generation"] is None:
            yield Finding(Fault.LOST, f"batch {item['batch_id']} forgot {item['contact_id']}")
        elif item["issued_at"] is None and issued.get(item["contact_id"], 0) >= item["generation"]:
            yield Finding(Fault.LOST, f"batch {item['batch_id']} does not know of {item['contact_id']}'s code")


def _last(evidence: Evidence, kind: str) -> dict[str, Mapping[str, Any]]:
    """The last record of each key, as a reader finds it who starts from the compacted topic."""
    found: dict[str, Mapping[str, Any]] = {}
    for record in sorted(evidence.records, key=lambda record: (record.partition, record.offset)):
        if record.kind == kind and record.data is not None:
            found[record.key] = record.data
    return found


def _keyed(rows: Any, identity: str, *fields: str) -> Copy:
    return {row[identity]: tuple(row[field] for field in fields) for row in rows}
