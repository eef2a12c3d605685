"""The mails about files, relations and what others decide: what authorizations asks for."""

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from contracts.authorizations import CorrectedItem
from contracts.events import Code, Instant
from contracts.notifications.requests import Contents, Feature, MailRequest, PortalPage


class RequestReceivedMail(MailRequest):
    """Somebody asks what those who manage an organization have to decide."""

    mail: ClassVar[str] = "request_received"
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

    mail: ClassVar[str] = "request_decided"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "request_kind", "outcome"})

    organization_name: str
    organization_number: str
    request_kind: Code
    outcome: Literal["approve", "reject", "merge", "return", "lapse", "withdraw"]
    concerning: str = ""
    decision_reason: str = ""


class ClaimantContents(Contents):
    """Who asks to act for an organization, by the account's own name and verified address."""

    claimant_name: str
    claimant_email: str


class AccessRequestedMail(MailRequest):
    """To each who manages an organization: a person asks to act for it, as what they say to be."""

    mail: ClassVar[str] = "access_requested"
    contents: ClassVar[type[Contents]] = ClaimantContents
    shown: ClassVar[frozenset[str]] = frozenset({"claimant_name", "claimant_email", "organization_name", "lapses_on"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"organization_code"})

    organization_name: str
    organization_number: str
    capacity: Code
    lapses_on: date


class AccessRequestWaitingMail(MailRequest):
    """To the same: nobody has decided yet, and the last day comes near."""

    mail: ClassVar[str] = "access_request_waiting"
    contents: ClassVar[type[Contents]] = ClaimantContents
    shown: ClassVar[frozenset[str]] = frozenset({"claimant_name", "claimant_email", "organization_name", "lapses_on"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"organization_code"})

    organization_name: str
    organization_number: str
    capacity: Code
    lapses_on: date


class AccessDecidedMail(MailRequest):
    """To whoever asked to act for an organization: how that ended; approved, with the function and the subjects.

    Nobody had to decide where `outcome` is approve without a request: the person is the first to manage it.
    """

    mail: ClassVar[str] = "access_decided"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "outcome", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"organization_code"})

    organization_name: str
    organization_number: str
    outcome: Literal["approve", "reject", "merge", "lapse", "withdraw"]
    function: Code | None = None
    subjects: tuple[Code, ...] = ()
    decision_reason: str = ""


class ClaimUndecidedMail(MailRequest):
    """To the address on file, and to those who manage it if anybody: a person asks to act for it, and agents decide."""

    mail: ClassVar[str] = "claim_undecided"
    contents: ClassVar[type[Contents]] = ClaimantContents
    shown: ClassVar[frozenset[str]] = frozenset({"claimant_name", "organization_name", "lapses_on", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"organization_code"})

    organization_name: str
    organization_number: str
    capacity: Code
    lapses_on: date


class LinkReviewedMail(MailRequest):
    """An agent looked at a link that was refused although the secret was right: to both accounts, in the same words.

    Without `ended_at` the link that stood in its way stays.
    """

    mail: ClassVar[str] = "link_reviewed"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "support_email"})

    organization_name: str
    organization_number: str
    ended_at: Instant | None = None
    decision_reason: str = ""


class LinkNotReviewedMail(MailRequest):
    """No agent looked at a link that was refused although the secret was right: to the account that tried.

    With `lapsed_on` nobody did in time; without it nothing stands in its way any more.
    """

    mail: ClassVar[str] = "link_not_reviewed"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "support_email"})

    organization_name: str
    organization_number: str
    lapsed_on: date | None = None


class ContactCorrectedMail(MailRequest):
    """The file about a person was corrected by those who manage the organization: what was, never how it reads now."""

    mail: ClassVar[str] = "contact_corrected"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "changed", "corrected_at", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"correction"})

    organization_name: str
    organization_number: str
    changed: tuple[CorrectedItem, ...]
    corrected_at: Instant


class AddressReplacedMail(MailRequest):
    """To the address that a contact's file had until now: it has another one, which this mail does not name."""

    mail: ClassVar[str] = "address_replaced"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "corrected_at", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"correction"})

    organization_name: str
    organization_number: str
    corrected_at: Instant


class MemberLeftContents(Contents):
    """The person's name, as the client's own file about them has it."""

    contact_name: str


