"""What a former credential stood for, how it rests here, and which of its contacts an account becomes."""

import unicodedata
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from contracts.agency.linking import FormerCredential
from services.linking.contacts.domain import Contact, comes_by
from services.linking.former_credentials.schemes import Setting
from services.linking.links.domain import Refused
from services.linking.organizations.domain import Organization


@dataclass(frozen=True)
class File:
    """A file that a credential stood for; without an organization, the client's in whichever has one."""

    client_number: str
    organization_kind: str | None = None
    organization_number: str | None = None


@dataclass(frozen=True)
class Kept:
    """A hash at rest: Argon2id over the imported digest, then keyed. The imported digest itself stands nowhere."""

    setting: Setting
    stretch_salt: bytes
    stretch_memory: int
    stretch_passes: int
    digest: str = field(repr=False)


@dataclass(frozen=True)
class Candidate:
    """Whose password the one presented must be. Without a credential it stands in for one: the work is alike."""

    credential_id: UUID | None
    kept: Kept


@dataclass(frozen=True)
class Imported:
    """An imported credential whose password was presented."""

    credential_id: UUID


@dataclass(frozen=True)
class Confirmed:
    """The agency's directory confirmed the password, and says what the credential stands for."""

    files: tuple[File, ...]


Proof = Imported | Confirmed
"""That whoever asks has the password."""


def normalized(user_name: str, method: FormerCredential) -> str:
    """A user name as it is looked up, however it was typed or exported."""
    name = unicodedata.normalize("NFC", user_name).strip()
    return name.casefold() if method.user_names == "any_case" else name


def as_bytes(password: str, method: FormerCredential) -> bytes:
    """A password as the old system hashed it; what its encoding lacks, as browsers sent it to such a system."""
    return password.encode(method.passwords, "xmlcharrefreplace")


Why = Literal["already_linked", "other_profile_here", "other_door", "not_active", "unknown"]
"""other_door: the account came by another door than the contact's. not_active: the organization, or what the contact
was to it, is over. unknown: no such file was brought in."""


@dataclass(frozen=True)
class NotLinked:
    """A file of a redeemed credential that was not linked; who has redeemed it may know why.

    The organization by its id, or where no file was found as the credential names it.
    """

    why: Why
    organization_id: UUID | None = None
    organization_number: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """A file that was not linked, as it is shown."""

    why: Why
    organization_number: str | None
    organization_name: str | None


@dataclass(frozen=True)
class Found:
    """What a credential stood for: contacts that somebody may become, those that nobody may, files of nobody."""

    live: Sequence[tuple[Contact, Organization]] = ()
    not_active: Sequence[Contact] = ()
    unknown: Sequence[File] = ()


@dataclass(frozen=True)
class Standings:
    """What the account becomes, and what it does not."""

    to_link: list[tuple[Contact, Organization]]
    refused: list[Refused]


def judge(
    found: Sequence[tuple[Contact, Organization]],
    linked: Set[UUID],
    own: Set[UUID],
    organizations_linked: Set[UUID],
    functions: Collection[str],
) -> Standings:
    """Which of the live contacts that a proven credential stood for the account becomes.

    `linked` are those that some account is, `own` those that this account is. One contact per account and organization:
    of two in one organization the first is linked. `functions` are those of the account's door.
    """
    standings = Standings([], [])
    taken = set(organizations_linked)
    for contact, organization in found:
        if contact.contact_id in own:
            continue
        if contact.contact_id in linked:
            standings.refused.append(Refused(contact, "already_linked"))
        elif not comes_by(contact, functions):
            standings.refused.append(Refused(contact, "other_door"))
        elif organization.organization_id in taken:
            standings.refused.append(Refused(contact, "other_profile_here"))
        else:
            taken.add(organization.organization_id)
            standings.to_link.append((contact, organization))
    return standings


def not_linked(found: Found, refused: Sequence[Refused]) -> list[NotLinked]:
    """What the person reads of the files that were not linked."""
    reasons: dict[str, Why] = {
        "already_linked": "already_linked", "other_profile_here": "other_profile_here",
        "other_door": "other_door",
    }  # fmt: skip
    return [
        *(NotLinked(reasons[one.reason], one.contact.organization_id) for one in refused),
        *(NotLinked("not_active", contact.organization_id) for contact in found.not_active),
        *(NotLinked("unknown", organization_number=file.organization_number) for file in found.unknown),
    ]
