"""The example's records and the mails that arrived."""

from dataclasses import replace
from typing import Any

from tests.faults.evidence import Copy, Record
from tests.faults.example_rows import EMPLOYERS, MAILS, PERSON, at, tables

Events = list[tuple[str, dict[str, Any]]]
Topics = dict[str, tuple[str, Events]]
"""Topic → the field that is its key, and what was told on it."""


def records() -> list[Record]:
    """Every topic, key by key in its order; one record twice, as a relay sends it that was killed."""
    topics: Topics = {
        "accounts.events": ("account_id", _accounts()),
        "accounts.people": ("account_id", [("Person", {"account_id": "account-1", "version": 1, **PERSON})]),
        "authorizations.organizations": ("organization_id", [
            ("Organization", {"organization_id": "organization-2", "version": 1, "number": "1200100",
                              "trade_names": []}),
            ("Organization", {"organization_id": "organization-1", "version": 1, "number": "5000001",
                              "trade_names": ["RAISON 1"]}),
        ]),
        "authorizations.events": ("organization_id", _authorizations()),
        "authorizations.contacts": ("contact_id", _contacts()),
        "linking.events": ("contact_id", _linking()),
        "notifications.requests": ("recipient_id", _requests()),
        "notifications.events": ("delivery_id", _mails()),
    }  # fmt: skip
    for service, rows in tables().items():
        heads = [(chain["chain_id"], chain["sequence"]) for chain in rows["audit_chains"]]
        sealed = [("AuditSealed", {"chain_id": chain, "version": version}) for chain, version in heads]
        topics[f"{service}.audit"] = ("chain_id", sealed)
    found = told(topics)
    repeat = next(record for record in found if record.kind == "ContactAdded")
    return [*found, replace(repeat, offset=100)]


def told(topics: Topics) -> list[Record]:
    """The records of topics, each topic's in their order."""
    return [
        Record(topic, 3, offset, str(data[key]), f"{topic}-{offset}", kind, data)
        for topic, (key, events) in topics.items()
        for offset, (kind, data) in enumerate(events)
    ]


def copies() -> list[Copy]:
    """Code 1 was taken, and the connection broke before the host could say so: it came again before code 2."""
    others = [Copy(f"<{mail.number}@load.example>", 2, at(67)) for mail in MAILS if mail.number not in (1, 2, 3, 5)]
    return [
        Copy("<1@load.example>", 1, at(59), answered=False),
        Copy("<1@load.example>", 2, at(65)),
        Copy("<2@load.example>", 2, at(66)),
        *others,
        Copy("<5@load.example>", 2, at(68)),
    ]


def _accounts() -> Events:
    account = {"account_id": "account-1"}
    return [
        ("VerificationRequested", account | {"delivery_id": "delivery-1"}),
        ("VerificationRequested", account | {"delivery_id": "delivery-2"}),
        ("EmailVerified", account),
        ("AccountOpened", account),
        ("EmailChanged", account | {"undone": False}),
        ("EmailChanged", account | {"undone": True}),
        ("PasswordReset", account),
        ("SessionsRevoked", account | {"session_id": None}),
        ("SessionsRevoked", account | {"session_id": "session-1"}),
    ]


def _authorizations() -> Events:
    def of(number: int, *events: tuple[str, dict[str, Any]]) -> Events:
        organization = f"organization-{number}"
        return [
            (kind, told | {"organization_id": organization, "sequence": sequence})
            for sequence, (kind, told) in enumerate(events, 1)
        ]

    request = {"request_id": "request-1"}
    return [
        *of(2, ("OrganizationImported", {})),
        *of(
            1,
            ("OrganizationImported", {}),
            ("ContactAdded", {"contact_id": "contact-1"}),
            ("ContactChanged", {"contact_id": "contact-1"}),
            ("RelationAdded", {"relation_id": "relation-1"}),
            ("RequestSubmitted", {"request_id": "request-4"}),
            ("RequestReturned", {"request_id": "request-4"}),
            ("RequestSubmitted", {"request_id": "request-4"}),
            ("RelationAdded", {"relation_id": "relation-4"}),
            ("RequestDecided", {"request_id": "request-4", "outcome": "merge"}),
            ("RequestSubmitted", {"request_id": "request-3"}),
            ("RequestDecided", {"request_id": "request-3", "outcome": "reject"}),
            ("RequestSubmitted", {"request_id": "request-2"}),
            ("RequestLapsed", {"request_id": "request-2"}),
            ("RequestSubmitted", request),
            ("RelationAdded", {"relation_id": "relation-3"}),
            ("RequestDecided", request | {"outcome": "approve"}),
            ("RightAdded", {"right_id": "right-1"}),
            ("RelationAdded", {"relation_id": "relation-2"}),
            ("RelationEnded", {"relation_id": "relation-2"}),
        ),
    ]


def _contacts() -> Events:
    other = {"contact_id": "contact-2", "organization_id": "organization-2", "client_number": "1200100"}
    own = {"contact_id": "contact-1", "organization_id": "organization-1", "client_number": "7000000"}
    return [
        ("Contact", {**other, "version": 1, **EMPLOYERS}),
        *[("Contact", {**own, "version": version, **PERSON}) for version in (1, 2, 3)],
    ]


def _linking() -> Events:
    stood = {"linked_at": at(93).isoformat(), "unlinked_at": at(95).isoformat()}
    return [
        ("ProfileLinked", {"contact_id": "contact-8", "link_id": "link-2", "method": "former_credential"}),
        ("LinkRefused", {"contact_id": "contact-8", "account_id": "account-2", "reason": "already_linked"}),
        ("ProfileLinked", {"contact_id": "contact-9", "link_id": "link-3", "method": "former_credential"}),
        ("ProfileUnlinked", {"contact_id": "contact-9", "link_id": "link-3"} | stood),
        ("LinkingCodeIssued", {"contact_id": "contact-1", "generation": 1, "delivery_id": "delivery-3"}),
        ("LinkingCodeIssued", {"contact_id": "contact-1", "generation": 2, "delivery_id": "delivery-4"}),
        ("ProfileLinked", {"contact_id": "contact-1", "link_id": "link-1", "method": "linking_coordinates"}),
    ]


def _requests() -> Events:
    return [
        (mail.event, {"recipient_id": mail.recipient, "delivery_id": f"delivery-{mail.number}", **mail.told})
        for mail in MAILS
    ]


def _mails() -> Events:
    deliveries = [{"delivery_id": f"delivery-{mail.number}"} for mail in MAILS]
    sent = [one for one in deliveries if one["delivery_id"] != "delivery-3"]
    return [
        *[("MailAccepted", one) for one in deliveries],
        *[("MailSent", one) for one in sent],
        ("MailExpired", {"delivery_id": "delivery-3"}),
    ]