class MemberLeftMail(MailRequest):
    """To those who manage a client: somebody is no longer a member of its firm, and still the client's own contact."""

    mail: ClassVar[str] = "member_left"
    contents: ClassVar[type[Contents]] = MemberLeftContents
    shown: ClassVar[frozenset[str]] = frozenset({"contact_name", "firm_name", "organization_name", "left_at"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"representation"})

    organization_name: str
    organization_number: str
    firm_name: str
    left_at: Instant


class RepresentationEndedMail(MailRequest):
    """To those who manage an organization that acted for another: that one, the client, took all of it back.

    Or, with `withdrawn`, these subjects alone.
    """

    mail: ClassVar[str] = "representation_ended"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "client_name", "ended_at", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"representation"})

    organization_name: str
    organization_number: str
    client_name: str
    withdrawn: tuple[Code, ...] = ()
    ended_at: Instant


class RightsChangedMail(MailRequest):
    """To a person whom their organization gave subjects, for some days or without a planned end, or took some from."""

    mail: ClassVar[str] = "rights_changed"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "changed_at", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"rights_told"})

    organization_name: str
    organization_number: str
    given: tuple[Code, ...] = ()
    withdrawn: tuple[Code, ...] = ()
    starts_on: date | None = None
    ends_on: date | None = None
    changed_at: Instant


class InvitationContents(Contents):
    """The single-use token of the link."""

    token: str = Field(repr=False)


class InvitationMail(MailRequest):
    """To whoever is invited to act for an organization, as what and with which subjects; again, as a reminder."""

    mail: ClassVar[str] = "invitation"
    contents: ClassVar[type[Contents]] = InvitationContents
    page: ClassVar[PortalPage | None] = "invitation"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "function", "lapses_on", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"invitations"})

    organization_name: str
    organization_number: str
    function: Code
    given: tuple[Code, ...] = ()
    lapses_on: date


AdministratorChange = Literal["appointed", "released"]
"""What happened to somebody who manages an organization, or did."""


class AccessBlockedMail(MailRequest):
    """To whom an organization keeps out: nothing that they hold for it is in force any more."""

    mail: ClassVar[str] = "access_blocked"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "blocked_at", "support_email"})

    organization_name: str
    organization_number: str
    blocked_at: Instant
    managing_reason: str = ""


class AccessUnblockedMail(MailRequest):
    """To whom an organization keeps out no more: what is still in force of what they hold says yes again."""

    mail: ClassVar[str] = "access_unblocked"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "unblocked_at"})

    organization_name: str
    organization_number: str
    unblocked_at: Instant


class AdministratorStatusMail(MailRequest):
    """To whoever may manage an organization from now on, or no more; `withdrawn` are subjects lost in the same act."""

    mail: ClassVar[str] = "administrator_status"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "change", "changed_at", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"administrators"})

    organization_name: str
    organization_number: str
    change: AdministratorChange
    changed_at: Instant
    withdrawn: tuple[Code, ...] = ()
    managing_reason: str = ""


class AccessWithdrawnMail(MailRequest):
    """To a person who lost something because an agent replaced who had granted it, or them: once, of all of it.

    `functions` ended, `withdrawn` are subjects that went with them or alone, `lowered` those that can only be read now.
    """

    mail: ClassVar[str] = "access_withdrawn"
    shown: ClassVar[frozenset[str]] = frozenset({"organization_name", "changed_at", "support_email"})
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"administrators"})

    organization_name: str
    organization_number: str
    functions: tuple[Code, ...] = ()
    withdrawn: tuple[Code, ...] = ()
    lowered: tuple[Code, ...] = ()
    changed_at: Instant
    managing_reason: str = ""


class AdministratorContents(Contents):
    """Who manages the organization from now on, or no more."""

    administrator_name: str


class AdministratorsChangedMail(MailRequest):
    """To the others who manage an organization: somebody does from then on, or no more.

    Where nobody else manages it, or an agent did it, to its address on file and to whoever once managed it, too.
    """

    mail: ClassVar[str] = "administrators_changed"
    contents: ClassVar[type[Contents]] = AdministratorContents
    shown: ClassVar[frozenset[str]] = frozenset(
        {"administrator_name", "organization_name", "change", "changed_at", "support_email"}
    )
    needed_for: ClassVar[frozenset[Feature]] = frozenset({"administrators", "organization_code"})

    organization_name: str
    organization_number: str
    change: AdministratorChange
    changed_at: Instant
