"""A contact as it stands: plain data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from contracts.authorizations import CorrectedItem, Telephone
from contracts.events import Code, Language

CodePriority = Literal["normal", "bulk"]


@dataclass(frozen=True)
class BoundBy:
    """A link that is made here, and the linking method by which it is."""

    link_id: UUID
    method: str


@dataclass(frozen=True)
class ContactFile:
    """One contact as it stands. `email` is that of the account, once one is linked; `portal` is where it began.

    `bound_link_id` is the last link that was made here, whatever became of it. `credential_generation`: of the last
    credential that it was to have; 0: none.
    """

    contact_id: UUID
    organization_id: UUID
    client_number: str
    linking_code_generation: int
    linking_code_priority: CodePriority
    linking_code_changes: Sequence[CorrectedItem]
    linking_code_campaign: str | None
    ended_link_id: UUID | None
    bound_link_id: UUID | None
    credential_generation: int
    version: int
    family_name: str
    given_name: str
    telephones: Sequence[Telephone]
    language: Language
    email: str | None
    portal: Code | None
    linked: bool
