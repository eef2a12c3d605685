"""The mails that this service asks for: what identifies or lets act is sealed to notifications."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol
from uuid import UUID

from chassis.work import Work
from contracts.events import Code, Language
from contracts.notifications import Contents, MailRequest
from services.accounts import codes
from services.accounts.people.domain import PersonalFields
from services.accounts.tools import Tools

READER = "notifications"  # whom the contents are sealed to
NEWS_KEEPS = timedelta(days=3)  # a mail that only tells is worth sending after a mail host's long weekend


class Reader(Protocol):
    """Whoever a mail goes to: an account's person, or somebody without one."""

    @property
    def language(self) -> Language:
        """In which they read it."""

    @property
    def portal(self) -> Code | None:
        """Where its links lead; None: the agency's first portal."""


@dataclass(frozen=True)
class Stranger:
    """Somebody of whom nothing is known but the language in which they asked."""

    language: Language
    portal: Code | None = None


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


def news(work: Work[Tools], account_id: UUID, keeps: timedelta = NEWS_KEEPS) -> Delivery:
    """The delivery of a mail that tells an account's person something; nobody holds its handle."""
    return Delivery(
        recipient_id=account_id,
        delivery_id=work.new_id(),
        handle=codes.new_handle(),
        expires_at=work.now + keeps,
        priority="normal",
    )


def to(person: PersonalFields) -> Contents:
    """The sealed part of a mail that tells an account's person something."""
    return Contents(address=person.email, given_name=person.given_name)


def ask(
    work: Work[Tools],
    mail: type[MailRequest],
    delivery: Delivery,
    reader: Reader,
    contents: Contents,
    **shown: Any,
) -> None:
    """Ask for one mail, in its reader's language and leading to where they began.

    `shown` are the fields of its kind that need no seal.
    """
    work.publish(
        mail(
            recipient_id=delivery.recipient_id,
            delivery_id=delivery.delivery_id,
            handle=delivery.handle,
            language=reader.language,
            portal=reader.portal,
            priority=delivery.priority,
            expires_at=delivery.expires_at,
            deduplication_id=str(delivery.delivery_id),
            replaces=delivery.replaces,
            sealed=work.tools.sealer.seal(READER, contents),
            **shown,
        )
    )
