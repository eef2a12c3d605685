"""The import format: one JSON object a line (NDJSON), each about one organization.

A line adds to what the agency holds: what it does not mention stays as it is, so that a large firm may be
spread over several lines and a file may be sent again. An organization named by `relations` or `delegations`
stands on an earlier line, or is held already. Codes (kinds, types, subjects) are those of the agency's
catalogue; dates are inclusive legal dates, an absent `ends_on` means that no end is planned.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.agency.text import EmailAddress
from contracts.events import Code, Language, Level
from contracts.written_by_strangers import holds_address, is_printable

ALL: Literal["all"] = "all"


def _without_address(name: str) -> str:
    if holds_address(name):
        raise ValueError("a person's name holds a web or e-mail address")
    return name


def _printable(name: str) -> str:
    if not is_printable(name):
        raise ValueError("a name holds a character that cannot be printed")
    return name


OrganizationNumber = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z-]{0,19}$")]
ClientNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,12}$")]
OrganizationName = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$"), AfterValidator(_printable)
]
PersonName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$"),
    AfterValidator(_printable),
    AfterValidator(_without_address),
]
AddressLine = Annotated[
    str, StringConstraints(min_length=1, max_length=80, pattern=r"^\S(.*\S)?$"), AfterValidator(_printable)
]
MOST_ADDRESS_LINES = 6
"""Below the name: what fits the window of an envelope."""

ExistingCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,12}$")]

TelephoneNumber = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""ITU-T E.164: + and at most 15 digits."""


class Imported(BaseModel):
    """Base of what an import line holds; unknown fields are refused, because they would be lost unseen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OrganizationKey(Imported):
    """How the agency names an organization: the number is unique within its kind."""

    kind: Code
    number: OrganizationNumber


class ImportedPayroll(Imported):
    """The payroll that an organization reported for a calendar year, in dollars."""

    year: int = Field(ge=1900, le=9999)
    amount: Decimal = Field(ge=0, max_digits=14, decimal_places=2)


class OrganizationFacts(OrganizationKey):
    """The organization itself; `email` is its address on file, `billing_address` the lines below its name on a letter.

    `payroll` and `organization_code`, one that it has already, are of kinds that have codes, and linking alone reads
    them: the import seals them before they rest anywhere. A line that gives neither leaves both as they are.
    """

    legal_name: OrganizationName
    trade_names: tuple[OrganizationName, ...] = Field(default=(), max_length=20)
    status: Literal["active", "inactive"]
    email: EmailAddress | None = None
    language: Language
    billing_address: tuple[AddressLine, ...] = Field(default=(), max_length=MOST_ADDRESS_LINES)
    payroll: ImportedPayroll | None = Field(default=None, repr=False)
    organization_code: ExistingCode | None = Field(default=None, repr=False)


class Telephone(Imported):
    """One telephone; the first of a contact is the main one."""

    kind: Literal["mobile", "work", "home", "other"]
    number: TelephoneNumber


class Dated(Imported):
    """In force from `starts_on` to `ends_on`, both included."""

    starts_on: date
    ends_on: date | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError("`ends_on` is before `starts_on`")
        return self


class ImportedRight(Imported):
    """One subject at one level, for as long as the relation it stands in; write includes read."""

    subject: Code
    level: Level


ImportedSubjects = Annotated[tuple[ImportedRight, ...], Field(min_length=1, max_length=500)] | Literal["all"]
"""Chosen rights, or "all". On a membership or representation "all" stands for write on every subject of the
acted for organization's kind at that moment; on a delegation it follows what `through` holds, now and
later."""


def _repeated(codes: Iterable[str]) -> list[str]:
    return sorted(code for code, count in Counter(codes).items() if count > 1)


class _WithSubjects(Dated):
    subjects: ImportedSubjects

    @model_validator(mode="after")
    def _each_subject_once(self) -> Self:
        if self.subjects != ALL:
            twice = _repeated(right.subject for right in self.subjects)
            if twice:
                raise ValueError(f"a subject is named twice: {', '.join(twice)}")
        return self


class ImportedMembership(_WithSubjects):
    """A relation of the contact to its own organization; `type` is a relation type of shape membership."""

    type: Code


class ImportedContact(Imported):
    """A person's file within the organization; `client_number` is unique there."""

    client_number: ClientNumber
    family_name: PersonName
    given_name: PersonName
    email: EmailAddress | None = None
    telephones: tuple[Telephone, ...] = Field(default=(), max_length=10)
    language: Language
    relations: tuple[ImportedMembership, ...] = Field(min_length=1, max_length=20)


class _ForAnother(_WithSubjects):
    organization: OrganizationKey


class ImportedRepresentation(_ForAnother):
    """The line's organization acts for `organization`; `type` is a relation type of shape representation."""

    type: Code


class ImportedDelegation(_ForAnother):
    """The line's contact `client_number` acts for `organization`.

    It does so through the line's organization's relation of type `through` to it. Its own type needs no
    mention: an agency has one delegation type.
    """

    client_number: ClientNumber
    through: Code


class ImportedOrganization(Imported):
    """One line."""

    organization: OrganizationFacts
    contacts: tuple[ImportedContact, ...] = Field(default=(), max_length=1_000)
    relations: tuple[ImportedRepresentation, ...] = Field(default=(), max_length=2_000)
    delegations: tuple[ImportedDelegation, ...] = Field(default=(), max_length=10_000)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        twice = _repeated(contact.client_number for contact in self.contacts)
        if twice:
            raise ValueError(f"a client number stands on two contacts: {', '.join(twice)}")
        own = (self.organization.kind, self.organization.number)
        for organization in (r.organization for r in (*self.relations, *self.delegations)):
            if (organization.kind, organization.number) == own:
                raise ValueError("an organization holds no relation to itself")
        return self
