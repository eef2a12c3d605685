"""A small run of an agency whose rights are mandates, made up like the others (example.py)."""

from datetime import date
from typing import Any

from tests.faults import example_mails as mails
from tests.faults.evidence import Evidence, Record
from tests.faults.example_mails import Asked
from tests.faults.example_records import Events, Topics, told
from tests.faults.example_rows import PERSON, During, at, tables
from tests.faults.history import Command, Kind

ORGANIZATION = {"organization_id": "organization-1"}
DELEGATE = {"contact_id": "contact-2", "account_id": "account-2"}
SUBJECTS = {1: "billing", 2: "statements", 3: "drugs", 4: "billing"}
"""By the number of a mandate; the fourth renews the second."""

MAILS = [
    *(Asked("MandateToSignMail", f"mandate-{number}", f"mandate_to_sign:mandate-{number}:1:") for number in SUBJECTS),
    Asked("UserNameMail", "contact-2", "user_name:contact-2:1"),
    Asked("TemporaryPasswordMail", "account-2", "temporary_password:account-2:1"),
]
USER_NAME, TEMPORARY_PASSWORD = "delivery-5", "delivery-6"


def mandated() -> Evidence:
    """Somebody is mandated for two services, signs in with the two halves of a credential, and one mandate is revoked;
    a third is refused, and the other one renewed."""
    return Evidence(_commands(), _records(), _tables(), mails.copies(MAILS))


def _commands() -> list[Command]:
    def command(
        kind: Kind, begun: float, made: dict[str, Any] | None = None, *, key: str | None = None, **asked: str
    ) -> Command:
        answered = at(begun + 1)
        return Command(kind, asked, at(begun), key, requests=1, answered_at=answered, status=201, made=made or {})

    person = PERSON["family_name"]
    check: Any = {**ORGANIZATION, "account_id": "account-2", "subject": "billing"}
    return [
        *(
            command(Kind.MANDATE, number, {"list_id": f"list-{number}"}, key=f"key-{number}", person=person,
                    subject=SUBJECTS[number])
            for number in (1, 2, 3)
        ),
        command(Kind.RENEW_MANDATE, 30, {"mandate_id": "mandate-4"}, key="key-4", request_id="mandate-2"),
        *(
            command(Kind.SIGN, 10, {"signature_id": f"signature-{number}-{side}"}, key=f"key-{number}-{side}",
                    request_id=f"mandate-{number}", side=side)
            for number in SUBJECTS
            for side in ("professional", "delegate")
        ),
        *(
            command(Kind.DECIDE, 20, {"outcome": outcome}, request_id=f"mandate-{number}", outcome=outcome)
            for number, outcome in _outcomes().items()
        ),
        command(Kind.FIRST_SIGN_IN, 35, {"session_id": "session-2"}, person=person),
        command(Kind.CHECK, 39, {"decision": True}, **check),
        command(Kind.REVOKE, 40, request_id="mandate-1", **check),
        command(Kind.CHECK, 42, {"decision": False}, **check),
    ]  # fmt: skip


def _outcomes() -> dict[int, str]:
    return {1: "approve", 2: "approve", 3: "reject", 4: "approve"}


def _entry(action: str, object_id: str | None = None, **detail: Any) -> dict[str, Any]:
    return ORGANIZATION | {"action": action, "object_id": object_id, "detail": detail, "actor_kind": "agent"}


def _tables() -> Any:
    found = {service: {name: list[Any]() for name in rows} for service, rows in tables().items()}
    found["accounts"] |= _accounts()
    found["linking"] |= _linking()
    found["authorizations"] |= _authorizations()
    found["notifications"]["mails"] = mails.rows(MAILS)
    for rows in found.values():
        rows["audit"] = [entry | {"id": number} for number, entry in enumerate(rows["audit"], 1)]
        rows["audit_seals"] = [{"entry_id": entry["id"]} for entry in rows["audit"]]
    return found


def _accounts() -> dict[str, list[dict[str, Any]]]:
    account = {"account_id": "account-2"}
    return {
        "people": [account | PERSON | {"opened": True}],
        "accounts": [account | {"version": 1, "epoch": 0}],
        "sessions": [account | {"session_id": "session-2", "ended_at": None}],
        "credentials": [DELEGATE | {"generation": 1}],
        "audit": [_entry("session_opened", "session-2"), _entry("credential_issued", "account-2")],
    }


def _linking() -> dict[str, list[dict[str, Any]]]:
    contact = {"contact_id": "contact-2", "client_number": "8000002", "version": 1, "generation": 0}
    link = {"link_id": "link-2", "method": "credential", "unlinked_at": None, "redemption_id": None}
    return {
        "people": [{"kind": "account", "id": "account-2", **PERSON}, {"kind": "contact", "id": "contact-2", **PERSON}],
        "accounts": [{"account_id": "account-2", "version": 1}],
        "organizations": [ORGANIZATION | {"version": 1, "number": "2500000"}],
        "contacts": [ORGANIZATION | contact | {"functions": [{"type": "clerk"}], "settled_generation": 0}],
        "bindings": [DELEGATE | link],
        "audit": [_entry("profile_linked", "contact-2", link_id="link-2")],
    }


