"""What the gateways accepted is there, once; and nothing is there that nobody asked for."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass

from tests.faults.evidence import Evidence, Row
from tests.faults.findings import Fault, Finding, bounded
from tests.faults.history import Command, Kind


@dataclass(frozen=True)
class Effect:
    """What commands of some kinds leave in a database: `of_command` names it as `of_rows` counts it."""

    what: str
    kinds: tuple[Kind, ...]
    of_command: Callable[[Command], Hashable]
    of_rows: Callable[[Evidence], Counter[Hashable]]


@dataclass(frozen=True)
class Made:
    """The resource that an accepted command's answer names, and the table in which it must stand."""

    field: str
    service: str
    table: str


MADE: Mapping[Kind, Made] = {
    Kind.REGISTER: Made("registration_id", "accounts", "registrations"),
    Kind.VERIFY: Made("session_id", "accounts", "sessions"),
    Kind.SIGN_IN: Made("session_id", "accounts", "sessions"),
    Kind.LINK: Made("link_id", "linking", "bindings"),
    Kind.BATCH: Made("batch_id", "authorizations", "linking_code_batches"),
    Kind.ADD_CONTACT: Made("contact_id", "authorizations", "contacts"),
    Kind.DELEGATE: Made("relation_id", "authorizations", "relations"),
    Kind.REDEEM_FORMER: Made("link_id", "linking", "bindings"),
    Kind.ADD_KNOWN: Made("request_id", "authorizations", "requests"),
    Kind.PROPOSE: Made("request_id", "authorizations", "requests"),
    Kind.PROPOSE_END: Made("request_id", "authorizations", "requests"),
    Kind.ASK_ADDRESS: Made("change_id", "accounts", "email_changes"),
    Kind.ASK_PASSWORD: Made("reset_id", "accounts", "password_resets"),
    Kind.UPLOAD: Made("attachment_id", "authorizations", "attachments"),
    Kind.EXTRACT: Made("import_id", "authorizations", "imports"),
    Kind.CLAIM: Made("claim_id", "linking", "claims"),
    Kind.BLOCK: Made("block_id", "authorizations", "blocks"),
    Kind.INVITE: Made("request_id", "authorizations", "requests"),
    Kind.ACCEPT: Made("contact_id", "authorizations", "contacts"),
    Kind.RENEW: Made("organization_id", "linking", "organization_files"),
    Kind.PRINT: Made("printing_id", "linking", "letter_printings"),
    Kind.APPOINT: Made("relation_id", "authorizations", "relations"),
}


def _asked(field: str) -> Callable[[Command], Hashable]:
    return lambda command: command.asked.get(field)


def _of_person(table: str) -> Callable[[Evidence], Counter[Hashable]]:
    """Rows of accounts by family name, which nobody shares or changes; addresses do change."""

    def found(evidence: Evidence) -> Counter[Hashable]:
        person = {row["account_id"]: row["family_name"] for row in evidence.tables["accounts"]["people"]}
        return Counter(person[row["account_id"]] for row in evidence.tables["accounts"][table])

    return found


def _noted(service: str, action: str, detail: str | None = None) -> Callable[[Evidence], Counter[Hashable]]:
    """Entries of the audit, by what they are about or by an id in their detail."""
    return lambda evidence: Counter(
        row["detail"][detail] if detail else row["object_id"]
        for row in evidence.tables[service]["audit"]
        if row["action"] == action
    )


def _rows(
    service: str, table: str, field: str, where: Callable[[Row], bool] = lambda _: True
) -> Callable[[Evidence], Counter[Hashable]]:
    return lambda evidence: Counter(row[field] for row in evidence.tables[service].get(table, ()) if where(row))


def _contacts(evidence: Evidence) -> Counter[Hashable]:
    """Those who were added without an agent's look, by name."""
    tables = evidence.tables["authorizations"]
    added = {row["object_id"] for row in tables["audit"] if row["action"] == "contact_added"}
    added -= {row["holder_id"] for row in tables["relations"] if row["request_id"] is not None}
    added -= {row["contact_id"] for row in tables.get("claims", ())}
    return Counter(row["family_name"] for row in tables["personal_fields"] if row["owner_id"] in added)


def _doubts(evidence: Evidence) -> Counter[Hashable]:
    """Persons whom an agent is to look at before they are added."""
    tables = evidence.tables["authorizations"]
    doubts = {row["request_id"] for row in tables["requests"] if row.get("reason") == "duplicate"}
    return Counter(row["family_name"] for row in tables["personal_fields"] if row["owner_id"] in doubts)


def _redemptions(evidence: Evidence) -> Counter[Hashable]:
    """By account: one redemption links several files."""
    rows = [row for row in evidence.tables["linking"]["bindings"] if row["method"] == "former_credential"]
    return Counter(
        account for account, _ in {(row["account_id"], row["redemption_id"] or row["link_id"]) for row in rows}
    )


