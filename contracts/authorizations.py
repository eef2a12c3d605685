"""Events and states that the service authorizations publishes: organizations, contacts, relations and rights."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.credentials import ContactCredential
from contracts.events import Code, Event, Instant, Language, Level, Span, State, Version
from contracts.topics import (
    AUTHORIZATIONS_CONTACTS,
    AUTHORIZATIONS_EVENTS,
    AUTHORIZATIONS_ORGANIZATIONS,
    Topic,
)


class OrganizationFact(Event):
    """Something that happened in one organization's file; `sequence` counts them per organization without a gap."""

    key_field: ClassVar[str] = "organization_id"

    organization_id: UUID
    sequence: Annotated[int, Field(ge=1)]


class OrganizationImported(OrganizationFact):
    """The agency's extract brought in the organization, or something more of its file.

    It stands for all that came with it, which has no events of its own: so many contacts of the organization, and
    relations to it with so many rights. A subscriber that keeps those asks for them.
    """

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    kind: Code
    contacts: Annotated[int, Field(ge=0)] = 0
    relations: Annotated[int, Field(ge=0)] = 0
    rights: Annotated[int, Field(ge=0)] = 0


class ContactAdded(OrganizationFact):
    """The agency now holds a file about one more person within the organization."""

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    contact_id: UUID


CorrectedItem = Literal["language", "email", "telephones", "name", "relation_end"]
"""What a correction may change of a contact, as events, states and mails name it; never what it was or is."""


class ContactChanged(OrganizationFact):
    """The file about a person was corrected; what it says now stands in the contact's state."""

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    contact_id: UUID
    changed: tuple[CorrectedItem, ...]


class ContactBlocked(OrganizationFact):
    """The organization keeps somebody out: nothing that the contact or account holds for it is in force from now on.

    A contact is named with the account that it is. `reason` is a code of the agency's data.
    """

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    block_id: UUID
    contact_id: UUID | None = None
    account_id: UUID | None = None
    reason: Code | None = None


class ContactUnblocked(OrganizationFact):
    """The organization keeps somebody out no more: what is still in force of what they hold says yes again."""

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    block_id: UUID


class AdministratorAppointed(OrganizationFact):
    """A contact may manage the organization from now on, by this relation; `claim_id`: because of that claim.

    From the relation's first day, where that is later. Not told of relations that an import brings.
    """

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    contact_id: UUID
    relation_id: UUID
    claim_id: UUID | None = None


class RelationAdded(OrganizationFact):
    """A holder now stands in a dated relation to the organization acted for.

    `through` and `membership` are set for a delegation: it is in force only while the holder's membership of the firm
    and the firm's own relation are. `all_rights` says that the delegation carries whatever the firm's relation carries.
    """

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    relation_id: UUID
    type: Code
    holder_kind: Literal["contact", "organization"]
    holder_id: UUID
    through: UUID | None = None
    membership: UUID | None = None
    all_rights: bool = False
    valid: Span


class RelationChanged(OrganizationFact):
    """The relation ends on another day than was planned; those of its rights that end with it have events of their own.

    It is neither withdrawn nor over; what hangs on it gets no event.
    """

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    relation_id: UUID
    valid: Span


class RelationEnded(OrganizationFact):
    """The relation was withdrawn at an instant; whatever hangs on it is no longer in force and gets no event."""

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    relation_id: UUID
    ended_at: Instant


class RightAdded(OrganizationFact):
    """A subject, at a level, was added to a relation."""

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    right_id: UUID
    relation_id: UUID
    subject: Code
    level: Level
    valid: Span


class RightChanged(OrganizationFact):
    """The right ends on another day than was planned, with its relation."""

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    right_id: UUID
    relation_id: UUID
    subject: Code
    valid: Span


class RightEnded(OrganizationFact):
    """One right was withdrawn from a relation that goes on."""

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    right_id: UUID
    relation_id: UUID
    subject: Code
    ended_at: Instant


class ClaimRefused(OrganizationFact):
    """An account's claim asks nobody: the person is told that it was refused, and never why.

    contact_already: the account is a contact of the organization. asked_already: it waits for a decision there.
    blocked: the organization keeps it out. account_inactive, organization_inactive: by now. lapsed: it came here after
    its last day.
    """

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    claim_id: UUID
    reason: Literal[
        "contact_already", "asked_already", "blocked", "account_inactive", "organization_inactive", "lapsed"
    ]


class RequestFact(OrganizationFact):
    """Something that happened to a request about this organization's file, which a claim may have led to."""

    request_id: UUID
    claim_id: UUID | None = None


