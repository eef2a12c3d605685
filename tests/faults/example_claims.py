"""A small run of an agency whose organizations are claimed, made up like the other (example.py)."""

from datetime import date
from typing import Any

from tests.faults import example_mails as mails
from tests.faults.evidence import Evidence, Record
from tests.faults.example_mails import Asked
from tests.faults.example_records import Events, Topics, told
from tests.faults.example_rows import PERSON, During, at, tables
from tests.faults.history import Command, Kind

ORGANIZATION = {"organization_id": "organization-1"}
CODES = {("organization-1", 1): "111111", ("organization-1", 2): "222222"}
MAILS = [
    Asked("AccessDecidedMail", "somebody", "access_decided:claim:claim-1"),
    Asked("AccessDecidedMail", "somebody", "access_decided:claim:claim-3"),
    Asked("AccessDecidedMail", "somebody", "access_decided:request:request-2"),
    Asked("AccessDecidedMail", "somebody", "access_decided:request:request-5"),
    Asked("InvitationMail", "somebody", "invitation:request-8:"),
    Asked("AccessBlockedMail", "somebody", "block_begun:block-1"),
    Asked("AccessUnblockedMail", "somebody", "block_ended:block-1"),
]


def claimed() -> Evidence:
    """Two claim an organization with its code: one manages it, the other asks and is let in. One is refused, one
    waits, one withdraws. Somebody is invited. The code is renewed, and both letters are printed. Who was let in is kept
    out for a while, appointed and released; the first is replaced by who was invited."""
    return Evidence(_commands(), _records(), _tables(), mails.copies(MAILS), codes=CODES, coded=["coded"])


def _commands() -> list[Command]:
    def command(kind: Kind, begun: float, made: dict[str, Any], *, key: str | None = None, **asked: str) -> Command:
        answered = at(begun + 1)
        return Command(
            kind, ORGANIZATION | asked, at(begun), key, requests=1, answered_at=answered, status=201, made=made
        )

    in_force, dead = {"which": "in force", "code": "111111"}, {"which": "dead", "code": "111111"}
    member = {"contact_id": "contact-2", "account_id": "account-2"}
    replaced = {"contact_id": "contact-1", "successor_id": "contact-5"}
    early = {"read_begun": at(6), "read_at": at(7)}
    read = {"read_begun": at(22), "read_at": at(23)}
    return [
        command(Kind.CLAIM, 10, {"claim_id": "claim-1"}, key="key-1", account_id="account-1", **in_force),
        command(Kind.CLAIM, 10, {"claim_id": "claim-2"}, key="key-2", account_id="account-2", **in_force),
        command(Kind.CLAIM, 12, {"claim_id": "claim-3"}, key="key-3", account_id="account-3", which="none"),
        command(Kind.CLAIM, 30, {"claim_id": "claim-4"}, key="key-4", account_id="account-4", **dead),
        command(Kind.CLAIM, 12, {"claim_id": "claim-5"}, key="key-5", account_id="account-5", which="none"),
        command(Kind.DECIDE, 14, {"outcome": "approve"}, request_id="request-2", outcome="approve"),
        command(Kind.WITHDRAW, 14, {}, request_id="request-5"),
        command(Kind.PRINT, 5, {"printing_id": "printing-1", "codes": ["111111"], **early}, key="key-6"),
        command(Kind.RENEW, 20, {"organization_id": "organization-1", "code": "222222"}, key="key-7"),
        command(Kind.PRINT, 21, {"printing_id": "printing-2", "codes": ["222222"], **read}, key="key-8"),
        command(Kind.INVITE, 24, {"request_id": "request-8"}, key="key-9", email="invited@load.example"),
        command(Kind.ACCEPT, 26, {"contact_id": "contact-5"}, request_id="request-8"),
        command(Kind.CHECK, 39, {"decision": True}, **member),
        command(Kind.BLOCK, 40, {"block_id": "block-1"}, key="key-10", **member),
        command(Kind.CHECK, 42, {"decision": False}, **member),
        command(Kind.UNBLOCK, 50, {}, block_id="block-1"),
        command(Kind.CHECK, 52, {"decision": True}, **member),
        command(Kind.APPOINT, 60, {"relation_id": "relation-4"}, key="key-11", contact_id="contact-2"),
        command(Kind.RELEASE, 62, {}, contact_id="contact-2"),
        command(Kind.REPLACE, 64, {}, **replaced),
    ]  # fmt: skip


