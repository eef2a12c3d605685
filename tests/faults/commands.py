"""What the gateways accepted is there, once; and nothing is there that nobody asked for."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

from tests.faults.effects import EFFECTS, Effect
from tests.faults.evidence import Evidence
from tests.faults.findings import Fault, Finding, bounded
from tests.faults.history import Command, Kind


@dataclass(frozen=True)
class Made:
    """The resource that an accepted command's answer names, and the table in which it must stand.

    `column` is its name there, where that is another one.
    """

    field: str
    service: str
    table: str
    column: str | None = None


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
    Kind.MANDATE: Made("list_id", "authorizations", "mandate_lists"),
    Kind.SIGN: Made("signature_id", "authorizations", "signatures"),
    Kind.RENEW_MANDATE: Made("mandate_id", "authorizations", "mandates", "request_id"),
    Kind.FIRST_SIGN_IN: Made("session_id", "accounts", "sessions"),
    Kind.APPOINT: Made("relation_id", "authorizations", "relations"),
}


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
    Kind.REVOKE,
    Kind.LAPSE,
    Kind.OUTLIVE,
)
"""Commands that change nothing the second time, whether or not they have a key."""

YES_WHEN_OVER = (Kind.UNLINK, Kind.UNBLOCK, Kind.LAPSE)
"""Commands that are answered with a yes also when what they want to end is over."""


def check(evidence: Evidence) -> Iterator[Finding]:
    """Hold the history against the databases."""
    for effect in EFFECTS:
        least: Counter[Hashable] = Counter()
        most: Counter[Hashable] = Counter()
        over = effect.over(evidence)
        for command in evidence.commands:
            if command.kind in effect.kinds:
                name = effect.of_command(command)
                least[name] += int(command.accepted and not (name in over and _may_have_come_late(command)))
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


def _may_have_come_late(command: Command) -> bool:
    """Whether its answer leaves open who brought to an end what it wanted to."""
    return command.presumed or command.kind in YES_WHEN_OVER


def _most(command: Command) -> int:
    """How often a command may have been carried out: with a key once, however often it was sent."""
    if command.key is not None:
        return int(command.may_have_happened)
    return command.accepted + command.unanswered


def _made(evidence: Evidence) -> Iterator[Finding]:
    known: dict[tuple[str, str, str], set[object]] = defaultdict(set)
    for made in MADE.values():
        rows = evidence.tables[made.service].get(made.table, ())
        known[made.service, made.table, made.field] = {row[made.column or made.field] for row in rows}
    audit = evidence.tables["authorizations"]["audit"]
    known["authorizations", "attachments", "attachment_id"] |= {
        row["object_id"] for row in audit if row["action"] == "attachment_deleted"
    }
    for command in evidence.commands:
        named = MADE.get(command.kind)
        if command.accepted and named is not None:
            identity = command.made.get(named.field)
            if identity not in known[named.service, named.table, named.field]:
                yield Finding(
                    Fault.LOST, f"{command.kind} was answered with {named.field} {identity}, which is not there"
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
