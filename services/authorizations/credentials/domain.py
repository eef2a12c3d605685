"""What a credential consists of, and what an agent is asked once half of one came back."""

from typing import get_args
from uuid import UUID

from chassis.sealing import Vault
from contracts.credentials import CredentialAddresses, CredentialHalf, CredentialParty
from services.authorizations.requests.domain import Asked

BOTH: tuple[CredentialHalf, ...] = get_args(CredentialHalf)


class AskedBounce(Asked):
    """To which address else half of a contact's credential should go: the mail of this generation came back."""

    contact_id: UUID
    half: CredentialHalf
    generation: int


def locked(vault: Vault, addresses: CredentialAddresses) -> str:
    """To whom a credential goes, as this service keeps it."""
    return vault.lock(addresses.model_dump_json().encode())


def unlocked(vault: Vault, kept: str) -> CredentialAddresses:
    """What was kept. Raises as `Vault.unlock` does."""
    return CredentialAddresses.model_validate_json(vault.unlock(kept))


def reader_of(half: CredentialHalf, addresses: CredentialAddresses) -> CredentialParty:
    """Whom a half goes to."""
    return addresses.professional if half == "user_name" else addresses.delegate


def other_of(half: CredentialHalf, addresses: CredentialAddresses) -> CredentialParty:
    """Whom it does not go to."""
    return addresses.delegate if half == "user_name" else addresses.professional


def readdressed(half: CredentialHalf, addresses: CredentialAddresses, email: str) -> CredentialAddresses:
    """The same, but for where this half goes."""
    party = reader_of(half, addresses).model_copy(update={"email": email})
    return addresses.model_copy(update={"professional" if half == "user_name" else "delegate": party})