def _tables() -> Any:
    found = {service: {name: list[Any]() for name in rows} for service, rows in tables().items()}
    found["linking"] |= _linking()
    found["authorizations"] |= _authorizations()
    found["notifications"]["mails"] = mails.rows(MAILS)
    for rows in found.values():
        rows["audit"] = [entry | {"id": number} for number, entry in enumerate(rows["audit"], 1)]
        rows["audit_seals"] = [{"entry_id": entry["id"]} for entry in rows["audit"]]
    return found


def _entry(action: str, object_id: str | None = None, **detail: Any) -> dict[str, Any]:
    return ORGANIZATION | {
        "action": action,
        "object_id": object_id,
        "detail": detail,
        "actor_kind": "agent",
        "at": at(65),
    }


def _claim(number: int, **more: Any) -> dict[str, Any]:
    claim = {"claim_id": f"claim-{number}", "account_id": f"account-{number}"}
    return ORGANIZATION | claim | {"method": "organization_code", "capacity": "worker"} | more


def _linking() -> dict[str, list[dict[str, Any]]]:
    shown: list[tuple[str | None, str | None, str | None]] = [
        ("administrator", None, None),
        ("granted", "organization", "request-2"),
        ("refused", None, None),
        (None, "organization", "request-4"),
        ("withdrawn", "organization", "request-5"),
    ]
    code = ORGANIZATION | {"valid": True, "adopted": False, "locked_at": None, "letter_due": False}
    return {
        "claims": [
            _claim(number, outcome=outcome, decider=decider, request_id=request, decision_reason=None)
            for number, (outcome, decider, request) in enumerate(shown, 1)
        ],
        "organizations": [ORGANIZATION | {"version": 1, "number": "2100000"}],
        "contacts": [
            ORGANIZATION
            | {
                "contact_id": "contact-5",
                "client_number": "8000005",
                "version": 1,
                "functions": [],
                "generation": 0,
                "settled_generation": 0,
            },
        ],
        "people": [{"kind": "contact", "id": "contact-5", **PERSON}],
        "organization_files": [ORGANIZATION | {"generation": 1, "settled_generation": 1}],
        "organization_codes": [
            code | {"issue": 1, "issued_at": at(0), "ended_at": at(20)},
            code | {"issue": 2, "issued_at": at(20), "ended_at": None},
        ],
        "letter_printings": [{"printing_id": f"printing-{number}"} for number in (1, 2)],
        "printed_letters": [ORGANIZATION | {"printing_id": f"printing-{issue}", "issue": issue} for issue in (1, 2)],
        "idempotency_keys": [
            *({"key": f"key-{number}", "resource_id": f"claim-{number}"} for number in range(1, 6)),
            {"key": "key-6", "resource_id": "printing-1"},
            {"key": "key-8", "resource_id": "printing-2"},
            {"key": "key-7", "resource_id": "organization-1"},
        ],
        "audit": [
            _entry("organization_code_issued", "organization-1", ended_by=None),
            _entry("organization_code_issued", "organization-1", ended_by="renewed"),
        ],
    }


