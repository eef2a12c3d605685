"""Every business row has its event and every event its row, in the same number."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.notifications import MAIL_REQUESTS
from tests.faults.evidence import Evidence, Row
from tests.faults.findings import Fault, Finding, compare, first_occurrences

MAILS_OF_REGISTRATIONS = ("VerificationCodeMail", "VerificationLinkMail", "AlreadyRegisteredMail")
MAILS_WITH_COORDINATES = ("LinkingCoordinatesMail", "CampaignCoordinatesMail")
IMPORTERS = ("operator:import", "agent:")
"""How the names of those begin who granted what an import brought in, and no request."""

FORMER_CREDENTIAL = "former_credential"

MAILS = tuple(mail.__name__ for mail in MAIL_REQUESTS)


@dataclass(frozen=True)
class Fact:
    """What rows say and events of some kinds tell. `of_event` names what an event is about, as `rows` does of rows."""

    what: str
    kinds: tuple[str, ...]
    of_event: Callable[[Mapping[str, Any]], Hashable]
    rows: Callable[[Evidence], Iterable[Hashable]]


def _rows(
    service: str, table: str, of_row: Callable[[Row], Hashable], where: Callable[[Row], bool] = lambda _: True
) -> Callable[[Evidence], list[Hashable]]:
    return lambda evidence: [of_row(row) for row in evidence.tables[service].get(table, ()) if where(row)]


def _audit(
    service: str, action: str, of_row: Callable[[Row], Hashable], where: Callable[[Row], bool] = lambda _: True
) -> Callable[[Evidence], list[Hashable]]:
    return _rows(service, "audit", of_row, lambda row: row["action"] == action and where(row))


def _told(*kinds: str, field: str) -> Callable[[Evidence], list[Hashable]]:
    """What events of other kinds name: where an event owes its existence to another of the same transaction."""
    return lambda evidence: [event[field] for kind in kinds for event in events(evidence, kind)]


def _asked_codes(evidence: Evidence) -> Iterator[Hashable]:
    """The account ids of registrations, once for each mail that was asked for."""
    account_of = {row["registration_id"]: row["account_id"] for row in evidence.tables["accounts"]["registrations"]}
    yield from account_of.values()
    for row in evidence.tables["accounts"]["audit"]:
        if row["action"] == "registration_code_sent_again":
            yield account_of.get(row["object_id"])


def _versions(table: str, identity: str, *, ended: bool = False) -> Callable[[Evidence], set[Hashable]]:
    """Ids of dated things, which have a row for each version; or of those that were withdrawn."""

    def found(evidence: Evidence) -> set[Hashable]:
        rows = evidence.tables["authorizations"][table]
        return {row[identity] for row in rows if not ended or row["ended_at"] is not None}

    return found


def _imported(evidence: Evidence, identity: str) -> set[Hashable]:
    """What the import made, of which OrganizationImported tells as a whole: rights, relations, or contacts by id."""
    tables = evidence.tables["authorizations"]
    asked = {row["relation_id"] for row in tables["relations"] if row.get("request_id") is not None}
    rights = [
        row
        for row in tables["rights"]
        if row.get("granted_by", "").startswith(IMPORTERS) and row["relation_id"] not in asked
    ]
    if identity == "right_id":
        return {row["right_id"] for row in rights}
    brought = {right["relation_id"] for right in rights}
    relations = [row for row in tables["relations"] if row["relation_id"] in brought]
    return {row["relation_id" if identity == "relation_id" else "holder_id"] for row in relations}


def _contacts_added(evidence: Evidence) -> list[Hashable]:
    """Contacts that were given a number of the platform's own, or that an agent let in with one of the agency's: those
    of extracts have the agency's too."""
    tables = evidence.tables["authorizations"]
    let_in = {row["object_id"] for row in tables["audit"] if row["action"] == "contact_added"}
    return [
        row["contact_id"]
        for row in tables["contacts"]
        if row["client_number"].startswith(evidence.own_numbers) or row["contact_id"] in let_in
    ]