def _extracts(evidence: Evidence) -> Counter[Hashable]:
    """By the number of rows. One that a process was receiving when it died never counts."""
    rows = evidence.tables["authorizations"]["imports"]
    return Counter(str(row["read"]) for row in rows if row["actor_kind"] == "agent" and row["state"] != "receiving")


def _delegations(evidence: Evidence) -> Counter[Hashable]:
    rows = {row["relation_id"]: row for row in evidence.tables["authorizations"]["relations"]}
    return Counter(row["holder_id"] for row in rows.values() if row["through"] is not None)


def _imports(evidence: Evidence) -> Counter[Hashable]:
    """Imports of an organization that changed it, besides the one that brought it in."""
    number = {row["organization_id"]: row["number"] for row in evidence.tables["authorizations"]["organizations"]}
    rows = evidence.tables["authorizations"]["audit"]
    by_command = [row for row in rows if row["action"] == "organization_imported" and row["actor_kind"] == "operator"]
    counted = Counter(number[row["object_id"]] for row in by_command)
    return Counter({number: count - 1 for number, count in counted.items()})


def _unlinked(evidence: Evidence) -> Counter[Hashable]:
    """Links that their own account ended: an agent's decision is another command (works.py)."""
    by_agents = _noted("authorizations", "link_ended", "link_id")(evidence)
    return _noted("linking", "profile_unlinked", "link_id")(evidence) - by_agents


def _second_texts(evidence: Evidence) -> Counter[Hashable]:
    """Reviews that were submitted more often than once."""
    tables = evidence.tables["authorizations"]
    doubts = {row["request_id"] for row in tables["requests"] if row.get("reason") == "duplicate"}
    submitted = _noted("authorizations", "request_submitted")(evidence)
    return Counter({request: submitted[request] - 1 for request in doubts})


def _uploads(evidence: Evidence) -> Counter[Hashable]:
    """By account, also those that were deleted since."""
    rows = evidence.tables["authorizations"]["audit"]
    return Counter(row["actor_id"] for row in rows if row["action"] == "attachment_kept")


def _replacements(evidence: Evidence) -> list[Row]:
    """The entries of administrators who were replaced: with them goes what they did, and nobody commands it besides."""
    return [row for row in evidence.tables["authorizations"]["audit"] if row["action"] == "administrator_replaced"]


def _unblocked(evidence: Evidence) -> Counter[Hashable]:
    """Blocks that somebody ended: whoever replaces an administrator lifts what that one imposed.

    Who asks for the end of one that was lifted a moment before is told that it has ended, and it has.
    """
    asked = {c.asked["block_id"] for c in evidence.commands if c.kind is Kind.UNBLOCK and c.accepted}
    lifted = {block_id for entry in _replacements(evidence) for block_id in entry["detail"]["blocks"]} - asked
    rows = evidence.tables["authorizations"].get("blocks", ())
    return Counter({row["block_id"] for row in rows if row["ended_by"] is not None} - lifted)


def _invitations(evidence: Evidence) -> Counter[Hashable]:
    """By the address that is invited."""
    tables = evidence.tables["authorizations"]
    invitations = {row["request_id"] for row in tables["requests"] if row["kind"] == "invitation"}
    return Counter(row["email"] for row in tables["personal_fields"] if row["owner_id"] in invitations)


def _renewals(evidence: Evidence) -> Counter[Hashable]:
    """Codes that ended another one; the first of an organization ends none."""
    rows = evidence.tables["linking"]["audit"]
    issued = [row for row in rows if row["action"] == "organization_code_issued"]
    renewed = Counter(row["object_id"] for row in issued if row["detail"]["ended_by"] == "renewed")
    replaced = [entry for entry in _replacements(evidence) if entry["detail"].get("code_renewed")]
    return renewed - Counter(entry["organization_id"] for entry in replaced)


def _released(evidence: Evidence) -> Counter[Hashable]:
    """Contacts who were released, besides those who went with one who was replaced."""
    gone = Counter(one for entry in _replacements(evidence) for one in entry["detail"].get("managers", ()))
    return _noted("authorizations", "administrator_released")(evidence) - gone


def _appointments(evidence: Evidence) -> Counter[Hashable]:
    """Contacts that were appointed, besides those who came first, and those who were put in another's place."""
    tables = evidence.tables["authorizations"]
    others = Counter(row["contact_id"] for row in tables.get("claims", ()) if row["contact_id"] is not None)
    others.update(entry["detail"]["successor"] for entry in _replacements(evidence))
    return _noted("authorizations", "administrator_appointed")(evidence) - others


