"""A claim as it stands, what it asks for, and what it brings: plain data and rules over the agency's."""

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from contracts.agency import Agency
from contracts.agency.claiming import Granted
from contracts.events import Code
from services.authorizations.periods import Period
from services.authorizations.relations.domain import Grant
from services.authorizations.requests.domain import Asked, AskedGrants, GivenAccess, GivenSubject

Outcome = Literal["appointed", "asked", "refused"]


@dataclass(frozen=True)
class Claim:
    """A claim that came from linking and is not decided yet."""

    claim_id: UUID
    organization_id: UUID
    account_id: UUID
    method: str
    capacity: str
    proven: bool
    locked: bool
    lapses_on: date


class AskedAccess(Asked):
    """That the account which asks becomes a contact of the organization; what the agency's agents see of the claim.

    `offered`: by an invitation that the account has accepted, where somebody there looks like its person. That one's
    request is `invitation_id`.
    """

    method: Code
    capacity: Code
    proven: bool = False
    locked: bool = False
    offered: AskedGrants | None = None
    invitation_id: UUID | None = None


def unless_decided(agency: Agency, asked: AskedAccess, kind: str, today: date) -> GivenAccess:
    """What an approval gives that says nothing else: what was offered, or what the agency's data say."""
    if asked.offered is None:
        return given(agency, agency.capacities[asked.capacity].granted, kind, today)
    return offered(asked.offered, today)


def offered(invited: AskedGrants, today: date) -> GivenAccess:
    """What an invitation offers to whoever accepts it on a day."""
    period = Period(max(invited.starts_on, today), invited.ends_on)
    return GivenAccess(invited.type, period, [GivenSubject(grant) for grant in invited.chosen])


def given(agency: Agency, granted: Granted, kind: str, today: date) -> GivenAccess:
    """What the agency's data give, from today on, in an organization of a kind: no more than its file has."""
    ceiling = [subject.code for subject in agency.ceiling(kind, today)]
    grants = (
        [Grant(code, "write") for code in ceiling]
        if granted.subjects == "all"
        else [Grant(chosen.subject, chosen.level) for chosen in granted.subjects if chosen.subject in ceiling]
    )
    return GivenAccess(granted.type, Period(today), [GivenSubject(grant) for grant in grants])