def _authorizations() -> dict[str, list[dict[str, Any]]]:
    def request(number: int, state: str, outcome: str | None = None, kind: str = "access_request") -> dict[str, Any]:
        settled = None if state == "submitted" else at(20)
        claim = None if kind == "invitation" else f"claim-{number}"
        said: dict[str, Any] = {
            "decider": "organization",
            "lapses_on": date(2026, 12, 24),
            "decision_reason": None,
            "asked_by_organization_id": None,
            "asked": {},
        }
        return ORGANIZATION | said | {
            "request_id": f"request-{number}", "kind": kind, "reason": None, "state": state, "outcome": outcome,
            "settled_at": settled, "claim_id": claim,
        }  # fmt: skip

    def relation(number: int, holder: int, request: str | None = None, **more: Any) -> dict[str, Any]:
        said = {"version": 1, "through": None, "ended_at": None, "request_id": request}
        return said | {"relation_id": f"relation-{number}", "holder_id": f"contact-{holder}"} | more

    block = ORGANIZATION | {"block_id": "block-1", "contact_id": "contact-2"}
    decided: list[dict[str, Any]] = [
        {"proven": True, "outcome": "appointed", "contact_id": "contact-1", "request_id": None},
        {"proven": True, "outcome": "asked", "contact_id": None, "request_id": "request-2"},
        {"proven": False, "outcome": "refused", "contact_id": None, "request_id": None},
        {"proven": False, "outcome": "asked", "contact_id": None, "request_id": "request-4"},
        {"proven": False, "outcome": "asked", "contact_id": None, "request_id": "request-5"},
    ]
    return {
        "organizations": [ORGANIZATION | {"number": "2100000", "kind": "coded", "version": 1, "sequence": 20}],
        "contacts": [ORGANIZATION | {"contact_id": "contact-5", "client_number": "8000005", "version": 1}],
        "personal_fields": [
            {"owner_id": "request-8", **PERSON, "email": "invited@load.example"},
            {"owner_id": "contact-5", **PERSON},
        ],
        "claims": [_claim(number, locked=False, **row) for number, row in enumerate(decided, 1)],
        "requests": [
            request(2, "decided", "approve"), request(4, "submitted"), request(5, "withdrawn"),
            request(8, "decided", "approve", "invitation"),
        ],
        "relations": [
            relation(1, 1), relation(1, 1, version=2, ended_at=at(65)),
            relation(2, 2, "request-2"), relation(3, 5, "request-8"), relation(4, 2),
            relation(4, 2, version=2, ended_at=at(63)),
        ],
        "blocks": [
            block | {"version": 1, "ended_by": None, "during": During()},
            block | {"version": 2, "ended_by": "agent:demo", "during": During(at(50.5))},
        ],
        "idempotency_keys": [
            {"key": "key-9", "resource_id": "request-8"},
            {"key": "key-10", "resource_id": "block-1"},
            {"key": "key-11", "resource_id": "relation-4"},
        ],
        "audit": [
            *(_entry("request_submitted", f"request-{number}") for number in (2, 4, 5, 8)),
            *(_entry("request_settled", f"request-{number}") for number in (2, 5, 8)),
            _entry("contact_added", "contact-5"),
            *(_entry("administrator_appointed", f"contact-{number}") | {"at": at(11 * number)} for number in (1, 2)),
            _entry("administrator_appointed", "contact-5"),
            _entry("administrator_released", "contact-2"),
            _entry("administrator_replaced", "contact-1", successor="contact-5", blocks=[], relations=["relation-1"]),
        ],
    }  # fmt: skip


def _records() -> list[Record]:
    events: Events = [
        ("RelationAdded", {"relation_id": "relation-1"}),
        ("AdministratorAppointed", {"contact_id": "contact-1", "claim_id": "claim-1"}),
        ("RequestSubmitted", {"request_id": "request-2"}),
        ("ClaimRefused", {"claim_id": "claim-3"}),
        ("RequestSubmitted", {"request_id": "request-4"}),
        ("RequestSubmitted", {"request_id": "request-5"}),
        ("RelationAdded", {"relation_id": "relation-2"}),
        ("RequestDecided", {"request_id": "request-2", "outcome": "approve"}),
        ("RequestWithdrawn", {"request_id": "request-5"}),
        ("RequestSubmitted", {"request_id": "request-8"}),
        ("ContactAdded", {"contact_id": "contact-5"}),
        ("RelationAdded", {"relation_id": "relation-3"}),
        ("RequestDecided", {"request_id": "request-8", "outcome": "approve"}),
        ("ContactBlocked", {"block_id": "block-1"}),
        ("ContactUnblocked", {"block_id": "block-1"}),
        ("RelationAdded", {"relation_id": "relation-4"}),
        ("AdministratorAppointed", {"contact_id": "contact-2", "claim_id": None}),
        ("RelationEnded", {"relation_id": "relation-4"}),
        ("AdministratorAppointed", {"contact_id": "contact-5", "claim_id": None}),
        ("RelationEnded", {"relation_id": "relation-1"}),
    ]
    topics: Topics = {
        "authorizations.events": ("organization_id", [
            (kind, ORGANIZATION | said | {"sequence": number}) for number, (kind, said) in enumerate(events, 1)
        ]),
        "authorizations.organizations": ("organization_id", [
            ("Organization", ORGANIZATION | {"version": 1, "number": "2100000", "trade_names": []}),
        ]),
        "authorizations.contacts": ("contact_id", [
            ("Contact", ORGANIZATION | {"contact_id": "contact-5", "client_number": "8000005", "version": 1, **PERSON}),
        ]),
        "linking.claims": ("organization_id", [
            ("OrganizationClaimed", ORGANIZATION | {"claim_id": f"claim-{number}"}) for number in range(1, 6)
        ]),
        **mails.on_topics(MAILS),
    }  # fmt: skip
    return told(topics)