EFFECTS = (
    Effect("registration of", (Kind.REGISTER,), _asked("person"), _of_person("registrations")),
    Effect("another code for registration", (Kind.RESEND,), _asked("registration_id"),
           _noted("accounts", "registration_code_sent_again")),
    Effect("session of", (Kind.VERIFY, Kind.SIGN_IN), _asked("person"), _of_person("sessions")),
    Effect("end of session", (Kind.SIGN_OUT,), _asked("session_id"), _noted("accounts", "session_ended")),
    Effect("another password asked for by", (Kind.ASK_PASSWORD,), _asked("account_id"),
           _noted("accounts", "password_reset_requested")),
    Effect("another password by reset", (Kind.CHOOSE_PASSWORD,), _asked("reset_id"),
           _noted("accounts", "password_reset", "reset_id")),
    Effect("another address asked for by", (Kind.ASK_ADDRESS,), _asked("account_id"),
           _noted("accounts", "email_change_requested")),
    Effect("change of address", (Kind.VERIFY_ADDRESS,), _asked("change_id"),
           _noted("accounts", "email_changed", "change_id")),
    Effect("undoing of change", (Kind.UNDO_ADDRESS,), _asked("change_id"),
           _noted("accounts", "email_change_undone", "change_id")),
    Effect("link of account", (Kind.LINK,), _asked("account_id"),
           _rows("linking", "bindings", "account_id", lambda row: row["method"] == "linking_coordinates")),
    Effect("former credential of", (Kind.REDEEM_FORMER,), _asked("account_id"), _redemptions),
    Effect("end of link", (Kind.UNLINK,), _asked("link_id"), _unlinked),
    Effect("batch, all of them", (Kind.BATCH,), lambda _: "", lambda evidence: Counter(
        "" for _ in evidence.tables["authorizations"]["linking_code_batches"])),
    Effect("contact", (Kind.ADD_CONTACT,), _asked("person"), _contacts),
    Effect("review of", (Kind.ADD_KNOWN,), _asked("person"), _doubts),
    Effect("return of request", (Kind.RETURN,), _asked("request_id"), _noted("authorizations", "request_returned")),
    Effect("second text of request", (Kind.SUBMIT_AGAIN,), _asked("request_id"), _second_texts),
    Effect("correction of", (Kind.CORRECT,), _asked("contact_id"), _noted("authorizations", "contact_corrected")),
    Effect("import of", (Kind.IMPORT,), _asked("number"), _imports),
    Effect("import of an extract of rows", (Kind.EXTRACT,), _asked("rows"), _extracts),
    Effect("delegation to", (Kind.DELEGATE,), _asked("contact_id"), _delegations),
    Effect("proposal of", (Kind.PROPOSE,), _asked("organization_id"),
           _rows("authorizations", "requests", "asked_by_organization_id",
                 lambda row: row["kind"] == "proposed_relation")),
    Effect("wish for an end, of", (Kind.PROPOSE_END,), _asked("organization_id"),
           _rows("authorizations", "requests", "asked_by_organization_id", lambda row: row["kind"] == "proposed_end")),
    Effect("claim of", (Kind.CLAIM,), _asked("account_id"), _rows("linking", "claims", "account_id")),
    Effect("withdrawal of request", (Kind.WITHDRAW,), _asked("request_id"),
           _rows("authorizations", "requests", "request_id",
                 lambda row: row["state"] == "withdrawn" and row["kind"] == "access_request")),
    Effect("block of", (Kind.BLOCK,), _asked("contact_id"),
           _rows("authorizations", "blocks", "contact_id", lambda row: row["version"] == 1)),
    Effect("end of block", (Kind.UNBLOCK,), _asked("block_id"), _unblocked),
    Effect("invitation of", (Kind.INVITE,), _asked("email"), _invitations),
    Effect("renewal of the code of", (Kind.RENEW,), _asked("organization_id"), _renewals),
    Effect("printing, all of them", (Kind.PRINT,), lambda _: "", lambda evidence: Counter(
        "" for _ in evidence.tables["linking"].get("letter_printings", ()))),
    Effect("appointment of", (Kind.APPOINT,), _asked("contact_id"), _appointments),
    Effect("release of", (Kind.RELEASE,), _asked("contact_id"), _released),
    Effect("replacement of", (Kind.REPLACE,), _asked("contact_id"),
           _noted("authorizations", "administrator_replaced")),
    Effect("decision of request", (Kind.DECIDE, Kind.ACCEPT), _asked("request_id"),
           _rows("authorizations", "requests", "request_id", lambda row: row["state"] == "decided")),
    Effect("lapse of request", (Kind.LAPSE,), _asked("request_id"),
           _rows("authorizations", "requests", "request_id", lambda row: row["state"] == "lapsed")),
    Effect("attachment of", (Kind.UPLOAD,), _asked("account_id"), _uploads),
    Effect("deletion of attachment", (Kind.OUTLIVE,), _asked("attachment_id"),
           _noted("authorizations", "attachment_deleted")),
)  # fmt: skip
"""Counted from the rows, so that what was carried out twice or without a request shows."""

