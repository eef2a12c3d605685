"""The example's commands, and the rows that they left."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.faults.history import LONG_AGO, Command, Kind

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PERSON = {"email": "person@load.example", "given_name": "Démo", "family_name": "Personne", "language": "fr"}
EMPLOYERS = {"email": "digest@extract.example", "given_name": "Démo", "family_name": "Extrait", "language": "fr"}

Tables = dict[str, dict[str, list[dict[str, Any]]]]


def at(seconds: float) -> datetime:
    """An instant of the run."""
    return NOON + timedelta(seconds=seconds)


@dataclass(frozen=True)
class During:
    """From when to when an account is a contact, as a range of the database says it."""

    upper: datetime | None = None
    lower: datetime | None = None


@dataclass(frozen=True)
class ExampleMail:
    """One mail: the event that asked for it, its kind and purpose in the table, whose address it is."""

    number: int
    event: str
    recipient: str
    told: Mapping[str, str]
    purpose: str | None = None

    @property
    def kind(self) -> str:
        """As the table calls it."""
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in self.event.removesuffix("Mail")).lstrip("_")


def _mails() -> list[ExampleMail]:
    code, coordinates = "verification:registration-1", "linking_coordinates:contact-1"
    return [
        ExampleMail(1, "VerificationCodeMail", "account-1", {}, code),
        ExampleMail(2, "VerificationCodeMail", "account-1", {}, code),
        ExampleMail(3, "LinkingCoordinatesMail", "contact-1", {"deduplication_id": "coordinates:1"}, coordinates),
        ExampleMail(4, "LinkingCoordinatesMail", "contact-1", {"deduplication_id": "coordinates:2"}, coordinates),
        ExampleMail(6, "ProfileLinkedMail", "account-1", {"deduplication_id": "profile_linked:link-2"}),
        ExampleMail(7, "ProfileLinkedMail", "account-1", {"deduplication_id": "profile_linked:link-3"}),
        ExampleMail(8, "ProfileUnlinkedMail", "account-1", {"deduplication_id": "profile_unlinked:link-3"}),
        ExampleMail(9, "ContactCorrectedMail", "contact-1", {"deduplication_id": "contact_corrected:contact-1:3"}),
        ExampleMail(10, "RequestDecidedMail", "contact-1", {"deduplication_id": "request_decided:request-1"}),
        ExampleMail(11, "EndsDigestMail", "contact-2", {"deduplication_id": "digest", "day": "2026-11-22"}),
        ExampleMail(12, "EmailChangeCodeMail", "change-1", {}),
        ExampleMail(13, "EmailChangedMail", "account-1", {}),
        ExampleMail(14, "PasswordResetCodeMail", "account-1", {}),
        ExampleMail(15, "PasswordChangedMail", "account-1", {}),
        ExampleMail(16, "LinkReviewedMail", "account-1", {"deduplication_id": "link_reviewed:request-3:account-1"}),
        ExampleMail(17, "LinkReviewedMail", "account-2", {"deduplication_id": "link_reviewed:request-3:account-2"}),
        ExampleMail(5, "ProfileLinkedMail", "account-1", {"deduplication_id": "profile_linked:link-1"}),
    ]


MAILS = _mails()


def commands() -> list[Command]:
    """What was asked, and how it was answered."""

    def command(kind: Kind, made: dict[str, Any], *, key: str | None = None, **asked: str) -> Command:
        return Command(kind, asked, at(0), key, requests=1, answered_at=at(1), status=201, made=made)

    person, organization = PERSON["family_name"], "organization-1"
    register = command(Kind.REGISTER, {"registration_id": "registration-1"}, person=person)
    repeated = replace(command(Kind.BATCH, {"batch_id": "batch-1"}, key="key-3"), requests=2, unanswered=1)
    account, change = {"account_id": "account-1"}, {"change_id": "change-1"}
    former = {"link_id": "link-2", "profiles": [{"link_id": "link-2"}, {"link_id": "link-3"}]}
    return [
        command(Kind.UPLOAD, {"attachment_id": "attachment-1"}, **account, digest="digest-1"),
        command(Kind.UPLOAD, {"attachment_id": "attachment-2"}, **account, digest="digest-2"),
        command(Kind.ADD_CONTACT, {"contact_id": "contact-1"}, key="key-1", organization_id=organization,
                person=person, attachment_id="attachment-1"),
        register,
        command(Kind.RESEND, {}, registration_id="registration-1"),
        command(Kind.VERIFY, {"session_id": "session-1"}, registration_id="registration-1", person=person),
        repeated,
        command(Kind.LINK, {"link_id": "link-1"}, key="key-2", **account),
        command(Kind.DELEGATE, {"relation_id": "relation-2"}, key="key-4", contact_id="contact-1"),
        command(Kind.REMOVE, {"relations": ["relation-2"]}, contact_id="contact-1", relation_id="relation-2"),
        command(Kind.CORRECT, {}, contact_id="contact-1", given_name="Démo"),
        command(Kind.OUTLIVE, {}, attachment_id="attachment-2"),
        command(Kind.LAPSE, {}, request_id="request-2"),
        command(Kind.REDEEM_FORMER, former, key="key-5", **account),
        command(Kind.UNLINK, {}, link_id="link-3"),
        replace(command(Kind.CONTEST, {}, key="key-8", account_id="account-2", contact_id="contact-8"), status=422,
                problem="link_refused"),
        command(Kind.DECIDE, {"outcome": "reject"}, request_id="request-3", outcome="reject"),
        command(Kind.ADD_KNOWN, {"request_id": "request-4"}, key="key-9", person="Connue"),
        command(Kind.RETURN, {}, request_id="request-4"),
        command(Kind.SUBMIT_AGAIN, {}, request_id="request-4"),
        command(Kind.DECIDE, {"outcome": "merge"}, request_id="request-4", outcome="merge"),
        command(Kind.PROPOSE, {"request_id": "request-1"}, key="key-6", organization_id=organization),
        command(Kind.PROPOSE, {"request_id": "request-2"}, key="key-7", organization_id=organization),
        command(Kind.DECIDE, {"outcome": "approve"}, request_id="request-1", outcome="approve"),
        command(Kind.ASK_ADDRESS, change, **account),
        command(Kind.VERIFY_ADDRESS, {}, **change),
        command(Kind.UNDO_ADDRESS, {}, **change),
        command(Kind.ASK_PASSWORD, {"reset_id": "reset-1"}, **account),
        command(Kind.CHOOSE_PASSWORD, {}, reset_id="reset-1"),
        command(Kind.EXTRACT, {"import_id": "import-1"}, rows="61", numbers="1200100"),
        command(Kind.SIGN_OUT, {}, session_id="session-1"),
    ]  # fmt: skip


def tables() -> Tables:
    """Every table of every service that the checker looks at."""
    found = {
        "accounts": _accounts(),
        "linking": _linking(),
        "authorizations": _authorizations(),
        "notifications": {"mails": [_mail(mail) for mail in MAILS], "audit": []},
    }
    for service, rows in found.items():
        for number, entry in enumerate(rows["audit"], 1):
            entry |= {"id": number}
        rows["audit_seals"] = [{"entry_id": entry["id"]} for entry in rows["audit"]]
        last = len(rows["audit"])
        rows["audit_chains"] = [{"chain_id": f"chain-{service}", "sequence": last}] if last else []
    return found


def _entry(action: str, object_id: str | None = None, organization_id: str | None = None, **detail: Any) -> Any:
    who = {"actor_kind": "agent", "organization_id": organization_id}
    return {"action": action, "object_id": object_id, "detail": detail, **who}


def _accounts() -> dict[str, list[dict[str, Any]]]:
    account = {"account_id": "account-1"}
    return {
        "people": [account | PERSON | {"opened": True}],
        "registrations": [account | {"registration_id": "registration-1"}],
        "accounts": [account | {"version": 1, "epoch": 2}],
        "sessions": [account | {"session_id": "session-1", "ended_at": at(90)}],
        "email_changes": [account | {"change_id": "change-1", "changed_at": at(50)}],
        "password_resets": [account | {"reset_id": "reset-1"}],
        "audit": [
            _entry("registration_accepted", "registration-1"),
            _entry("registration_code_sent_again", "registration-1"),
            _entry("session_opened", "session-1"),
            _entry("session_ended", "session-1"),
            _entry("email_change_requested", "account-1", change_id="change-1"),
            _entry("email_changed", "account-1", change_id="change-1"),
            _entry("email_change_undone", "account-1", change_id="change-1"),
            _entry("password_reset_requested", "account-1", reset_id="reset-1"),
            _entry("password_reset", "account-1", reset_id="reset-1"),
            _entry("sessions_ended", "account-1"),
        ],
    }


def _linking() -> dict[str, list[dict[str, Any]]]:
    account = {"account_id": "account-1"}
    contact = {"organization_id": "organization-1", "client_number": "7000000", "version": 3}
    former = account | {"method": "former_credential", "unlinked_at": None}
    functions = {"functions": [{"type": "staff"}], "generation": 2, "settled_generation": 2}
    other = {"organization_id": "organization-2", "client_number": "1200100", "version": 1}
    coordinates = {"method": "linking_coordinates", "unlinked_at": None, "redemption_id": None}
    return {
        "people": [
            {"kind": "account", "id": "account-1", **PERSON},
            {"kind": "contact", "id": "contact-2", **EMPLOYERS},
            {"kind": "contact", "id": "contact-1", **PERSON},
        ],
        "accounts": [account | {"version": 1}],
        "organizations": [
            {"organization_id": "organization-2", "version": 1, "number": "1200100"},
            {"organization_id": "organization-1", "version": 1, "number": "5000001"},
        ],
        "contacts": [
            {"contact_id": "contact-2", **other} | functions | {"generation": 0, "settled_generation": 0},
            {"contact_id": "contact-1", **contact} | functions,
        ],
        "linking_codes": [{"contact_id": "contact-1", "generation": generation} for generation in (1, 2)],
        "bindings": [
            former | {"link_id": "link-2", "contact_id": "contact-8", "redemption_id": None},
            former | {"link_id": "link-3", "contact_id": "contact-9", "redemption_id": "link-2", "unlinked_at": at(95)},
            account | coordinates | {"link_id": "link-1", "contact_id": "contact-1"},
        ],
        "revoked_sessions": [{"session_id": "session-1"}],
        "epochs": [{"subject": "account-1", "epoch": 2}],
        "idempotency_keys": [
            {"key": "key-5", "resource_id": "link-2"},
            {"key": "key-2", "resource_id": "link-1"},
        ],
        "audit": [
            _entry("link_refused", "contact-8"),
            _entry("profile_linked", "contact-8", link_id="link-2"),
            _entry("profile_linked", "contact-9", link_id="link-3"),
            _entry("profile_unlinked", "contact-9", link_id="link-3"),
            _entry("profile_linked", "contact-1", link_id="link-1"),
        ],
    }


def _authorizations() -> dict[str, list[dict[str, Any]]]:
    account, organization = {"account_id": "account-1"}, {"organization_id": "organization-1"}
    open_until, past = {"lapses_on": date(2026, 12, 24)}, {"lapses_on": LONG_AGO.date()}
    relation = {"holder_id": "contact-1", "version": 1, "through": None, "ended_at": None, "request_id": None}
    delegation = relation | {"relation_id": "relation-2", "through": "relation-9"}
    numbers = {"created": 61, "unchanged": 0}
    return {
        "organizations": [
            {"organization_id": "organization-2", "number": "1200100", "version": 1, "sequence": 1},
            organization | {"number": "5000001", "version": 1, "sequence": 19},
        ],
        "contacts": [
            {"contact_id": "contact-2", "organization_id": "organization-2", "client_number": "1200100", "version": 1},
            {"contact_id": "contact-1", "client_number": "7000000", "version": 3} | organization,
        ],
        "personal_fields": [
            {"owner_id": "request-4", **PERSON, "family_name": "Connue"},
            {"owner_id": "contact-2", **EMPLOYERS},
            {"owner_id": "contact-1", **PERSON},
            {"owner_id": "account-1", **PERSON},
        ],
        "account_versions": [account | {"version": 1}],
        "bindings": [
            account | {"link_id": "link-2", "contact_id": "contact-8", "version": 1, "during": During()},
            account | {"link_id": "link-3", "contact_id": "contact-9", "version": 1, "during": During()},
            account | {"link_id": "link-3", "contact_id": "contact-9", "version": 2, "during": During(at(95))},
            account | {"link_id": "link-1", "contact_id": "contact-1", "version": 1, "during": During()},
        ],
        "relations": [
            relation | {"relation_id": "relation-1"},
            relation | {"relation_id": "relation-4", "holder_id": "contact-5", "request_id": "request-4"},
            relation | {"relation_id": "relation-3", "holder_id": "organization-1", "request_id": "request-1"},
            delegation,
            delegation | {"version": 2, "ended_at": at(80)},
        ],
        "rights": [{"right_id": "right-1", "relation_id": "relation-1", "ended_at": None}],
        "requests": [
            organization | open_until | {
                "request_id": "request-4", "kind": "review", "reason": "duplicate", "state": "decided",
                            "outcome": "merge", "settled_at": at(49), "asked_by_organization_id": "organization-1",
                            "asked": {}},
            organization | open_until | {
                "request_id": "request-3", "kind": "review", "reason": "contested", "state": "decided",
                            "outcome": "reject", "settled_at": at(48), "asked_by_organization_id": None,
                            "asked": {"contact_id": "contact-8", "account_id": "account-2"}},
            organization | past | {
                "request_id": "request-2", "kind": "proposed_relation", "state": "lapsed", "outcome": None,
                            "settled_at": at(45), "asked_by_organization_id": "organization-1", "asked": {}},
            organization | open_until | {
                "request_id": "request-1", "kind": "proposed_relation", "state": "decided",
                            "outcome": "approve", "settled_at": at(40), "asked_by_organization_id": "organization-1",
                            "asked": {}},
        ],
        "attachments": [account | {"attachment_id": "attachment-1", "object_id": "contact-1"}],
        "imports": [
            {"import_id": "import-1", "actor_kind": "agent", "state": "done", "read": 61, **numbers},
        ],
        "digests": [{"contact_id": "contact-2", "day": date(2026, 11, 22)}],
        "linking_code_batches": [{"batch_id": "batch-1"}],
        "linking_code_batch_items": [
            {"batch_id": "batch-1", "contact_id": "contact-1", "generation": 2, "skipped": None, "issued_at": at(10),
             "delivery_id": "delivery-4"},
        ],
        "mail_deliveries": [{"delivery_id": "delivery-4", "state": "sent"}],
        "revoked_sessions": [{"session_id": "session-1"}],
        "epochs": [{"subject": "account-1", "epoch": 2}],
        "idempotency_keys": [
            {"key": "key-1", "resource_id": "contact-1"},
            {"key": "key-3", "resource_id": "batch-1"},
            {"key": "key-4", "resource_id": "relation-2"},
            {"key": "key-6", "resource_id": "request-1"},
            {"key": "key-7", "resource_id": "request-2"},
            {"key": "key-9", "resource_id": "request-4"},
        ],
        "audit": [
            _entry("request_submitted", "request-4", "organization-1"),
            _entry("request_returned", "request-4", "organization-1"),
            _entry("request_submitted", "request-4", "organization-1"),
            _entry("request_settled", "request-4", "organization-1"),
            _entry("request_submitted", "request-3", "organization-1"),
            _entry("request_settled", "request-3", "organization-1"),
            _entry("request_submitted", "request-2", "organization-1"),
            _entry("request_settled", "request-2", "organization-1"),
            _entry("attachment_kept", "attachment-1", "organization-1") | {"actor_id": "account-1"},
            _entry("attachment_kept", "attachment-2", "organization-1") | {"actor_id": "account-1"},
            _entry("attachment_deleted", "attachment-2", "organization-1"),
            _entry("organization_imported", "organization-2", "organization-2"),
            _entry("organization_imported", "organization-1", "organization-1") | {"actor_kind": "operator"},
            _entry("import_finished", "import-1"),
            _entry("linking_codes_requested", "batch-1"),
            _entry("linking_code_requested", "contact-1", "organization-1", batch_id="batch-1"),
            _entry("contact_corrected", "contact-1", "organization-1", changed=["name"], new_linking_code=False),
            _entry("request_submitted", "request-1", "organization-1"),
            _entry("request_settled", "request-1", "organization-1"),
            _entry("contact_added", "contact-1", "organization-1"),
        ],
    }  # fmt: skip


def _mail(mail: ExampleMail) -> dict[str, Any]:
    replaced = mail.number == 3
    return {
        "delivery_id": f"delivery-{mail.number}",
        "message_id": f"<{mail.number}@load.example>",
        "kind": mail.kind,
        "recipient_id": mail.recipient,
        "replaces": mail.purpose,
        "replaced": replaced,
        "state": "expired" if replaced else "sent",
        "accepted_at": at(58 if mail.number == 1 else 66),
        "state_at": at(70),
        "expires_at": at(600),
        "attempts": 1,
        "reason": "replaced" if replaced else None,
    }
