"""A small run that kept every promise, made up: what tests of the checker take one piece out of."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.evidence import Copy, Evidence, Record
from tests.faults.history import Command, Kind

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PERSON = {"email": "person@load.example", "given_name": "Démo", "family_name": "Personne", "language": "fr"}

Tables = dict[str, dict[str, list[dict[str, Any]]]]


def clean() -> Evidence:
    """Somebody is added to a firm, registers with a second code, links, is delegated a client and loses it again."""
    return Evidence(commands=_commands(), records=_records(), tables=_tables(), copies=_copies(), broken={1: _at(60)})


def with_record(evidence: Evidence, kind: str, /, **changes: Any) -> Evidence:
    """The same with the last record of a kind changed: `data_…` changes what it says, else where it lies."""
    last = next(record for record in reversed(evidence.records) if record.kind == kind)
    said = {name.removeprefix("data_"): value for name, value in changes.items() if name.startswith("data_")}
    other = {name: value for name, value in changes.items() if not name.startswith("data_")}
    changed = replace(last, data={**(last.data or {}), **said}, **other)
    return replace(evidence, records=[changed if record is last else record for record in evidence.records])


def without_record(evidence: Evidence, kind: str) -> Evidence:
    """The same without the last record of a kind."""
    last = next(record for record in reversed(evidence.records) if record.kind == kind)
    return replace(evidence, records=[record for record in evidence.records if record is not last])


def with_more(evidence: Evidence, kind: str, **changes: Any) -> Evidence:
    """The same with one more record, like the last of a kind but behind all others, changed as `with_record` does."""
    last = next(record for record in reversed(evidence.records) if record.kind == kind)
    more = replace(last, offset=1_000)
    return with_record(replace(evidence, records=[*evidence.records, more]), kind, **changes)


def with_row(evidence: Evidence, service: str, table: str, number: int = -1, **changes: Any) -> Evidence:
    """The same with a row changed, by default the table's last."""
    tables: Any = deepcopy(evidence.tables)
    tables[service][table][number] |= changes
    return replace(evidence, tables=tables)


def without_row(evidence: Evidence, service: str, table: str, number: int = -1) -> Evidence:
    """The same without a row, by default the table's last."""
    tables: Any = deepcopy(evidence.tables)
    del tables[service][table][number]
    return replace(evidence, tables=tables)


def with_another_row(evidence: Evidence, service: str, table: str, **changes: Any) -> Evidence:
    """The same with one more row, like the table's last but changed."""
    tables: Any = deepcopy(evidence.tables)
    tables[service][table].append(tables[service][table][-1] | changes)
    return replace(evidence, tables=tables)


def _at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def _commands() -> list[Command]:
    def command(kind: Kind, made: dict[str, Any], *, key: str | None = None, **asked: str) -> Command:
        return Command(kind, asked, _at(0), key, requests=1, answered_at=_at(1), status=201, made=made)

    person, organization = PERSON["email"], "organization-1"
    register = command(Kind.REGISTER, {"registration_id": "registration-1"}, email=person)
    repeated = replace(command(Kind.BATCH, {"batch_id": "batch-1"}, key="key-3"), requests=2, unanswered=1)
    return [
        command(Kind.ADD_CONTACT, {"contact_id": "contact-1"}, key="key-1", organization_id=organization, email=person),
        register,
        command(Kind.RESEND, {}, registration_id="registration-1", email=person),
        command(Kind.VERIFY, {"session_id": "session-1"}, registration_id="registration-1", email=person),
        repeated,
        command(Kind.LINK, {"link_id": "link-1"}, key="key-2", account_id="account-1"),
        command(Kind.DELEGATE, {"relation_id": "relation-2"}, key="key-4", contact_id="contact-1"),
        command(Kind.REMOVE, {"relations": ["relation-2"]}, contact_id="contact-1", relation_id="relation-2"),
        command(Kind.SIGN_OUT, {}, session_id="session-1"),
    ]


