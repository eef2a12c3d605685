"""Events and state that the service accounts publishes."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.events import Code, Event, Instant, Language, State, Version
from contracts.topics import ACCOUNTS_EVENTS, ACCOUNTS_PEOPLE, Topic

TermsVersion = Annotated[str, Field(pattern=r"^[0-9A-Za-z.-]{1,20}$")]

NO_TERMS: TermsVersion = "none"
"""Of an account that was opened for its person, who has accepted no terms yet and is asked to before anything else."""


class AccountFact(Event):
    """Something that happened to one account, or to the registration that has drawn the account's id."""

    key_field: ClassVar[str] = "account_id"

    account_id: UUID


class VerificationRequested(AccountFact):
    """A registration was accepted and exactly one mail is on its way, whether or not the address was known.

    It does not name the registration: whoever knows that id may submit codes to it.
    """

    topic: ClassVar[Topic] = ACCOUNTS_EVENTS

    delivery_id: UUID
    expires_at: Instant


class EmailVerified(AccountFact):
    """The right code came back: the person reads the mail of that address."""

    topic: ClassVar[Topic] = ACCOUNTS_EVENTS


class AccountOpened(AccountFact):
    """The account exists and may sign in.

    `terms_version` is NO_TERMS where it was opened for its person: TermsAccepted then tells of the first that are.
    """

    topic: ClassVar[Topic] = ACCOUNTS_EVENTS

    terms_version: TermsVersion


class TermsAccepted(AccountFact):
    """The person of an open account has accepted a newer version of the terms of use."""

    topic: ClassVar[Topic] = ACCOUNTS_EVENTS

    terms_version: TermsVersion


class SessionsRevoked(AccountFact):
    """One session (`session_id`), or with None every session older than `epoch`, is over in every service."""

    topic: ClassVar[Topic] = ACCOUNTS_EVENTS

    session_id: UUID | None
    epoch: int
    reason: Literal[
        "signed_out",
        "signed_out_everywhere",
        "refresh_token_reused",
        "password_reset",
        "email_change_undone",
        "account_deactivated",
    ]


class PasswordReset(AccountFact):
    """The owner of the address has chosen a new password; SessionsRevoked of the same moment ends every session."""

    topic: ClassVar[Topic] = ACCOUNTS_EVENTS


class EmailChanged(AccountFact):
    """The account has another verified address; `undone`: it is the former one again."""

    topic: ClassVar[Topic] = ACCOUNTS_EVENTS

    undone: bool


class AccountDeactivated(AccountFact):
    """Nobody signs in to the account any more; SessionsRevoked of the same moment ends every session.

    `closed`: its person closed it; `by_agent`; `never_linked`: it lapsed.
    """

    topic: ClassVar[Topic] = ACCOUNTS_EVENTS

    because: Literal["closed", "by_agent", "never_linked"]


class AccountReactivated(AccountFact):
    """An agent reopened the account."""

    topic: ClassVar[Topic] = ACCOUNTS_EVENTS


class AccountErased(AccountFact):
    """Nothing is known of the account's person any more: whoever keeps something of them erases it too.

    accounts.people carries a tombstone of the same moment.
    """

    topic: ClassVar[Topic] = ACCOUNTS_EVENTS


class MisuseSuspected(AccountFact):
    """A sign that another person uses the account; nothing ended by itself, agents look.

    Each sign once in a time that the agency chooses. No network is named: `networks`, `devices` and `sessions` are
    counts, `places` codes of the operator's table in the order in which they were seen, `kilometres` lie between them.
    `since` and `until`: what was seen first and last.
    """

    topic: ClassVar[Topic] = ACCOUNTS_EVENTS

    signal: Literal["networks_at_once", "travel", "many_devices", "many_sessions"]
    since: Instant
    until: Instant
    networks: Annotated[int, Field(ge=1)] | None = None
    devices: Annotated[int, Field(ge=1)] | None = None
    sessions: Annotated[int, Field(ge=1)] | None = None
    places: tuple[Code, ...] = ()
    kilometres: Annotated[int, Field(ge=0)] | None = None


class CredentialDeliveries(BaseModel):
    """The mails that carry a new credential: its user name to the professional, its password to the delegate.

    None: that half did not go out again.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    to_professional: UUID | None = None
    to_delegate: UUID | None = None


class CredentialIssued(AccountFact):
    """The account is this contact's, because the agency gave the contact a credential of this generation.

    `kept`: its person had the account already, signs in as ever, and nothing was sent. Neither the user name nor the
    password is here.
    """

    topic: ClassVar[Topic] = ACCOUNTS_EVENTS

    contact_id: UUID
    organization_id: UUID
    generation: Version
    kept: bool
    issued_at: Instant
    deliveries: CredentialDeliveries = CredentialDeliveries()


class Person(State):
    """accounts.people: the latest state of one account's person.

    `door` is the one by which the account was opened, `portal` the address of the agency at which its person began;
    absent: the agency's first.
    """

    topic: ClassVar[Topic] = ACCOUNTS_PEOPLE
    key_field: ClassVar[str] = "account_id"

    account_id: UUID
    version: Version
    status: Literal["active", "deactivated"]
    status_since: Instant
    epoch: int
    email: str
    given_name: str
    family_name: str
    language: Language
    door: Code | None = None
    portal: Code | None = None
