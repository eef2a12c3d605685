"""Who publishes each event, and which services read it. asyncapi.yaml tells it; tests/test_readers.py
holds the services to it.

Contracts know no service, so these tables are written by hand.
"""

from collections.abc import Mapping

from contracts.accounts import CredentialIssued, MisuseSuspected, Person, SessionsRevoked
from contracts.authorizations import (
    AdministratorAppointed,
    ClaimRefused,
    Contact,
    Organization,
    RequestDecided,
    RequestLapsed,
    RequestSubmitted,
    RequestWithdrawn,
)
from contracts.events import Event
from contracts.linking import LinkingCodeIssued, LinkRefused, OrganizationClaimed, ProfileLinked, ProfileUnlinked
from contracts.notifications import (
    MAIL_REQUESTS,
    AccessBlockedMail,
    AccessDecidedMail,
    AccessRequestedMail,
    AccessRequestWaitingMail,
    AccessUnblockedMail,
    AccessWithdrawnMail,
    AccountClosedMail,
    AccountLapsedMail,
    AccountLapsingMail,
    AccountReopenedMail,
    AddressCodeMail,
    AddressNeededMail,
    AddressReplacedMail,
    AddressTakenMail,
    AdministratorsChangedMail,
    AdministratorStatusMail,
    AlreadyRegisteredMail,
    CampaignCoordinatesMail,
    ClaimUndecidedMail,
    ContactCorrectedMail,
    CredentialUndeliveredMail,
    DelegateAddressNeededMail,
    EmailChangeCodeMail,
    EmailChangedMail,
    EndsDigestMail,
    InvitationMail,
    LinkedElsewhereMail,
    LinkingCoordinatesMail,
    LinkNotReviewedMail,
    LinkReviewedMail,
    MailBounced,
    MailDeferred,
    MailExpired,
    MailRequest,
    MailsCollectedMail,
    MailSent,
    MailSuppressed,
    MandateAddressMail,
    MandateChangedMail,
    MandatedAccountClosedMail,
    MandatedAccountReopenedMail,
    MandateToSignMail,
    MandateUnsignedMail,
    MemberLeftMail,
    NoAccountMail,
    OrganizationCodeLockedMail,
    OwnAddressNeededMail,
    PasswordChangedMail,
    PasswordResetCodeMail,
    ProfileLinkedMail,
    ProfileUnlinkedMail,
    RepresentationEndedMail,
    RequestDecidedMail,
    RequestReceivedMail,
    RightsChangedMail,
    TemporaryPasswordMail,
    UserNameMail,
    VerificationCodeMail,
    VerificationLinkMail,
)
from contracts.topics import TOPICS, Kind, Topic

SERVICES: tuple[str, ...] = tuple(sorted({topic.service for topic in TOPICS}))

READERS: Mapping[type[Event], tuple[str, ...]] = {
    Person: ("authorizations", "linking"),
    SessionsRevoked: ("authorizations", "linking", "notifications"),
    MisuseSuspected: ("authorizations",),
    CredentialIssued: ("authorizations", "linking"),
    Contact: ("accounts", "linking"),
    Organization: ("linking",),
    LinkingCodeIssued: ("authorizations",),
    LinkRefused: ("authorizations",),
    OrganizationClaimed: ("authorizations",),
    AdministratorAppointed: ("linking",),
    ClaimRefused: ("linking",),
    RequestSubmitted: ("linking",),
    RequestDecided: ("linking",),
    RequestLapsed: ("linking",),
    RequestWithdrawn: ("linking",),
    ProfileLinked: ("accounts", "authorizations"),
    ProfileUnlinked: ("authorizations",),
    MailSent: ("authorizations",),
    MailDeferred: ("authorizations",),
    MailBounced: ("authorizations",),
    MailExpired: ("authorizations",),
    MailSuppressed: ("authorizations",),
    **{request: (request.topic.service,) for request in MAIL_REQUESTS},
}
"""The services that subscribe, besides whoever else the agency lets read a public topic. Not named: none does."""

