"""What authorizations asks to mail about mandates: to sign them, their addresses, what became of them."""

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from contracts.events import Code, Instant
from contracts.notifications.requests import Contents, Feature, MailRequest, PortalPage


class AddressNeededContents(Contents):
    """The token of the page."""

    token: str = Field(repr=False)


class AddressNeededMail(MailRequest):
    """To a side of a mandate, on the other known channel: the address that it gave is not its alone."""

    mail: ClassVar[str] = "address_needed"
    contents: ClassVar[type[Contents]] = AddressNeededContents
    page: ClassVar[PortalPage | None] = "mandate_address"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "service", "lapses_on", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"mandates"})

    organization_name: str
    organization_number: str
    service: Code
    lapses_on: date


class DelegateAddressNeededContents(Contents):
    """Whose address is needed."""

    delegate_name: str = Field(repr=False)


class DelegateAddressNeededMail(MailRequest):
    """To the professional of a mandate: the delegate's address is shared, and nobody knows another channel to them."""

    mail: ClassVar[str] = "delegate_address_needed"
    contents: ClassVar[type[Contents]] = DelegateAddressNeededContents
    shown: ClassVar[frozenset[str]] = frozenset({"delegate_name", "service", "lapses_on"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"mandates"})

    organization_name: str
    organization_number: str
    service: Code
    lapses_on: date


class OwnAddressNeededMail(MailRequest):
    """To the professional of a mandate, whose address is shared, and of whom no other is known: sign in, give another.

    It carries no token: others may read it.
    """

    mail: ClassVar[str] = "own_address_needed"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "service", "lapses_on", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"mandates"})

    organization_name: str
    organization_number: str
    service: Code
    lapses_on: date


class MandateToSignContents(Contents):
    """The token of the page, and who mandates."""

    token: str = Field(repr=False)
    professional_name: str = Field(repr=False)


class MandateToSignMail(MailRequest):
    """To the delegate of a mandate: a page that needs no account, where it is read and signed; again, as a reminder."""

    mail: ClassVar[str] = "mandate_to_sign"
    contents: ClassVar[type[Contents]] = MandateToSignContents
    page: ClassVar[PortalPage | None] = "mandate_signature"
    shown: ClassVar[frozenset[str]] = frozenset(
        {"professional_name", "organization_name", "service", "lapses_on", "support_email"}
    )
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"mandates"})

    organization_name: str
    organization_number: str
    service: Code
    lapses_on: date


class MandateUnsignedContents(Contents):
    """Who is to be mandated."""

    delegate_name: str = Field(repr=False)


class MandateUnsignedMail(MailRequest):
    """To the professional of a mandate: it is not signed by both, and its last day comes near."""

    mail: ClassVar[str] = "mandate_unsigned"
    contents: ClassVar[type[Contents]] = MandateUnsignedContents
    shown: ClassVar[frozenset[str]] = frozenset({"delegate_name", "service", "lapses_on"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"mandates"})

    organization_name: str
    organization_number: str
    service: Code
    lapses_on: date


class MandateAddressContents(Contents):
    """The token of the page."""

    token: str = Field(repr=False)


class MandateAddressMail(MailRequest):
    """To an address that stands on a mandate of paper: a page where whoever reads there confirms that it is theirs."""

    mail: ClassVar[str] = "mandate_address"
    contents: ClassVar[type[Contents]] = MandateAddressContents
    page: ClassVar[PortalPage | None] = "mandate_address"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "service", "lapses_on", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"mandates"})

    organization_name: str
    organization_number: str
    service: Code
    lapses_on: date


MandateChange = Literal["receive", "approve", "reject", "return", "lapse", "withdraw", "revoke"]
"""What happened to a mandate. receive: nothing is missing, and agents have it. revoke: what it gave has ended."""


class MandateContents(Contents):
    """Who mandates whom."""

    professional_name: str = Field(repr=False)
    delegate_name: str = Field(repr=False)


class MandateChangedMail(MailRequest):
    """To each side of a mandate: what became of it, and why where agents said so."""

    mail: ClassVar[str] = "mandate_changed"
    contents: ClassVar[type[Contents]] = MandateContents
    shown: ClassVar[frozenset[str]] = frozenset(
        {"organization_name", "professional_name", "delegate_name", "service", "mandate_change", "support_email"}
    )
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"mandates"})

    organization_name: str
    organization_number: str
    service: Code
    mandate_change: MandateChange
    decision_reason: str = ""


class MandatedContents(Contents):
    """Whose account it is: a person who acts by a mandate of the reader's organization."""

    mandated_name: str


class MandatedMail(MailRequest):
    """What happened to the account of somebody who acts by a mandate: to those who can act for the organization."""

    contents: ClassVar[type[Contents]] = MandatedContents
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "mandated_name", "changed_at", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"mandates"})

    organization_name: str
    organization_number: str
    changed_at: Instant


class MandatedAccountClosedMail(MandatedMail):
    """The account is closed: no mandate of this person can be used until it is open again."""

    mail: ClassVar[str] = "mandated_account_closed"


class MandatedAccountReopenedMail(MandatedMail):
    """The account is open again, and with it what mandates of this person are in force."""

    mail: ClassVar[str] = "mandated_account_reopened"


class CredentialContents(Contents):
    """To one side of a mandate, who the other is."""

    other_name: str


class CredentialUndeliveredMail(MailRequest):
    """Half of a credential could not be delivered to the other side: what to do about it.

    `half`: which; the professional's is the user_name, the delegate's the temporary_password.
    """

    mail: ClassVar[str] = "credential_undelivered"
    contents: ClassVar[type[Contents]] = CredentialContents
    shown: ClassVar[frozenset[str]] = frozenset({"other_name", "half", "service", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"mandates"})

    organization_name: str
    organization_number: str
    service: Code
    half: Literal["user_name", "temporary_password"]
