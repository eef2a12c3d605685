"""Mail requests that notifications reads, one class per kind of mail, and the events it publishes about them.

What would identify the addressee or let a reader act stands only in `sealed`: a compact JWE to notifications' key,
whose plaintext is the request class's `Contents` as JSON.
"""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from contracts.authorizations import CorrectedItem
from contracts.events import REGISTRY, Code, Event, Instant, Language
from contracts.topics import NOTIFICATIONS_BULK, NOTIFICATIONS_EVENTS, NOTIFICATIONS_REQUESTS, Topic

PortalPage = Literal["email_change_undo"]
"""A page of the portal that takes a single-use token out of its address; the agency's data says where it is."""


class Contents(BaseModel):
    """The sealed part of a mail request."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    address: str
    given_name: str


class MailRequest(Event):
    """What every mail request carries.

    A subclass names its kind of mail, what stands under its seal, and the fields that every template of that kind must
    show, because without them the mail is of no use. A field of its own that has a default may be empty.
    `anyone_may_ask` says that whoever types an address makes such a mail go there: a complaint then stops that kind for
    a while only, because who asks next may be the owner, who would else be shut out. `page` is the page of the portal
    that the mail's one call to action opens, with the sealed `token` in the fragment, which no browser sends to a
    server; without one it opens the portal.

    `handle` is what the person may ask with (GET /v1/deliveries/{handle}). `replaces` names a purpose: an older unsent
    mail of the same purpose expires, so that code 1 never arrives after code 2. After `expires_at` it is never sent.
    """

    key_field: ClassVar[str] = "recipient_id"
    mail: ClassVar[str]
    contents: ClassVar[type[Contents]]
    shown: ClassVar[frozenset[str]]
    anyone_may_ask: ClassVar[bool] = False
    page: ClassVar[PortalPage | None] = None

    recipient_id: UUID
    delivery_id: UUID
    handle: str
    language: Language
    priority: Literal["urgent", "normal", "bulk"]
    expires_at: Instant
    deduplication_id: str
    replaces: str | None = None
    sealed: str

    @classmethod
    def own_fields(cls) -> dict[str, FieldInfo]:
        """The fields that this kind of request adds to those of every request."""
        return {name: field for name, field in cls.model_fields.items() if name not in MailRequest.model_fields}

    def in_clear(self) -> dict[str, Any]:
        """What they hold, as JSON: the part of the mail that is not under the seal."""
        return self.model_dump(mode="json", include=set(self.own_fields()))

    @classmethod
    def topics(cls) -> tuple[Topic, ...]:
        """Those of a campaign travel apart, so that a code never waits behind them."""
        return (NOTIFICATIONS_REQUESTS, NOTIFICATIONS_BULK)

    @property
    def destination(self) -> Topic:
        """By priority."""
        return NOTIFICATIONS_BULK if self.priority == "bulk" else NOTIFICATIONS_REQUESTS


class VerificationCodeContents(Contents):
    """The address to verify and the one-time code."""

    code: str


class VerificationCodeMail(MailRequest):
    """The one-time code of a registration."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "verification_code"
    contents: ClassVar[type[Contents]] = VerificationCodeContents
    shown: ClassVar[frozenset[str]] = frozenset({"code", "minutes"})
    anyone_may_ask: ClassVar[bool] = True

    minutes: Annotated[int, Field(ge=1)]


class AlreadyRegisteredMail(MailRequest):
    """Somebody registered an address that already has an account: the address learns it, the caller does not."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "already_registered"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"portal_url"})
    anyone_may_ask: ClassVar[bool] = True


class PasswordResetCodeMail(MailRequest):
    """The one-time code with which the owner of an account chooses a new password."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "password_reset_code"
    contents: ClassVar[type[Contents]] = VerificationCodeContents
    shown: ClassVar[frozenset[str]] = frozenset({"code", "minutes"})
    anyone_may_ask: ClassVar[bool] = True

    minutes: Annotated[int, Field(ge=1)]


