"""Whom a typed code makes the account: plain functions of their arguments."""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.linking.codes.domain import IssuedCode
from services.linking.contacts.domain import Contact, comes_by
from services.linking.links.domain import Refused
from services.linking.organizations.domain import Organization


@dataclass(frozen=True)
class Candidate:
    """A live contact that bears the client number: perhaps the one whose code was typed."""

    contact: Contact
    organization: Organization
    code: IssuedCode | None
    is_linked: bool


@dataclass(frozen=True)
class Proven:
    """The contact whose code was typed, and which nothing keeps from being linked."""

    contact: Contact
    organization: Organization
    generation: int


def judge(
    candidates: Sequence[Candidate],
    matching: UUID | None,
    own: Set[UUID],
    organizations_linked: Set[UUID],
    functions: Collection[str],
    now: datetime,
) -> Proven | list[Refused]:
    """Whom the typed code makes the account; `functions` are those of the account's door.

    `matching` is the candidate whose newest code was typed, dead or alive; a code is bound to its contact, so there is
    one at most. Without it, every candidate was guessed at, and each is told of in the answer. `own` are the contacts
    that the account is: whoever types the code again that linked it is refused, and nobody need be told.
    """
    found = next((candidate for candidate in candidates if candidate.contact.contact_id == matching), None)
    if found is None or found.code is None:
        return [Refused(candidate.contact, "wrong_code") for candidate in candidates]
    if matching in own:
        return []
    if found.is_linked:
        return [Refused(found.contact, "already_linked")]
    if found.code.ended or now >= found.code.expires_at:
        return [Refused(found.contact, "expired_code")]
    if not comes_by(found.contact, functions):
        return [Refused(found.contact, "other_door")]
    if found.organization.organization_id in organizations_linked:
        return [Refused(found.contact, "other_profile_here")]
    return Proven(found.contact, found.organization, found.code.generation)