def _records() -> list[Record]:
    found: list[Record] = []
    topics: dict[str, tuple[str, list[tuple[str, dict[str, Any]]]]] = {
        "accounts.events": ("account_id", [
            ("VerificationRequested", {"account_id": "account-1", "delivery_id": "delivery-1"}),
            ("VerificationRequested", {"account_id": "account-1", "delivery_id": "delivery-2"}),
            ("EmailVerified", {"account_id": "account-1"}),
            ("AccountOpened", {"account_id": "account-1"}),
            ("SessionsRevoked", {"account_id": "account-1", "session_id": "session-1"}),
        ]),
        "accounts.people": ("account_id", [("Person", {"account_id": "account-1", "version": 1, **PERSON})]),
        "authorizations.organizations": ("organization_id", [
            ("Organization", {"organization_id": "organization-1", "version": 1, "number": "5000001",
                              "trade_names": ["RAISON 1"]}),
        ]),
        "authorizations.events": ("organization_id", [
            ("OrganizationImported", {"organization_id": "organization-1", "sequence": 1}),
            ("ContactAdded", {"organization_id": "organization-1", "sequence": 2, "contact_id": "contact-1"}),
            ("RelationAdded", {"organization_id": "organization-1", "sequence": 3, "relation_id": "relation-1"}),
            ("RightAdded", {"organization_id": "organization-1", "sequence": 4, "right_id": "right-1"}),
            ("RelationAdded", {"organization_id": "organization-1", "sequence": 5, "relation_id": "relation-2"}),
            ("RelationEnded", {"organization_id": "organization-1", "sequence": 6, "relation_id": "relation-2"}),
        ]),
        "authorizations.contacts": ("contact_id", [
            ("Contact", {"contact_id": "contact-1", "version": version, "organization_id": "organization-1",
                         "client_number": "7000000", **PERSON})
            for version in (1, 2, 3)
        ]),
        "linking.events": ("contact_id", [
            ("LinkingCodeIssued", {"contact_id": "contact-1", "generation": 1, "delivery_id": "delivery-3"}),
            ("LinkingCodeIssued", {"contact_id": "contact-1", "generation": 2, "delivery_id": "delivery-4"}),
            ("ProfileLinked", {"contact_id": "contact-1", "link_id": "link-1"}),
        ]),
        "notifications.requests": ("recipient_id", [
            ("VerificationCodeMail", {"recipient_id": "account-1", "delivery_id": "delivery-1"}),
            ("VerificationCodeMail", {"recipient_id": "account-1", "delivery_id": "delivery-2"}),
            ("LinkingCoordinatesMail", {"recipient_id": "contact-1", "delivery_id": "delivery-3"}),
            ("LinkingCoordinatesMail", {"recipient_id": "contact-1", "delivery_id": "delivery-4"}),
            ("ProfileLinkedMail", {"recipient_id": "account-1", "delivery_id": "delivery-5",
                                   "deduplication_id": "profile_linked:link-1"}),
        ]),
        "notifications.events": ("delivery_id", [
            *[("MailAccepted", {"delivery_id": f"delivery-{number}"}) for number in range(1, 6)],
            *[("MailSent", {"delivery_id": f"delivery-{number}"}) for number in (1, 2, 4, 5)],
            ("MailExpired", {"delivery_id": "delivery-3"}),
        ]),
    }  # fmt: skip
    for topic, (key, events) in topics.items():
        for offset, (kind, data) in enumerate(events):
            found.append(Record(topic, 3, offset, str(data[key]), f"{topic}-{offset}", kind, data))
    repeat = next(record for record in found if record.kind == "ContactAdded")
    return [*found, replace(repeat, offset=100)]  # a relay that was killed sent it again