class NoAccountMail(MailRequest):
    """Somebody asked for a new password with an address that no active account has: the caller does not learn it."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "no_account"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"support_email"})
    anyone_may_ask: ClassVar[bool] = True


class PasswordChangedMail(MailRequest):
    """The password of the account is another one; its owner reads who to turn to if somebody else did it."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "password_changed"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"changed_at", "support_email"})

    changed_at: Instant


class EmailChangeCodeMail(MailRequest):
    """The one-time code that proves the new address of an account."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "email_change_code"
    contents: ClassVar[type[Contents]] = VerificationCodeContents
    shown: ClassVar[frozenset[str]] = frozenset({"code", "minutes"})
    anyone_may_ask: ClassVar[bool] = True

    minutes: Annotated[int, Field(ge=1)]


class AddressTakenMail(MailRequest):
    """Somebody wanted to give their account an address that another has: its owner learns it, the caller does not."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "address_taken"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"support_email"})
    anyone_may_ask: ClassVar[bool] = True


class UndoContents(Contents):
    """The former address, and the token that gives the account back to it."""

    token: str


class EmailChangedMail(MailRequest):
    """The account has another address: the former one is told, and can undo it until `undo_until`."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "email_changed"
    contents: ClassVar[type[Contents]] = UndoContents
    shown: ClassVar[frozenset[str]] = frozenset({"changed_at", "undo_until", "support_email"})
    page: ClassVar[PortalPage | None] = "email_change_undo"

    changed_at: Instant
    undo_until: Instant


class AccountLapsingMail(MailRequest):
    """The account was never linked to a file, and lapses on a day unless it is."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "account_lapsing"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"lapses_on", "portal_url"})

    lapses_on: date


class AccountLapsedMail(MailRequest):
    """The account was never linked to a file and has lapsed; its address may register again."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "account_lapsed"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"portal_url"})


class AccountClosedMail(MailRequest):
    """The account was closed, by its person or by an agent."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "account_closed"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"closed_at", "support_email"})

    closed_at: Instant


class AccountReopenedMail(MailRequest):
    """An agent reopened the account."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "account_reopened"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"portal_url", "support_email"})


class CoordinatesContents(Contents):
    """The two coordinates."""

    client_number: str
    code: str


class LinkingCoordinatesContents(CoordinatesContents):
    """The two coordinates, and the persons to ask (their names)."""

    responsible: tuple[str, ...] = ()


class LinkingCoordinatesMail(MailRequest):
    """Client number and linking code of one contact; `changed` is what was corrected together with asking for it."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "linking_coordinates"
    contents: ClassVar[type[Contents]] = LinkingCoordinatesContents
    shown: ClassVar[frozenset[str]] = frozenset(
        {"client_number", "code", "expires_on", "portal_url", "responsible", "support_email"}
    )

    organization_name: str
    organization_number: str
    expires_on: date
    changed: tuple[CorrectedItem, ...] = ()


class CampaignCoordinatesMail(MailRequest):
    """Client number and linking code of a contact who manages an organization, sent by a campaign.

    Name and introduction are the campaign's, in the contact's language. `changed` as in LinkingCoordinatesMail.
    """

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "campaign_coordinates"
    contents: ClassVar[type[Contents]] = CoordinatesContents
    shown: ClassVar[frozenset[str]] = frozenset(
        {"client_number", "code", "expires_on", "introduction", "starts_on", "ends_on", "portal_url", "support_email"}
    )

    organization_name: str
    organization_number: str
    campaign_name: str
    introduction: str
    starts_on: date
    ends_on: date
    expires_on: date
    changed: tuple[CorrectedItem, ...] = ()


