"""A mandate as it stands, and what it asks for: plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from contracts.agency.mandates import MandateSide
from contracts.events import Language, Level
from services.authorizations.access.domain import Acting, AsAccount, AsAgent
from services.authorizations.periods import Period
from services.authorizations.relations.domain import Grant
from services.authorizations.requests.domain import Asked, Request

AddressState = Literal["none", "verified", "refused"]
"""Of the address at which a side is sent its part of what an approval brings: another is asked for once it is refused.
"""

Origin = Literal["screen", "paper"]

Reader = Literal["professional", "delegate", "agent"]
"""As whom somebody looks at a mandate: `professional` is also whoever manages the organization."""


class AnsweredQuestionnaire(Asked):
    """Which questionnaire led to the mandate, and by which answers, from a question to an answer."""

    id: str
    answers: Mapping[str, str]


class AskedMandate(Asked):
    """One subject at a level, for somebody who shall have a function (`type`) in the organization.

    `profession` is the function by which the professional may mandate. `renews` is the mandate that it takes the place
    of. `received_on` is the day on which one of paper was received.
    """

    subject: str
    level: Level
    type: str
    profession: str
    starts_on: date
    ends_on: date | None = None
    questionnaire: AnsweredQuestionnaire | None = None
    renews: UUID | None = None
    origin: Origin = "screen"
    received_on: date | None = None

    @property
    def period(self) -> Period:
        """From when to when."""
        return Period(self.starts_on, self.ends_on)

    @property
    def grant(self) -> Grant:
        """The right as the domain knows it."""
        return Grant(self.subject, self.level)


@dataclass(frozen=True)
class Signer:
    """One side of a mandate. `signed_version` is the last text that it has signed."""

    side_id: UUID
    request_id: UUID
    side: MandateSide
    account_id: UUID | None
    contact_id: UUID | None
    address_state: AddressState
    address_reason: str | None
    verified_at: datetime | None
    signed_version: int | None
    signed_at: datetime | None


@dataclass(frozen=True)
class Mandate:
    """What a mandate is besides a request. `language` is that of the professional's text.

    `contact_id` is the delegate in the organization, once an approval gave the right `right_id` of the membership
    `relation_id`.
    """

    request_id: UUID
    list_id: UUID | None
    text_version: int
    language: Language
    delegate_language: Language
    contact_id: UUID | None
    relation_id: UUID | None
    right_id: UUID | None
    revoked_at: datetime | None
    revoked_by: str | None
    sides: Mapping[MandateSide, Signer]

    @property
    def professional(self) -> Signer:
        """Who mandates."""
        return self.sides["professional"]

    @property
    def delegate(self) -> Signer:
        """Who is mandated."""
        return self.sides["delegate"]

    def has_signed(self, side: MandateSide) -> bool:
        """Whether the side has signed the text as it reads now."""
        return self.sides[side].signed_version == self.text_version

    @property
    def is_complete(self) -> bool:
        """Whether both sides have signed the text as it reads now, and have a verified address."""
        return all(self.has_signed(side) and signer.address_state == "verified" for side, signer in self.sides.items())

    def read_by(self, looker: Acting | AsAccount | AsAgent, request: Request, *, manages: bool) -> Reader | None:
        """Where who looks stands. None: it has nothing to do with this mandate."""
        if isinstance(looker, AsAgent):
            return "agent"
        if looker.account_id == self.delegate.account_id:
            return "delegate"
        if isinstance(looker, AsAccount):
            return None
        if looker.contact_id == self.contact_id:
            return "delegate"
        mandates = manages or looker.contact_id == request.asked_by_contact_id
        return "professional" if mandates and looker.organization_id == request.organization_id else None

    def language_of(self, side: MandateSide) -> Language:
        """The language of a side's text."""
        return self.language if side == "professional" else self.delegate_language
