"""What an invitation offers, and why one cannot be accepted: plain data and rules."""

from chassis.outcomes import Refusal
from contracts.agency import Agency
from services.authorizations.personal.domain import Personal
from services.authorizations.requests.domain import AskedGrants


class AskedInvitation(AskedGrants):
    """That whoever has an address becomes a contact, with a function and subjects. The address is no part of it."""


def refuse_door(agency: Agency, account: Personal, type: str) -> Refusal | None:
    """The function must be one for whose persons the door is by which the account was opened."""
    if type in agency.functions_of_door(account.door):
        return None
    return Refusal("other_door", {"support": agency.profile.support_email})


def refuse_address(invited: Personal | None, account: Personal | None) -> Refusal | None:
    """Only the account with the invited address accepts; whatever the case of its letters."""
    if invited is None or account is None or invited.email is None or account.email is None:
        return Refusal("invitation_for_another")
    return None if invited.email.lower() == account.email.lower() else Refusal("invitation_for_another")
