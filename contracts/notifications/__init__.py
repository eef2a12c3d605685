"""Mail requests that notifications reads, one class per kind of mail, and the events it publishes about them."""

from contracts.events import REGISTRY
from contracts.notifications.accounts import (
    AccountClosedMail,
    AccountLapsedMail,
    AccountLapsingMail,
    AccountReopenedMail,
    AddressTakenMail,
    AlreadyRegisteredMail,
    EmailChangeCodeMail,
    EmailChangedMail,
    NoAccountMail,
    PasswordChangedMail,
    PasswordResetCodeMail,
    UndoContents,
    VerificationCodeContents,
    VerificationCodeMail,
)
from contracts.notifications.authorizations import (
    AddressReplacedMail,
    ContactCorrectedMail,
    Ending,
    Endings,
    EndsDigestContents,
    EndsDigestMail,
    MemberLeftContents,
    MemberLeftMail,
    RequestDecidedMail,
    RequestReceivedMail,
)
from contracts.notifications.facts import (
    MailAccepted,
    MailBounced,
    MailDeferred,
    MailExpired,
    MailFact,
    MailSent,
    MailSuppressed,
    SuppressionReason,
)
from contracts.notifications.linking import (
    CampaignCoordinatesMail,
    CoordinatesContents,
    LinkedElsewhereContents,
    LinkedElsewhereMail,
    LinkingCoordinatesContents,
    LinkingCoordinatesMail,
    ProfileLinkedMail,
    ProfileUnlinkedMail,
)
from contracts.notifications.requests import (
    Contents,
    MailRequest,
    PortalPage,
)

__all__ = [
    "MAIL_REQUESTS",
    "AccountClosedMail",
    "AccountLapsedMail",
    "AccountLapsingMail",
    "AccountReopenedMail",
    "AddressReplacedMail",
    "AddressTakenMail",
    "AlreadyRegisteredMail",
    "CampaignCoordinatesMail",
    "ContactCorrectedMail",
    "Contents",
    "CoordinatesContents",
    "EmailChangeCodeMail",
    "EmailChangedMail",
    "Ending",
    "Endings",
    "EndsDigestContents",
    "EndsDigestMail",
    "LinkedElsewhereContents",
    "LinkedElsewhereMail",
    "LinkingCoordinatesContents",
    "LinkingCoordinatesMail",
    "MailAccepted",
    "MailBounced",
    "MailDeferred",
    "MailExpired",
    "MailFact",
    "MailRequest",
    "MailSent",
    "MailSuppressed",
    "MemberLeftContents",
    "MemberLeftMail",
    "NoAccountMail",
    "PasswordChangedMail",
    "PasswordResetCodeMail",
    "PortalPage",
    "ProfileLinkedMail",
    "ProfileUnlinkedMail",
    "RequestDecidedMail",
    "RequestReceivedMail",
    "SuppressionReason",
    "UndoContents",
    "VerificationCodeContents",
    "VerificationCodeMail",
]

MAIL_REQUESTS: tuple[type[MailRequest], ...] = tuple(
    event for event in REGISTRY.values() if issubclass(event, MailRequest)
)
"""Every kind of mail that can be asked for, those of accounts first, then by service as they stand in its module."""
