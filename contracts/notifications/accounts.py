"""The mails about an account: what accounts asks for."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.events import Code, Instant
from contracts.notifications.requests import Contents, Feature, MailRequest, PortalPage


class VerificationCodeContents(Contents):
    """The address to verify and the one-time code."""

    code: str = Field(repr=False)


class VerificationCodeMail(MailRequest):
    """The one-time code of a registration."""

    mail: ClassVar[str] = "verification_code"
    contents: ClassVar[type[Contents]] = VerificationCodeContents
    shown: ClassVar[frozenset[str]] = frozenset({"code", "minutes"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"confirmation_code"})
    anyone_may_ask: ClassVar[bool] = True

    minutes: Annotated[int, Field(ge=1)]


class VerificationLinkContents(Contents):
    """The address to verify, and what the link carries: the registration's id, a full stop, and the token."""

    token: str = Field(repr=False)


class VerificationLinkMail(MailRequest):
    """The link of a registration: its page asks for the password that was chosen, and posts it with the token."""

    mail: ClassVar[str] = "verification_link"
    contents: ClassVar[type[Contents]] = VerificationLinkContents
    shown: ClassVar[frozenset[str]] = frozenset({"valid_until"})
    anyone_may_ask: ClassVar[bool] = True
    page: ClassVar[PortalPage | None] = "registration_confirmation"
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"confirmation_link"})

    valid_until: Instant


class AlreadyRegisteredMail(MailRequest):
    """Somebody registered an address that already has an account: the address learns it, the caller does not."""

    mail: ClassVar[str] = "already_registered"
    shown: ClassVar[frozenset[str]] = frozenset({"portal_url"})
    anyone_may_ask: ClassVar[bool] = True


class PasswordResetCodeMail(MailRequest):
    """The one-time code with which the owner of an account chooses a new password."""

    mail: ClassVar[str] = "password_reset_code"
    contents: ClassVar[type[Contents]] = VerificationCodeContents
    shown: ClassVar[frozenset[str]] = frozenset({"code", "minutes"})
    anyone_may_ask: ClassVar[bool] = True

    minutes: Annotated[int, Field(ge=1)]


class NoAccountMail(MailRequest):
    """Somebody asked for a new password with an address that no active account has: the caller does not learn it."""

    mail: ClassVar[str] = "no_account"
    shown: ClassVar[frozenset[str]] = frozenset({"support_email"})
    anyone_may_ask: ClassVar[bool] = True


class PasswordChangedMail(MailRequest):
    """The password of the account is another one; its owner reads who to turn to if somebody else did it."""

    mail: ClassVar[str] = "password_changed"
    shown: ClassVar[frozenset[str]] = frozenset({"changed_at", "support_email"})

    changed_at: Instant


class EmailChangeCodeMail(MailRequest):
    """The one-time code that proves the new address of an account."""

    mail: ClassVar[str] = "email_change_code"
    contents: ClassVar[type[Contents]] = VerificationCodeContents
    shown: ClassVar[frozenset[str]] = frozenset({"code", "minutes"})
    anyone_may_ask: ClassVar[bool] = True

    minutes: Annotated[int, Field(ge=1)]


class AddressTakenMail(MailRequest):
    """Somebody wanted to give their account an address that another has: its owner learns it, the caller does not."""

    mail: ClassVar[str] = "address_taken"
    shown: ClassVar[frozenset[str]] = frozenset({"support_email"})
    anyone_may_ask: ClassVar[bool] = True


class UndoContents(Contents):
    """The former address, and the token that gives the account back to it."""

    token: str = Field(repr=False)


class EmailChangedMail(MailRequest):
    """The account has another address: the former one is told, and can undo it until `undo_until`."""

    mail: ClassVar[str] = "email_changed"
    contents: ClassVar[type[Contents]] = UndoContents
    shown: ClassVar[frozenset[str]] = frozenset({"changed_at", "undo_until", "support_email"})
    page: ClassVar[PortalPage | None] = "email_change_undo"

    changed_at: Instant
    undo_until: Instant


class AddressCodeMail(MailRequest):
    """The one-time code that proves an address to whoever asked, for a use elsewhere."""

    mail: ClassVar[str] = "address_code"
    contents: ClassVar[type[Contents]] = VerificationCodeContents
    shown: ClassVar[frozenset[str]] = frozenset({"code", "minutes"})
    anyone_may_ask: ClassVar[bool] = True
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"mandates"})

    minutes: Annotated[int, Field(ge=1)]


class AccountLapsingMail(MailRequest):
    """The account was never linked to a file, and lapses on a day unless it is."""

    mail: ClassVar[str] = "account_lapsing"
    shown: ClassVar[frozenset[str]] = frozenset({"lapses_on", "portal_url"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"lapsing"})

    lapses_on: date


class AccountLapsedMail(MailRequest):
    """The account was never linked to a file and has lapsed; its address may register again."""

    mail: ClassVar[str] = "account_lapsed"
    shown: ClassVar[frozenset[str]] = frozenset({"portal_url"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"lapsing"})


class AccountClosedMail(MailRequest):
    """The account was closed, by its person or by an agent."""

    mail: ClassVar[str] = "account_closed"
    shown: ClassVar[frozenset[str]] = frozenset({"closed_at", "support_email"})

    closed_at: Instant


class AccountReopenedMail(MailRequest):
    """An agent reopened the account."""

    mail: ClassVar[str] = "account_reopened"
    shown: ClassVar[frozenset[str]] = frozenset({"portal_url", "support_email"})


class UserNameContents(Contents):
    """To the professional: the user name of whom it is, and never the password."""

    user_name: str = Field(repr=False)
    delegate_name: str


class UserNameMail(MailRequest):
    """The user name of the person whom a professional has mandated: half of a credential, to hand over in person."""

    mail: ClassVar[str] = "user_name"
    contents: ClassVar[type[Contents]] = UserNameContents
    shown: ClassVar[frozenset[str]] = frozenset({"user_name", "delegate_name", "service", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"mandates"})

    organization_name: str
    service: Code


class TemporaryPasswordContents(Contents):
    """To the delegate: a password that works once, and never the user name."""

    temporary_password: str = Field(repr=False)
    professional_name: str = ""


class TemporaryPasswordMail(MailRequest):
    """The temporary password of an account whose user name its person has from somebody else: half of a credential.

    Without `service` the account was open before, and its password is another one by an agent's decision.
    """

    mail: ClassVar[str] = "temporary_password"
    contents: ClassVar[type[Contents]] = TemporaryPasswordContents
    shown: ClassVar[frozenset[str]] = frozenset({"temporary_password", "valid_until", "portal_url", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"mandates"})

    valid_until: Instant
    organization_name: str = ""
    service: Code | None = None
