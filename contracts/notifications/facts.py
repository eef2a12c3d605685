"""What became of a mail: the events that notifications publishes."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.events import Event, Instant
from contracts.topics import NOTIFICATIONS_EVENTS, Topic


class MailFact(Event):
    """Something that happened to one mail."""

    key_field: ClassVar[str] = "delivery_id"

    delivery_id: UUID


class MailAccepted(MailFact):
    """The request stands in the sender's own table: it will be sent or its end will be told."""

    topic: ClassVar[Topic] = NOTIFICATIONS_EVENTS


class MailSent(MailFact):
    """The next mail host took responsibility for it (the end of SMTP DATA)."""

    topic: ClassVar[Topic] = NOTIFICATIONS_EVENTS

    sent_at: Instant


class MailDeferred(MailFact):
    """The mail host asked to try later, and we will."""

    topic: ClassVar[Topic] = NOTIFICATIONS_EVENTS

    next_attempt_at: Instant


class MailBounced(MailFact):
    """It was refused for good, at once or by a report that came back after MailSent.

    `status` is an enhanced status code (RFC 3463), never a host's own words.
    """

    topic: ClassVar[Topic] = NOTIFICATIONS_EVENTS

    status: Annotated[str, Field(pattern=r"^[245]\.\d{1,3}\.\d{1,3}$")]


class MailExpired(MailFact):
    """It was not sent in time, or a newer mail of the same purpose replaced it, and never will be."""

    topic: ClassVar[Topic] = NOTIFICATIONS_EVENTS

    reason: Literal["expired", "replaced"]


SuppressionReason = Literal["no_such_address", "repeated_failures", "complaint"]
"""Why we no longer write to an address: it does not exist, mails to it failed again and again, or somebody there called
our mail unwanted."""


class MailSuppressed(MailFact):
    """It was not sent, because its address is on the suppression list; `reason` says why it stands there."""

    topic: ClassVar[Topic] = NOTIFICATIONS_EVENTS

    reason: SuppressionReason
