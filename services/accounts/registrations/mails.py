"""The two mails of a registration. Exactly one goes out."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chassis.sealing import Sealer
from contracts.notifications import AlreadyRegisteredMail, Contents, VerificationCodeContents, VerificationCodeMail
from services.accounts.people.domain import PersonalFields

READER = "notifications"  # whom the contents are sealed to


@dataclass(frozen=True)
class Delivery:
    """What both have in common. `recipient_id` is the account's id that the registration drew, also if none opens."""

    registration_id: UUID
    recipient_id: UUID
    delivery_id: UUID
    handle: str = field(repr=False)
    expires_at: datetime

    @property
    def replaces(self) -> str:
        """Its purpose: an older unsent mail of the same registration must not arrive after this one."""
        return f"verification:{self.registration_id}"


def verification_code(
    sealer: Sealer, delivery: Delivery, person: PersonalFields, code: str, minutes: int
) -> VerificationCodeMail:
    """The code, to the address as it was typed."""
    return VerificationCodeMail(
        recipient_id=delivery.recipient_id,
        delivery_id=delivery.delivery_id,
        handle=delivery.handle,
        language=person.language,
        priority="urgent",
        expires_at=delivery.expires_at,
        deduplication_id=str(delivery.delivery_id),
        replaces=delivery.replaces,
        sealed=sealer.seal(
            READER, VerificationCodeContents(address=person.email, given_name=person.given_name, code=code)
        ),
        minutes=minutes,
    )


def already_registered(sealer: Sealer, delivery: Delivery, owner: PersonalFields) -> AlreadyRegisteredMail:
    """The news, to the address that the account has, in its owner's language: nothing in it is the caller's."""
    return AlreadyRegisteredMail(
        recipient_id=delivery.recipient_id,
        delivery_id=delivery.delivery_id,
        handle=delivery.handle,
        language=owner.language,
        priority="urgent",
        expires_at=delivery.expires_at,
        deduplication_id=str(delivery.delivery_id),
        replaces=delivery.replaces,
        sealed=sealer.seal(READER, Contents(address=owner.email, given_name=owner.given_name)),
    )