class RequestSubmitted(RequestFact):
    """Others must decide: `decider` says who may, `lapses_on` is the last day on which they can.

    `reason` says what a review is about. A request that was returned and corrected is submitted again.
    """

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    kind: Code
    reason: Code | None = None
    decider: Literal["organization", "agents"]
    lapses_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class RequestSigned(RequestFact):
    """One side signed the text, of which there are `text_version` so far; a new text voids what was signed before it.

    Once every side has signed one, and nothing else is missing, a RequestSubmitted follows.
    """

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    side: Literal["professional", "delegate"]
    text_version: Version


class RequestReturned(RequestFact):
    """Whoever asked has to correct it; until then nobody decides."""

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    reason: Code | None = None


class RequestDecided(RequestFact):
    """It was approved, rejected, or merged with what is known already; what follows from it has events of its own.

    `decided_by`: those who manage the organization, agents, or the platform by a rule of the agency's data.
    """

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS

    outcome: Literal["approve", "reject", "merge"]
    reason: Code | None = None
    decided_by: Literal["organization", "agents", "platform"] | None = None


class RequestLapsed(RequestFact):
    """Nobody decided until its last day."""

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS


class RequestWithdrawn(RequestFact):
    """Whoever asked does not want it any more."""

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS


class OrganizationRecertified(OrganizationFact):
    """Somebody who manages the organization confirmed its list of relations and rights as it stood."""

    topic: ClassVar[Topic] = AUTHORIZATIONS_EVENTS


class ReportedPayroll(BaseModel):
    """The payroll that an organization reported for a calendar year, in dollars."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    year: Annotated[int, Field(ge=1900, le=9999)]
    amount: Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=2)]


class OrganizationFacts(BaseModel):
    """What linking alone may read of an organization: its payroll, and the code that it had before there was this one.

    A code is adopted when the organization's first generation is issued, unless another active one has it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    payroll: ReportedPayroll | None = None
    code: str | None = Field(default=None, repr=False)


class Organization(State):
    """authorizations.organizations: the latest state of one organization.

    `email` is the address on file, `billing_address` the lines below its name on a letter. `facts` are its
    OrganizationFacts, sealed to linking. Only a rising `code_generation` makes linking issue an organization code.
    """

    topic: ClassVar[Topic] = AUTHORIZATIONS_ORGANIZATIONS
    key_field: ClassVar[str] = "organization_id"

    organization_id: UUID
    version: Version
    kind: Code
    number: str
    legal_name: str
    trade_names: tuple[str, ...] = ()
    status: Literal["active", "inactive"]
    email: str | None = None
    language: Language
    billing_address: tuple[str, ...] = ()
    facts: str | None = None
    code_generation: Annotated[int, Field(ge=0)] = 0


class Telephone(BaseModel):
    """One telephone number of a contact, as the agency keeps it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["mobile", "work", "home", "other"]
    number: str


class FunctionSpan(Span):
    """From when to when the contact has a function in its organization."""

    type: Code


class ContactBinding(BaseModel):
    """A link that was made together with what it is for: linking registers it. It may have ended since.

    `method` is as in linking's ProfileLinked.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    link_id: UUID
    account_id: UUID
    method: Code
    since: Instant


class Contact(State):
    """authorizations.contacts: the latest state of one contact.

    `functions` and `manages` are empty while the contact is blocked. Only a rising `linking_code_generation` makes
    linking issue a code; `linking_code_priority` is how urgent the mail of that generation's code is, and
    `linking_code_changes` what was corrected together with asking for it, which the same mail tells.
    `linking_code_campaign` is the campaign of the agency's data that asked for it: it says how long the code lives and
    what its mail says. `portal` is where the person of the linked account began, as `email` is that account's.
    `ended_link_id` is the last link of the contact that an agent decided to end: linking ends it.
    `binding` is the last link that was made here, with an approved claim: linking binds by it, once for each `link_id`.
    `credential`: accounts is to give the contact an account of its own.
    """

    topic: ClassVar[Topic] = AUTHORIZATIONS_CONTACTS
    key_field: ClassVar[str] = "contact_id"

    contact_id: UUID
    version: Version
    organization_id: UUID
    client_number: str
    family_name: str
    given_name: str
    email: str | None = None
    telephones: tuple[Telephone, ...] = ()
    language: Language
    portal: Code | None = None
    functions: tuple[FunctionSpan, ...] = ()
    manages: tuple[Span, ...] = ()
    linking_code_generation: Annotated[int, Field(ge=0)] = 0
    linking_code_priority: Literal["normal", "bulk"] = "normal"
    linking_code_changes: tuple[CorrectedItem, ...] = ()
    linking_code_campaign: Code | None = None
    ended_link_id: UUID | None = None
    binding: ContactBinding | None = None
    credential: ContactCredential | None = None