MAIL_REQUESTERS: Mapping[type[MailRequest], tuple[str, ...]] = {
    VerificationCodeMail: ("accounts",),
    VerificationLinkMail: ("accounts",),
    AlreadyRegisteredMail: ("accounts",),
    PasswordResetCodeMail: ("accounts",),
    NoAccountMail: ("accounts",),
    PasswordChangedMail: ("accounts",),
    EmailChangeCodeMail: ("accounts",),
    AddressTakenMail: ("accounts",),
    EmailChangedMail: ("accounts",),
    AddressCodeMail: ("accounts",),
    AccountLapsingMail: ("accounts",),
    AccountLapsedMail: ("accounts",),
    AccountClosedMail: ("accounts",),
    AccountReopenedMail: ("accounts",),
    UserNameMail: ("accounts",),
    TemporaryPasswordMail: ("accounts",),
    LinkingCoordinatesMail: ("linking",),
    CampaignCoordinatesMail: ("linking",),
    ProfileLinkedMail: ("linking",),
    ProfileUnlinkedMail: ("linking",),
    LinkedElsewhereMail: ("linking",),
    OrganizationCodeLockedMail: ("linking",),
    RequestReceivedMail: ("authorizations",),
    RequestDecidedMail: ("authorizations",),
    MandateChangedMail: ("authorizations",),
    AccessRequestedMail: ("authorizations",),
    AccessRequestWaitingMail: ("authorizations",),
    AccessDecidedMail: ("authorizations",),
    ClaimUndecidedMail: ("authorizations",),
    LinkReviewedMail: ("authorizations",),
    LinkNotReviewedMail: ("authorizations",),
    ContactCorrectedMail: ("authorizations",),
    AddressReplacedMail: ("authorizations",),
    MemberLeftMail: ("authorizations",),
    RepresentationEndedMail: ("authorizations",),
    AccessBlockedMail: ("authorizations",),
    AccessUnblockedMail: ("authorizations",),
    RightsChangedMail: ("authorizations",),
    InvitationMail: ("authorizations",),
    MandateToSignMail: ("authorizations",),
    MandateUnsignedMail: ("authorizations",),
    MandateAddressMail: ("authorizations",),
    AddressNeededMail: ("authorizations",),
    DelegateAddressNeededMail: ("authorizations",),
    OwnAddressNeededMail: ("authorizations",),
    AdministratorStatusMail: ("authorizations",),
    MandatedAccountClosedMail: ("authorizations",),
    MandatedAccountReopenedMail: ("authorizations",),
    AccessWithdrawnMail: ("authorizations",),
    AdministratorsChangedMail: ("authorizations",),
    EndsDigestMail: ("authorizations",),
    MailsCollectedMail: ("authorizations",),
    CredentialUndeliveredMail: ("authorizations",),
}
"""The services that ask for a mail: the one kind of event that is published on another service's topic."""


def readers(event: type[Event]) -> tuple[str, ...]:
    """The services that read the event, in alphabetical order."""
    return READERS.get(event, ())


def publishers(event: type[Event]) -> tuple[str, ...]:
    """The services that publish the event, in alphabetical order. KeyError for a mail request that nobody asks for."""
    return MAIL_REQUESTERS[event] if issubclass(event, MailRequest) else (event.topic.service,)


def topics_of(service: str) -> tuple[Topic, ...]:
    """The topics that the service publishes on: its own, and those of the mails it asks for."""
    mails = {topic for mail, services in MAIL_REQUESTERS.items() if service in services for topic in mail.topics()}
    return tuple(
        topic
        for topic in TOPICS
        if topic in mails or (topic.service == service and topic.kind is not Kind.CONFIDENTIAL)
    )


def topics_read_by(service: str) -> tuple[Topic, ...]:
    """The topics that the service subscribes to, in the order of the topic table."""
    read = {topic for event, services in READERS.items() if service in services for topic in event.topics()}
    return tuple(topic for topic in TOPICS if topic in read)


def consumer_name(service: str, topic: Topic) -> str:
    """One per service and topic: under it the inbox remembers, and, behind the deployment's prefix, it is the name of
    the consumer group."""
    return f"{service}.{topic.name}"
