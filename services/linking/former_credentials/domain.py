"""What a former credential stood for, how it rests here, and which of its contacts an account becomes."""

import unicodedata
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from uuid import UUID

from contracts.agency.linking import FormerCredential
from services.linking.contacts.domain import Contact, Organization
from services.linking.former_credentials.schemes import Setting
from services.linking.links.domain import Refused


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


@dataclass(frozen=True)
class Standings:
    """What the account becomes, and what it does not."""

    to_link: list[tuple[Contact, Organization]]
    refused: list[Refused]


def judge(
    found: Sequence[tuple[Contact, Organization]], linked: Set[UUID], own: Set[UUID], organizations_linked: Set[UUID]
) -> Standings:
    """Which of the live contacts that a proven credential stood for the account becomes.

    `linked` are those that some account is, `own` those that this account is. One contact per account and organization:
    of two in one organization the first is linked.
    """
    standings = Standings([], [])
    taken = set(organizations_linked)
    for contact, organization in found:
        if contact.contact_id in own:
            continue
        if contact.contact_id in linked:
            standings.refused.append(Refused(contact, "already_linked"))
        elif organization.organization_id in taken:
            standings.refused.append(Refused(contact, "other_profile_here"))
        else:
            taken.add(organization.organization_id)
            standings.to_link.append((contact, organization))
    return standings