IDEMPOTENT = (
    Kind.SIGN_OUT,
    Kind.UNLINK,
    Kind.DECIDE,
    Kind.CHOOSE_PASSWORD,
    Kind.VERIFY_ADDRESS,
    Kind.UNDO_ADDRESS,
    Kind.RETURN,
    Kind.SUBMIT_AGAIN,
    Kind.WITHDRAW,
    Kind.UNBLOCK,
    Kind.ACCEPT,
    Kind.LAPSE,
    Kind.OUTLIVE,
)
"""Commands that change nothing the second time, whether or not they have a key."""


def check(evidence: Evidence) -> Iterator[Finding]:
    """Hold the history against the databases."""
    for effect in EFFECTS:
        least: Counter[Hashable] = Counter()
        most: Counter[Hashable] = Counter()
        for command in evidence.commands:
            if command.kind in effect.kinds:
                name = effect.of_command(command)
                least[name] += _least(command)
                most[name] += _most(command)
        found = effect.of_rows(evidence)
        for name in least.keys() | most.keys() | found.keys():
            if name in least and _is_idempotent(effect):
                least[name], most[name] = min(least[name], 1), min(most[name], 1)
            yield from bounded(effect.what, name, found[name], least[name], most[name])
    yield from _made(evidence)
    yield from _removed(evidence)
    yield from _imported(evidence)
    yield from _keys(evidence)


def _is_idempotent(effect: Effect) -> bool:
    return all(kind in IDEMPOTENT for kind in effect.kinds)


def _least(command: Command) -> int:
    return int(command.accepted)


def _most(command: Command) -> int:
    """How often a command may have been carried out: with a key once, however often it was sent."""
    if command.key is not None:
        return int(command.may_have_happened)
    return command.accepted + command.unanswered


def _made(evidence: Evidence) -> Iterator[Finding]:
    known: dict[tuple[str, str, str], set[object]] = defaultdict(set)
    for place in {(made.service, made.table, made.field) for made in MADE.values()}:
        service, table, field = place
        known[place] = {row[field] for row in evidence.tables[service].get(table, ())}
    audit = evidence.tables["authorizations"]["audit"]
    known["authorizations", "attachments", "attachment_id"] |= {
        row["object_id"] for row in audit if row["action"] == "attachment_deleted"
    }
    for command in evidence.commands:
        if command.accepted and (made := MADE.get(command.kind)) is not None:
            identity = command.made.get(made.field)
            if identity not in known[made.service, made.table, made.field]:
                yield Finding(
                    Fault.LOST, f"{command.kind} was answered with {made.field} {identity}, which is not there"
                )


def _removed(evidence: Evidence) -> Iterator[Finding]:
    relations = evidence.tables["authorizations"]["relations"]
    ended = {row["relation_id"] for row in relations if row["ended_at"] is not None}
    for command in evidence.commands:
        if command.accepted and command.kind is Kind.REMOVE:
            named = {*command.made.get("relations", ()), *filter(None, [command.asked.get("relation_id")])}
            for relation_id in named - ended:
                yield Finding(Fault.LOST, f"the removal of relation {relation_id}, which is still there")


def _imported(evidence: Evidence) -> Iterator[Finding]:
    """The state of an organization that readers find last bears the name of its last import."""
    wanted = {command.asked["number"]: command for command in evidence.commands if command.kind is Kind.IMPORT}
    names = {record.data["number"]: record.data["trade_names"]
             for record in sorted(evidence.records, key=lambda record: (record.partition, record.offset))
             if record.kind == "Organization" and record.data is not None}  # fmt: skip
    for number, command in wanted.items():
        if command.accepted and names.get(number) != [command.asked["trade_name"]]:
            yield Finding(Fault.STALE, f"organization {number} is still called {names.get(number)}")


def _keys(evidence: Evidence) -> Iterator[Finding]:
    """An Idempotency-Key stands for the one resource that the answer named."""
    kept = {
        row["key"]: row["resource_id"]
        for service in ("linking", "authorizations")
        for row in evidence.tables[service]["idempotency_keys"]
    }
    for command in evidence.commands:
        if command.key is not None and command.accepted:
            answered = command.made.get(MADE[command.kind].field)
            if command.key not in kept:
                yield Finding(Fault.LOST, f"key {command.key} of a {command.kind}")
            elif kept[command.key] != answered:
                yield Finding(Fault.TWICE, f"key {command.key}: {kept[command.key]}, answered as {answered}")
