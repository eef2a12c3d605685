"""One example of every event, and of what each mail request seals; contracts/golden/ holds the same as JSON.

Everything in them is fictitious. For a new event, add its example here, write its golden file once, and read it over:

    python -m contracts.tests.examples accounts.AccountOpened.v1.json > contracts/golden/accounts.AccountOpened.v1.json
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from contracts import accounts, audit, authorizations, credentials, jsonschema, linking, notifications
from contracts.cloudevents import Envelope
from contracts.events import Event, Span

GOLDEN = Path(__file__).parents[1] / "golden"


def _id(number: int) -> UUID:
    """A UUIDv7 that nobody drew: the moment is that of the examples, all else is the number."""
    return UUID(f"019aab39-4c08-7000-8000-{number:012d}")


ACCOUNT, REGISTRATION, SESSION = _id(1), _id(2), _id(3)
ORGANIZATION, CLIENT = _id(10), _id(11)
CONTACT, LINK = _id(20), _id(21)
MEMBERSHIP, REPRESENTATION, DELEGATION, RIGHT = _id(30), _id(31), _id(32), _id(33)
DELIVERY, EVENT = _id(40), _id(90)
REQUEST, CLAIM = _id(50), _id(51)
BLOCK = _id(60)

NOW = datetime(2026, 11, 22, 15, 4, 5, 678901, tzinfo=UTC)
SOON = datetime(2026, 11, 22, 15, 14, 5, tzinfo=UTC)
LATER = datetime(2026, 12, 23, 5, 0, tzinfo=UTC)
SEALED = "eyJ-example.sealed.to.notifications.example"  # a JWE's five parts, and nothing in them
HANDLE = "handle-example-0001"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"  # the example of W3C Trace Context


def _mail(purpose: str) -> dict[str, Any]:
    return {
        "recipient_id": CONTACT,
        "delivery_id": DELIVERY,
        "handle": HANDLE,
        "language": "fr",
        "portal": "example_portal",
        "priority": "urgent",
        "expires_at": SOON,
        "deduplication_id": f"{purpose}:{DELIVERY}",
        "replaces": f"{purpose}:{CONTACT}",
        "sealed": SEALED,
    }


EVENTS: tuple[Event, ...] = (
    accounts.VerificationRequested(account_id=ACCOUNT, delivery_id=DELIVERY, expires_at=SOON),
    accounts.EmailVerified(account_id=ACCOUNT),
    accounts.AccountOpened(account_id=ACCOUNT, terms_version="2026-01"),
    accounts.TermsAccepted(account_id=ACCOUNT, terms_version="2027-01"),
    accounts.SessionsRevoked(account_id=ACCOUNT, session_id=SESSION, epoch=3, reason="signed_out"),
    accounts.Person(
        account_id=ACCOUNT,
        version=2,
        status="active",
        status_since=NOW,
        epoch=3,
        email="ada.example@example.org",
        given_name="Ada",
        family_name="Exemple",
        language="fr",
        door="example_door",
        portal="example_portal",
    ),
    authorizations.OrganizationImported(
        organization_id=ORGANIZATION, sequence=1, kind="firm", contacts=2, relations=4, rights=14
    ),
    accounts.PasswordReset(account_id=ACCOUNT),
    accounts.EmailChanged(account_id=ACCOUNT, undone=False),
    accounts.AccountDeactivated(account_id=ACCOUNT, because="never_linked"),
    accounts.AccountReactivated(account_id=ACCOUNT),
    accounts.AccountErased(account_id=ACCOUNT),
    accounts.MisuseSuspected(
        account_id=ACCOUNT,
        signal="travel",
        since=NOW,
        until=SOON,
        networks=2,
        devices=2,
        sessions=2,
        places=("montreal", "paris"),
        kilometres=5504,
    ),
    accounts.CredentialIssued(
        account_id=ACCOUNT,
        contact_id=CONTACT,
        organization_id=ORGANIZATION,
        generation=2,
        kept=False,
        issued_at=NOW,
        deliveries=accounts.CredentialDeliveries(to_delegate=DELIVERY),
    ),
    authorizations.ContactAdded(organization_id=ORGANIZATION, sequence=2, contact_id=CONTACT),
    authorizations.RelationAdded(
        organization_id=CLIENT,
        sequence=7,
        relation_id=DELEGATION,
        type="delegation",
        holder_kind="contact",
        holder_id=CONTACT,
        through=REPRESENTATION,
        membership=MEMBERSHIP,
        all_rights=True,
        valid=Span(starts_on="2026-11-22", ends_on="2027-11-21"),
    ),
    authorizations.ContactChanged(
        organization_id=ORGANIZATION, sequence=12, contact_id=CONTACT, changed=("language", "telephones")
    ),
    authorizations.RelationChanged(
        organization_id=CLIENT,
        sequence=13,
        relation_id=DELEGATION,
        valid=Span(starts_on="2026-11-22", ends_on="2028-02-29"),
    ),
    authorizations.RightChanged(
        organization_id=CLIENT,
        sequence=14,
        right_id=RIGHT,
        relation_id=DELEGATION,
        subject="monthly_report",
        valid=Span(starts_on="2026-11-22", ends_on="2028-02-29"),
    ),
    authorizations.RelationEnded(organization_id=CLIENT, sequence=8, relation_id=DELEGATION, ended_at=NOW),
    authorizations.RightAdded(
        organization_id=CLIENT,
        sequence=9,
        right_id=RIGHT,
        relation_id=DELEGATION,
        subject="monthly_report",
        level="write",
        valid=Span(starts_on="2026-11-22", ends_on="2027-11-21"),
    ),
    authorizations.RightEnded(
        organization_id=CLIENT,
        sequence=10,
        right_id=RIGHT,
        relation_id=DELEGATION,
        subject="monthly_report",
        ended_at=NOW,
    ),
    authorizations.RequestSubmitted(
        organization_id=CLIENT,
        sequence=11,
        request_id=REQUEST,
        claim_id=CLAIM,
        kind="review",
        reason="duplicate",
        decider="agents",
        lapses_on="2026-12-22",
    ),
    authorizations.RequestSigned(
        organization_id=CLIENT, sequence=19, request_id=REQUEST, claim_id=CLAIM, side="delegate", text_version=2
    ),
    authorizations.RequestReturned(
        organization_id=CLIENT, sequence=12, request_id=REQUEST, claim_id=CLAIM, reason="subjects_to_correct"
    ),
    authorizations.RequestDecided(
        organization_id=CLIENT,
        sequence=13,
        request_id=REQUEST,
        claim_id=CLAIM,
        outcome="merge",
        reason="already_a_contact",
        decided_by="agents",
    ),
    authorizations.RequestLapsed(organization_id=CLIENT, sequence=14, request_id=REQUEST, claim_id=CLAIM),
    authorizations.RequestWithdrawn(organization_id=CLIENT, sequence=15, request_id=REQUEST, claim_id=CLAIM),
    authorizations.ClaimRefused(organization_id=CLIENT, sequence=18, claim_id=CLAIM, reason="contact_already"),
    authorizations.OrganizationRecertified(organization_id=CLIENT, sequence=16),
    authorizations.ContactBlocked(
        organization_id=CLIENT, sequence=17, block_id=BLOCK, contact_id=CONTACT, account_id=ACCOUNT, reason="left_us"
    ),
    authorizations.ContactUnblocked(organization_id=CLIENT, sequence=18, block_id=BLOCK),
    authorizations.AdministratorAppointed(
        organization_id=CLIENT, sequence=19, contact_id=CONTACT, relation_id=MEMBERSHIP, claim_id=REQUEST
    ),
    authorizations.Organization(
        organization_id=ORGANIZATION,
        version=4,
        kind="firm",
        number="9000001",
        legal_name="COMPTABLES EXEMPLE INC.",
        trade_names=("Exemple", "Les Comptables Fictifs"),
        status="active",
        email="bureau@example.org",
        language="fr",
        billing_address=("12, rue Exemple", "Québec (Québec)  G1A 1A1"),
        facts=SEALED,
        code_generation=1,
    ),
    authorizations.Contact(
        contact_id=CONTACT,
        version=5,
        organization_id=ORGANIZATION,
        client_number="90000020",
        family_name="Exemple",
        given_name="Ada",
        email="ada.example@example.org",
        telephones=(authorizations.Telephone(kind="work", number="+15145550100"),),
        language="fr",
        portal="example_portal",
        functions=(
            authorizations.FunctionSpan(type="responsible_person", starts_on="2026-01-05", ends_on="2027-01-04"),
        ),
        manages=(Span(starts_on="2026-01-05", ends_on="2027-01-04"),),
        linking_code_generation=1,
        linking_code_priority="bulk",
        linking_code_changes=("email",),
        linking_code_campaign="example_campaign",
        ended_link_id=LINK,
        binding=authorizations.ContactBinding(link_id=LINK, account_id=ACCOUNT, method="example_method", since=NOW),
        credential=credentials.ContactCredential(generation=2, addresses=SEALED, halves=("temporary_password",)),
    ),
    linking.LinkingCodeIssued(
        contact_id=CONTACT, organization_id=ORGANIZATION, generation=1, delivery_id=DELIVERY, expires_at=LATER
    ),
    linking.LinkRefused(
        contact_id=CONTACT,
        organization_id=ORGANIZATION,
        account_id=ACCOUNT,
        method="linking_coordinates",
        reason="wrong_code",
    ),
    linking.ProfileLinked(
        contact_id=CONTACT,
        organization_id=ORGANIZATION,
        link_id=LINK,
        account_id=ACCOUNT,
        method="linking_coordinates",
        linked_at=NOW,
    ),
    linking.ProfileUnlinked(
        contact_id=CONTACT,
        organization_id=ORGANIZATION,
        link_id=LINK,
        account_id=ACCOUNT,
        linked_at=NOW,
        unlinked_at=SOON,
    ),
    linking.OrganizationClaimed(
        organization_id=CLIENT,
        claim_id=CLAIM,
        account_id=ACCOUNT,
        method="example_method",
        capacity="example_capacity",
        proven=True,
        locked=False,
        tried=True,
        lapses_on=date(2026, 12, 22),
    ),
    notifications.VerificationCodeMail(**_mail("verification"), minutes=10),
    notifications.VerificationLinkMail(**_mail("verification"), valid_until=LATER),
    notifications.AlreadyRegisteredMail(**_mail("verification")),
    notifications.PasswordResetCodeMail(**_mail("password_reset"), minutes=10),
    notifications.NoAccountMail(**_mail("password_reset")),
    notifications.PasswordChangedMail(**_mail("password_changed"), changed_at=NOW),
    notifications.EmailChangeCodeMail(**_mail("email_change"), minutes=10),
    notifications.AddressTakenMail(**_mail("email_change")),
    notifications.EmailChangedMail(**_mail("email_changed"), changed_at=NOW, undo_until=LATER),
    notifications.AddressCodeMail(**_mail("address_proof"), minutes=10),
    notifications.AccountLapsingMail(**_mail("account_lapsing"), lapses_on=date(2026, 12, 22)),
    notifications.AccountLapsedMail(**_mail("account_lapsed")),
    notifications.AccountClosedMail(**_mail("account_closed"), closed_at=NOW),
    notifications.AccountReopenedMail(**_mail("account_reopened")),
    notifications.UserNameMail(**_mail("user_name"), organization_name="CABINET EXEMPLE", service="example_service"),
    notifications.TemporaryPasswordMail(
        **_mail("temporary_password"),
        valid_until=LATER,
        organization_name="CABINET EXEMPLE",
        service="example_service",
    ),
    notifications.CredentialUndeliveredMail(
        **_mail("credential_undelivered"),
        organization_name="CABINET EXEMPLE",
        organization_number="9000001",
        service="example_service",
        half="temporary_password",
    ),
    notifications.LinkingCoordinatesMail(
        **_mail("linking_coordinates"),
        organization_name="COMPTABLES EXEMPLE INC.",
        organization_number="9000001",
        expires_on=date(2026, 12, 22),
        changed=("email", "telephones"),
    ),
    notifications.CampaignCoordinatesMail(
        **_mail("linking_coordinates"),
        organization_name="COMPTABLES EXEMPLE INC.",
        organization_number="9000001",
        campaign_name="Lancement exemple",
        introduction="Ceci est un exemple.",
        starts_on=date(2026, 12, 1),
        ends_on=date(2027, 1, 31),
        expires_on=date(2027, 3, 2),
        changed=("email",),
    ),
    notifications.ProfileLinkedMail(
        **_mail("profile_linked"),
        organization_name="COMPTABLES EXEMPLE INC.",
        organization_number="9000001",
        function="responsible_person",
        linked_at=NOW,
    ),
    notifications.ProfileUnlinkedMail(
        **_mail("profile_unlinked"),
        organization_name="COMPTABLES EXEMPLE INC.",
        organization_number="9000001",
        unlinked_at=SOON,
    ),
    notifications.LinkedElsewhereMail(
        **_mail("linked_elsewhere"),
        organization_name="COMPTABLES EXEMPLE INC.",
        organization_number="9000001",
        linked_at=NOW,
    ),
    notifications.OrganizationCodeLockedMail(
        **_mail("organization_code_locked"),
        organization_name="EMPLOYEUR EXEMPLE LTÉE",
        organization_number="9000003",
        locked_at=NOW,
    ),
    notifications.RequestReceivedMail(
        **_mail("request_received"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        request_kind="proposed_relation",
        concerning="COMPTABLES EXEMPLE INC.",
        lapses_on=date(2026, 12, 22),
    ),
    notifications.RequestDecidedMail(
        **_mail("request_decided"),
        organization_name="COMPTABLES EXEMPLE INC.",
        organization_number="9000001",
        request_kind="proposed_relation",
        outcome="return",
        concerning="9000002",
        decision_reason="subjects_to_correct",
    ),
    notifications.AccessRequestedMail(
        **_mail("access_requested"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        capacity="worker",
        lapses_on=date(2026, 12, 22),
    ),
    notifications.AccessRequestWaitingMail(
        **_mail("access_request_waiting"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        capacity="worker",
        lapses_on=date(2026, 12, 22),
    ),
    notifications.AccessDecidedMail(
        **_mail("access_decided"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        outcome="approve",
        function="user",
        subjects=("clearance_letter",),
        decision_reason="not_with_us",
    ),
    notifications.ClaimUndecidedMail(
        **_mail("claim_undecided"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        capacity="worker",
        lapses_on=date(2026, 12, 22),
    ),
    notifications.LinkReviewedMail(
        **_mail("link_reviewed"),
        organization_name="COMPTABLES EXEMPLE INC.",
        organization_number="9000001",
        ended_at=NOW,
        decision_reason="not_established",
    ),
    notifications.LinkNotReviewedMail(
        **_mail("link_not_reviewed"),
        organization_name="COMPTABLES EXEMPLE INC.",
        organization_number="9000001",
        lapsed_on=date(2026, 12, 22),
    ),
    notifications.ContactCorrectedMail(
        **_mail("contact_corrected"),
        organization_name="COMPTABLES EXEMPLE INC.",
        organization_number="9000001",
        changed=("language", "telephones", "relation_end"),
        corrected_at=NOW,
    ),
    notifications.AddressReplacedMail(
        **_mail("address_replaced"),
        organization_name="COMPTABLES EXEMPLE INC.",
        organization_number="9000001",
        corrected_at=NOW,
    ),
    notifications.MemberLeftMail(
        **_mail("member_left"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        firm_name="COMPTABLES EXEMPLE INC.",
        left_at=NOW,
    ),
    notifications.RepresentationEndedMail(
        **_mail("representation_ended"),
        organization_name="COMPTABLES EXEMPLE INC.",
        organization_number="9000001",
        client_name="CLIENT EXEMPLE INC.",
        withdrawn=("monthly_report",),
        ended_at=NOW,
    ),
    notifications.AccessBlockedMail(
        **_mail("block_begun"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        blocked_at=NOW,
        managing_reason="left_us",
    ),
    notifications.AccessUnblockedMail(
        **_mail("block_ended"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        unblocked_at=NOW,
    ),
    notifications.MandateChangedMail(
        **_mail("mandate_return"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        service="monthly_report",
        mandate_change="return",
        decision_reason="subjects_to_correct",
    ),
    notifications.InvitationMail(
        **_mail("invitation"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        function="staff_member",
        given=("monthly_report",),
        lapses_on=date(2026, 12, 22),
    ),
    notifications.AddressNeededMail(
        **_mail("address_needed"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        service="monthly_report",
        lapses_on=date(2026, 12, 22),
    ),
    notifications.DelegateAddressNeededMail(
        **_mail("address_needed"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        service="monthly_report",
        lapses_on=date(2026, 12, 22),
    ),
    notifications.OwnAddressNeededMail(
        **_mail("address_needed"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        service="monthly_report",
        lapses_on=date(2026, 12, 22),
    ),
    notifications.MandateToSignMail(
        **_mail("mandate_to_sign"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        service="monthly_report",
        lapses_on=date(2026, 12, 22),
    ),
    notifications.MandateUnsignedMail(
        **_mail("mandate_unsigned"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        service="monthly_report",
        lapses_on=date(2026, 12, 22),
    ),
    notifications.MandateAddressMail(
        **_mail("mandate_address"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        service="monthly_report",
        lapses_on=date(2026, 12, 22),
    ),
    notifications.RightsChangedMail(
        **_mail("functions"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        given=("monthly_report",),
        withdrawn=("profile",),
        starts_on=date(2026, 11, 22),
        ends_on=date(2026, 12, 22),
        changed_at=NOW,
    ),
    notifications.MandatedAccountClosedMail(
        **_mail("mandated_account_closed"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        changed_at=NOW,
    ),
    notifications.MandatedAccountReopenedMail(
        **_mail("mandated_account_reopened"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        changed_at=NOW,
    ),
    notifications.AdministratorStatusMail(
        **_mail("administrator_appointed"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        change="appointed",
        changed_at=NOW,
        withdrawn=("profile",),
        managing_reason="left_us",
    ),
    notifications.AccessWithdrawnMail(
        **_mail("access_withdrawn"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        functions=("access_administrator",),
        withdrawn=("monthly_report",),
        lowered=("profile",),
        changed_at=NOW,
        managing_reason="contested",
    ),
    notifications.AdministratorsChangedMail(
        **_mail("administrator_released"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        change="released",
        changed_at=NOW,
    ),
    notifications.MailsCollectedMail(
        **_mail("mails_collected"),
        organization_name="CLIENT EXEMPLE INC.",
        organization_number="9000002",
        day=date(2026, 11, 22),
        held=(
            notifications.HeldBack(budget="strangers", number=14),
            notifications.HeldBack(budget="managers", number=3),
            notifications.HeldBack(budget="warnings", number=1),
        ),
    ),
    notifications.EndsDigestMail(
        **_mail("ends_digest"),
        organization_name="COMPTABLES EXEMPLE INC.",
        organization_number="9000001",
        day=date(2026, 11, 22),
        confirm_by=date(2026, 12, 22),
        late_since=date(2026, 11, 20),
    ),
    notifications.MailAccepted(delivery_id=DELIVERY),
    notifications.MailSent(delivery_id=DELIVERY, sent_at=NOW),
    notifications.MailDeferred(delivery_id=DELIVERY, next_attempt_at=SOON),
    notifications.MailBounced(delivery_id=DELIVERY, status="5.1.1"),
    notifications.MailExpired(delivery_id=DELIVERY, reason="replaced"),
    notifications.MailSuppressed(delivery_id=DELIVERY, reason="no_such_address"),
    *(head(chain_id=ORGANIZATION, version=128, algorithm="sha256", digest="5e" * 32) for head in audit.HEADS.values()),
)

ADA = notifications.Contents(address="ada.example@example.org", given_name="Ada")
CODE = notifications.VerificationCodeContents(address="ada.example@example.org", given_name="Ada", code="000000")
MANDATED = notifications.MandatedContents(
    address="ada.example@example.org", given_name="Ada", mandated_name="Grace Exemple"
)
CLAIMANT = notifications.ClaimantContents(
    address="ada.example@example.org",
    given_name="Ada",
    claimant_name="Grace Exemple",
    claimant_email="grace.example@example.org",
)

SEALED_CONTENTS: Mapping[type[notifications.MailRequest], notifications.Contents] = {
    notifications.VerificationCodeMail: CODE,
    notifications.VerificationLinkMail: notifications.VerificationLinkContents(
        address="ada.example@example.org", given_name="Ada", token="example-registration.example-token-00000001"
    ),
    notifications.AlreadyRegisteredMail: ADA,
    notifications.PasswordResetCodeMail: CODE,
    notifications.NoAccountMail: notifications.Contents(address="ada.example@example.org", given_name=""),
    notifications.PasswordChangedMail: ADA,
    notifications.EmailChangeCodeMail: CODE,
    notifications.AddressTakenMail: ADA,
    notifications.EmailChangedMail: notifications.UndoContents(
        address="ada.example@example.org", given_name="Ada", token="example-token-00000001"
    ),
    notifications.AddressCodeMail: CODE,
    notifications.AccountLapsingMail: ADA,
    notifications.AccountLapsedMail: ADA,
    notifications.AccountClosedMail: ADA,
    notifications.AccountReopenedMail: ADA,
    notifications.UserNameMail: notifications.UserNameContents(
        address="grace.exemple@example.org", given_name="Grace", user_name="x1234567890", delegate_name="Ada Exemple"
    ),
    notifications.TemporaryPasswordMail: notifications.TemporaryPasswordContents(
        address="ada.example@example.org",
        given_name="Ada",
        temporary_password="aaaa-bbbb-cccc-dddd",
        professional_name="Grace Exemple",
    ),
    notifications.CredentialUndeliveredMail: notifications.CredentialContents(
        address="grace.exemple@example.org", given_name="Grace", other_name="Ada Exemple"
    ),
    notifications.LinkingCoordinatesMail: notifications.LinkingCoordinatesContents(
        address="ada.example@example.org",
        given_name="Ada",
        client_number="90000020",
        code="EXAMPLE00000X",
        responsible=("Grace Exemple", "Alan Exemple"),
    ),
    notifications.CampaignCoordinatesMail: notifications.CoordinatesContents(
        address="ada.example@example.org", given_name="Ada", client_number="90000020", code="EXAMPLE00000X"
    ),
    notifications.ProfileUnlinkedMail: ADA,
    notifications.ContactCorrectedMail: ADA,
    notifications.AddressReplacedMail: ADA,
    notifications.MemberLeftMail: notifications.MemberLeftContents(
        address="ada.example@example.org", given_name="Ada", contact_name="Grace Exemple"
    ),
    notifications.AccessBlockedMail: ADA,
    notifications.AccessUnblockedMail: ADA,
    notifications.RepresentationEndedMail: ADA,
    notifications.RightsChangedMail: ADA,
    notifications.InvitationMail: notifications.InvitationContents(
        address="ada.example@example.org", given_name="Ada", token="token-example-0001"
    ),
    notifications.AddressNeededMail: notifications.AddressNeededContents(
        address="ada.example@example.org", given_name="Ada", token="token-example-0001"
    ),
    notifications.DelegateAddressNeededMail: notifications.DelegateAddressNeededContents(
        address="ada.example@example.org", given_name="Ada", delegate_name="Grace Exemple"
    ),
    notifications.OwnAddressNeededMail: ADA,
    notifications.MandateToSignMail: notifications.MandateToSignContents(
        address="ada.example@example.org",
        given_name="Ada",
        token="token-example-0001",
        professional_name="Grace Exemple",
    ),
    notifications.MandateUnsignedMail: notifications.MandateUnsignedContents(
        address="ada.example@example.org", given_name="Ada", delegate_name="Grace Exemple"
    ),
    notifications.MandateAddressMail: notifications.MandateAddressContents(
        address="ada.example@example.org", given_name="Ada", token="token-example-0001"
    ),
    notifications.MandateChangedMail: notifications.MandateContents(
        address="ada.example@example.org",
        given_name="Ada",
        professional_name="Grace Exemple",
        delegate_name="Ada Exemple",
    ),
    notifications.MandatedAccountClosedMail: MANDATED,
    notifications.MandatedAccountReopenedMail: MANDATED,
    notifications.AdministratorStatusMail: ADA,
    notifications.AccessWithdrawnMail: ADA,
    notifications.AdministratorsChangedMail: notifications.AdministratorContents(
        address="ada.example@example.org", given_name="Ada", administrator_name="Grace Exemple"
    ),
    notifications.LinkedElsewhereMail: notifications.LinkedElsewhereContents(
        address="ada.example@example.org", given_name="Ada", contact_name="Grace Exemple"
    ),
    notifications.OrganizationCodeLockedMail: notifications.Contents(address="bureau@example.org", given_name=""),
    notifications.RequestReceivedMail: ADA,
    notifications.AccessRequestedMail: CLAIMANT,
    notifications.AccessRequestWaitingMail: CLAIMANT,
    notifications.AccessDecidedMail: ADA,
    notifications.ClaimUndecidedMail: CLAIMANT,
    notifications.LinkReviewedMail: ADA,
    notifications.LinkNotReviewedMail: ADA,
    notifications.RequestDecidedMail: ADA,
    notifications.ProfileLinkedMail: ADA,
    notifications.MailsCollectedMail: notifications.CollectedContents(
        address="ada.example@example.org",
        given_name="Ada",
        others=notifications.DigestFiles(
            listed=(
                notifications.DigestFile(organization_name="COMPTABLES EXEMPLE INC.", organization_number="9000001"),
            ),
            more=2,
        ),
    ),
    notifications.EndsDigestMail: notifications.EndsDigestContents(
        address="ada.example@example.org",
        given_name="Ada",
        ends=notifications.Endings(
            listed=(
                notifications.Ending(
                    ends_on=date(2026, 11, 22),
                    organization_name="CLIENT EXEMPLE INC.",
                    member_name="Grace Exemple",
                    function="staff_member",
                    subject="monthly_report",
                ),
                notifications.Ending(
                    ends_on=date(2026, 12, 22), organization_name="CLIENT EXEMPLE INC.", function="accounting_firm"
                ),
            ),
            more=12,
        ),
        others=notifications.DigestFiles(
            listed=(
                notifications.DigestFile(
                    organization_name="CLIENT EXEMPLE INC.",
                    organization_number="9000002",
                    confirm_by=date(2026, 12, 22),
                ),
                notifications.DigestFile(organization_name="AUTRE CLIENT EXEMPLE INC.", organization_number="9000003"),
            ),
            more=3,
        ),
    ),
}


@dataclass(frozen=True)
class Record:
    """A Kafka record: what a golden file holds."""

    headers: Mapping[str, str]
    key: str
    value: Mapping[str, Any]


def envelope(event: Event) -> Envelope:
    """The envelope of the example; one carries a trace."""
    plain = Envelope.around(event, id=EVENT, source=f"urn:mandat:example:{event.topic.service}", time=NOW)
    if not isinstance(event, accounts.AccountOpened):
        return plain
    return Envelope(
        plain.id, plain.source, plain.type, plain.time, plain.dataschema, plain.partitionkey, traceparent=TRACE
    )


def written(event: Event) -> Record:
    """The record as a service's outbox and relay write it."""
    headers = envelope(event).attributes()
    return Record(headers, event.key, json.loads(event.model_dump_json()))


def files() -> dict[str, str]:
    """The text of every golden file, by its name."""
    found = {
        jsonschema.file_name(type(event)): rendered(
            {"headers": record.headers, "key": record.key, "value": record.value}
        )
        for event in EVENTS
        for record in (written(event),)
    }
    for request, contents in SEALED_CONTENTS.items():
        found[jsonschema.sealed_file_name(request)] = rendered(plaintext(contents))
    return found


def plaintext(contents: BaseModel) -> dict[str, Any]:
    """What a Sealer encrypts."""
    found: dict[str, Any] = json.loads(contents.model_dump_json())
    return found


def rendered(content: Mapping[str, Any]) -> str:
    """JSON as golden files are laid out."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(files()[sys.argv[1]])
