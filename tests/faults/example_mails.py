"""Mails of an example that were all sent: as they were asked for, as notifications keeps them, and as they arrived."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.faults.evidence import Copy
from tests.faults.example_records import Topics
from tests.faults.example_rows import at


class Asked(NamedTuple):
    """A mail: its kind, its recipient, and the name by which it is asked for once. Numbered from 1, as they stand."""

    kind: str
    recipient_id: str
    name: str


def on_topics(mails: Sequence[Asked]) -> Topics:
    """What asked for them, and what became of each."""
    numbered = list(enumerate(mails, 1))
    return {
        "notifications.requests": ("recipient_id", [
            (mail.kind, {"recipient_id": mail.recipient_id, "delivery_id": f"delivery-{number}",
                         "deduplication_id": mail.name})
            for number, mail in numbered
        ]),
        "notifications.events": ("delivery_id", [
            (kind, {"delivery_id": f"delivery-{number}"})
            for number, _ in numbered
            for kind in ("MailAccepted", "MailSent")
        ]),
    }  # fmt: skip


def rows(mails: Sequence[Asked]) -> list[dict[str, Any]]:
    """Their rows in notifications' table."""
    return [
        {
            "delivery_id": f"delivery-{number}", "message_id": f"<{number}@load.example>", "kind": mail.kind,
            "recipient_id": mail.recipient_id, "replaces": None, "replaced": False, "state": "sent",
            "accepted_at": at(66), "state_at": at(70), "expires_at": at(600), "attempts": 1, "reason": None,
        }
        for number, mail in enumerate(mails, 1)
    ]  # fmt: skip


def copies(mails: Sequence[Asked]) -> list[Copy]:
    """Each as it arrived, once."""
    return [Copy(f"<{number}@load.example>", 2, at(67)) for number in range(1, len(mails) + 1)]