def _tables() -> Tables:
    account = {"account_id": "account-1"}
    contact = {"contact_id": "contact-1", "organization_id": "organization-1", "client_number": "7000000", "version": 3}
    relation = {"holder_id": "contact-1", "version": 1, "through": None, "ended_at": None}
    return {
        "accounts": {
            "people": [account | PERSON | {"opened": True}],
            "registrations": [account | {"registration_id": "registration-1"}],
            "accounts": [account | {"version": 1}],
            "sessions": [account | {"session_id": "session-1", "ended_at": _at(90)}],
            "audit": [
                {"action": "registration_accepted", "object_id": "registration-1"},
                {"action": "registration_code_sent_again", "object_id": "registration-1"},
            ],
        },
        "linking": {
            "people": [
                {"kind": "account", "id": "account-1", **PERSON},
                {"kind": "contact", "id": "contact-1", **PERSON},
            ],
            "accounts": [account | {"version": 1}],
            "organizations": [{"organization_id": "organization-1", "version": 1, "number": "5000001"}],
            "contacts": [contact | {"functions": [{"type": "staff"}], "generation": 2, "settled_generation": 2}],
            "linking_codes": [{"contact_id": "contact-1", "generation": generation} for generation in (1, 2)],
            "bindings": [account | {"link_id": "link-1", "contact_id": "contact-1"}],
            "revoked_sessions": [{"session_id": "session-1"}],
            "idempotency_keys": [{"key": "key-2", "resource_id": "link-1"}],
            "audit": [],
        },
        "authorizations": {
            "organizations": [{"organization_id": "organization-1", "number": "5000001", "version": 1, "sequence": 6}],
            "contacts": [contact],
            "personal_fields": [{"owner_id": "contact-1", **PERSON}, {"owner_id": "account-1", **PERSON}],
            "account_versions": [account | {"version": 1}],
            "bindings": [account | {"link_id": "link-1", "contact_id": "contact-1", "version": 1}],
            "relations": [
                relation | {"relation_id": "relation-1"},
                relation | {"relation_id": "relation-2", "through": "relation-9"},
                relation | {"relation_id": "relation-2", "through": "relation-9", "version": 2, "ended_at": _at(80)},
            ],
            "rights": [{"right_id": "right-1", "ended_at": None}],
            "linking_code_batches": [{"batch_id": "batch-1"}],
            "linking_code_batch_items": [
                {
                    "batch_id": "batch-1",
                    "contact_id": "contact-1",
                    "generation": 2,
                    "skipped": None,
                    "issued_at": _at(10),
                }
            ],
            "revoked_sessions": [{"session_id": "session-1"}],
            "idempotency_keys": [
                {"key": "key-1", "resource_id": "contact-1"},
                {"key": "key-3", "resource_id": "batch-1"},
                {"key": "key-4", "resource_id": "relation-2"},
            ],
            "audit": [
                {"action": "organization_imported", "object_id": "organization-1"},
                {"action": "contact_added", "object_id": "contact-1"},
            ],
        },
        "notifications": {"mails": [_mail(number) for number in range(1, 6)]},
    }


def _mail(number: int) -> dict[str, Any]:
    purposes: Mapping[int, tuple[str, str, str]] = {
        1: ("verification_code", "account-1", "verification:registration-1"),
        2: ("verification_code", "account-1", "verification:registration-1"),
        3: ("linking_coordinates", "contact-1", "linking_coordinates:contact-1"),
        4: ("linking_coordinates", "contact-1", "linking_coordinates:contact-1"),
    }
    kind, recipient, purpose = purposes.get(number, ("profile_linked", "account-1", None))
    replaced = number == 3
    return {
        "delivery_id": f"delivery-{number}",
        "message_id": f"<{number}@load.example>",
        "kind": kind,
        "recipient_id": recipient,
        "replaces": purpose,
        "replaced": replaced,
        "state": "expired" if replaced else "sent",
        "accepted_at": _at(58 if number == 1 else 66),
        "state_at": _at(70),
        "expires_at": _at(600),
        "attempts": 1,
        "reason": "replaced" if replaced else None,
    }


def _copies() -> list[Copy]:
    """Code 1 was taken, and the connection broke before the host could say so: it came again before code 2."""
    return [
        Copy("<1@load.example>", 1, _at(59)),
        Copy("<1@load.example>", 2, _at(65)),
        Copy("<2@load.example>", 2, _at(66)),
        Copy("<4@load.example>", 2, _at(67)),
        Copy("<5@load.example>", 2, _at(68)),
    ]
