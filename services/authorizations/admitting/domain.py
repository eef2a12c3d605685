"""Why an account becomes a contact of an organization, or may not, and what it can be given there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from chassis.outcomes import Refusal
from contracts.agency import Agency
from services.authorizations.managing.domain import TOLD_OTHERWISE, Because
from services.authorizations.relations import domain as rules
from services.authorizations.requests.domain import GivenAccess

Obstacle = Literal["contact_already", "account_inactive", "organization_inactive", "blocked"]
"""Why an account may not become a contact: it is one, is kept out, or it or the organization is not active."""

REFUSALS: Mapping[Obstacle, Refusal] = {
    "contact_already": Refusal("already_a_contact"),
    "account_inactive": Refusal("account_not_active"),
    "organization_inactive": Refusal("organization_not_active"),
    "blocked": Refusal("claimant_blocked"),
}
"""What those who decide hear when an obstacle has come up since the account asked."""


@dataclass(frozen=True)
class Admission:
    """By which method of linking an account becomes a contact, why, and by the request that others approved or that it
    accepted itself."""

    method: str
    request_id: UUID | None = None
    because: Because = TOLD_OTHERWISE


def refuse_access(agency: Agency, access: GivenAccess, kind: str, today: date) -> Refusal | None:
    """The function must be one of such an organization's, the subjects its file's, their days within the function's."""
    outside = [s for s in access.subjects if s.period is not None and rules.within(s.period, access.period) is None]
    if outside:
        return Refusal("dates_refused", fields=("access",))
    language = agency.profile.default_language
    return (
        rules.refuse_period(access.period, today)
        or rules.refuse_membership_type(agency, access.type, kind, today)
        or rules.refuse_subjects(agency, kind, [s.grant for s in access.subjects], today, language, delegated=False)
    )
