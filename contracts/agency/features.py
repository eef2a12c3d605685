"""What an agency's data have, and what they may leave out because of what they do not have."""

from collections.abc import Collection, Mapping

from contracts.agency.accounts import Accounts
from contracts.agency.campaigns import Campaigns
from contracts.agency.forms import Forms
from contracts.agency.limits import LimitName
from contracts.agency.linking import Linking
from contracts.agency.managing import Managing
from contracts.agency.relations import Relations
from contracts.agency.requests import RequestKind
from contracts.notifications import MAIL_REQUESTS, Feature

MAILS_NEEDED_FOR: Mapping[str, frozenset[Feature]] = {request.mail: request.needed_for for request in MAIL_REQUESTS}

REQUESTS_NEEDED_FOR: Mapping[RequestKind, frozenset[Feature]] = {
    "proposed_relation": frozenset({"representation"}),
    "proposed_end": frozenset({"representation"}),
    "access_request": frozenset({"organization_code"}),
    "invitation": frozenset({"invitations"}),
    "mandate": frozenset({"mandates"}),
}
"""Kinds of requests that only some agencies need a rule for; all others every agency has."""

LIMITS_NEEDED_FOR: Mapping[LimitName, frozenset[Feature]] = {
    "address_proof_tries": frozenset({"mandates"}),
    "redemption_per_account": frozenset({"linking_coordinates", "former_credential"}),
    "redemption_per_client_number": frozenset({"linking_coordinates"}),
    "redemption_per_user_name": frozenset({"former_credential"}),
    "redemption_per_user_name_by_others": frozenset({"former_credential"}),
    "former_credentials_in_all": frozenset({"former_credential"}),
    "relations_per_organization": frozenset({"representation"}),
    "requests_per_pair": frozenset({"representation"}),
    "linking_codes_per_organization": frozenset({"linking_coordinates"}),
    "linking_codes_per_contact": frozenset({"linking_coordinates"}),
    "misuse_reports_per_account": frozenset({"misuse_reports"}),
    "claim_mails_per_mailbox": frozenset({"organization_code"}),
    "claim_mails_per_mailbox_from_one_organization": frozenset({"organization_code"}),
}
"""Limits that only some agencies need; all others every agency has."""


def features(
    accounts: Accounts,
    relations: Relations,
    linking: Linking,
    campaigns: Campaigns,
    forms: Forms,
    managing: Managing,
    *,
    besides: Collection[Feature],
) -> frozenset[Feature]:
    """What the data have. What is retired counts: what began before may still have to be told of.

    `besides`: what files that an agency may be without say by being there.
    """
    present: set[Feature] = {*besides, *(method.kind for method in linking.methods)}
    present.add("confirmation_link" if accounts.confirmation == "link" else "confirmation_code")
    if campaigns.campaigns:
        present.add("campaign")
    if any(relation.shape == "representation" for relation in relations.relation_types):
        present.add("representation")
    if any(form.kind == "correction" for form in forms.forms):
        present.add("correction")
    if accounts.unlinked_accounts is not None:
        present.add("lapsing")
    if managing.administrators is not None:
        present.add("administrators")
    if managing.rights_told:
        present.add("rights_told")
    if managing.invitations:
        present.add("invitations")
    return frozenset(present)


def needed(needed_for: Collection[Feature], present: Collection[Feature]) -> bool:
    """Whether an agency with these features needs what is needed for any of those; for none: every agency."""
    return not needed_for or any(feature in present for feature in needed_for)
