"""The mails that this service asks for: what identifies or lets act is sealed to notifications."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from chassis.work import Work
from contracts.events import Language
from contracts.notifications import Contents, MailRequest
from services.accounts.tools import Tools

READER = "notifications"  # whom the contents are sealed to


@dataclass(frozen=True)
class Delivery:
    """One mail on its way, which never goes out after `expires_at`.

    `replaces` is its purpose: an older unsent mail of the same purpose must not arrive after this one.
    """

    recipient_id: UUID
    delivery_id: UUID
    handle: str = field(repr=False)
    expires_at: datetime
    replaces: str | None = None
    priority: Literal["urgent", "normal"] = "urgent"


def ask(
    work: Work[Tools],
    mail: type[MailRequest],
    delivery: Delivery,
    language: Language,
    contents: Contents,
    **shown: Any,
) -> None:
    """Ask for one mail; `shown` are the fields of its kind that need no seal."""
    work.publish(
        mail(
            recipient_id=delivery.recipient_id,
            delivery_id=delivery.delivery_id,
            handle=delivery.handle,
            language=language,
            priority=delivery.priority,
            expires_at=delivery.expires_at,
            deduplication_id=str(delivery.delivery_id),
            replaces=delivery.replaces,
            sealed=work.tools.sealer.seal(READER, contents),
            **shown,
        )
    )
