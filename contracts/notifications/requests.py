"""What every request for a mail carries.

What would identify the addressee or let a reader act stands only in `sealed`: a compact JWE to notifications' key,
whose plaintext is the request class's `Contents` as JSON.
"""

from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from contracts.events import Code, Event, Instant, Language
from contracts.topics import NOTIFICATIONS_BULK, NOTIFICATIONS_REQUESTS, Topic

PortalPage = Literal[
    "email_change_undo", "registration_confirmation", "invitation", "mandate_signature", "mandate_address"
]
"""A page of the portal that takes a single-use token out of its address; the agency's data says where it is."""

Feature = Literal[
    "confirmation_code",
    "confirmation_link",
    "linking_coordinates",
    "former_credential",
    "organization_code",
    "campaign",
    "representation",
    "correction",
    "lapsing",
    "administrators",
    "rights_told",
    "invitations",
    "mandates",
    "misuse_reports",
]
"""What an agency may do without: its data say what it has. confirmation_code, confirmation_link: how who registers
proves to have the address. linking_coordinates, former_credential, organization_code: linking methods of these kinds.
campaign: coordinates for many organizations at once. representation: organizations that act for others, and so
delegations. correction: a form by which those who manage an organization correct a contact's file. lapsing: accounts
that close because they were never linked. administrators: who manages an organization is appointed and released.
rights_told: a person is told of each subject that they are given or lose. invitations: those who manage an
organization invite others by e-mail. mandates: professionals have others use online services for them.
misuse_reports: one reports that another person uses an account."""


class Contents(BaseModel):
    """The sealed part of a mail request."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    address: str
    given_name: str


class MailRequest(Event):
    """What every mail request carries.

    A subclass names its kind of mail, what stands under its seal if that is more than address and given name, and the
    fields that every template of that kind must show, because without them the mail is of no use. A field of its own
    that has a default may be empty. `anyone_may_ask` says that whoever types an address makes such a mail go there: a
    complaint then stops that kind for a while only, because who asks next may be the owner, who would else be shut out.
    `page` is the page of the portal that the mail's one call to action opens, with the sealed `token` in the fragment,
    which no browser sends to a server; without one it opens the portal.

    `needed_for` names what causes such a mail: an agency with none of it need not say what stands in one. Empty: every
    agency must.

    `handle` is what the person may ask with (GET /v1/deliveries/{handle}). `replaces` names a purpose: an older unsent
    mail of the same purpose expires, so that code 1 never arrives after code 2. After `expires_at` it is never sent.
    `portal` is where its reader began, and its links lead; absent: the agency's first.
    """

    topic: ClassVar[Topic] = NOTIFICATIONS_REQUESTS
    key_field: ClassVar[str] = "recipient_id"
    mail: ClassVar[str]
    contents: ClassVar[type[Contents]] = Contents
    shown: ClassVar[frozenset[str]]
    anyone_may_ask: ClassVar[bool] = False
    page: ClassVar[PortalPage | None] = None
    needed_for: ClassVar[frozenset[Feature]] = frozenset()

    recipient_id: UUID
    delivery_id: UUID
    handle: str
    language: Language
    portal: Code | None = None
    priority: Literal["urgent", "normal", "bulk"]
    expires_at: Instant
    deduplication_id: str
    replaces: str | None = None
    sealed: str

    @classmethod
    def is_concrete(cls) -> bool:
        """A request names its kind of mail; the topic is the same for every kind."""
        return "mail" in vars(cls)

    @classmethod
    def own_fields(cls) -> dict[str, FieldInfo]:
        """The fields that this kind of request adds to those of every request."""
        return {name: field for name, field in cls.model_fields.items() if name not in MailRequest.model_fields}

    def in_clear(self) -> dict[str, Any]:
        """What they hold, and `portal`, as JSON: the part of the mail that is not under the seal."""
        return self.model_dump(mode="json", include={*self.own_fields(), "portal"})

    @classmethod
    def topics(cls) -> tuple[Topic, ...]:
        """Those of a campaign travel apart, so that a code never waits behind them."""
        return (NOTIFICATIONS_REQUESTS, NOTIFICATIONS_BULK)

    @property
    def destination(self) -> Topic:
        """By priority."""
        return NOTIFICATIONS_BULK if self.priority == "bulk" else NOTIFICATIONS_REQUESTS
