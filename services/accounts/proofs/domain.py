"""What may be proved here."""

from datetime import timedelta

from chassis.outcomes import Refusal
from contracts.agency import Agency
from contracts.agency.features import needed
from contracts.proofs import PURPOSES_NEEDED_FOR

PASSWORD_PROOF = timedelta(minutes=2)
"""For how long a password that was entered again counts elsewhere: one press of a button."""

ADDRESS_PROOF = timedelta(minutes=30)
"""For how long a proved address does: the rest of a form is filled in meanwhile."""


def refuse_purpose(agency: Agency, purpose: str) -> Refusal | None:
    """Nothing is proved for what the agency does without."""
    if needed(PURPOSES_NEEDED_FOR[purpose], agency.features):
        return None
    return Refusal("invalid_request", fields=("purpose",))
