"""Forms over HTTP: what those that grant or withdraw have in common, and how their answers name things."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from chassis.fields import Body, Reference
from contracts.events import Language, Level
from services.authorizations.attestations.domain import Ticked
from services.authorizations.periods import FOREVER, Period
from services.authorizations.relations.domain import Grant


class OrganizationView(BaseModel):
    """An organization as lists name it."""

    organization_id: UUID
    name: str


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


def last_day(found: Period) -> date:
    """The last day as forms show it."""
    return found.ends_on or FOREVER
