"""The mails about linking an account to a file: what linking asks for."""

from datetime import date
from typing import ClassVar

from pydantic import Field

from contracts.authorizations import CorrectedItem
from contracts.events import Code, Instant
from contracts.notifications.requests import Contents, Feature, MailRequest


class CoordinatesContents(Contents):
    """The two coordinates."""

    client_number: str
    code: str = Field(repr=False)


class LinkingCoordinatesContents(CoordinatesContents):
    """The two coordinates, and the persons to ask (their names)."""

    responsible: tuple[str, ...] = ()


class LinkingCoordinatesMail(MailRequest):
    """Client number and linking code of one contact; `changed` is what was corrected together with asking for it."""

    mail: ClassVar[str] = "linking_coordinates"
    contents: ClassVar[type[Contents]] = LinkingCoordinatesContents
    shown: ClassVar[frozenset[str]] = frozenset(
        {"client_number", "code", "expires_on", "portal_url", "responsible", "support_email"}
    )
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"linking_coordinates"})

    organization_name: str
    organization_number: str
    expires_on: date
    changed: tuple[CorrectedItem, ...] = ()


class CampaignCoordinatesMail(MailRequest):
    """Client number and linking code of a contact who manages an organization, sent by a campaign.

    Name and introduction are the campaign's, in the contact's language. `changed` as in LinkingCoordinatesMail.
    """

    mail: ClassVar[str] = "campaign_coordinates"
    contents: ClassVar[type[Contents]] = CoordinatesContents
    shown: ClassVar[frozenset[str]] = frozenset(
        {"client_number", "code", "expires_on", "introduction", "starts_on", "ends_on", "portal_url", "support_email"}
    )
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"campaign"})

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

    mail: ClassVar[str] = "profile_linked"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "function", "linked_at", "support_email"})

    organization_name: str
    organization_number: str
    function: Code
    linked_at: Instant


class ProfileUnlinkedMail(MailRequest):
    """Confirmation that an account is no longer linked to a contact's file."""

    mail: ClassVar[str] = "profile_unlinked"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "unlinked_at", "support_email"})

    organization_name: str
    organization_number: str
    unlinked_at: Instant


class LinkedElsewhereContents(Contents):
    """To a responsible person, also whose file it is: that contact's name. Empty to the address on that file."""

    contact_name: str = ""


class LinkedElsewhereMail(MailRequest):
    """A contact's file was linked to an account whose verified address is not the one on file."""

    mail: ClassVar[str] = "linked_elsewhere"
    contents: ClassVar[type[Contents]] = LinkedElsewhereContents
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "linked_at", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset(
        {"linking_coordinates", "former_credential", "organization_code"}
    )

    organization_name: str
    organization_number: str
    linked_at: Instant


class OrganizationCodeLockedMail(MailRequest):
    """An organization's code proves nothing until a new one is issued; to its address on file."""

    mail: ClassVar[str] = "organization_code_locked"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "locked_at", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"organization_code"})

    organization_name: str
    organization_number: str
    locked_at: Instant