class ProfileLinkedMail(MailRequest):
    """Confirmation that an account is now linked to a contact's file."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "profile_linked"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "function", "linked_at", "support_email"})

    organization_name: str
    organization_number: str
    function: Code
    linked_at: Instant


class ProfileUnlinkedMail(MailRequest):
    """Confirmation that an account is no longer linked to a contact's file."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "profile_unlinked"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "unlinked_at", "support_email"})

    organization_name: str
    organization_number: str
    unlinked_at: Instant


class LinkedElsewhereContents(Contents):
    """To a responsible person, also whose file it is: that contact's name. Empty to the address on that file."""

    contact_name: str = ""


class LinkedElsewhereMail(MailRequest):
    """A contact's file was linked to an account whose verified address is not the one on file."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "linked_elsewhere"
    contents: ClassVar[type[Contents]] = LinkedElsewhereContents
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "linked_at", "support_email"})

    organization_name: str
    organization_number: str
    linked_at: Instant


class RequestReceivedMail(MailRequest):
    """Somebody asks what those who manage an organization have to decide."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "request_received"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "request_kind", "concerning", "lapses_on"})

    organization_name: str
    organization_number: str
    request_kind: Code
    concerning: str
    lapses_on: date


class RequestDecidedMail(MailRequest):
    """How a request ended, or that it came back: to whoever asked, and to those who could decide.

    `concerning` is the other organization as this reader knows it: one that was only named by its number shows by
    that number alone.
    """

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "request_decided"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "request_kind", "outcome"})

    organization_name: str
    organization_number: str
    request_kind: Code
    outcome: Literal["approve", "reject", "merge", "return", "lapse", "withdraw"]
    concerning: str = ""
    decision_reason: str = ""


class ContactCorrectedMail(MailRequest):
    """The file about a person was corrected by those who manage the organization: what was, never how it reads now."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "contact_corrected"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "changed", "corrected_at", "support_email"})

    organization_name: str
    organization_number: str
    changed: tuple[CorrectedItem, ...]
    corrected_at: Instant


class AddressReplacedMail(MailRequest):
    """To the address that a contact's file had until now: it has another one, which this mail does not name."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "address_replaced"
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "corrected_at", "support_email"})

    organization_name: str
    organization_number: str
    corrected_at: Instant


class MemberLeftContents(Contents):
    """The person's name, as the client's own file about them has it."""

    contact_name: str


class MemberLeftMail(MailRequest):
    """To those who manage a client: somebody is no longer a member of its firm, and still the client's own contact."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "member_left"
    contents: ClassVar[type[Contents]] = MemberLeftContents
    shown: ClassVar[frozenset[str]] = frozenset({"contact_name", "firm_name", "organization_name", "left_at"})

    organization_name: str
    organization_number: str
    firm_name: str
    left_at: Instant


class Ending(BaseModel):
    """Something that ends on a day: a relation as a whole, or with `subject` one right of it.

    `organization_name` is the one acted for. `member_name` and `function` are of the person who acts; a firm's own
    relation has no person, and `function` is how it stands to the client.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    ends_on: date
    organization_name: str
    member_name: str = ""
    function: Code
    subject: Code | None = None


class Endings(BaseModel):
    """The first of what ends, in order of day, and how many more there are."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    listed: tuple[Ending, ...] = ()
    more: Annotated[int, Field(ge=0)] = 0


class EndsDigestContents(Contents):
    """What ends soon, today, or ended while nobody could be told: it names persons."""

    ends: Endings = Endings()


class EndsDigestMail(MailRequest):
    """What one reader should know on one day about a file: what ends, and until when its list is to be confirmed."""

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    mail: ClassVar[str] = "ends_digest"
    contents: ClassVar[type[Contents]] = EndsDigestContents
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "day", "ends", "confirm_by", "portal_url"})

    organization_name: str
    organization_number: str
    day: date
    confirm_by: date | None = None


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


MAIL_REQUESTS: tuple[type[MailRequest], ...] = tuple(
    event for event in REGISTRY.values() if issubclass(event, MailRequest)
)
"""Every kind of mail that can be asked for, in the order in which the classes stand above."""
