"""What the bodies of forms have in common: what is granted, for how long, whom it is about, what was ticked."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from chassis.fields import Body, Email, Name, Reference
from contracts.authorizations import Telephone
from contracts.events import Language, Level
from services.authorizations.attestations.domain import Ticked
from services.authorizations.periods import FOREVER, Period
from services.authorizations.personal.domain import Personal
from services.authorizations.relations.domain import Grant


class GrantBody(Body):
    """A subject and a level."""

    subject: Reference
    level: Level


class AttestationBody(Body):
    """An attestation of the form, ticked in the version that was shown."""

    code: Reference
    version: Annotated[int, Field(ge=1, le=10_000)]


Grants = Annotated[list[GrantBody], Field(min_length=1, max_length=100)]


Attachments = Annotated[list[UUID], Field(max_length=50, description="Of POST /v1/attachments, each used once.")]


class AttestedBody(Body):
    """A form whose statements were ticked."""

    attestations: Annotated[list[AttestationBody], Field(max_length=20)] = Field(default_factory=list[AttestationBody])

    def ticked(self, language: Language) -> list[Ticked]:
        """Attestations as the domain knows them, in the language they were shown in."""
        return [Ticked(statement.code, statement.version, language) for statement in self.attestations]


class GrantingBody(AttestedBody):
    """A form that grants something for a time."""

    starts_on: date | None = Field(None, description="First day; the agency's today when absent.")
    ends_on: date = Field(FOREVER, description="Last day, included; 9999-12-31 when no end is planned.")

    def period(self, today: date) -> Period:
        """The period of the form; it starts today where it does not say."""
        return Period.of(self.starts_on or today, self.ends_on)


def grants(bodies: list[GrantBody]) -> list[Grant]:
    """Grants as the domain knows them; the last of two for one subject counts."""
    return [Grant(subject, level) for subject, level in {body.subject: body.level for body in bodies}.items()]


class TelephoneBody(Body):
    """A telephone number with its country code (ITU-T E.164)."""

    kind: Annotated[str, Field(pattern="^(mobile|work|home|other)$")]
    number: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", examples=["+15145550100"])]


class PersonBody(Body):
    """The personal information of the guide's form."""

    family_name: Name
    given_name: Name
    email: Email
    telephones: Annotated[list[TelephoneBody], Field(max_length=10)] = Field(default_factory=list[TelephoneBody])
    language: Language

    def personal(self) -> Personal:
        """The same as a row keeps it."""
        telephones = [Telephone.model_validate(telephone.model_dump()) for telephone in self.telephones]
        return Personal(self.family_name, self.given_name, self.email, telephones, self.language)
