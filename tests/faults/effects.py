"""What commands leave behind, counted from the rows, so that what was carried out twice or without a request shows."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass

from tests.faults.evidence import Evidence, Row
from tests.faults.history import LONG_AGO, Command, Kind


@dataclass(frozen=True)
class Effect:
    """What commands of some kinds leave in a database: `of_command` names it as `of_rows` counts it.

    `over` names what somebody else brought to an end: who wants the same a moment later is told that it is over.
    """

    what: str
    kinds: tuple[Kind, ...]
    of_command: Callable[[Command], Hashable]
    of_rows: Callable[[Evidence], Counter[Hashable]]
    over: Callable[[Evidence], Collection[Hashable]] = lambda _: ()


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


def _linked_by_code(evidence: Evidence) -> Counter[Hashable]:
    """By account."""
    rows = evidence.tables["linking"]["bindings"]
    return Counter(row["account_id"] for row in rows if row["method"] == evidence.by_code)


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
    return _noted("linking", "profile_unlinked", "link_id")(evidence) - _ended_by_agents(evidence)


_ended_by_agents = _noted("authorizations", "link_ended", "link_id")
"""Links that a decision ended, or a replacement; their account may have wanted the same, before it or after."""


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
    """Blocks that somebody ended by wanting just that."""
    rows = evidence.tables["authorizations"].get("blocks", ())
    return Counter({row["block_id"] for row in rows if row["ended_by"] is not None} - _lifted(evidence))


def _lifted(evidence: Evidence) -> set[Hashable]:
    """Blocks that ended with something else: whoever replaces an administrator lifts what that one imposed, and an
    agent's block takes the place of the organization's own at the same instant."""
    rows = evidence.tables["authorizations"].get("blocks", ())
    begun = {(row["organization_id"], row["during"].lower) for row in rows}
    superseded = {
        row["block_id"]
        for row in rows
        if row["ended_by"] is not None and (row["organization_id"], row["during"].upper) in begun
    }
    return superseded | {block_id for entry in _replacements(evidence) for block_id in entry["detail"]["blocks"]}


def _requests_in(*states: str) -> Callable[[Evidence], set[Hashable]]:
    """Requests that ended otherwise than somebody wanted who came a moment later."""
    return lambda evidence: {
        row["request_id"] for row in evidence.tables["authorizations"]["requests"] if row["state"] in states
    }


def _ended_in_time(evidence: Evidence) -> set[Hashable]:
    """Requests that were decided or withdrawn while their last day was still to come: no other can be."""
    return {
        row["request_id"]
        for row in evidence.tables["authorizations"]["requests"]
        if row["state"] in ("decided", "withdrawn") and row["lapses_on"] > LONG_AGO.date()
    }


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
    return _noted("authorizations", "administrator_released")(evidence) - _gone(evidence)


def _gone(evidence: Evidence) -> Counter[Hashable]:
    return Counter(one for entry in _replacements(evidence) for one in entry["detail"].get("managers", ()))


def _appointments(evidence: Evidence) -> Counter[Hashable]:
    """Contacts that were appointed, besides those who came first, and those who were put in another's place, unless
    they managed already."""
    tables = evidence.tables["authorizations"]
    others = Counter(row["contact_id"] for row in tables.get("claims", ()) if row["contact_id"] is not None)
    put = {(entry["detail"]["successor"], entry["at"]) for entry in _replacements(evidence)}
    appointed = [entry for entry in tables["audit"] if entry["action"] == "administrator_appointed"]
    commanded = [entry["object_id"] for entry in appointed if (entry["object_id"], entry["at"]) not in put]
    return Counter(commanded) - others


def _mandates(evidence: Evidence) -> Counter[Hashable]:
    """Those that a list asked for, by the person described and the service."""
    tables = evidence.tables["authorizations"]
    names = {row["owner_id"]: row["family_name"] for row in tables["personal_fields"]}
    subjects = {row["request_id"]: row["asked"]["subject"] for row in tables["requests"] if row["kind"] == "mandate"}
    listed = [row["request_id"] for row in tables.get("mandates", ()) if row["list_id"] is not None]
    return Counter((names.get(mandate), subjects.get(mandate)) for mandate in listed)


def _renewed_mandates(evidence: Evidence) -> Counter[Hashable]:
    """Mandates by how often they were to be renewed."""
    rows = [row for row in evidence.tables["authorizations"]["requests"] if row["kind"] == "mandate"]
    return Counter(row["asked"]["renews"] for row in rows if row["asked"].get("renews") is not None)


EFFECTS = (
    Effect("registration of", (Kind.REGISTER,), _asked("person"), _of_person("registrations")),
    Effect("another code for registration", (Kind.RESEND,), _asked("registration_id"),
           _noted("accounts", "registration_code_sent_again")),
    Effect("session of", (Kind.VERIFY, Kind.SIGN_IN, Kind.FIRST_SIGN_IN), _asked("person"), _of_person("sessions")),
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
           _linked_by_code),
    Effect("former credential of", (Kind.REDEEM_FORMER,), _asked("account_id"), _redemptions),
    Effect("end of link", (Kind.UNLINK,), _asked("link_id"), _unlinked, _ended_by_agents),
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
                 lambda row: row["state"] == "withdrawn" and row["kind"] in ("access_request", "mandate")),
           _requests_in("decided", "lapsed")),
    Effect("block of", (Kind.BLOCK,), _asked("contact_id"),
           _rows("authorizations", "blocks", "contact_id", lambda row: row["version"] == 1)),
    Effect("end of block", (Kind.UNBLOCK,), _asked("block_id"), _unblocked, _lifted),
    Effect("invitation of", (Kind.INVITE,), _asked("email"), _invitations),
    Effect("renewal of the code of", (Kind.RENEW,), _asked("organization_id"), _renewals),
    Effect("printing, all of them", (Kind.PRINT,), lambda _: "", lambda evidence: Counter(
        "" for _ in evidence.tables["linking"].get("letter_printings", ()))),
    Effect("appointment of", (Kind.APPOINT,), _asked("contact_id"), _appointments),
    Effect("release of", (Kind.RELEASE,), _asked("contact_id"), _released, _gone),
    Effect("replacement of", (Kind.REPLACE,), _asked("contact_id"),
           _noted("authorizations", "administrator_replaced")),
    Effect("decision of request", (Kind.DECIDE, Kind.ACCEPT), _asked("request_id"),
           _rows("authorizations", "requests", "request_id", lambda row: row["state"] == "decided"),
           _requests_in("lapsed", "withdrawn")),
    Effect("mandate for", (Kind.MANDATE,), lambda command: (command.asked["person"], command.asked["subject"]),
           _mandates),
    Effect("signature of", (Kind.SIGN,), lambda command: (command.asked["request_id"], command.asked["side"]),
           lambda evidence: Counter((row["object_id"], row["detail"]["side"])
                                    for row in evidence.tables["authorizations"]["audit"]
                                    if row["action"] == "mandate_signed")),
    Effect("revocation of mandate", (Kind.REVOKE,), _asked("request_id"),
           _noted("authorizations", "mandate_revoked", "mandate")),
    Effect("renewal of mandate", (Kind.RENEW_MANDATE,), _asked("request_id"), _renewed_mandates),
    Effect("lapse of request", (Kind.LAPSE,), _asked("request_id"),
           _rows("authorizations", "requests", "request_id", lambda row: row["state"] == "lapsed"), _ended_in_time),
    Effect("attachment of", (Kind.UPLOAD,), _asked("account_id"), _uploads),
    Effect("deletion of attachment", (Kind.OUTLIVE,), _asked("attachment_id"),
           _noted("authorizations", "attachment_deleted")),
)  # fmt: skip
"""Of every kind of command, but for those that only change what stands."""
