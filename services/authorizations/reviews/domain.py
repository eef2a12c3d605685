"""What agents are asked about persons, and who may be the person: plain data."""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from pydantic import Field

from services.authorizations.requests.domain import Asked, AskedGrants

AgreementCode = Literal["equal", "close"]


class Candidate(Asked):
    """A contact who may be the person asked about; `score` says how likely, the higher the likelier.

    The score is evidence in bits. `agreeing` names the fields that agree, which `same_organization` adds to.
    """

    contact_id: UUID
    score: float
    agreeing: Mapping[str, AgreementCode] = Field(default_factory=dict[str, AgreementCode])
    same_organization: bool = False


class AskedContact(AskedGrants):
    """A new contact with a membership; who it is about stands in personal_fields under the request's id."""

    client_number: str | None = None
    candidates: tuple[Candidate, ...] = ()


class AskedComparison(Asked):
    """Whether a contact is the same person as a candidate of another organization."""

    contact_id: UUID
    candidates: tuple[Candidate, ...]


class AskedManager(Asked):
    """That somebody manages the organization; `type` is that of the membership that the last one had."""

    type: str