def _changes(evidence: Evidence) -> list[Hashable]:
    """The contact of every correction that changed more than an end."""
    return [
        row["object_id"]
        for row in evidence.tables["authorizations"]["audit"]
        if row["action"] == "contact_corrected" and set(row["detail"]["changed"]) - {"relation_end"}
    ]


def _told_corrections(evidence: Evidence) -> list[Hashable]:
    """The contact of every correction that a mail of its own tells; the others stand in the mail with the new code."""
    return [
        row["object_id"]
        for row in evidence.tables["authorizations"]["audit"]
        if row["action"] == "contact_corrected" and not row["detail"]["new_linking_code"]
    ]


def _announced(evidence: Evidence) -> list[Hashable]:
    """Requests as often as those who decide were told, in the file of the organization acted for."""
    tables = evidence.tables["authorizations"]
    whose = {row["request_id"]: row["organization_id"] for row in tables["requests"]}
    return [
        row["object_id"]
        for row in tables["audit"]
        if row["action"] == "request_submitted" and row["organization_id"] == whose.get(row["object_id"], "")
        and row["organization_id"] is not None
    ]  # fmt: skip


def _decided(evidence: Evidence) -> list[Hashable]:
    rows = evidence.tables["authorizations"]["requests"]
    return [
        (row["request_id"], row["outcome"])
        for row in rows
        if row["state"] == "decided" and row["organization_id"] is not None
    ]


def _withdrawn(evidence: Evidence) -> list[Hashable]:
    rows = evidence.tables["authorizations"]["requests"]
    return [row["request_id"] for row in rows if row["state"] == "withdrawn" and row["organization_id"] is not None]


def _access_decided(evidence: Evidence) -> list[Hashable]:
    """Claims that needed nobody else, and requests that claims led to, as the mails about their end are named."""
    tables = evidence.tables["authorizations"]
    claims = [row["claim_id"] for row in tables.get("claims", ()) if row["outcome"] in ("appointed", "refused")]
    ended = [row["request_id"] for row in tables["requests"] if row["kind"] == "access_request" and row["settled_at"]]
    return [*(f"access_decided:claim:{one}" for one in claims), *(f"access_decided:request:{one}" for one in ended)]


def _confirmed_links(evidence: Evidence) -> list[Hashable]:
    """Links that linking itself proved, and so confirms by mail: whoever is let in by others is told of that."""
    rows = evidence.tables["linking"]["bindings"]
    proven = (evidence.by_code, FORMER_CREDENTIAL)
    return [f"profile_linked:{row['link_id']}" for row in rows if row["method"] in proven]


def _blocks(*, ended: bool) -> Callable[[Evidence], set[Hashable]]:
    def found(evidence: Evidence) -> set[Hashable]:
        rows = evidence.tables["authorizations"].get("blocks", ())
        return {row["block_id"] for row in rows if not ended or row["ended_by"] is not None}

    return found


def _let_in(evidence: Evidence) -> set[Hashable]:
    """Blocks that ended, but for those whose place another took at that instant: nobody is let in by that."""
    rows = evidence.tables["authorizations"].get("blocks", ())
    begun = {(row["organization_id"], row["during"].lower) for row in rows}
    return {
        row["block_id"]
        for row in rows
        if row["ended_by"] is not None and (row["organization_id"], row["during"].upper) not in begun
    }


def _undone(evidence: Evidence) -> list[Hashable]:
    actions = {"email_changed": False, "email_change_undone": True}
    return [
        (row["object_id"], actions[row["action"]])
        for row in evidence.tables["accounts"]["audit"]
        if row["action"] in actions
    ]


def _sessions_ended(evidence: Evidence) -> list[Hashable]:
    """A session each, or an account for all of its."""
    actions = ("session_ended", "sessions_ended")
    return [row["object_id"] for row in evidence.tables["accounts"]["audit"] if row["action"] in actions]


def _added(table: str, identity: str) -> Callable[[Evidence], set[Hashable]]:
    return lambda evidence: _versions(table, identity)(evidence) - _imported(evidence, identity)


def _by(*fields: str) -> Callable[[Row], Hashable]:
    return (lambda row: row[fields[0]]) if len(fields) == 1 else (lambda row: tuple(row[field] for field in fields))