def _authorizations() -> dict[str, list[dict[str, Any]]]:
    def request(number: int, outcome: str) -> dict[str, Any]:
        asked = {"subject": SUBJECTS[number], "renews": "mandate-2" if number == 4 else None}
        return ORGANIZATION | {
            "request_id": f"mandate-{number}", "kind": "mandate", "reason": None, "state": "decided",
            "outcome": outcome, "settled_at": at(21), "claim_id": None, "asked": asked, "decider": "agents",
            "asked_by_organization_id": "organization-1", "lapses_on": date(2026, 12, 24), "decision_reason": None,
        }  # fmt: skip

    def mandate(number: int, outcome: str) -> dict[str, Any]:
        named = {"contact_id": "contact-2", "relation_id": "relation-2", "right_id": f"right-{number}"}
        given = named if outcome == "approve" else dict.fromkeys(named)
        listed = None if number == 4 else f"list-{number}"
        revoked = at(40.5) if number == 1 else None
        return {"request_id": f"mandate-{number}", "list_id": listed, "revoked_at": revoked, **given}

    def right(number: int, ended: Any = None) -> dict[str, Any]:
        said = {"relation_id": "relation-2", "request_id": f"mandate-{number}", "granted_by": "agent:demo"}
        return said | {"right_id": f"right-{number}", "subject": SUBJECTS[number], "ended_at": ended}

    relation = {"relation_id": "relation-2", "version": 1, "holder_id": "contact-2", "through": None, "ended_at": None}
    relation |= {"type": "clerk"}
    sides = [(number, side) for number in SUBJECTS for side in ("professional", "delegate")]
    return {
        "organizations": [ORGANIZATION | {"number": "2500000", "kind": "practice", "version": 1, "sequence": 22}],
        "contacts": [
            ORGANIZATION
            | {"contact_id": "contact-2", "client_number": "8000002", "version": 1, "credential_generation": 1}
        ],
        "personal_fields": [
            *({"owner_id": f"mandate-{number}", **PERSON} for number in SUBJECTS),
            {"owner_id": "contact-2", **PERSON},
            {"owner_id": "account-2", **PERSON},
        ],
        "account_versions": [{"account_id": "account-2", "version": 1}],
        "bindings": [DELEGATE | {"link_id": "link-2", "version": 1, "during": During()}],
        "requests": [request(number, outcome) for number, outcome in _outcomes().items()],
        "mandates": [mandate(number, outcome) for number, outcome in _outcomes().items()],
        "mandate_lists": [{"list_id": f"list-{number}"} for number in (1, 2, 3)],
        "signatures": [{"signature_id": f"signature-{number}-{side}"} for number, side in sides],
        "relations": [relation | {"request_id": "mandate-1"}],
        "rights": [right(1), right(2), right(4), right(1, at(40.5))],
        "idempotency_keys": [
            *({"key": f"key-{number}", "resource_id": f"list-{number}"} for number in (1, 2, 3)),
            {"key": "key-4", "resource_id": "mandate-4"},
            *({"key": f"key-{number}-{side}", "resource_id": f"signature-{number}-{side}"} for number, side in sides),
        ],
        "audit": [
            *(_entry("mandate_signed", f"mandate-{number}", side=side) for number, side in sides),
            *(_entry("request_submitted", f"mandate-{number}") for number in SUBJECTS),
            *(_entry("request_settled", f"mandate-{number}") for number in SUBJECTS),
            _entry("contact_added", "contact-2"),
            _entry("mandate_revoked", "contact-2", mandate="mandate-1"),
        ],
    }


def _records() -> list[Record]:
    events: Events = [
        *(
            ("RequestSigned", {"request_id": f"mandate-{number}", "side": side})
            for number in SUBJECTS
            for side in ("professional", "delegate")
        ),
        *(("RequestSubmitted", {"request_id": f"mandate-{number}"}) for number in SUBJECTS),
        ("ContactAdded", {"contact_id": "contact-2"}),
        ("RelationAdded", {"relation_id": "relation-2"}),
        *(("RightAdded", {"right_id": f"right-{number}"}) for number in (1, 2, 4)),
        *(
            ("RequestDecided", {"request_id": f"mandate-{number}", "outcome": outcome})
            for number, outcome in _outcomes().items()
        ),
        ("RightEnded", {"right_id": "right-1"}),
    ]
    numbered = [(kind, ORGANIZATION | said | {"sequence": number}) for number, (kind, said) in enumerate(events, 1)]
    contact = DELEGATE | ORGANIZATION | {"client_number": "8000002", "version": 1, "functions": [{"type": "clerk"}]}
    deliveries = {"to_professional": USER_NAME, "to_delegate": TEMPORARY_PASSWORD}
    account = {"account_id": "account-2"}
    topics: Topics = {
        "accounts.events": ("account_id", [
            ("EmailVerified", account),
            ("AccountOpened", account),
            ("CredentialIssued", DELEGATE | {"generation": 1, "kept": False, "deliveries": deliveries}),
        ]),
        "accounts.people": ("account_id", [("Person", account | {"version": 1, **PERSON})]),
        "authorizations.events": ("organization_id", numbered),
        "authorizations.organizations": ("organization_id", [
            ("Organization", ORGANIZATION | {"version": 1, "number": "2500000", "trade_names": []}),
        ]),
        "authorizations.contacts": ("contact_id", [("Contact", contact | PERSON)]),
        "linking.events": ("contact_id", [
            ("ProfileLinked", {"contact_id": "contact-2", "link_id": "link-2", "method": "credential"}),
        ]),
        **mails.on_topics(MAILS),
    }  # fmt: skip
    return told(topics)