def _ended_as(state: str) -> Callable[[Evidence], list[Hashable]]:
    return _rows("notifications", "mails", _by("delivery_id"), lambda row: row["state"] == state)


FACTS = (
    Fact("the announcement of a code to", ("VerificationRequested",), _by("account_id"), _asked_codes),
    Fact("the mail of the announcement", MAILS_OF_REGISTRATIONS, _by("delivery_id"),
         _told("VerificationRequested", field="delivery_id")),
    Fact("EmailVerified of", ("EmailVerified",), _by("account_id"), _rows("accounts", "accounts", _by("account_id"))),
    Fact("AccountOpened of", ("AccountOpened",), _by("account_id"), _rows("accounts", "accounts", _by("account_id"))),
    Fact("SessionsRevoked of", ("SessionsRevoked",), lambda event: event["session_id"] or event["account_id"],
         _sessions_ended),
    Fact("EmailChanged of", ("EmailChanged",), _by("account_id", "undone"), _undone),
    Fact("the mail with the code for another address", ("EmailChangeCodeMail", "AddressTakenMail"),
         _by("recipient_id"),
         _audit("accounts", "email_change_requested", lambda row: row["detail"]["change_id"])),
    Fact("the mail that the address was changed", ("EmailChangedMail",), _by("recipient_id"),
         _audit("accounts", "email_changed", _by("object_id"))),
    Fact("the mail with the code for another password", ("PasswordResetCodeMail",), _by("recipient_id"),
         _audit("accounts", "password_reset_requested", _by("object_id"))),
    Fact("PasswordReset of", ("PasswordReset",), _by("account_id"),
         _audit("accounts", "password_reset", _by("object_id"))),
    Fact("the mail that the password was changed", ("PasswordChangedMail",), _by("recipient_id"),
         _audit("accounts", "password_reset", _by("object_id"))),
    Fact("LinkingCodeIssued of", ("LinkingCodeIssued",), _by("contact_id", "generation"),
         _rows("linking", "linking_codes", _by("contact_id", "generation"))),
    Fact("the mail with coordinates", MAILS_WITH_COORDINATES, _by("delivery_id"),
         _told("LinkingCodeIssued", field="delivery_id")),
    Fact("ProfileLinked of", ("ProfileLinked",), _by("link_id"), _rows("linking", "bindings", _by("link_id"))),
    Fact("the mail that confirms the link", ("ProfileLinkedMail",), _by("deduplication_id"),
         _confirmed_links),
    Fact("ProfileUnlinked of", ("ProfileUnlinked",), _by("link_id"),
         _rows("linking", "bindings", _by("link_id"), lambda row: row.get("unlinked_at") is not None)),
    Fact("the mail that confirms its end", ("ProfileUnlinkedMail",), _by("deduplication_id"),
         _rows("linking", "bindings", lambda row: f"profile_unlinked:{row['link_id']}",
               lambda row: row.get("unlinked_at") is not None)),
    Fact("LinkRefused of", ("LinkRefused",), _by("contact_id"), lambda evidence: [
        row["object_id"] for row in evidence.tables["linking"]["audit"]
        if row["action"] == "link_refused" and row["object_id"] is not None]),
    Fact("ContactAdded of", ("ContactAdded",), _by("contact_id"), _contacts_added),
    Fact("ContactChanged of", ("ContactChanged",), _by("contact_id"), _changes),
    Fact("the mail that tells a correction", ("ContactCorrectedMail",), _by("recipient_id"), _told_corrections),
    Fact("RequestSubmitted of", ("RequestSubmitted",), _by("request_id"), _announced),
    Fact("RequestDecided of", ("RequestDecided",), _by("request_id", "outcome"), _decided),
    Fact("RequestSigned of", ("RequestSigned",), _by("request_id", "side"),
         _audit("authorizations", "mandate_signed", lambda row: (row["object_id"], row["detail"]["side"]))),
    Fact("the invitation to sign", ("MandateToSignMail",), _by("deduplication_id"),
         _audit("authorizations", "mandate_signed", lambda row: f"mandate_to_sign:{row['object_id']}:1:",
                lambda row: row["detail"]["side"] == "professional")),
    Fact("RequestReturned of", ("RequestReturned",), _by("request_id"),
         _audit("authorizations", "request_returned", _by("object_id"))),
    Fact("RequestLapsed of", ("RequestLapsed",), _by("request_id"),
         _rows("authorizations", "requests", _by("request_id"), lambda row: row["state"] == "lapsed")),
    Fact("RequestWithdrawn of", ("RequestWithdrawn",), _by("request_id"), _withdrawn),
    Fact("OrganizationClaimed of", ("OrganizationClaimed",), _by("claim_id"),
         _rows("linking", "claims", _by("claim_id"))),
    Fact("ClaimRefused of", ("ClaimRefused",), _by("claim_id"),
         _rows("authorizations", "claims", _by("claim_id"), lambda row: row["outcome"] == "refused")),
    Fact("AdministratorAppointed of", ("AdministratorAppointed",), _by("contact_id"),
         _audit("authorizations", "administrator_appointed", _by("object_id"))),
    Fact("what became of access, by mail", ("AccessDecidedMail",), _by("deduplication_id"), _access_decided),
    Fact("the invitation of", ("InvitationMail",), _by("deduplication_id"),
         _rows("authorizations", "requests", lambda row: f"invitation:{row['request_id']}:",
               lambda row: row["kind"] == "invitation")),
    Fact("ContactBlocked of", ("ContactBlocked",), _by("block_id"), _blocks(ended=False)),
    Fact("ContactUnblocked of", ("ContactUnblocked",), _by("block_id"), _blocks(ended=True)),
    Fact("the mail of the block", ("AccessBlockedMail",), _by("deduplication_id"),
         lambda evidence: [f"block_begun:{block}" for block in _blocks(ended=False)(evidence)]),
    Fact("the mail of its end", ("AccessUnblockedMail",), _by("deduplication_id"),
         lambda evidence: [f"block_ended:{block}" for block in _let_in(evidence)]),
    Fact("the digest of", ("EndsDigestMail",), _by("recipient_id", "day"),
         _rows("authorizations", "digests", lambda row: (row["contact_id"], str(row["day"])),
               lambda row: row.get("told_with") is None)),
    Fact("RelationAdded of", ("RelationAdded",), _by("relation_id"), _added("relations", "relation_id")),
    Fact("RelationEnded of", ("RelationEnded",), _by("relation_id"), _versions("relations", "relation_id", ended=True)),
    Fact("RightAdded of", ("RightAdded",), _by("right_id"), _added("rights", "right_id")),
    Fact("RightEnded of", ("RightEnded",), _by("right_id"), _versions("rights", "right_id", ended=True)),
    Fact("OrganizationImported of", ("OrganizationImported",), _by("organization_id"),
         _audit("authorizations", "organization_imported", _by("object_id"))),
    Fact("the request of the mail", MAILS, _by("delivery_id"), _rows("notifications", "mails", _by("delivery_id"))),
    Fact("MailAccepted of", ("MailAccepted",), _by("delivery_id"), _rows("notifications", "mails", _by("delivery_id"))),
    Fact("MailSent of", ("MailSent",), _by("delivery_id"), _ended_as("sent")),
    Fact("MailExpired of", ("MailExpired",), _by("delivery_id"), _ended_as("expired")),
    Fact("MailBounced of", ("MailBounced",), _by("delivery_id"), _ended_as("bounced")),
)  # fmt: skip
"""What each service writes in one transaction with an event."""


def events(evidence: Evidence, *kinds: str) -> list[Mapping[str, Any]]:
    """The events of some kinds, each once."""
    found = first_occurrences(record for record in evidence.records if record.kind in kinds)
    return [record.data for record in found if record.data is not None]


def check(evidence: Evidence) -> Iterator[Finding]:
    """Compare rows and events, both ways."""
    for fact in FACTS:
        yield from compare(fact.what, fact.rows(evidence), map(fact.of_event, events(evidence, *fact.kinds)))
    asked = Counter(event["deduplication_id"] for event in events(evidence, *MAILS) if "deduplication_id" in event)
    for name, count in asked.items():
        if count > 1:
            yield Finding(Fault.TWICE, f"the mail {name} was asked for {count} times")
